package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// crashPoint is a step after which the process dies, and how shoppers have to behave to get there.
type crashPoint struct {
	name  string
	quiet bool     // Stripe's webhooks do not come
	away  bool     // no one comes back to the success page
	early bool     // reached at every start already, before the shop opens
	env   []string // settings
}

// crashPoints are all steps of a payment's way between which nothing may get lost or doubled.
var crashPoints = []crashPoint{
	{name: "order.quote-stored"},
	{name: "order.session-made"},
	{name: "webhook.verified", away: true},
	{name: "webhook.stored", away: true},
	{name: "webhook.relay-claimed", away: true},
	{name: "webhook.relay-publishing", away: true},
	{name: "webhook.relay-acknowledged", away: true},
	{name: "webhook.relay-confirming", away: true},
	{name: "order-stripe.received", away: true},
	{name: "order-stripe.committed", away: true},
	{name: "order-stripe.acknowledged", away: true},
	{name: "order.success-asked", quiet: true},
	{name: "order.relay-claimed", early: true},
	{name: "order.relay-publishing", early: true},
	{name: "order.relay-acknowledged", early: true},
	{name: "order.relay-confirming"},
	{name: "mailer-mail.received"},
	{name: "mailer-mail.committed"},
	{name: "mailer-mail.acknowledged"},
	{name: "mailer.claimed"},
	{name: "mailer.sent"},
	{name: "mailer.noted"},
	{name: "mailer.relay-publishing"},
	{name: "user-order.committed"},
	{name: "events-order.committed"},
	{name: "events-event.received"},
	{name: "events-event.committed"},
	{name: "order.sweep-found", quiet: true, away: true, env: quickSweep},
	{name: "order.sweep-settled", quiet: true, away: true, env: quickSweep},
}

// crashShoppers buy in each life of a shop; the process dies twice on the way. If it does not within half a minute, as
// many more come, crashTries times in all.
const (
	crashShoppers = 3
	crashTries    = 3
)

// crashesAtOnce bounds how many shops live beside one another.
const crashesAtOnce = 3

// Wherever the process is killed, after its restart every payment is one order and one mail of the
// right amount, and no one did anything by hand.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, crashesAtOnce)
	for _, p := range crashPoints {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			crash(t, p)
		})
	}
}

func crash(t *testing.T, p crashPoint) {
	t.Helper()
	first := "FAULT=" + p.name + ":1"
	env := slices.Clone(p.env)
	if !p.early {
		env = append(env, first)
	}
	shop := shoptest.Start(t, shoptest.Options{Faults: true, Env: env})
	if p.quiet {
		shop.StripeSwitches(dropWebhooks)
	}
	if p.early {
		shop.Kill()
		shop.AgainUnseen(first)
	}
	var all sync.WaitGroup
	shoppers := 0
	for life := range 2 { // dies at the first hit, and in its second life at the second
		for try := range crashTries { // what gathers for a moment may be one hit for all of them
			for range crashShoppers {
				email := fmt.Sprintf("life%d.shopper%d@mail.example.com", life, shoppers)
				shoppers++
				all.Go(func() {
					if err := buyThrough(shop, email, !p.away); err != nil {
						t.Errorf("life %d, %s: %v", life, email, err)
					}
				})
			}
			if shop.Ended(30 * time.Second) {
				break
			}
			if try == crashTries-1 {
				t.Errorf("life %d: the process did not come to %s", life, p.name)
				all.Wait()
				return
			}
		}
		if life == 0 {
			shop.AgainUnseen("FAULT=" + p.name + ":2")
		}
	}
	shop.Again("FAULT=")
	all.Wait()
	shop.Check(60 * time.Second)
	if want, got := shoppers, len(shop.Orders()); got != want {
		t.Errorf("%d orders for %d shoppers", got, want)
	}
}

// buyThrough is a shopper who tries again whatever happens, as people do.
func buyThrough(shop *shoptest.Shop, email string, back bool) error {
	b := shop.Browser()
	var session string
	look := func() error { return seen(b.Try(http.MethodGet, "/clientevent/pageview?url=%2F&pageWidth=400", nil)) }
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"get a token", func() error { return want(b.Try(http.MethodGet, "/user/token", nil))("token", "") }},
		{"look at the shop", look},
		{"fill the cart", func() error {
			return want(b.Try(http.MethodPost, "/order/cart-add-product-sku", url.Values{"sku_id": {"6"}, "quantity": {"1"}}))(
				"cart_add_product_sku", "success")
		}},
		{"check out", func() error {
			a, err := b.Try(http.MethodPost, "/order/create-checkout-session",
				url.Values{"agree_to_terms_of_sale": {"true"}, "anonymous_email_address": {email}})
			session = a.Text("session_id")
			return want(a, err)("create_checkout_session", "success")
		}},
		{"look at the payment page", look},
		{"pay", func() error { return shop.TryPay(session, payAs(email)) }},
		{"come back", func() error {
			if !back {
				return nil
			}
			return want(b.Try(http.MethodGet, "/order/checkout-session-success?session_id="+session, nil))("checkout_session_success",
				"success")
		}},
		{"look at the order", look},
	} {
		if err := insist(step.do); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// seen wants an answer to a page view.
func seen(a shoptest.Answer, err error) error {
	if err == nil && a.Status != http.StatusOK {
		return fmt.Errorf("answered %d %s", a.Status, a.Body)
	}
	return err
}
