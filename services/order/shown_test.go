package order

import "testing"

// A page that says what it shows pays that or is told what changed; one that says nothing pays what the
// cart holds.
func TestPayWhatWasShown(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	pay := func(p *shopper, quote string) body {
		b := p.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", "a@mail.example.com", "quote", quote)
		s.exec(`UPDATE checkout SET state = 'failed' WHERE state = 'creating'`)
		return b
	}
	for name, test := range map[string]struct {
		change             func(p *shopper)
		before, after      string
		oldMethod, nowWith string
	}{
		"a line":     {change: func(p *shopper) { p.add("7", "1") }, before: "17.54", after: "32.53"},
		"a quantity": {change: func(p *shopper) { p.post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "1") }, before: "17.54", after: "13.55"},
		"the method": {change: func(p *shopper) {
			p.post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround")
		}, before: "17.54", nowWith: "UPSGround"},
		"the method's price": {change: func(*shopper) {
			s.exec(`UPDATE shipping_method SET shipping_cost_cents = shipping_cost_cents + 100 WHERE identifier = 'USPSRetailGround'`)
		}},
		"a method that is no more": {change: func(p *shopper) {
			s.exec(`UPDATE shipping_method SET active = false WHERE identifier = 'UPSGround'`)
		}, oldMethod: "UPSGround", nowWith: "USPSRetailGround"},
		"a price":             {change: func(*shopper) { s.exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, 500)`) }},
		"another SKU for one": {change: func(p *shopper) { p.post("/order/cart-remove-sku", "sku_id", "6"); p.add("1", "2") }},
		"a code":              {change: func(p *shopper) { p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") }},
	} {
		p := s.visitor()
		s.exec(`UPDATE shipping_method SET active = true, shipping_cost_cents = CASE identifier WHEN 'USPSRetailGround' THEN 956 ELSE shipping_cost_cents END`)
		s.exec(`DELETE FROM sku_price WHERE sku_id = 6 AND price_cents = 500`)
		p.add("6", "2")
		if name == "a code" {
			p.post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "20")
		}
		if test.oldMethod != "" {
			p.post("/order/cart-update-shipping-method", "shipping_method_identifier", test.oldMethod)
		}
		totals := p.get("/order/confirm-totals?quote=true")
		want(t, p.get("/order/confirm-discount-codes?quote=true"), totals["quote"], "quote")
		quote, _ := totals["quote"].(string)
		want(t, pay(p, quote), "stripe-error", "errors", "error") // this shop has no Stripe: as far as one gets
		test.change(p)
		b := pay(p, quote)
		want(t, b, "quote-changed", "errors", "error")
		want(t, b, totals.at("confirm_totals_data", "cart_total"), "errors", "old", "total")
		now := p.get("/order/confirm-totals?quote=true")
		want(t, b, now.at("confirm_totals_data", "cart_total"), "errors", "new", "total")
		want(t, b, now["quote"], "errors", "new", "quote")
		if test.before != "" {
			want(t, b, test.before, "errors", "old", "total")
		}
		if test.after != "" {
			want(t, b, test.after, "errors", "new", "total")
		}
		if test.oldMethod != "" {
			want(t, b, test.oldMethod, "errors", "old", "shipping_method")
		}
		if test.nowWith != "" {
			want(t, b, test.nowWith, "errors", "new", "shipping_method")
		}
		want(t, pay(p, quote), "quote-changed", "errors", "error") // the same old page learns nothing by repeating
		fresh, _ := now["quote"].(string)
		want(t, pay(p, fresh), "stripe-error", "errors", "error")
		want(t, pay(p, ""), "stripe-error", "errors", "error")
		for _, odd := range []string{"x", "...", "-1.a.b.c", "99999999999999999999.a.b.c", "1", quote + "x"} {
			want(t, pay(p, odd), "quote-changed", "errors", "error")
		}
		if t.Failed() {
			t.Fatalf("with %s changed", name)
		}
	}
}

// Nothing of the contract's answers grows for pages that do not ask.
func TestOldPagesGetTheContractsAnswers(t *testing.T) {
	t.Parallel()
	p := newShop(t).visitor()
	p.add("6", "1")
	for _, path := range []string{"cart-items", "confirm-items", "confirm-discount-codes", "confirm-totals"} {
		b := p.get("/order/" + path)
		for _, key := range []string{"quote", "quote_lines", "payment_pending"} {
			if _, there := b[key]; there {
				t.Errorf("%s answers %s", path, key)
			}
		}
	}
	items := p.get("/order/confirm-items?quote=true")
	p.add("6", "1")
	if p.get("/order/confirm-items?quote=true")["quote_lines"] == items["quote_lines"] {
		t.Error("other lines have the same name")
	}
}
