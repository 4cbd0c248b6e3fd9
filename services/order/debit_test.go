package order

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func unpaidYet(o map[string]any) { o["payment_status"] = "unpaid" }

// mails counts the messages that have mails of a kind sent.
func (e *env) mails(kind string) int {
	e.t.Helper()
	return e.Number(`SELECT count(*) FROM outbox WHERE subject = $1`, msg.MailSubject(kind))
}

// However often and in whatever order Stripe reports on a debit, the shopper gets one mail that we
// wait, and one when the bank refuses.
func TestMailsAboutADebit(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kinds            []string
		pending, refused int
	}{
		"pending": {[]string{completed, completed}, 1, 0},
		"refused": {[]string{completed, "checkout.session.async_payment_failed", "checkout.session.async_payment_failed",
			completed}, 1, 1},
		"refusal first":            {[]string{"checkout.session.async_payment_failed", completed}, 0, 1},
		"expired, never completed": {[]string{"checkout.session.expired", "checkout.session.async_payment_failed"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			p := e.visitor()
			p.add("6", "2")
			c := p.quoted("pat@mail.example.com")
			for i, kind := range test.kinds {
				e.mustHandle(event("evt_"+web.ID(int64(i)), kind, c, unpaidYet))
			}

			if pending, refused := e.mails(msg.MailPaymentPending), e.mails(msg.MailPaymentRefused); pending != test.pending ||
				refused != test.refused {
				t.Errorf("%d mails that we wait and %d that the bank refused, want %d and %d", pending, refused, test.pending, test.refused)
			}
			if n := e.Number(`SELECT count(*) FROM outbox WHERE subject LIKE 'mail.send.payment-%'
				AND convert_from(payload, 'UTF8')::jsonb->'to'->>0 = 'pat@mail.example.com'
				AND convert_from(payload, 'UTF8')::jsonb->'payment'
				  @> '{"total":1754,"lines":[{"quantity":2}]}'`); n != test.pending+test.refused {
				t.Errorf("%d of them name the buyer and the items, want %d", n, test.pending+test.refused)
			}
		})
	}
}

// A shopper who goes to pay for a cart whose debit is under way is asked first, whatever became of
// the cart in the meantime. A page that does not know the question answers it by clicking again.
func TestShopperIsAskedAboutAPendingDebit(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pay := func(p *shopper, more ...string) any {
		b := p.Post("/order/create-checkout-session",
			append([]string{"agree_to_terms_of_sale", "true", "anonymous_email_address", "pat@mail.example.com"}, more...)...)
		if reason := b.At("errors", "reason"); reason != nil {
			return reason
		}
		return b.At("errors", "error") // this shop has no Stripe: it gets no further
	}

	for name, change := range map[string]func(p *shopper) *shopper{
		"the same cart":    func(p *shopper) *shopper { return p },
		"other contents":   func(p *shopper) *shopper { p.add("7", "1"); return p },
		"things swapped":   func(p *shopper) *shopper { p.add("7", "1"); p.Post("/order/cart-remove-sku", "sku_id", "6"); return p },
		"the cart deleted": func(p *shopper) *shopper { p.Post("/order/cart-delete-cart"); p.add("6", "1"); return p },
		"registered":       func(p *shopper) *shopper { return e.loggedIn(p, 1) },
		"merged": func(p *shopper) *shopper {
			e.member(2).add("6", "1")
			return e.loggedIn(p, 2)
		},
	} {
		p := e.visitor()
		p.add("6", "1")
		e.mustHandle(event("evt_"+name, completed, p.quoted("pat@mail.example.com"), unpaidYet))
		p.Get("/order/cart-items").Want("13.55", "payment_pending", "total")
		p.Get("/order/confirm-items").Want("13.55", "payment_pending", "total")
		p = change(p)
		if got := pay(p); got != reasonPending {
			t.Errorf("%s: asked with %v", name, got)
		}
		if got := pay(p); got != reasonPending {
			t.Errorf("%s: a double click is answered %v", name, got)
		}
		if got := pay(p, "although_payment_pending", "true"); got != "stripe-error" {
			t.Errorf("%s: a shopper who confirms gets %v", name, got)
		}
		e.Exec(`UPDATE checkout SET state = 'expired' WHERE state = 'creating'`)
		e.Exec(`UPDATE checkout SET asked_at = now() - interval '3 seconds' WHERE state = 'pending'`)
		if got := pay(p); got != "stripe-error" {
			t.Errorf("%s: the second click gets %v", name, got)
		}
		e.Exec(`UPDATE checkout SET state = 'failed' WHERE state IN ('creating', 'pending')`)
	}

	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	e.mustHandle(event("evt_p", completed, c, unpaidYet), event("evt_f", "checkout.session.async_payment_failed", c, unpaidYet))
	if got := pay(p); got != "stripe-error" { // nothing is under way any longer
		t.Errorf("after the refusal: %v", got)
	}
	p.Get("/order/cart-items").Want(nil, "payment_pending")
}

// loggedIn is a visitor who became a member.
func (e *env) loggedIn(p *shopper, member int64) *shopper {
	m := e.member(member)
	m.Cart = p.Cart
	m.Post("/internal/cart-merge")
	return m
}

// A debit and a card payment for one cart make one order, whichever comes first.
func TestDebitAndCardPaymentMakeOneOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 5 WHERE id = 6`)
	p := e.visitor()
	p.add("6", "1")
	debit := p.quoted("")
	e.mustHandle(event("evt_1", completed, debit, unpaidYet))
	card := p.quoted("")
	succeeded := event("evt_3", delayedEvent, debit, nil)
	for _, d := range []*bus.Delivery{event("evt_2", completed, card, nil), succeeded, succeeded} {
		e.mustHandle(d)
	}
	if orders, stock := e.Number(`SELECT count(*) FROM orders`), e.Number(`SELECT stock FROM sku WHERE id = 6`); orders != 1 || stock != 4 {
		t.Errorf("%d orders, %d pieces left; want 1 and 4", orders, stock)
	}
	if got := e.Text(`SELECT reason || ' ' || session_id FROM payment_issue`); got != "paid-twice "+*debit.SessionID {
		t.Errorf("for staff: %s", got)
	}
}
