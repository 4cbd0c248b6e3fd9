package contract

import (
	"testing"
)

var totals = map[string]func(*testing.T, *world){
	"codes":     testCodes,
	"the rules": testRules,
}

// newCode makes a discount code, as staff do; type as in the seed: 1 percent, 2 dollars, 3 digital months, 4 free shipping.
func (w *world) newCode(t *testing.T, kind int, amount, minimum int, combinable bool, from, until string) string {
	t.Helper()
	code := name("CODE")
	w.exec(t, "order", `INSERT INTO discount_code (code, description, start_date_time, end_date_time, combinable, type_id, amount, order_minimum_cents)
		VALUES ($1, 'Save {}', now() + $2::interval, now() + $3::interval, $4, $5, $6, $7)`, code, from, until, combinable, kind, amount, minimum)
	return code
}

func (b *browser) apply(code string) answer {
	b.t.Helper()
	return b.post("/order/cart-apply-discount-code", "discount_code_id", code)
}

func testCodes(t *testing.T, w *world) {
	b := w.browser(t)
	b.add("6", "5")
	b.get("/order/cart-shipping-methods")
	late, early := w.newCode(t, 1, 1000, 0, false, "-2 days", "-1 day"), w.newCode(t, 1, 1000, 0, false, "1 day", "2 days")
	refusal := func(code, refused string) string {
		return `{"cart_apply_discount_code":"error","errors":{"error":"` + refused + `"},"discount_code_id":"` + code + `","order-api-version":"0.0.1"}`
	}
	b.is(b.post("/order/cart-apply-discount-code"), `{"cart_apply_discount_code":"error","errors":{"error":"discount-code-required"},"order-api-version":"0.0.1"}`)
	for _, unknown := range []string{"X", "welcome10", "WELCOME10 ", " WELCOME10", "1"} {
		b.is(b.apply(unknown), refusal(unknown, "cart-discount-code-not-found"))
	}
	b.is(b.apply(late), refusal(late, "cart-discount-code-not-active"))
	b.is(b.apply(early), refusal(early, "cart-discount-code-not-active"))
	a := b.apply("WELCOME10")
	one := `"discount_code_data":{"1":{"discount_code_id":1,"code":"WELCOME10","description":"*","start_date_time":"*","end_date_time":"*","combinable":false,"discount_amount":"10.00",
		"order_minimum":"0.00","discounttype__title":"*","discounttype__description":"*","discounttype__applies_to":"item_total","discounttype__action":"percent-off","discount_applied":true}}`
	b.is(a, `{"cart_apply_discount_code":"success","cart_found":true,"discount_code_id":"WELCOME10",`+one+`,`+totalsJSON(a, "cart_totals_data")+`,"order-api-version":"0.0.1"}`)
	b.sums(a, "cart_totals_data", "19.95", "2.00", "9.56", "0.00", "27.51")
	b.is(b.apply("WELCOME10"), refusal("WELCOME10", "cart-discount-code-already-applied"))
	b.is(b.get("/order/cart-discount-codes"), `{"cart_found":true,`+one+`,"order-api-version":"0.0.1"}`)
	b.is(b.get("/order/confirm-discount-codes"), `{"checkout_allowed":true,"cart_found":true,`+one+`,"order-api-version":"0.0.1"}`)
	remove := func(pairs ...string) answer { return b.post("/order/cart-remove-discount-code", pairs...) }
	b.is(remove(), `{"cart_remove_discount_code":"error","errors":{"error":"discount-code-required"},"order-api-version":"0.0.1"}`)
	for _, unknown := range []string{"99999", "x", "WELCOME10", "-1", "1.0", "99999999999999999999"} {
		b.is(remove("discount_code_id", unknown), `{"cart_remove_discount_code":"error","errors":{"error":"cart-discount-code-not-found"},"discount_code_id":"`+unknown+`","order-api-version":"0.0.1"}`)
	}
	for range 2 {
		a = remove("discount_code_id", "1")
		b.is(a, `{"cart_remove_discount_code":"success","cart_found":true,"discount_code_id":"1",`+noCodes+totalsJSON(a, "cart_totals_data")+`,"order-api-version":"0.0.1"}`)
		b.sums(a, "cart_totals_data", "19.95", "0.00", "9.56", "0.00", "29.51")
	}
}

func testRules(t *testing.T, w *world) {
	day, ago := "1 day", "-1 day"
	percent := func(combinable bool) string { return w.newCode(t, 1, 1000, 0, combinable, ago, day) }
	dollars := w.newCode(t, 2, 500, 0, false, ago, day)
	huge := w.newCode(t, 2, 100000, 0, false, ago, day)
	high := w.newCode(t, 1, 1000, 1996, false, ago, day)
	reached := w.newCode(t, 1, 1000, 1995, false, ago, day)
	months := w.newCode(t, 3, 300, 0, false, ago, day)
	free, freeTogether, freeHigh := w.newCode(t, 4, 0, 0, false, ago, day), w.newCode(t, 4, 0, 0, true, ago, day), w.newCode(t, 4, 0, 1996, false, ago, day)
	plainPercent := percent(false)
	for what, c := range map[string]struct {
		method  string
		codes   []string
		applied []bool
		sums    [5]string
	}{
		"none":                      {"USPSRetailGround", nil, nil, [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"dollars":                   {"USPSRetailGround", []string{dollars}, []bool{true}, [5]string{"19.95", "5.00", "9.56", "0.00", "24.51"}},
		"more than everything":      {"USPSRetailGround", []string{huge}, []bool{true}, [5]string{"19.95", "19.95", "9.56", "0.00", "9.56"}},
		"minimum not met":           {"USPSRetailGround", []string{high}, []bool{false}, [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"minimum just met":          {"USPSRetailGround", []string{reached}, []bool{true}, [5]string{"19.95", "2.00", "9.56", "0.00", "27.51"}},
		"first one counts":          {"USPSRetailGround", []string{dollars, plainPercent}, []bool{true, false}, [5]string{"19.95", "5.00", "9.56", "0.00", "24.51"}},
		"also when it does nothing": {"USPSRetailGround", []string{high, dollars}, []bool{false, false}, [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"months":                    {"USPSRetailGround", []string{months}, []bool{true}, [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"free shipping":             {"USPSRetailGround", []string{free}, []bool{true}, [5]string{"19.95", "0.00", "9.56", "9.56", "19.95"}},
		"not for FedEx":             {"FedExGround", []string{free}, nil, [5]string{"19.95", "0.00", "10.85", "0.00", "30.80"}},
		"together":                  {"USPSRetailGround", []string{freeTogether, dollars}, []bool{true, true}, [5]string{"19.95", "5.00", "9.56", "9.56", "14.95"}},
		"twice free":                {"USPSRetailGround", []string{freeTogether, free}, nil, [5]string{"19.95", "0.00", "9.56", "9.56", "19.95"}},
		"free, but too little":      {"USPSRetailGround", []string{freeHigh}, []bool{false}, [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
	} {
		b := w.browser(t)
		b.add("6", "5")
		b.post("/order/cart-update-shipping-method", "shipping_method_identifier", c.method)
		for _, code := range c.codes {
			b.has(b.apply(code), "success", "cart_apply_discount_code")
		}
		a := b.get("/order/cart-totals")
		t.Log(what)
		b.sums(a, "cart_totals_data", c.sums[:]...)
		b.sums(b.get("/order/confirm-totals"), "confirm_totals_data", c.sums[:]...)
		codes := b.get("/order/cart-discount-codes").at("discount_code_data").(map[string]any)
		for i := range c.applied {
			for _, v := range codes {
				if one := v.(map[string]any); one["code"] == c.codes[i] && one["discount_applied"] != c.applied[i] {
					t.Errorf("%s: code %d is applied: %v", what, i+1, one["discount_applied"])
				}
			}
		}
	}
	b := w.browser(t)
	b.add("6", "5")
	b.get("/order/cart-shipping-methods")
	gone := percent(false)
	b.apply(gone)
	w.exec(t, "order", "UPDATE discount_code SET end_date_time = now() - interval '1 second' WHERE code = $1", gone)
	b.sums(b.get("/order/cart-totals"), "cart_totals_data", "19.95", "0.00", "9.56", "0.00", "29.51")
}
