package edge

import (
	"net/http"
	"testing"
)

// Each owner runs twice, and one process of each is unavailable: all requests of shoppers go to the
// other.
func TestOneProcessOfEachOwnerIsAway(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) {
		for _, at := range []*string{&c.UserURL, &c.OrderURL, &c.EventsURL, &c.WebhookURL} {
			*at = "http://127.0.0.1:1, " + *at
		}
	})
	for range 3 {
		b := e.browser()
		b.Post("/order/cart-add-product-sku", "sku_id", "1").OK()
		if got := e.order.last().body; got != "sku_id=1" {
			t.Errorf("order got %q", got)
		}
		b.login()
		b.Get("/user/logged-in").Has(http.StatusOK, `"cart_item_count":3`)
		b.Get("/user/account-content").OK()
		b.Do(b.form("/order/stripe-webhook", "a", "b"))
	}
	if n := e.webhook.count("/order/stripe-webhook"); n != 3 {
		t.Errorf("webhook was told %d of 3 events", n)
	}
}
