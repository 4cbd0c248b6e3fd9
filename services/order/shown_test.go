package order

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A page that says what it showed pays exactly that or is told what changed; a page that says
// nothing pays what the cart holds.
func TestPayWhatWasShown(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pay := func(p *shopper, quote string) testenv.Answer {
		b := p.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", "a@mail.example.com",
			"quote", quote)
		e.Exec(`UPDATE checkout SET state = 'failed' WHERE state = 'creating'`)
		return b
	}

	for name, test := range map[string]struct {
		change             func(p *shopper)
		before, after      string
		oldMethod, nowWith string
	}{
		"a line": {change: func(p *shopper) { p.add("7", "1") }, before: "17.54", after: "32.53"},
		"a quantity": {change: func(p *shopper) { p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "1") },
			before: "17.54", after: "13.55"},
		"the method": {change: func(p *shopper) {
			p.Post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround")
		}, before: "17.54", nowWith: "UPSGround"},
		"the method's price": {change: func(*shopper) {
			e.Exec(`UPDATE shipping_method SET shipping_cost_cents = shipping_cost_cents + 100 WHERE identifier = 'USPSRetailGround'`)
		}},
		"a method that is no more": {change: func(p *shopper) {
			e.Exec(`UPDATE shipping_method SET active = false WHERE identifier = 'UPSGround'`)
		}, oldMethod: "UPSGround", nowWith: "USPSRetailGround"},
		"a price":             {change: func(*shopper) { e.Exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, 500)`) }},
		"another SKU for one": {change: func(p *shopper) { p.Post("/order/cart-remove-sku", "sku_id", "6"); p.add("1", "2") }},
		"a code":              {change: func(p *shopper) { p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") }},
	} {
		p := e.visitor()
		e.Exec(`UPDATE shipping_method SET active = true, shipping_cost_cents = CASE identifier WHEN 'USPSRetailGround' THEN 956 ELSE ` +
			`shipping_cost_cents END`)
		e.Exec(`DELETE FROM sku_price WHERE sku_id = 6 AND price_cents = 500`)
		p.add("6", "2")
		if name == "a code" {
			p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "20")
		}

		if test.oldMethod != "" {
			p.Post("/order/cart-update-shipping-method", "shipping_method_identifier", test.oldMethod)
		}
		totals := p.Get("/order/confirm-totals?quote=true")
		p.Get("/order/confirm-discount-codes?quote=true").Want(totals.At("quote"), "quote")
		quote := totals.Text("quote")
		pay(p, quote).Want("stripe-error", "errors", "error") // this shop has no Stripe: it gets no further
		test.change(p)

		b := pay(p, quote)
		b.Want("quote-changed", "errors", "error")
		b.Want(totals.At("confirm_totals_data", "cart_total"), "errors", "old", "total")
		now := p.Get("/order/confirm-totals?quote=true")
		b.Want(now.At("confirm_totals_data", "cart_total"), "errors", "new", "total")
		b.Want(now.At("quote"), "errors", "new", "quote")
		if test.before != "" {
			b.Want(test.before, "errors", "old", "total")
		}

		if test.after != "" {
			b.Want(test.after, "errors", "new", "total")
		}
		if test.oldMethod != "" {
			b.Want(test.oldMethod, "errors", "old", "shipping_method")
		}
		if test.nowWith != "" {
			b.Want(test.nowWith, "errors", "new", "shipping_method")
		}

		pay(p, quote).Want("quote-changed", "errors", "error") // an old page gets the same answer again
		fresh := now.Text("quote")
		pay(p, fresh).Want("stripe-error", "errors", "error")
		pay(p, "").Want("stripe-error", "errors", "error")
		for _, odd := range []string{"x", "...", "-1.a.b.c", "99999999999999999999.a.b.c", "1", quote + "x"} {
			pay(p, odd).Want("quote-changed", "errors", "error")
		}
		if t.Failed() {
			t.Fatalf("with %s changed", name)
		}
	}
}

// The contract's answers do not grow for pages that do not ask for the quote.
func TestOldPagesGetTheContractsAnswers(t *testing.T) {
	t.Parallel()
	p := newEnv(t).visitor()
	p.add("6", "1")
	for _, path := range []string{"cart-items", "confirm-items", "confirm-discount-codes", "confirm-totals"} {
		b := p.Get("/order/" + path)
		for _, key := range []string{"quote", "quote_lines", "payment_pending"} {
			if strings.Contains(b.Body, `"`+key+`":`) {
				t.Errorf("%s answers %s", path, key)
			}
		}
	}
	items := p.Get("/order/confirm-items?quote=true")
	p.add("6", "1")
	if p.Get("/order/confirm-items?quote=true").At("quote_lines") == items.At("quote_lines") {
		t.Error("other lines have the same name")
	}
}
