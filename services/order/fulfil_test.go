package order

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A paid session makes one order from its quote, however often it is reported and whatever has
// changed since.
func TestAPaidSessionBecomesOneOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "5")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	c := p.quoted("pat@mail.example.com")

	// Whatever happens to cart and prices later, the order is what was shown.
	p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "7")
	p.add("7", "1")
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, 99999)`)
	e.Exec(`UPDATE shipping_method SET shipping_cost_cents = 1 WHERE identifier = 'USPSRetailGround'`)
	e.Exec(`DELETE FROM cart_code`)

	var same []*bus.Delivery
	for i := range 100 { // the same payment again and again, under many event ids, in one group
		same = append(same, event(fmt.Sprintf("evt_%d", i), completed, c, nil))
	}

	e.mustHandle(same...)
	e.mustHandle(event("evt_late", completed, c, nil))
	if n := e.Number(`SELECT count(*) FROM orders`); n != 1 {
		t.Fatalf("%d orders, want 1", n)
	}
	identifier := e.Text(`SELECT identifier FROM orders`)
	if len(identifier) != identifierLength {
		t.Errorf("identifier %q", identifier)
	}

	o := p.Get("/order/" + identifier)
	o.Want("19.95", "order_data", "order_totals", "item_subtotal")
	o.Want("2.00", "order_data", "order_totals", "item_discount")
	o.Want("9.56", "order_data", "order_totals", "shipping_subtotal")
	o.Want("27.51", "order_data", "order_totals", "order_total")
	o.Want("3.99", "order_data", "order_items", "product_sku_data", "0", "price")

	o.Want(5, "order_data", "order_items", "product_sku_data", "0", "quantity")
	o.Want(true, "order_data", "order_discount_codes", "1", "discount_applied")
	o.Want("accepted", "order_data", "order_statuses", "0", "identifier")
	o.Want("Pat's Office", "order_data", "order_shipping_address", "name")
	o.Want("Pat Buyer", "order_data", "order_billing_address", "name")
	o.Want("62704", "order_data", "order_billing_address", "zip")
	o.Want("US", "order_data", "order_billing_address", "country_code")
	o.Want("pat@mail.example.com", "order_data", "order_payment_info", "email")
	o.Want("card", "order_data", "order_payment_info", "payment_type")

	// The pieces that were paid for have left the cart; the rest stays.
	items := p.Get("/order/cart-items")
	items.Want(2, "item_data", "product_sku_data", "0", "quantity")
	items.Want(7, "item_data", "product_sku_data", "1", "sku_id")
	for subject, n := range map[string]int{msg.OrderPlacedSubject: 1, msg.MailSubject(msg.MailOrderVisitor): 1} {
		if got := e.Number(`SELECT count(*) FROM outbox WHERE subject = $1`, subject); got != n {
			t.Errorf("%d messages on %s", got, subject)
		}
	}

	if total := e.Number(`SELECT (convert_from(payload, 'UTF8')::jsonb->'order'->>'total')::int FROM outbox WHERE subject LIKE ` +
		`'mail.%'`); total != 2751 {
		t.Errorf("the mail says %d cents", total)
	}

	// The message has what reports need: the country, the product of each line, and its
	// collections.
	var placed msg.OrderPlaced
	payload := e.Text(`SELECT convert_from(payload, 'UTF8') FROM outbox WHERE subject = $1`, msg.OrderPlacedSubject)
	if err := json.Unmarshal([]byte(payload), &placed); err != nil || placed.Country != "US" || len(placed.Lines) == 0 {
		t.Fatalf("%v: %s", err, payload)
	}

	for _, l := range placed.Lines {
		if in := e.Number(`SELECT count(*) FROM product_collection JOIN product p ON p.id = product_id JOIN sku USING (product_id)
			WHERE p.identifier = $1 AND sku.id = $2`, l.ProductIdentifier, l.SKUID); in == 0 || len(l.Collections) != in {
			t.Errorf("%q is in %d collections, want %d: %+v", l.ProductIdentifier, len(l.Collections), in, l)
		}
	}
}

// A cart that was paid completely is deleted, and only its member sees the order.
func TestAnUnchangedCartIsGoneAfterItsOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.member(3)
	p.add("6", "1")
	p.add("7", "0")
	e.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	p.Get("/order/cart-items").Want(false, "cart_found")
	p.Get("/internal/account-orders").Want("13.55", "orders_data", "1", "order_total")
	identifier := e.Text(`SELECT identifier FROM orders`)
	e.visitor().Get("/order/"+identifier).Want("log-in-required-to-view-order", "errors", "error")
	e.member(4).Get("/order/"+identifier).Want("order-not-in-account", "errors", "error")
	p.Get("/order/"+identifier).Want("success", "order_detail")
	p.Get("/order/unknown").Want("order-not-found", "errors", "error")
	if kind := e.Text(`SELECT subject FROM outbox WHERE subject LIKE 'mail.%'`); kind != msg.MailSubject(msg.MailOrderMember) {
		t.Errorf("mail %s", kind)
	}
}

// The shipping address of newer API versions, in collected_information, is read as well.
func TestShippingDataOfNewerAPIVersions(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	e.mustHandle(event("evt_1", completed, p.quoted(""), func(o map[string]any) {
		delete(o, "shipping_details")
		o["collected_information"] = map[string]any{"shipping_details": map[string]any{"name": "New Place",
			"address": map[string]any{"line1": "1 Oak", "country": "CA"}}}
	}))
	o := p.Get("/order/" + e.Text(`SELECT identifier FROM orders`))
	o.Want("New Place", "order_data", "order_shipping_address", "name")
	o.Want("CA", "order_data", "order_shipping_address", "country")
}

// A payment that does not match its quote becomes an entry for staff with the reason.
func TestPaymentsThatMakeNoOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reason string
		change func(map[string]any)
		event  func(map[string]any)
		before func(e *env, c checkout)
	}{
		"amount":   {reason: "amount-differs", change: func(o map[string]any) { o["amount_total"] = 1 }},
		"currency": {reason: "currency-differs", change: func(o map[string]any) { o["currency"] = "eur" }},
		"unknown": {reason: "no-quote", change: func(o map[string]any) {
			o["id"], o["client_reference_id"], o["metadata"] = "cs_other",
				"x", nil
		}},
		"after end": {reason: "paid-after-end", before: func(e *env, c checkout) {
			e.mustHandle(event("evt_e", "checkout.session.expired", c, nil))
			e.Exec(`UPDATE sku SET stock = 0`)
		}},
		"account":     {reason: "other-account", event: func(ev map[string]any) { ev["account"] = "acct_other" }},
		"API version": {reason: "unknown-api-version", event: func(ev map[string]any) { ev["api_version"] = "2031-01-01.zebra" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			p := e.visitor()
			p.add("6", "1")
			c := p.quoted("")
			if test.before != nil {
				test.before(e, c)
			}

			d := event("evt_1", completed, c, test.change)
			if test.event != nil {
				var ev map[string]any
				if err := json.Unmarshal(d.Data, &ev); err != nil {
					t.Fatal(err)
				}
				test.event(ev)
				var err error
				if d.Data, err = json.Marshal(ev); err != nil {
					t.Fatal(err)
				}
			}

			e.mustHandle(d)
			e.mustHandle(d)
			e.Counts(0, `SELECT count(*) FROM orders`)
			if got := e.Text(`SELECT string_agg(reason || ' ' || payment_intent || ' ' || event_id || ' ' || (amount > 0)::text || ' ' ` +
				`|| (payload->>'id'), ';') FROM payment_issue`); got != test.reason+" pi_"+c.ID+" evt_1 true evt_1" {
				t.Errorf("for staff: %s", got)
			}
			p.Get("/order/cart-items").Want(true, "cart_found") // nothing changes for the shopper
		})
	}
}

// Of two payments for one cart the second goes to staff.
func TestPaidTwiceForOneCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.member(1)
	p.add("6", "1")
	first := p.quoted("")
	p.add("7", "1")
	second := p.quoted("")
	e.mustHandle(event("evt_1", completed, first, nil), event("evt_2", completed, second, nil))
	if n := e.Number(`SELECT count(*) FROM orders`); n != 1 {
		t.Fatalf("%d orders, want 1", n)
	}
	if got := e.Text(`SELECT reason || ' ' || session_id FROM payment_issue`); got != "paid-twice "+*second.SessionID {
		t.Errorf("for staff: %s", got)
	}
	// The rest of the cart can be ordered: that is another purchase.
	e.mustHandle(event("evt_3", completed, p.quoted(""), nil))
	if n := e.Number(`SELECT count(*) FROM orders`); n != 2 {
		t.Errorf("%d orders after the next purchase, want 2", n)
	}
}

// A shopper who registers between two clicks gets the order as a member, not as the visitor of the
// first click.
func TestAVisitorWhoRegistersBeforePaying(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	v, m := e.visitor(), e.member(1)
	v.add("6", "1")
	first := v.quoted(m.Email)
	m.Cart = v.Cart
	m.Post("/internal/cart-merge")
	second := m.quoted(m.Email)
	if second.ID == first.ID {
		t.Fatal("the member gets the visitor's payment page")
	}
	e.mustHandle(event("evt_1", completed, second, nil))
	m.Get("/order/"+e.Text(`SELECT identifier FROM orders`)).Want("success", "order_detail")
}

// A delayed payment holds its pieces until it succeeds, or gives them back when it fails.
func TestDelayedPaymentIsPending(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 5`)
	for _, kind := range []string{"checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"} {
		p := e.visitor()
		p.add("6", "2")
		c := p.quoted("")
		unpaid := func(o map[string]any) { o["payment_status"] = "unpaid" }
		e.mustHandle(event("evt_c"+kind, completed, c, unpaid))
		if state := e.Text(`SELECT state FROM checkout WHERE id = $1`, c.ID); state != "pending" {
			t.Errorf("state %s", state)
		}
		change := unpaid
		if strings.HasSuffix(kind, "succeeded") {
			change = nil
		}
		e.mustHandle(event("evt_"+kind, kind, c, change))
		e.mustHandle(event("evt_again"+kind, kind, c, change))
	}
	if orders, stock := e.Number(`SELECT count(*) FROM orders`), e.Number(`SELECT stock FROM sku WHERE id = 6`); orders != 1 || stock != 3 {
		t.Errorf("%d orders, %d pieces left; want 1 and 3", orders, stock)
	}
}

// Events about refunds and disputes are stored once, even before their order.
func TestRefundAndDisputeEventsAreStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	about := func(id, kind string) *bus.Delivery {
		raw := fmt.Sprintf(`{"id":%q,"type":%q,"created":1700000000,"data":{"object":{"id":"x","payment_intent":"pi_%s","amount":500,`+
			`"amount_refunded":300,"currency":"usd"}}}`, id, kind, c.ID)
		return &bus.Delivery{Key: id, Subject: msg.StripeSubject(kind), Data: []byte(raw)}
	}
	e.mustHandle(about("evt_early", "charge.dispute.created")) // before its order
	e.mustHandle(event("evt_1", completed, c, nil), about("evt_r", "charge.refunded"), about("evt_u", "refund.updated"),
		about("evt_x", "product.created"))
	e.mustHandle(about("evt_r", "charge.refunded"))
	if got := e.Text(`SELECT string_agg(type || ' ' || amount, ', ' ORDER BY type) FROM payment_event JOIN orders USING ` +
		`(payment_intent)`); got != "charge.dispute.created 500, charge.refunded 300, refund.updated 500" {
		t.Errorf("history: %s", got)
	}
}

// Of a thousand concurrent buyers exactly as many get a quote as there are pieces.
func TestOneHundredPiecesForOneThousandBuyers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 100 WHERE id = 6`)
	var mu sync.Mutex
	var quotes []checkout
	refused := 0
	e.race(1000, func(p *shopper) {
		p.add("6", "1")
		c, err := p.tryQuote("")
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			refused++
			return
		}
		quotes = append(quotes, c)
	})

	if len(quotes) != 100 || refused != 900 || e.Number(`SELECT stock FROM sku WHERE id = 6`) != 0 {
		t.Fatalf("%d quotes, %d refused", len(quotes), refused)
	}
	e.visitor().Get("/order/product/ITHJW3mytn").Want("out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	for i, c := range quotes { // half of them pay, the rest expires, some both at once
		if i%2 == 0 {
			e.mustHandle(event("evt_"+c.ID, completed, c, nil))
		}
		e.mustHandle(event("evt_e"+c.ID, "checkout.session.expired", c, nil))
	}

	orders, left := e.Number(`SELECT count(*) FROM orders`), e.Number(`SELECT stock FROM sku WHERE id = 6`)
	held := e.Number(`SELECT count(*) FROM reservation`)
	if orders != 50 || left != 50 || held != 0 {
		t.Errorf("%d orders, %d left, %d held; want 50, 50, 0", orders, left, held)
	}

	e.race(60, func(p *shopper) { // pieces that came back are sold again, to the last one
		p.add("6", "1")
		if c, err := p.tryQuote(""); err == nil {
			e.mustHandle(event("evt_"+c.ID, completed, c, nil))
		}
	})

	orders, left, held = e.Number(`SELECT count(*) FROM orders`), e.Number(`SELECT stock FROM sku WHERE id = 6`),
		e.Number(`SELECT count(*) FROM reservation`)
	if orders != 100 || left != 0 || held != 0 {
		t.Errorf("%d orders, %d left, %d held; want 100, 0, 0", orders, left, held)
	}
}

// A shopper whose page holds the last pieces may click again, or return from the payment page and
// change the order.
func TestShopperCanChangeAQuoteOfTheLastPieces(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 2 WHERE id = 6`)
	p, other := e.visitor(), e.visitor()
	p.add("6", "2")
	other.add("6", "1")
	c := p.quoted("")
	e.visitor().Get("/order/product/ITHJW3mytn").Want("out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	p.Get("/order/cart-items").Want("in-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
	p.Get("/order/confirm-items").Want("In Stock", "item_data", "product_sku_data", "0", "sku_inventory__title")
	p.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true").Want(*c.SessionID, "session_id")
	other.Get("/order/cart-items").Want("out-of-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
	other.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true").Want("cart-item-not-in-stock", "errors", "error")
	e.mustHandle(event("evt_1", completed, c, nil))
	p.add("6", "1")
	p.Get("/order/cart-items").Want("out-of-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
}

// Of five hundred concurrent checkouts exactly ten get a code of ten uses.
func TestLimitedCodeWithParallelCheckouts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE discount_code SET max_uses = 10 WHERE id = 1`)
	var mu sync.Mutex
	with, refused := 0, 0
	e.race(500, func(p *shopper) {
		p.add("6", "1")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		c, err := p.tryQuote("")
		mu.Lock()
		defer mu.Unlock()
		switch {
		case err != nil:
			refused++
		case c.ItemDiscount > 0:
			with++
		}
	})

	if uses := e.Number(`SELECT uses FROM discount_code WHERE id = 1`); with != 10 || uses != 10 {
		t.Errorf("%d checkouts with the code, %d uses, %d refused; want 10 and 10", with, uses, refused)
	}
	e.Exec(`UPDATE discount_code SET max_uses = 11 WHERE id = 1`) // no restart
	p := e.visitor()
	p.add("6", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	if c := p.quoted(""); c.ItemDiscount == 0 {
		t.Error("the raised limit does not count")
	}
}

// A member, and an address in any spelling, uses such a code once.
func TestCodeOncePerCustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE discount_code SET max_uses_per_customer = 1 WHERE id = 1`)
	buy := func(p *shopper, email string) bool {
		p.add("6", "1")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		c := p.quoted(email)
		e.mustHandle(event("evt_"+c.ID, completed, c, nil))
		return c.ItemDiscount > 0
	}
	m := e.member(1)
	if !buy(m, "") || buy(m, "") {
		t.Error("a member uses it once")
	}
	if !buy(e.visitor(), "a@mail.example.com") || buy(e.visitor(), "A@mail.example.com") || !buy(e.visitor(), "b@mail.example.com") {
		t.Error("an address uses it once")
	}
}

// race runs n shoppers, 40 at a time.
func (e *env) race(n int, each func(*shopper)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 40)
	for range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			each(e.visitor())
		})
	}
	wg.Wait()
}

// A visitor's orders become those of the member who verifies the address, unless the buyer is
// erased.
func TestVisitorsOrdersBelongToTheVerifiedMember(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	e.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	tell := func(subject string, v any) {
		t.Helper()
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		err = pgx.BeginFunc(t.Context(), e.pool, func(tx pgx.Tx) error {
			return e.server.onUserEvents(context.WithoutCancel(t.Context()), tx, []*bus.Delivery{{Subject: subject, Data: raw}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	identifier := e.Text(`SELECT identifier FROM orders`)
	tell(msg.UserEmailVerified, msg.Member{ID: 9, Email: "PAT@mail.example.com"})
	e.member(9).Get("/order/"+identifier).Want("success", "order_detail")
	p.Get("/order/"+identifier).Want("log-in-required-to-view-order", "errors", "error")
	tell(msg.UserErased, msg.Erased{MemberID: 9, Emails: []string{"pat@mail.example.com"}})
	if n := e.Number(`SELECT count(*) FROM orders WHERE email IS NULL AND customer_name IS NULL AND shipping_address IS NULL AND total ` +
		`= 1355`); n != 1 {
		t.Error("the order keeps the person, or lost its amounts")
	}
}

// Of two concurrent payments for one cart one makes the order and the other goes to staff.
func TestTwoPaymentsForOneCartAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for n := range 10 {
		p := e.member(int64(n + 1))
		p.add("6", "1")
		first := p.quoted("")
		p.add("7", "1")
		second := p.quoted("")
		var wg sync.WaitGroup
		for _, c := range []checkout{first, second, first, second} {
			wg.Go(func() {
				if err := e.handle(event("evt_"+c.ID, completed, c, nil)); err != nil {
					t.Errorf("a payment failed: %v", err)
				}
			})
		}
		wg.Wait()
	}
	if orders, issues := e.Number(`SELECT count(*) FROM orders`), e.Number(`SELECT count(*) FROM payment_issue`); orders != 10 ||
		issues != 10 {
		t.Errorf("%d orders, %d payments for staff; want 10 and 10", orders, issues)
	}
}
