package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

const (
	pageOfCheckout = "/order/create-checkout-session"
	pageOfSuccess  = "checkout_session_success"
)

// If every webhook is lost and no shopper returns, the sweep makes the orders. A late webhook makes
// no second one.
func TestSweepRepairs(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: quickSweep})
	shop.StripeSwitches(dropWebhooks)

	// Five payments, one each that is paid later, fails later, or is never paid.
	var sessions []string
	for n := range 5 {
		email := fmt.Sprintf("lost%d@mail.example.com", n)
		session := shop.Browser().Checkout("6", fmt.Sprint(n+1), email)
		shop.Pay(session, payAs(email))
		sessions = append(sessions, session)
	}
	delayed := shop.Browser().Checkout("7", "1", "delayed@mail.example.com")
	shop.Pay(delayed, []byte(`{"delayed":true,"email":"delayed@mail.example.com"}`))
	failing := shop.Browser().Checkout("7", "1", "failing@mail.example.com")
	shop.Pay(failing, []byte(`{"delayed":true,"email":"failing@mail.example.com"}`))
	left := shop.Browser().Checkout("7", "1", "left@mail.example.com")
	shop.StripeDo("/_/sessions/"+left+"/expire", `{}`)

	// The sweep makes the orders, and ends the checkout that is not paid.
	shop.Check(60 * time.Second)
	if n := len(shop.Orders()); n != len(sessions) {
		t.Errorf("%d orders", n)
	}
	shop.Eventually(30*time.Second, "the expired session has given back what it held", func() bool {
		return shop.Count("order", `SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'expired'`, left) == 1
	})

	// The debits end.
	shop.StripeDo("/_/sessions/"+delayed+"/async", `{"outcome":"succeed"}`)
	shop.StripeDo("/_/sessions/"+failing+"/async", `{"outcome":"fail"}`)
	shop.Eventually(30*time.Second, "the failed payment has given back what it held", func() bool {
		return shop.Count("order", `SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'failed'`, failing) == 1
	})
	shop.Check(60 * time.Second)

	// Late webhooks make no second order.
	for _, session := range sessions {
		if status, err := shop.PostEvent(shop.Event(completed, session)); err != nil || status != http.StatusOK {
			t.Errorf("the webhook answers %d %v", status, err)
		}
	}
	shop.Check(60 * time.Second)
	if n := len(shop.Orders()); n != len(sessions)+1 {
		t.Errorf("%d orders", n)
	}
}

// A bank debit is an order once the money has come, and not before.
func TestDelayedPayments(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	for _, outcome := range []string{"succeed", "fail"} {
		b := shop.Browser()
		email := outcome + "@mail.example.com"
		session := b.Checkout("6", "2", email)
		shop.Pay(session, []byte(`{"delayed":true,"email":"`+email+`"}`))
		b.Want(b.Success(session), "payment-not-completed", "errors", "error")

		shop.StripeDo("/_/sessions/"+session+"/async", `{"outcome":"`+outcome+`"}`)
		if outcome == "succeed" {
			shop.WaitMails(email, 1, 60*time.Second)
			b.Want(b.Success(session), "success", pageOfSuccess)
			continue
		}

		shop.Eventually(30*time.Second, "the checkout has failed", func() bool {
			return shop.Count("order", `SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'failed'`, session) == 1
		})
		b.Want(b.Success(session), "payment-not-completed", "errors", "error")
		b.Want(b.Get("/order/cart-items"), true, "cart_found")
		again := checkOut(b, email)
		if again.Text("session_id") == session {
			t.Error("a failed session is handed out again")
		}

		shop.Pay(again.Text("session_id"), payAs(email))
	}
	shop.Check(60 * time.Second)
}

// A payment that cannot become an order is an entry for staff with everything they need.
func TestPaymentsForStaff(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.StripeSwitches(dropWebhooks)
	post := func(event []byte) {
		t.Helper()
		if status, err := shop.PostEvent(event); err != nil || status != http.StatusOK {
			t.Errorf("the webhook answers %d %v", status, err)
		}
	}
	issue := func(reason, session string) {
		t.Helper()
		shop.Eventually(30*time.Second, reason+" is in the list", func() bool {
			return shop.Count("order", `SELECT count(*) FROM payment_issue
				WHERE reason = $1 AND session_id = $2 AND payment_intent <> '' AND amount > 0
				  AND length(explanation) > 20 AND payload::text LIKE '%' || $2 || '%'`, reason, session) == 1
		})
	}
	var except []string

	// For events of an unknown version Stripe is asked.
	session, event := paidUntold(t, shop, shop.Browser(), "version@mail.example.com")
	post(withID(t, withField(t, event, "api_version", "2011-11-17"), "evt_version"))
	issue("unknown-api-version", session)
	shop.WaitMails("version@mail.example.com", 1, 20*time.Second)

	// Events that contradict Stripe make nothing; the true one makes an order.
	for reason, change := range map[string]func(event []byte) []byte{
		"amount-differs":   func(e []byte) []byte { return withObject(t, e, "amount_total", 1) },
		"currency-differs": func(e []byte) []byte { return withObject(t, e, "currency", "cad") },
		"other-account":    func(e []byte) []byte { return withField(t, e, "account", "acct_somebody") },
	} {
		session, event := paidUntold(t, shop, shop.Browser(), reason+"@mail.example.com")
		post(withID(t, change(event), "evt_"+strings.ReplaceAll(reason, "-", "_")))
		issue(reason, session)
		if n := shop.Count("order", `SELECT count(*) FROM orders WHERE session_id = $1`, session); n != 0 {
			t.Errorf("%s made an order", reason)
		}
		post(event)
	}

	// A session that this shop never made.
	session, event = paidUntold(t, shop, shop.Browser(), "stranger@mail.example.com")
	strange := bytes.ReplaceAll(event, []byte(session), []byte("cs_test_strange"))
	strange = withObject(t, withObject(t, strange, "client_reference_id", "elsewhere"), "metadata", map[string]string{})
	post(withID(t, strange, "evt_strange"))
	issue("no-quote", "cs_test_strange")
	post(event)

	// Paid after the checkout had ended: an order if everything is still in stock, and shown to
	// staff.
	late, event := paidUntold(t, shop, shop.Browser(), "late@mail.example.com")
	shop.Exec("order", `UPDATE checkout SET state = 'expired' WHERE session_id = $1`, late)
	post(event)
	issue("paid-after-end", late)

	shop.Exec("order", `UPDATE sku SET stock = 1 WHERE id = 7`)
	tooLate := shop.Browser().Checkout("7", "1", "too.late@mail.example.com")
	shop.Pay(tooLate, payAs("too.late@mail.example.com"))
	shop.Exec("order", `DELETE FROM reservation`)
	shop.Exec("order", `UPDATE checkout SET state = 'expired' WHERE session_id = $1`, tooLate)
	post(shop.Event(completed, tooLate))
	issue("paid-after-end", tooLate)

	// A pending debit that the shop has not heard of is not an order, and the shopper is asked
	// before a second payment.
	b := shop.Browser()
	debit := b.Checkout("6", "1", "debit@mail.example.com")
	shop.Pay(debit, []byte(`{"delayed":true,"email":"debit@mail.example.com"}`))
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success", "cart_add_product_sku")
	b.Want(checkOut(b, "debit@mail.example.com"), "payment-pending", "errors", "reason") // the shop asks first
	b.Want(b.Post(pageOfCheckout, "agree_to_terms_of_sale", "true", "anonymous_email_address", "debit@mail.example.com",
		"although_payment_pending", "true"), "success", "create_checkout_session")
	b.Want(b.Success(debit), "payment-not-completed", "errors", "error")
	if n := shop.Count("order", `SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'pending'`, debit); n != 1 {
		t.Error("what an unpaid debit is for is not held")
	}
	shop.StripeDo("/_/sessions/"+debit+"/async", `{"outcome":"fail"}`)

	// One cart paid on two pages.
	b = shop.Browser()
	first := b.Checkout("6", "1", "twice@mail.example.com")
	shop.Exec("order", `UPDATE checkout SET state = 'expired' WHERE session_id = $1`, first)
	second := checkOut(b, "twice@mail.example.com").Text("session_id")
	shop.Exec("order", `UPDATE checkout SET quote_hash = 'other', state = 'open' WHERE session_id = $1`, first)
	shop.Pay(first, payAs("twice@mail.example.com"))
	shop.Pay(second, payAs("twice@mail.example.com"))
	b.Want(b.Success(first), "success", pageOfSuccess)
	b.Want(b.Success(second), "unexpected-error", "errors", "error")
	post(shop.Event(completed, second))
	post(shop.Event(completed, first))
	issue("paid-twice", second)
	except = append(except, tooLate, second)

	// Refunds and disputes are added to the order's history; the order stays.
	shop.StripeSwitches(sendWebhooks)
	intent := shop.Session(first).PaymentIntent
	shop.StripeDo("/_/payments/"+intent+"/refund", `{"amount":100}`)
	shop.StripeDo("/_/payments/"+intent+"/dispute", `{}`)
	shop.StripeDo("/_/payments/"+intent+"/dispute", `{"outcome":"lost"}`)
	shop.Eventually(30*time.Second, "refund and dispute are noted", func() bool {
		return shop.Count("order", `SELECT count(DISTINCT type) FROM payment_event WHERE payment_intent = $1`, intent) >= 3
	})
	shop.Check(60*time.Second, except...)
}

// A failing Stripe costs the shopper at most another click, never the cart, and makes no second
// page.
func TestStripeInTrouble(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	for n, trouble := range []struct {
		what, switches string
		fails          bool // in spite of the shop's own retries
		sessions       int  // for the quote at Stripe in the end
	}{
		// Stripe replays a 500 under the same key, so the shop can only try again at the shopper's
		// next click.
		{what: "500s", switches: `{"api_faults":[{"kind":"500","times":-1,"method":"POST","path":"/v1/checkout/sessions"}]}`, fails: true,
			sessions: 1},
		{what: "500s after the effect", switches: `{"api_faults":[{"kind":"500","after":true,"times":-1,"method":"POST",` +
			`"path":"/v1/checkout/sessions"}]}`, fails: true, sessions: 2},
		{what: "two 429s", switches: `{"api_faults":[{"kind":"429","times":2,"method":"POST","path":"/v1/checkout/sessions"}]}`,
			sessions: 1},
		{what: "429s", switches: `{"api_faults":[{"kind":"429","times":-1,"method":"POST","path":"/v1/checkout/sessions"}]}`, fails: true,
			sessions: 1},
		{what: "a timeout before the effect", switches: `{"api_faults":[{"kind":"timeout","hang_ms":300,"times":1,"method":"POST",` +
			`"path":"/v1/checkout/sessions"}]}`, sessions: 1},
		{what: "a timeout after the effect", switches: `{"api_faults":[{"kind":"timeout","after":true,"hang_ms":300,"times":1,` +
			`"method":"POST","path":"/v1/checkout/sessions"}]}`, sessions: 1},
		{what: "timeouts", switches: `{"api_faults":[{"kind":"timeout","hang_ms":300,"times":-1,"method":"POST",` +
			`"path":"/v1/checkout/sessions"}]}`, fails: true, sessions: 1},
		{what: "a slow Stripe", switches: `{"api_latency_ms":1500}`, sessions: 1},
	} {
		t.Run(trouble.what, func(t *testing.T) {
			shop := shop.For(t)
			b := shop.Browser()
			email := fmt.Sprintf("trouble%d@mail.example.com", n)
			b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")
			shop.StripeSwitches(trouble.switches)
			began := time.Now()
			a := checkOut(b, email)
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("answered after %s", took)
			}
			if trouble.fails {
				b.Want(a, "stripe-error", "errors", "error")
				b.Want(b.Get("/order/cart-items"), true, "cart_found")
			} else {
				b.Want(a, "success", "create_checkout_session")
			}

			// Stripe works again: the next click succeeds.
			shop.StripeSwitches(`{"api_faults":[],"api_latency_ms":0}`)
			session := a.Text("session_id")
			if trouble.fails {
				a = checkOut(b, email)
				b.Want(a, "success", "create_checkout_session")
				session = a.Text("session_id")
			}

			reference, pages := shop.Session(session).ClientReferenceID, 0
			for _, one := range shop.Ledger() {
				if one.ClientReferenceID == reference {
					pages++
				}
			}
			if pages != trouble.sessions {
				t.Errorf("Stripe has %d sessions for one quote, want %d", pages, trouble.sessions)
			}

			shop.Pay(session, payAs(email))
			// Stripe may also fail on the success page.
			shop.StripeSwitches(`{"api_faults":[{"kind":"500","times":2,"method":"GET"}]}`)
			b.Want(b.Success(session), "success", pageOfSuccess)
			shop.StripeSwitches(`{"api_faults":[]}`)
		})
	}
	shop.Check(60 * time.Second)
}

// However often and fast a shopper clicks, one cart has one payment page.
func TestDoubleClickOpensOnePage(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	b := shop.Browser()
	shop.Exec("order", `UPDATE sku SET stock = 2 WHERE id = 6`) // the first click reserves the last ones
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")

	// Eight clicks at once.
	var all sync.WaitGroup
	var mu sync.Mutex
	pages := map[string]int{}
	for range 8 {
		all.Go(func() {
			a, err := b.Try(http.MethodPost, pageOfCheckout,
				url.Values{"agree_to_terms_of_sale": {"true"}, "anonymous_email_address": {"click@mail.example.com"}})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			pages[a.Text("session_id")+" "+a.Text("errors", "error")]++
		})
	}
	all.Wait()
	if len(pages) != 1 || len(shop.Ledger()) != 1 {
		t.Errorf("answers %v, Stripe has %d sessions", pages, len(shop.Ledger()))
	}

	// The paid page is not used again.
	session := shop.Ledger()[0].ID
	shop.Pay(session, payAs("click@mail.example.com"))
	b.Want(b.Success(session), "success", pageOfSuccess)
	shop.Exec("order", `UPDATE sku SET stock = NULL WHERE id = 6`)
	// A new cart gets a new page.
	if b.Checkout("6", "2", "click@mail.example.com") == session {
		t.Error("a paid page is handed out again")
	}
	// A changed cart closes its former page.
	former := shop.Browser()
	old := former.Checkout("6", "1", "former@mail.example.com")
	if former.Checkout("6", "1", "former@mail.example.com") == old {
		t.Error("another content has the same page")
	}
	if status := shop.Session(old).Status; status != "expired" {
		t.Errorf("the former page is %s", status)
	}
	shop.Check(60 * time.Second)
}
