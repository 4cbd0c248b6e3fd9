package order

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strconv"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The tax within an amount is what rational arithmetic says, rounded half up; states come before
// their country.
func TestTaxWithinAnAmount(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 7)) //nolint:gosec // repeatable
	for range 10_000 {
		amount, rate := money.Cents(r.Int64N(100_000_000)), taxRate{Rate: r.Int64N(fullRate)}
		exact := new(big.Rat).Mul(big.NewRat(int64(amount), 100), big.NewRat(rate.Rate, fullRate+rate.Rate))
		if got := new(big.Rat).SetFrac64(int64(rate.part(amount)), 100); got.Cmp(halfUp(exact)) != 0 {
			t.Fatalf("%d within %s is %s", rate.Rate, amount, got)
		}
	}

	rates, wrong := readTaxRates("DE 19\r\nUS-NY 8.875%\nus, 5\nCA-ON: 13.0")
	if wrong != "" || len(rates) != 4 || rates[1].String() != "US-NY 8.875" || rates[3].String() != "CA-ON 13" {
		t.Errorf("%v, %q", rates, wrong)
	}
	for place, want := range map[msg.Address]int64{{CountryCode: "us", State: "ny"}: 8875, {CountryCode: "US", State: "TX"}: 5000,
		{CountryCode: "DE"}: 19_000, {CountryCode: "FR"}: 0, {}: 0, {CountryCode: "CA", State: "BC"}: 0} {
		if got := (quoteTax{Rates: rates}).rateOf(place).Rate; got != want {
			t.Errorf("%v: %d", place, got)
		}
	}

	for _, bad := range []string{"XX 1", "DE", "DE x", "DE 100", "DE 1.2345", "DE 1\nDE 2", "DE -1", "DE 1 2"} {
		if _, wrong := readTaxRates(bad); wrong == "" {
			t.Errorf("%q is taken", bad)
		}
	}
}

// taxCarts is how many carts TestTaxIsTheSameByEveryRoute takes: a few by default, TAX_CARTS with
// make taxes.
func taxCarts(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("TAX_CARTS"))
	if err != nil {
		return 20
	}
	return n
}

// For random carts, taxed in each way, the tax of the session is that of the order and of the mail,
// and what is refunded piece by piece is what was paid, to the cent. What was quoted keeps its
// taxes when the settings change.
func TestTaxIsTheSameByEveryRoute(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	r := rand.New(rand.NewPCG(20, 8)) //nolint:gosec // repeatable
	e.Exec(`UPDATE sku SET inventory_id = 1`)
	modes := []string{taxNone, taxIncluded, taxStripe}
	for n := range taxCarts(t) {
		mode, rate := modes[n%3], r.Int64N(25_000)
		e.Exec(`UPDATE configuration SET value = CASE key WHEN 'tax_mode' THEN $1 ELSE $2 END WHERE key IN ('tax_mode', 'tax_rates')`,
			mode, taxRate{Country: "US", State: "IL", Rate: rate}.String())
		e.Exec(`INSERT INTO sku_price (sku_id, price_cents, created_date_time)
			SELECT id, $1 + id, now() + $2 * interval '1 second' FROM sku`,
			50+r.IntN(5000), n)
		p := e.member(int64(n + 100))
		for _, sku := range []string{"1", "6", "7"}[:1+r.IntN(3)] {
			p.add(sku, strconv.Itoa(1+r.IntN(4)))
		}

		if r.IntN(2) == 0 {
			p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		}
		c := p.quoted("")
		e.Exec(`UPDATE configuration SET value = CASE key WHEN 'tax_mode' THEN 'none' END WHERE key IN ('tax_mode', 'tax_rates')`)
		added, within := money.Cents(0), money.Cents(0)
		switch mode {
		case taxStripe:
			added = c.Total.Percent(money.Cents(rate/10)) + money.Cents(r.IntN(3)) // Stripe rounds by line
		case taxIncluded:
			within = taxRate{Rate: rate}.part(c.Total)
		}

		e.mustHandle(event("evt_"+c.ID, completed, c, func(o map[string]any) {
			o["amount_total"] = int64(c.Total + added)
			o["total_details"] = map[string]any{"amount_tax": int64(added)}
		}))

		want := fmt.Sprintf("%d %d %d", added, within, c.Total+added)
		if got := e.Text(`SELECT concat_ws(' ', sales_tax, tax_included, total) FROM orders WHERE checkout_id = $1`, c.ID); got != want {
			t.Fatalf("cart %d, %s: the order has %s, want %s", n, mode, got, want)
		}
		m := e.mailOf(c).Order
		if got := fmt.Sprintf("%d %d %d", m.SalesTax, m.TaxIncluded, m.Total); got != want {
			t.Fatalf("cart %d: the mail has %s, want %s", n, got, want)
		}
		e.refundAll(r, e.Text(`SELECT identifier FROM orders WHERE checkout_id = $1`, c.ID))
	}
}

// refundAll refunds an order in random steps, piece by piece, and requires that nothing is left
// then.
func (e *env) refundAll(r *rand.Rand, identifier string) {
	e.t.Helper()
	on, shipping := Order{Identifier: identifier}, false
	for {
		lines, err := orderLines(e.t.Context(), e.pool, int64(e.Number(`SELECT id FROM orders WHERE identifier = $1`, identifier)))
		if err != nil {
			e.t.Fatal(err)
		}
		left := piecesLeft(lines)
		if len(left) == 0 && shipping {
			break
		}
		w := Refund{Order: on, Shipping: !shipping && (len(left) == 0 || r.IntN(3) == 0)}
		shipping = shipping || w.Shipping
		if len(left) > 0 && (!w.Shipping || r.IntN(2) == 0) {
			p := left[r.IntN(len(left))]
			w.Lines = []Pieces{{p.Seq, 1 + r.IntN(p.Quantity)}}
		}
		if _, err := e.server.desk.Refund(e.t.Context(), kim, w); err != nil {
			e.t.Fatal(err)
		}
	}

	if n := e.Number(`SELECT total - (SELECT sum(amount) FROM refund f WHERE f.payment_intent = o.payment_intent)
		FROM orders o WHERE identifier = $1`, identifier); n != 0 {
		e.t.Fatalf("%d cents of order %s are left after all was refunded", n, identifier)
	}
}

// Staff choose how the shop is taxed; Stripe is asked for its tax then, and a session without tax
// must not have any.
func TestStaffChooseTaxes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staff(adminui.Manager)
	for _, odd := range []string{"US-CALIF 5", "CA-NY 5", "DE 19\nUS-XX 5"} {
		staff.Post("/staff/settings/taxes", "tax_mode", "included", "tax_rates", odd, "version", "3").Has(422, "has no state")
	}

	form := []string{"tax_mode", "stripe", "tax_rates", "de 19\nUS-NY 8.875", "version", "3"}
	for field, bad := range map[string]string{"tax_mode": "x", "tax_rates": "<b> 1"} {
		staff.Post("/staff/settings/taxes", with(form, field, bad)...).Has(422)
	}
	staff.Post("/staff/settings/taxes", "tax_mode", "included", "tax_rates", "", "version", "3").Has(422)
	staff.Post("/staff/settings/taxes", form...).OK()
	e.browser(adminui.Owner).Post("/staff/settings/taxes", form...).Has(409)
	staff.Get("/staff/settings/taxes").Want("DE 19\nUS-NY 8.875", "values", "tax_rates")

	p := e.visitor()
	p.add("6", "2")
	taxed := p.quoted("ann@mail.example.com")
	sent := e.sentToStripe(taxed)
	for key, want := range map[string]string{"automatic_tax[enabled]": "true", "line_items[0][price_data][tax_behavior]": "exclusive",
		"line_items[1][price_data][product_data][tax_code]": shippingCode} {
		if got := sent.Get(key); got != want {
			t.Errorf("%s is %q", key, got)
		}
	}

	staff.Post("/staff/settings/taxes", with(form, "tax_mode", "none", "version", e.Text(`
		SELECT (1 + sum(version))::text FROM configuration WHERE key LIKE 'tax_%'`))...).OK()
	q := e.visitor()
	q.add("6", "1")
	plain := q.quoted("bob@mail.example.com")
	if sent := e.sentToStripe(plain); sent.Has("automatic_tax[enabled]") || sent.Has("line_items[0][price_data][tax_behavior]") {
		t.Errorf("sent %v", sent)
	}

	withTax := func(c checkout) func(o map[string]any) {
		return func(o map[string]any) {
			o["amount_total"], o["total_details"] = int64(c.Total)+77, map[string]any{"amount_tax": 77}
		}
	}
	e.mustHandle(event("evt_plain", completed, plain, withTax(plain)), event("evt_taxed", completed, taxed, withTax(taxed)))
	got := e.Text(`SELECT string_agg(reason, ' ') FROM payment_issue`)
	if got != amountDiffers || e.Number(`SELECT sum(sales_tax) FROM orders`) != 77 {
		t.Errorf("entries %q", got)
	}

	id := e.Text(`SELECT identifier FROM orders`)
	e.browser(adminui.Owner).Get("/staff/orders/"+id).Has(200, "Sales tax", "0.77")
	p.Get("/order/"+id).Want("0.77", "order_data", "order_attributes", "sales_tax_amt")
}

const shippingCode = "txcd_92010001"

// sentToStripe are the parameters of a quote's payment page.
func (e *env) sentToStripe(c checkout) (sent url.Values) {
	e.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			e.t.Error(err)
		}
		sent = r.PostForm
		fmt.Fprint(w, `{"id":"cs_1"}`)
	}))
	defer server.Close()
	cfg := Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: server.URL, StripeSecretKey: "sk_test_123"}
	if _, err := newStripe(testenv.Log(e.t), cfg, nil).CreatePage(e.t.Context(), c.page()); err != nil {
		e.t.Fatal(err)
	}
	return sent
}
