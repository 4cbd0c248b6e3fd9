package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// campaign is many purchases at once, each with a random fault. In the end every payment is one
// order, or an entry for staff. CAMPAIGN is the number of purchases, SEED repeats a run.
type campaign struct {
	t    *testing.T
	shop *shoptest.Shop
}

// purchase is one purchase of a campaign, with a SKU, an address and random numbers of its own.
type purchase struct {
	*campaign
	n       int
	email   string
	dice    *rand.Rand
	browser *shoptest.Browser
	session string
}

// campaignFault is what goes wrong with a purchase. before runs while the payment page is open, pay
// says who pays, event changes Stripe's event, and after runs once it is paid.
type campaignFault struct {
	closes bool // the payment page may be closed before it is paid
	before func(p *purchase)
	pay    func(p *purchase) map[string]any
	event  func(p *purchase, event []byte) []byte
	after  func(p *purchase)
}

var campaignFaults = map[string]campaignFault{
	"none":          {},
	"sku-deleted":   {before: sql(`DELETE FROM sku WHERE id = $1`)},
	"renamed":       {before: sql(`UPDATE sku SET color = 'Other', product_id = 1 WHERE id = $1`)},
	"off-sale":      {before: sql(`UPDATE sku SET product_id = NULL WHERE id = $1`)},
	"bad-status":    {before: sql(`UPDATE configuration SET value = 'status' || $1::bigint WHERE key = 'initial_order_status'`)},
	"null-status":   {before: sql(`UPDATE configuration SET value = NULL WHERE key = 'initial_order_status' AND $1 > 0`)},
	"good-status":   {before: sql(`UPDATE configuration SET value = 'accepted' WHERE key = 'initial_order_status' AND $1 > 0`)},
	"nul":           {pay: func(*purchase) map[string]any { return map[string]any{"name": "Pat\x00Buyer"} }},
	"long":          {pay: func(*purchase) map[string]any { return map[string]any{"name": strings.Repeat("é", 5000)} }},
	"nul-event":     {event: replaced(`"payment_status"`, `"x":"\u0000","payment_status"`)},
	"surrogate":     {event: replaced(`"payment_status"`, `"note":"\ud800","payment_status"`)},
	"odd-amount":    {event: replaced(`"amount_total":`, `"amount_total":"x","was":`)},
	"odd-details":   {event: replaced(`"customer_details":`, `"customer_details":["x"],"was":`)},
	"odd-envelope":  {event: func(p *purchase, e []byte) []byte { return withField(p.t, e, "created", "yesterday") }},
	"wrong-amount":  {event: func(p *purchase, e []byte) []byte { return withObject(p.t, e, "amount_total", 1) }},
	"old-version":   {event: func(p *purchase, e []byte) []byte { return withField(p.t, e, "api_version", "2011-11-17") }},
	"refused":       {}, // refused by the trigger
	"flaky":         {}, // refused by the trigger every other time, as if the disk were full
	"quote-changed": {before: sql(`UPDATE checkout SET quote = '{"lines":7}' WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)},
	"quote-emptied": {before: sql(`UPDATE checkout SET quote = '{}' WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)},
	"quote-gone":    {before: sql(`DELETE FROM checkout WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)},
	"late":          {before: sql(`UPDATE checkout SET state = 'expired' WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)},
	"too-late": {before: func(p *purchase) {
		sql(`UPDATE checkout SET state = 'expired' WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)(p)
		sql(`UPDATE sku SET stock = 0 WHERE id = $1`)(p)
	}},
	"cart-deleted": {closes: true, before: func(p *purchase) { p.browser.Post("/order/cart-delete-cart") }},
	"cart-emptied": {closes: true, before: func(p *purchase) { p.browser.Post("/order/cart-remove-sku", "sku_id", strconv.Itoa(p.sku())) }},
	"cart-grown":   {before: func(p *purchase) { p.browser.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1") }},
	"two-pages": {closes: true, before: func(p *purchase) {
		first := p.session
		p.browser.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1")
		p.session = checkOut(p.browser, p.email).Text("session_id")
		if p.dice.IntN(2) == 0 {
			p.session = first
		}
	}},
	"paid-twice": {before: func(p *purchase) { // two open pages, as older versions allowed
		sql(`UPDATE checkout SET state = 'expired' WHERE quote->'lines'->0->>'sku_id' = $1::bigint::text`)(p)
		second := checkOut(p.browser, p.email).Text("session_id")
		sql(`UPDATE checkout SET quote_hash = id, state = 'open' WHERE state = 'expired' AND quote->'lines'->0->>'sku_id' = ` +
			`$1::bigint::text`)(p)
		p.shop.Pay(second, payAs(p.email))
	}},
	"debit-paid":    {pay: debit, after: func(p *purchase) { p.shop.StripeDo("/_/sessions/"+p.session+"/async", `{"outcome":"succeed"}`) }},
	"debit-refused": {pay: debit, after: func(p *purchase) { p.shop.StripeDo("/_/sessions/"+p.session+"/async", `{"outcome":"fail"}`) }},
}

func debit(*purchase) map[string]any { return map[string]any{"delayed": true} }

func sql(statement string) func(p *purchase) {
	return func(p *purchase) { p.shop.Exec("order", statement, p.sku()) }
}

func replaced(from, to string) func(*purchase, []byte) []byte {
	return func(_ *purchase, event []byte) []byte { return bytes.Replace(event, []byte(from), []byte(to), 1) }
}

func (p *purchase) sku() int { return 5000 + p.n }

// newCampaign starts a shop with a SKU for each purchase, and a trigger that refuses some orders.
func newCampaign(t *testing.T, purchases int) *campaign {
	t.Helper()
	c := &campaign{t, shoptest.Start(t, shoptest.Options{Env: quickSweep})}
	c.shop.StripeSwitches(dropWebhooks) // the campaign delivers them itself
	c.shop.Exec("order", `INSERT INTO sku (id, product_id, inventory_id, color, size, description) SELECT n, 2, 1, 'Black', 'Small', `+
		`'Sold' FROM generate_series(5000, 5000 + $1::int) n`, purchases)
	c.shop.Exec("order", `INSERT INTO sku_price (sku_id, price_cents) SELECT n, n FROM generate_series(5000, 5000 + $1::int) n`, purchases)
	c.shop.Exec("order", `CREATE SEQUENCE tricks`)
	c.shop.Exec("order", `GRANT USAGE ON tricks TO PUBLIC`)
	c.shop.Exec("order", `
		CREATE FUNCTION tricks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		  IF NEW.email LIKE 'refused%' THEN RAISE EXCEPTION 'not this one'; END IF;
		  IF NEW.email LIKE 'flaky%' AND nextval('"order".tricks') % 2 = 1 THEN RAISE EXCEPTION USING errcode = '53100'; END IF;
		  RETURN NEW;
		END $$`)
	c.shop.Exec("order", `CREATE TRIGGER tricks BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION tricks()`)
	return c
}

// buy makes a purchase, and tells the shop of the payment in one of the possible ways.
func (p *purchase) buy(f campaignFault) {
	b := p.shop.Browser()
	p.browser = b

	// The checkout, and what happens before the payment.
	p.session = b.Checkout(strconv.Itoa(p.sku()), "2", p.email)
	if f.before != nil {
		f.before(p)
	}

	// The payment.
	options := map[string]any{}
	if f.pay != nil {
		options = f.pay(p)
	}
	options["email"] = p.email
	raw, err := json.Marshal(options)
	if err != nil {
		p.t.Error(err)
	}
	if err := p.shop.TryPay(p.session, raw); err != nil {
		if !f.closes {
			p.t.Errorf("purchase %d: %v", p.n, err)
		}
		return
	}

	// The webhook, once or more often, beside the success page.
	var all sync.WaitGroup
	if p.dice.IntN(3) > 0 || f.event != nil {
		event := p.shop.Event(completed, p.session)
		if f.event != nil {
			event = f.event(p, event)
		}
		for range 1 + p.dice.IntN(3) {
			again := event
			if p.dice.IntN(2) == 0 {
				again = withIDText(event, fmt.Sprintf("evt_again_%d_%d", p.n, p.dice.Uint32()))
			}
			all.Go(func() {
				if status, err := p.shop.PostEvent(again); err != nil || status != http.StatusOK {
					p.t.Errorf("purchase %d: the webhook answers %d %v", p.n, status, err)
				}
			})
		}
	}
	if p.dice.IntN(2) == 0 {
		all.Go(func() {
			a, err := b.Try(http.MethodGet, "/order/checkout-session-success?session_id="+p.session, nil)
			if err != nil || a.Status >= 500 && !strings.HasPrefix(p.email, "flaky") {
				p.t.Errorf("purchase %d (%s): the success page answers %d %s %v", p.n, p.email, a.Status, a.Body, err)
			}
		})
	}

	all.Wait()
	if f.after != nil {
		f.after(p)
	}
}

// withIDText is withID for events that Go can no longer parse as JSON.
func withIDText(event []byte, id string) []byte {
	var e struct{ ID string }
	if json.Unmarshal(event, &e) != nil {
		return event
	}
	return bytes.Replace(event, []byte(e.ID), []byte(id), 1)
}

// Whatever happens to purchases, payments are orders plus entries for staff, and no order is made
// twice.
func TestCampaignOfPurchasesWithFaults(t *testing.T) {
	t.Parallel()
	count, seed := number(t, "CAMPAIGN", 200), number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("CAMPAIGN=%d SEED=%d", count, seed)
	c := newCampaign(t, count)

	names := make([]string, 0, len(campaignFaults))
	for name := range campaignFaults {
		names = append(names, name)
	}
	slices.Sort(names)

	var all sync.WaitGroup
	slots := make(chan struct{}, 8)
	for n := range count {
		dice := rand.New(rand.NewPCG(uint64(seed), uint64(n))) //nolint:gosec // a campaign, no secret
		name := names[n%len(names)]                            // each fault at least once
		if n >= len(names) {
			name = names[dice.IntN(len(names))]
		}
		p := &purchase{campaign: c, n: n, email: fmt.Sprintf("%s.%d@mail.example.com", name, n), dice: dice}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			p.buy(campaignFaults[name])
		})
	}

	all.Wait()
	c.compareBooks(count)
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s is %q", name, text)
	}
	return n
}

// compareBooks waits until every paid session is settled, and compares Stripe's ledger with orders
// and entries.
func (c *campaign) compareBooks(count int) {
	c.t.Helper()

	var paid []string
	for _, one := range c.shop.Ledger() {
		if one.Status == "complete" && one.Paid() {
			paid = append(paid, one.ID)
		}
	}
	if len(paid) < count/2 {
		c.t.Fatalf("%d of %d purchases were paid", len(paid), count)
	}

	// A flaky one may wait ten minutes for its next turn. Make it due now.
	c.shop.Eventually(90*time.Second, "every paid session is an order or an entry for staff", func() bool {
		c.shop.Exec("order", `UPDATE sweep SET listed_to = now() - interval '1 hour'`)
		return c.shop.Count("order", `SELECT count(*) FROM unnest($1::text[]) s (id)
			WHERE NOT EXISTS (SELECT FROM orders WHERE session_id = s.id)
			  AND NOT EXISTS (SELECT FROM payment_issue WHERE session_id = s.id AND resolved_at IS NULL)`, paid) == 0
	})

	c.shop.Quiet(60 * time.Second)
	rows, err := c.shop.Database("order").Query(context.Background(), `
		SELECT s.id,
		  (SELECT count(*) FROM orders WHERE session_id = s.id),
		  coalesce((SELECT string_agg(DISTINCT reason, ' ' ORDER BY reason) FROM payment_issue
		    WHERE session_id = s.id AND resolved_at IS NULL), '')
		FROM unnest($1::text[]) s (id)`, paid)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()

	var forStaff []string
	outcomes := map[string]int{}
	orders, entries := 0, 0
	for rows.Next() {
		var session, reasons string
		var made int
		if err := rows.Scan(&session, &made, &reasons); err != nil {
			c.t.Fatal(err)
		}
		outcomes[fmt.Sprintf("%d order, %s", made, reasons)]++
		switch {
		case made == 1:
			orders++
		case made == 0 && reasons != "":
			entries++
			forStaff = append(forStaff, session)
		default:
			c.t.Errorf("session %s is %d orders and %q", session, made, reasons)
		}
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}

	c.t.Logf("%d paid = %d orders + %d entries for staff: %v", len(paid), orders, entries, outcomes)
	if orders+entries != len(paid) || orders == 0 || entries == 0 || orders != len(c.shop.Orders()) {
		c.t.Errorf("%d paid, %d orders (%d in all), %d entries", len(paid), orders, len(c.shop.Orders()), entries)
	}
	c.shop.Check(60*time.Second, forStaff...) // each order once, with one mail of the right amount; nothing is parked
	if n := c.shop.Count("order", `SELECT count(*) FROM (SELECT checkout_id FROM orders GROUP BY checkout_id HAVING count(*) > 1) `+
		`twice`); n != 0 {
		c.t.Errorf("%d checkouts are two orders", n)
	}
}
