package e2e

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// Two shops on one PostgreSQL server sell side by side, and what one gives out opens nothing in the other.
func TestTwoShopsOnOneServer(t *testing.T) {
	t.Parallel()
	mark := strings.ToLower(rand.Text()[:8]) // roles belong to the whole server
	names := [2]string{"acme_" + mark, "bolt_" + mark}
	var shops [2]*shoptest.Shop
	for i, name := range names {
		shops[i] = shoptest.Start(t, shoptest.Options{DatabaseURL: testenv.EmptyDatabase(t), Env: []string{"SHOP_NAME=" + name}})
	}
	a, b := shops[0], shops[1]
	for i, shop := range shops {
		buyStepByStep(shop, names[i]+"@mail.example.com")
	}
	session := a.Session(anySession(t, a))
	if got := session.Metadata["shop"]; got != names[0] {
		t.Errorf("Stripe is told of shop %q, want %q", got, names[0])
	}

	t.Run("a payment of one is none of the other's", func(t *testing.T) {
		orders := b.Count("order", `SELECT count(*) FROM orders`)
		event := a.Event("checkout.session.completed", session.ID)
		if status, err := b.PostEvent(event); err != nil || status != http.StatusOK { // signed with b's own secret: one Stripe account
			t.Errorf("%d, %v", status, err)
		}
		b.Quiet(20 * time.Second)
		if n := b.Count("order", `SELECT count(*) FROM orders`); n != orders {
			t.Errorf("%d orders of another shop's payment", n-orders)
		}
		if n := b.Count("order", `SELECT count(*) FROM payment_issue`); n != 0 {
			t.Errorf("%d entries for staff of another shop's payment", n)
		}
	})
	t.Run("an event signed by one is refused by the other", func(t *testing.T) {
		if status, err := a.PostEventTo(b, a.Event("checkout.session.completed", session.ID)); err != nil || status != http.StatusBadRequest {
			t.Errorf("%d, %v, want 400", status, err)
		}
	})
	t.Run("cookies", func(t *testing.T) {
		browser := a.Browser()
		browser.Get("/user/token")
		browser.Want(browser.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")
		if browser.Cookie("an_ct_"+names[0]) == "" || browser.Cookie("an_ct") != "" {
			t.Error("the cookie of a cart does not have the shop's name")
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/order/cart-items", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"an_ct", "an_ct_" + names[1]} {
			r.AddCookie(&http.Cookie{Name: name, Value: browser.Cookie("an_ct_" + names[0])})
		}
		answer, err := b.Browser().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.At("cart_found") != false {
			t.Errorf("the cart of another shop: %s", answer.Body)
		}
	})
	t.Run("a process with the database of the other ends", func(t *testing.T) {
		code, _, stderr := a.Command("order", "payments")
		if code != 0 {
			t.Errorf("a command of one's own shop: %d, %s", code, stderr)
		}
		pool, err := pg.Open(t.Context(), b.DatabaseURL, names[0], "order")
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		if err := pool.Ping(t.Context()); !errors.Is(err, pg.ErrOtherShop) {
			t.Errorf("the database of another shop: %v", err)
		}
	})
}

func anySession(t *testing.T, shop *shoptest.Shop) string {
	t.Helper()
	ledger := shop.Ledger()
	if len(ledger) == 0 {
		t.Fatal("no session")
	}
	return ledger[0].ID
}
