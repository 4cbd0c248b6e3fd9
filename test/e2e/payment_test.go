package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

const (
	dropWebhooks = `{"webhook_drop":"all"}`
	sendWebhooks = `{"webhook_drop":0}`
	completed    = "checkout.session.completed"
)

// paidUntold makes a payment of which the shop has not heard, and returns its session and Stripe's
// event.
func paidUntold(t *testing.T, shop *shoptest.Shop, b *shoptest.Browser, email string) (session string, event []byte) {
	t.Helper()
	session = b.Checkout("6", "2", email)
	shop.Pay(session, payAs(email))
	return session, shop.Event(completed, session)
}

// Twenty success pages and webhooks at once for each payment make one order of it.
func TestTwentyReportsOfAPaymentMakeOneOrder(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.StripeSwitches(dropWebhooks)
	b := shop.Browser()
	session, event := paidUntold(t, shop, b, "twenty@mail.example.com")

	// Ten success pages and ten webhooks at the same moment.
	start := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	identifiers := map[string]bool{}
	for i := range 20 {
		all.Go(func() {
			<-start
			if i%2 == 0 {
				if status, err := shop.PostEvent(event); err != nil || status != 200 {
					t.Errorf("the webhook answers %d %v", status, err)
				}
				return
			}
			a, err := b.Try("GET", "/order/checkout-session-success?session_id="+session, nil)
			if err != nil || a.Status != 200 || a.Text("checkout_session_success") != "success" {
				t.Errorf("the success page answers %d %s %v", a.Status, a.Body, err)
			}
			mu.Lock()
			defer mu.Unlock()
			identifiers[a.Text("order_identifier")] = true
		})
	}
	close(start)
	all.Wait()
	if len(identifiers) != 1 {
		t.Errorf("identifiers: %v", identifiers)
	}

	// The same event again, and under other ids as Stripe may send it.
	for range 100 {
		if status, err := shop.PostEvent(event); err != nil || status != 200 {
			t.Fatalf("the same event again: %d %v", status, err)
		}
	}
	// Stripe may send the same event under other ids.
	for i := range 5 {
		if status, err := shop.PostEvent(withID(t, event, fmt.Sprintf("evt_other_%d", i))); err != nil || status != 200 {
			t.Fatalf("another event about it: %d %v", status, err)
		}
	}

	shop.Check(60 * time.Second)
	if n := shop.Count("webhook", `SELECT count(*) FROM event`); n != 6 {
		t.Errorf("%d events are stored", n)
	}
}

// Whatever reports a payment, and in which order, makes the same order.
func TestWebhookAndSuccessPageInAnyOrder(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.StripeSwitches(dropWebhooks)
	post := func(event []byte) {
		if status, err := shop.PostEvent(event); err != nil || status != 200 {
			t.Errorf("the webhook answers %d %v", status, err)
		}
	}
	ordered := func(session string) string {
		var identifier string
		shop.Eventually(30*time.Second, "the order of "+session, func() bool {
			for _, o := range shop.Orders() {
				if o.SessionID == session {
					identifier = o.Identifier
				}
			}
			return identifier != ""
		})
		return identifier
	}

	session, event := paidUntold(t, shop, shop.Browser(), "webhook.only@mail.example.com")
	post(event)
	ordered(session)

	b := shop.Browser()
	session, _ = paidUntold(t, shop, b, "page.only@mail.example.com")
	b.Want(b.Success(session), "success", "checkout_session_success")

	b = shop.Browser()
	session, event = paidUntold(t, shop, b, "webhook.first@mail.example.com")
	post(event)
	b.Want(b.Success(session), ordered(session), "order_identifier")

	b = shop.Browser()
	session, event = paidUntold(t, shop, b, "webhook.second@mail.example.com")
	first := b.Success(session).Text("order_identifier")
	post(event)
	b.Want(b.Success(session), first, "order_identifier")

	b = shop.Browser()
	session, event = paidUntold(t, shop, b, "at.once@mail.example.com")
	var both sync.WaitGroup
	both.Go(func() { post(event) })
	both.Go(func() {
		if a, err := b.Try("GET", "/order/checkout-session-success?session_id="+session, nil); err != nil ||
			a.Text("order_identifier") == "" {
			t.Errorf("the success page: %s %v", a.Body, err)
		}
	})
	both.Wait()
	// Another browser without cookies gets the same order: Stripe may return the shopper in a new
	// one.
	other := shop.Browser()
	other.Want(other.Success(session), ordered(session), "order_identifier")
	shop.Check(60 * time.Second)
}

// An order is what was paid, whatever happens to cart and prices meanwhile.
func TestOrderIsWhatWasPaid(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	discounts(shop)
	for i, c := range []struct {
		what   string
		change func(b *shoptest.Browser)
	}{
		{"the quantity", func(b *shoptest.Browser) {
			b.Want(b.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "9"), "success", "cart_update_sku_quantity")
		}},
		// Emptying or deleting a cart closes its payment page at Stripe. A change by SQL leaves the
		// page open, as if the shopper had paid at that very moment.
		{"an emptied cart", func(*shoptest.Browser) {
			shop.Exec("order", `DELETE FROM cart_line WHERE cart_id = (SELECT cart_id FROM checkout WHERE email = `+
				`'paid1@mail.example.com')`)
		}},
		{"a deleted cart", func(*shoptest.Browser) {
			shop.Exec("order", `DELETE FROM cart WHERE id = (SELECT cart_id FROM checkout WHERE email = 'paid2@mail.example.com')`)
		}},
		{"another item", func(b *shoptest.Browser) {
			b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "3"), "success", "cart_add_product_sku")
		}},
		{"the prices", func(*shoptest.Browser) { shop.Exec("order", `UPDATE sku_price SET price_cents = price_cents + 1`) }},
		{"the shipping cost", func(*shoptest.Browser) {
			shop.Exec("order", `UPDATE shipping_method SET shipping_cost_cents = shipping_cost_cents + 7`)
		}},
		{"an expired code", func(*shoptest.Browser) {
			shop.Exec("order", `UPDATE discount_code SET end_date_time = now() - interval '1 second' WHERE code = 'E2ETEN'`)
		}},
	} {
		b := shop.Browser()
		b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "5"), "success", "cart_add_product_sku")
		b.Want(b.Post("/order/cart-apply-discount-code", "discount_code_id", "E2ETEN"), "success", "cart_apply_discount_code")
		if i%2 == 0 {
			b.Want(b.Post("/order/cart-apply-discount-code", "discount_code_id", "E2ESHIP"), "success", "cart_apply_discount_code")
		}
		total := b.Get("/order/confirm-totals").At("confirm_totals_data", "cart_total")
		email := fmt.Sprintf("paid%d@mail.example.com", i)
		a := b.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", email)
		b.Want(a, "success", "create_checkout_session")
		session := a.Text("session_id")

		c.change(b)
		shop.Pay(session, payAs(email))
		identifier := b.Success(session).Text("order_identifier")
		if identifier == "" {
			t.Errorf("%s: the success page says %s", c.what, b.Success(session).Body)
			continue
		}

		order := b.Get("/order/" + identifier)
		if got := order.At("order_data", "order_totals", "order_total"); fmt.Sprint(got) != fmt.Sprint(total) {
			t.Errorf("%s: shown %v, ordered %v in %s", c.what, total, got, order.Body)
		}
	}
	shop.Check(60 * time.Second)
}

// discounts makes a code for ten percent that can be combined with free shipping.
func discounts(shop *shoptest.Shop) {
	shop.Exec("order", `
		INSERT INTO discount_code (
		  code, description, start_date_time, end_date_time, combinable, type_id, amount, order_minimum_cents) VALUES
		('E2ETEN', 'A tenth off', now() - interval '1 day', now() + interval '1 day', true, 1, 1000, 0),
		('E2ESHIP', 'Free shipping', now() - interval '1 day', now() + interval '1 day', true, 4, 0, 0)`)
}
