package contract

import (
	"cmp"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var totals = map[string]func(*testing.T, *env){
	"codes":     testDiscountCodes,
	"the rules": testDiscountRules,
}

// Kinds of discount codes, as in the seed.
const (
	percentOff    = 1
	dollarsOff    = 2
	digitalMonths = 3
	freeShipping  = 4
)

// discountCode is a code to make. Amounts are hundredths, minimum is cents; from and until are
// intervals from now, by default a day on either side.
type discountCode struct {
	kind, amount, minimum int
	combinable            bool
	from, until           string
}

// newCode makes a discount code as staff do.
func (e *env) newCode(t *testing.T, d discountCode) string {
	t.Helper()
	code := name("CODE")
	e.exec(t, "order", `INSERT INTO discount_code (
		  code, description, start_date_time, end_date_time, combinable, type_id, amount, order_minimum_cents)
		VALUES ($1, 'Save {}', now() + $2::interval, now() + $3::interval, $4, $5, $6, $7)`, code, cmp.Or(d.from, "-1 day"),
		cmp.Or(d.until, "1 day"), d.combinable, d.kind, d.amount, d.minimum)
	return code
}

func (b *browser) apply(code string) testenv.Answer {
	b.TB.Helper()
	return b.post("/order/cart-apply-discount-code", "discount_code_id", code)
}

// A code is applied once, counts in the totals, and can be removed. Unknown and inactive codes are
// refused.
func testDiscountCodes(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("6", "5")
	b.get("/order/cart-shipping-methods")
	late := e.newCode(t, discountCode{kind: percentOff, amount: 1000, from: "-2 days", until: "-1 day"})
	early := e.newCode(t, discountCode{kind: percentOff, amount: 1000, from: "1 day", until: "2 days"})
	refusal := func(code, refused string) string {
		return `{"cart_apply_discount_code":"error","errors":{"error":"` + refused + `"},"discount_code_id":"` + code +
			`","order-api-version":"0.0.1"}`
	}

	// Unknown and inactive codes.
	b.post("/order/cart-apply-discount-code").Is(
		`{"cart_apply_discount_code":"error","errors":{"error":"discount-code-required"},"order-api-version":"0.0.1"}`)
	for _, unknown := range []string{"X", "welcome10", "WELCOME10 ", " WELCOME10", "1"} {
		b.apply(unknown).Is(refusal(unknown, "cart-discount-code-not-found"))
	}
	b.apply(late).Is(refusal(late, "cart-discount-code-not-active"))
	b.apply(early).Is(refusal(early, "cart-discount-code-not-active"))

	// Applied once.
	a := b.apply("WELCOME10")
	one := `"discount_code_data":{"1":{"discount_code_id":1,"code":"WELCOME10","description":"*","start_date_time":"*","end_date_time":"*","combinable":false,"discount_amount":"10.00",
		"order_minimum":"0.00","discounttype__title":"*","discounttype__description":"*","discounttype__applies_to":"item_total","discounttype__action":"percent-off","discount_applied":true}}`
	a.Is(`{"cart_apply_discount_code":"success","cart_found":true,"discount_code_id":"WELCOME10",` + one + `,` + totalsJSON(a,
		"cart_totals_data") + `,"order-api-version":"0.0.1"}`)
	b.wantTotals(a, "cart_totals_data", "19.95", "2.00", "9.56", "0.00", "27.51")
	b.apply("WELCOME10").Is(refusal("WELCOME10", "cart-discount-code-already-applied"))
	b.get("/order/cart-discount-codes").Is(`{"cart_found":true,` + one + `,"order-api-version":"0.0.1"}`)
	b.get("/order/confirm-discount-codes").Is(`{"checkout_allowed":true,"cart_found":true,` + one + `,"order-api-version":"0.0.1"}`)

	// Removed.
	remove := func(pairs ...string) testenv.Answer { return b.post("/order/cart-remove-discount-code", pairs...) }
	remove().Is(`{"cart_remove_discount_code":"error","errors":{"error":"discount-code-required"},"order-api-version":"0.0.1"}`)
	for _, unknown := range []string{"99999", "x", "WELCOME10", "-1", "1.0", "99999999999999999999"} {
		remove("discount_code_id", unknown).Is(`{"cart_remove_discount_code":"error","errors":{"error":"cart-discount-code-not-found"},` +
			`"discount_code_id":"` + unknown + `","order-api-version":"0.0.1"}`)
	}

	for range 2 {
		a = remove("discount_code_id", "1")
		a.Is(`{"cart_remove_discount_code":"success","cart_found":true,"discount_code_id":"1",` + noCodes + totalsJSON(a,
			"cart_totals_data") + `,"order-api-version":"0.0.1"}`)
		b.wantTotals(a, "cart_totals_data", "19.95", "0.00", "9.56", "0.00", "29.51")
	}
}

// Minimum, kind and combination of codes decide what each takes off.
func testDiscountRules(t *testing.T, e *env) {
	percent := discountCode{kind: percentOff, amount: 1000}
	dollars := e.newCode(t, discountCode{kind: dollarsOff, amount: 500})
	huge := e.newCode(t, discountCode{kind: dollarsOff, amount: 100000})
	high := e.newCode(t, discountCode{kind: percentOff, amount: 1000, minimum: 1996})
	reached := e.newCode(t, discountCode{kind: percentOff, amount: 1000, minimum: 1995})
	months := e.newCode(t, discountCode{kind: digitalMonths, amount: 300})
	free := e.newCode(t, discountCode{kind: freeShipping})
	freeTogether := e.newCode(t, discountCode{kind: freeShipping, combinable: true})
	freeHigh := e.newCode(t, discountCode{kind: freeShipping, minimum: 1996})
	plainPercent := e.newCode(t, percent)

	for what, c := range map[string]struct {
		method  string
		codes   []string
		applied []bool
		sums    [5]string
	}{
		"none": {method: "USPSRetailGround", sums: [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"dollars": {method: "USPSRetailGround", codes: []string{dollars}, applied: []bool{true},
			sums: [5]string{"19.95", "5.00", "9.56", "0.00", "24.51"}},
		"more than everything": {method: "USPSRetailGround", codes: []string{huge}, applied: []bool{true},
			sums: [5]string{"19.95", "19.95", "9.56", "0.00", "9.56"}},
		"minimum not met": {method: "USPSRetailGround", codes: []string{high}, applied: []bool{false},
			sums: [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"minimum just met": {method: "USPSRetailGround", codes: []string{reached}, applied: []bool{true},
			sums: [5]string{"19.95", "2.00", "9.56", "0.00", "27.51"}},
		"first one counts": {method: "USPSRetailGround", codes: []string{dollars, plainPercent}, applied: []bool{true, false},
			sums: [5]string{"19.95", "5.00", "9.56", "0.00", "24.51"}},
		"also when it does nothing": {method: "USPSRetailGround", codes: []string{high, dollars}, applied: []bool{false, false},
			sums: [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"months": {method: "USPSRetailGround", codes: []string{months}, applied: []bool{true},
			sums: [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
		"free shipping": {method: "USPSRetailGround", codes: []string{free}, applied: []bool{true},
			sums: [5]string{"19.95", "0.00", "9.56", "9.56", "19.95"}},
		"not for FedEx": {method: "FedExGround", codes: []string{free}, sums: [5]string{"19.95", "0.00", "10.85", "0.00", "30.80"}},
		"together": {method: "USPSRetailGround", codes: []string{freeTogether, dollars}, applied: []bool{true, true},
			sums: [5]string{"19.95", "5.00", "9.56", "9.56", "14.95"}},
		"twice free": {method: "USPSRetailGround", codes: []string{freeTogether, free},
			sums: [5]string{"19.95", "0.00", "9.56", "9.56", "19.95"}},
		"free, but too little": {method: "USPSRetailGround", codes: []string{freeHigh}, applied: []bool{false},
			sums: [5]string{"19.95", "0.00", "9.56", "0.00", "29.51"}},
	} {
		t.Run(what, func(t *testing.T) {
			b := e.browser(t)
			b.add("6", "5")
			b.post("/order/cart-update-shipping-method", "shipping_method_identifier", c.method)
			for _, code := range c.codes {
				b.apply(code).Want("success", "cart_apply_discount_code")
			}

			a := b.get("/order/cart-totals")
			b.wantTotals(a, "cart_totals_data", c.sums[:]...)
			b.wantTotals(b.get("/order/confirm-totals"), "confirm_totals_data", c.sums[:]...)

			codes := b.get("/order/cart-discount-codes").At("discount_code_data").(map[string]any)
			for i := range c.applied {
				for _, v := range codes {
					if one := v.(map[string]any); one["code"] == c.codes[i] && one["discount_applied"] != c.applied[i] {
						t.Errorf("code %d is applied: %v", i+1, one["discount_applied"])
					}
				}
			}
		})
	}

	// A code that expires in the cart.
	b := e.browser(t)
	b.add("6", "5")
	b.get("/order/cart-shipping-methods")
	gone := e.newCode(t, percent)
	b.apply(gone)
	e.exec(t, "order", "UPDATE discount_code SET end_date_time = now() - interval '1 second' WHERE code = $1", gone)
	b.wantTotals(b.get("/order/cart-totals"), "cart_totals_data", "19.95", "0.00", "9.56", "0.00", "29.51")
}
