package order

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// A quote that cannot have a payment page is refused before Stripe is asked: in words for the
// shopper, and with a log line and a count for staff.
func TestUnsellableCartsAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var logged bytes.Buffer
	e.server.log = slog.New(slog.NewTextHandler(&logged, nil))
	address := []string{"agree_to_terms_of_sale", "true", "anonymous_email_address", "pat@mail.example.com"}
	refused := func(name, reason, code string, words ...string) {
		t.Helper()
		before := testutil.ToFloat64(checkoutRefused.WithLabelValues(reason))
		logged.Reset()
		p := e.visitor()
		p.add("6", "1")
		if reason == "too-many-items" {
			e.Exec(`INSERT INTO cart_line (cart_id, sku_id, quantity) SELECT c.id, s.id, 1 FROM sku s, cart c WHERE s.id > 1000 AND `+
				`c.anonymous_id = $1`, p.Cart)
		}

		a := p.Post("/order/create-checkout-session", address...)
		a.Want(code, "errors", "error")
		text := a.Text("errors", "description")
		for _, word := range words {
			if !strings.Contains(text, word) {
				t.Errorf("%s: the shopper reads %q", name, text)
			}
		}

		if strings.Contains(text, "try again") {
			t.Errorf("%s: trying again does not help, yet the shopper reads %q", name, text)
		}
		if line := logged.String(); !strings.Contains(line, "level=WARN") || !strings.Contains(line, "reason="+reason) ||
			strings.Contains(line, "pat@") {
			t.Errorf("%s: staff read %q", name, line)
		}
		if after := testutil.ToFloat64(checkoutRefused.WithLabelValues(reason)); after != before+1 {
			t.Errorf("%s: counted %v times", name, after-before)
		}
		if n := e.Number(`SELECT count(*) FROM checkout`); n != 0 {
			t.Errorf("%s left %d quotes", name, n)
		}
	}

	price := func(cents int) { e.Exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, $1)`, cents) }

	price(99_999_999)
	refused("a total above Stripe's", "total-too-high", "stripe-error", "1000009.55", "999999.99")
	e.Exec(`UPDATE shipping_method SET active = false`)
	price(399)
	refused("no shipping method", "no-shipping-method", "shipping-method-required", "ship")
	e.Exec(`UPDATE shipping_method SET active = true WHERE identifier = 'None'`)

	price(49)
	refused("a total below Stripe's", "total-too-low", "stripe-error", "0.49", "0.50", "add something")
	e.Exec(`ALTER TABLE sku_price DROP CONSTRAINT sku_price_stripe`) // as an old price of a shop may be
	price(100_000_000)
	refused("a price above Stripe's", "price-too-high", "stripe-error", "Binder Clips", "999999.99")
	price(1)
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id) SELECT 1000 + n, 1, 1 FROM generate_series(1, 100) n`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 100 FROM sku WHERE id > 1000`)
	refused("more items than Stripe takes", "too-many-items", "stripe-error", "100")
}

// The schema's upper price is Stripe's.
func TestNoPriceAboveStripes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, sql := range []string{
		`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, %d)`,
		`UPDATE shipping_method SET shipping_cost_cents = %d WHERE id = 1`,
	} {
		if _, err := e.Conn.Exec(t.Context(), fmt.Sprintf(sql, stripe.MaxTotal)); err != nil {
			t.Errorf("Stripe's highest: %v", err)
		}
		if _, err := e.Conn.Exec(t.Context(), fmt.Sprintf(sql, stripe.MaxTotal+1)); err == nil ||
			!strings.Contains(err.Error(), "_stripe") {
			t.Errorf("above Stripe's: %v", err)
		}
	}
}

// An invalid address from a visitor is not stored and holds no stock. Old pages that send it go on
// to pay, and Stripe asks for an address.
func TestInvalidAddressIsNotStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.ceilings()
	for i, odd := range []string{"pat", "pat@", "pat @mail.example.com", "<pat@mail.example.com>", "pät@mail.example.com",
		strings.Repeat("p", 250) + "@mail.example.com"} {
		p := e.visitor()
		p.add("6", "1")
		if refused := p.goesToPay(odd); refused != "" {
			t.Errorf("%q: %s", odd, refused)
		}
		if n := e.Number(`SELECT count(*) FROM checkout WHERE email IS NULL AND person IS NULL`); n != i+1 {
			t.Errorf("%q is stored", odd)
		}
	}
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 6`)
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address",
		"pat@").Want("anonymous-email-address-required", "errors", "error")
}
