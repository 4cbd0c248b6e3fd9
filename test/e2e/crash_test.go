package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// crashWay is how shoppers behave while a shop dies at one point after another.
type crashWay struct {
	name   string
	quiet  bool     // Stripe's webhooks do not arrive
	away   bool     // no shopper returns to the success page
	env    []string // settings
	points []string
}

// crashWays hold all steps of a payment between which nothing may be lost or done twice.
var crashWays = []crashWay{
	{name: "orders", points: []string{
		"order.quote-stored", "order.session-made", "order.relay-claimed", "order.relay-publishing",
		"order.relay-acknowledged", "order.relay-confirming", "user-order.committed", "events-order.committed",
		"events-event.received", "events-event.committed",
	}},
	{name: "mails", points: []string{
		"mailer-mail.received", "mailer-mail.committed", "mailer-mail.acknowledged", "mailer.claimed", "mailer.sent", "mailer.noted",
		"mailer.relay-publishing",
	}},
	{name: "no one comes back", away: true, points: []string{
		"webhook.verified", "webhook.stored", "webhook.relay-claimed", "webhook.relay-publishing", "webhook.relay-acknowledged",
		"webhook.relay-confirming", "order-stripe.received", "order-stripe.committed", "order-stripe.acknowledged",
	}},
	{name: "no webhook comes", quiet: true, points: []string{"order.success-asked"}},
	{name: "neither comes", quiet: true, away: true, env: quickSweep, points: []string{"order.sweep-found", "order.sweep-settled"}},
}

// crashShoppers buy in each life of a shop. If the process does not die within half a minute, as
// many more buy, up to crashTries times.
const (
	crashShoppers = 3
	crashTries    = 3
)

// crashesAtOnce is the number of shops that run at the same time.
const crashesAtOnce = 3

// The process is killed the first and the second time that it comes to a point. After the restart
// every payment is one order and one mail of the right amount, without anybody's help. One shop
// dies at all points of its way, so what one death leaves behind meets the next.
func TestKilledBetweenAnyTwoSteps(t *testing.T) {
	t.Parallel()
	slots := make(chan struct{}, crashesAtOnce)
	for _, w := range crashWays {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			w.die(t)
		})
	}
}

func (w crashWay) die(t *testing.T) {
	t.Helper()
	shop := shoptest.Start(t, shoptest.Options{Faults: true, Env: w.env})
	if w.quiet {
		shop.StripeSwitches(dropWebhooks)
	}
	shop.Kill()

	var all sync.WaitGroup
	shoppers := 0
	for _, point := range w.points {
		for hit := 1; hit <= 2; hit++ {
			// Some points are reached at every start, before the shop opens.
			shop.AgainUnseen(fmt.Sprintf("FAULT=%s:%d", point, hit))
			for try := range crashTries { // batched work may hit the point once for all shoppers
				for range crashShoppers {
					email := fmt.Sprintf("shopper%d@mail.example.com", shoppers)
					shoppers++
					all.Go(func() {
						if err := buyThrough(shop, email, !w.away); err != nil {
							t.Errorf("%s:%d, %s: %v", point, hit, email, err)
						}
					})
				}
				if shop.Ended(30 * time.Second) {
					break
				}
				if try == crashTries-1 {
					t.Errorf("%s:%d: the process did not come there", point, hit)
					shop.Kill()
				}
			}
		}
	}

	shop.Again("FAULT=")
	all.Wait()
	shop.Check(60 * time.Second)
	if want, got := shoppers, len(shop.Orders()); got != want {
		t.Errorf("%d orders for %d shoppers", got, want)
	}
}

// buyThrough is a shopper who retries whatever fails, as people do.
func buyThrough(shop *shoptest.Shop, email string, back bool) error {
	b := shop.Browser()
	var session string
	look := func() error {
		return wantPageView(b.Try(http.MethodGet, "/clientevent/pageview?url=%2F&pageWidth=400", nil))
	}
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

// wantPageView wants a page view to be answered.
func wantPageView(a shoptest.Answer, err error) error {
	if err == nil && a.Status != http.StatusOK {
		return fmt.Errorf("answered %d %s", a.Status, a.Body)
	}
	return err
}
