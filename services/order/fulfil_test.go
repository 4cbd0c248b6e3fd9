package order

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// quoted stores what a checkout of this shopper's cart would, with a session id as Stripe gives it.
func (p *shopper) quoted(email string) checkout {
	p.t.Helper()
	c, err := p.tryQuote(email)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *shopper) tryQuote(email string) (checkout, error) {
	ctx := p.t.Context()
	c, err := findCart(ctx, p.db, p.Identity)
	if err != nil || c == nil {
		return checkout{}, fmt.Errorf("cart %v: %w", c, err)
	}
	if email != "" {
		c.ReceiptEmail = &email
	}
	if err := withDefaultShipping(ctx, p.db, c); err != nil {
		return checkout{}, err
	}
	in, err := readContents(ctx, p.db, c)
	if err != nil {
		return checkout{}, err
	}
	q, err := newCheckout(c, in, email)
	if err != nil {
		return checkout{}, err
	}
	if p.Member() {
		q.MemberID, q.MemberCode = &p.MemberID, &p.Code
	}
	whose := owner(p.Identity)
	q.Owner = &whose
	if err := pgx.BeginFunc(ctx, p.db, func(tx pgx.Tx) error { return storeCheckout(ctx, tx, q) }); err != nil {
		return checkout{}, err
	}
	s := stripe.Session{ID: "cs_test_" + q.ID, URL: "https://pay.test/" + q.ID}
	q.SessionID = &s.ID
	_, _, err = storeSession(ctx, p.db, q.ID, s)
	return q, err
}

// event is a Stripe event about the session of a quote, as a delivery.
func event(id, kind string, c checkout, change func(object map[string]any)) *bus.Delivery {
	address := map[string]any{"line1": "12 Elm Street", "city": "Springfield", "state": "IL", "postal_code": "62704", "country": "US"}
	object := map[string]any{
		"id": *c.SessionID, "object": "checkout.session", "client_reference_id": c.ID, "payment_status": "paid", "status": "complete",
		"amount_total": c.Total, "currency": "usd", "payment_intent": "pi_" + c.ID, "metadata": map[string]string{"checkout_id": c.ID},
		"customer_details": map[string]any{"email": "pat@mail.example.com", "name": "Pat Buyer", "address": address},
		"shipping_details": map[string]any{"name": "Pat's Office", "address": address},
	}
	object["amount_total"] = int64(c.Total)
	if change != nil {
		change(object)
	}
	raw, err := json.Marshal(map[string]any{"id": id, "object": "event", "type": kind, "api_version": "2023-10-16", "created": time.Now().Unix(), "data": map[string]any{"object": object}})
	if err != nil {
		panic(err)
	}
	return &bus.Delivery{Key: id, Subject: msg.StripeSubject(kind), Data: raw, Attempt: 1}
}

// handle runs events through the consumer's two halves, in one transaction, as the bus does.
func (s *shop) handle(events ...*bus.Delivery) error {
	for _, d := range events {
		if err := s.service.readStripeEvent(s.t.Context(), d); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(s.t.Context(), s.db, func(tx pgx.Tx) error { return s.service.onStripeEvents(s.t.Context(), tx, events) })
}

func (s *shop) mustHandle(events ...*bus.Delivery) {
	s.t.Helper()
	if err := s.handle(events...); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) text(sql string, args ...any) (v string) {
	s.t.Helper()
	if err := s.owner.QueryRow(s.t.Context(), sql, args...).Scan(&v); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

const completed = "checkout.session.completed"

func TestAPaidSessionBecomesOneOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("6", "5")
	p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	c := p.quoted("pat@mail.example.com")
	// Whatever happens to cart and prices now, the order is what was shown.
	p.post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "7")
	p.add("7", "1")
	s.exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, 99999)`)
	s.exec(`UPDATE shipping_method SET shipping_cost_cents = 1 WHERE identifier = 'USPSRetailGround'`)
	s.exec(`DELETE FROM cart_code`)

	var same []*bus.Delivery
	for i := range 100 { // the same payment again and again, under many event ids, in one group
		same = append(same, event(fmt.Sprintf("evt_%d", i), completed, c, nil))
	}
	s.mustHandle(same...)
	s.mustHandle(event("evt_late", completed, c, nil))
	if n := s.number(`SELECT count(*) FROM orders`); n != 1 {
		t.Fatalf("%d orders", n)
	}
	identifier := s.text(`SELECT identifier FROM orders`)
	if len(identifier) != identifierLength {
		t.Errorf("identifier %q", identifier)
	}
	o := p.get("/order/" + identifier)
	want(t, o, "19.95", "order_data", "order_totals", "item_subtotal")
	want(t, o, "2.00", "order_data", "order_totals", "item_discount")
	want(t, o, "9.56", "order_data", "order_totals", "shipping_subtotal")
	want(t, o, "27.51", "order_data", "order_totals", "order_total")
	want(t, o, "3.99", "order_data", "order_items", "product_sku_data", "0", "price")
	want(t, o, 5, "order_data", "order_items", "product_sku_data", "0", "quantity")
	want(t, o, true, "order_data", "order_discount_codes", "1", "discount_applied")
	want(t, o, "accepted", "order_data", "order_statuses", "0", "identifier")
	want(t, o, "Pat's Office", "order_data", "order_shipping_address", "name")
	want(t, o, "Pat Buyer", "order_data", "order_billing_address", "name")
	want(t, o, "62704", "order_data", "order_billing_address", "zip")
	want(t, o, "US", "order_data", "order_billing_address", "country_code")
	want(t, o, "pat@mail.example.com", "order_data", "order_payment_info", "email")
	want(t, o, "card", "order_data", "order_payment_info", "payment_type")

	// Pieces paid for left the cart, the rest stays.
	items := p.get("/order/cart-items")
	want(t, items, 2, "item_data", "product_sku_data", "0", "quantity")
	want(t, items, 7, "item_data", "product_sku_data", "1", "sku_id")
	for subject, n := range map[string]int{msg.OrderPlacedSubject: 1, msg.MailSubject(msg.MailOrderVisitor): 1} {
		if got := s.number(`SELECT count(*) FROM outbox WHERE subject = $1`, subject); got != n {
			t.Errorf("%d messages on %s", got, subject)
		}
	}
	if total := s.number(`SELECT (convert_from(payload, 'UTF8')::jsonb->'order'->>'total')::int FROM outbox WHERE subject LIKE 'mail.%'`); total != 2751 {
		t.Errorf("the mail says %d cents", total)
	}
}

func TestAnUnchangedCartIsGoneAfterItsOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.member(3)
	p.add("6", "1")
	p.add("7", "0")
	s.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	want(t, p.get("/order/cart-items"), false, "cart_found")
	want(t, p.get("/internal/account-orders"), "13.55", "orders_data", "1", "order_total")
	identifier := s.text(`SELECT identifier FROM orders`)
	want(t, s.visitor().get("/order/"+identifier), "log-in-required-to-view-order", "errors", "error")
	want(t, s.member(4).get("/order/"+identifier), "order-not-in-account", "errors", "error")
	want(t, p.get("/order/"+identifier), "success", "order_detail")
	want(t, p.get("/order/unknown"), "order-not-found", "errors", "error")
	if kind := s.text(`SELECT subject FROM outbox WHERE subject LIKE 'mail.%'`); kind != msg.MailSubject(msg.MailOrderMember) {
		t.Errorf("mail %s", kind)
	}
}

func TestShippingDataOfNewerAPIVersions(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("6", "1")
	s.mustHandle(event("evt_1", completed, p.quoted(""), func(o map[string]any) {
		delete(o, "shipping_details")
		o["collected_information"] = map[string]any{"shipping_details": map[string]any{"name": "New Place", "address": map[string]any{"line1": "1 Oak", "country": "CA"}}}
	}))
	o := p.get("/order/" + s.text(`SELECT identifier FROM orders`))
	want(t, o, "New Place", "order_data", "order_shipping_address", "name")
	want(t, o, "CA", "order_data", "order_shipping_address", "country")
}

func TestPaymentsThatMakeNoOrder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reason string
		change func(map[string]any)
		event  func(map[string]any)
		before func(s *shop, c checkout)
	}{
		"amount":   {reason: "amount-differs", change: func(o map[string]any) { o["amount_total"] = 1 }},
		"currency": {reason: "currency-differs", change: func(o map[string]any) { o["currency"] = "eur" }},
		"unknown":  {reason: "no-quote", change: func(o map[string]any) { o["id"], o["client_reference_id"], o["metadata"] = "cs_other", "x", nil }},
		"after end": {reason: "paid-after-end", before: func(s *shop, c checkout) {
			s.mustHandle(event("evt_e", "checkout.session.expired", c, nil))
			s.exec(`UPDATE sku SET stock = 0`)
		}},
		"account":     {reason: "other-account", event: func(e map[string]any) { e["account"] = "acct_other" }},
		"API version": {reason: "unknown-api-version", event: func(e map[string]any) { e["api_version"] = "2031-01-01.zebra" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			p := s.visitor()
			p.add("6", "1")
			c := p.quoted("")
			if test.before != nil {
				test.before(s, c)
			}
			d := event("evt_1", completed, c, test.change)
			if test.event != nil {
				var e map[string]any
				if err := json.Unmarshal(d.Data, &e); err != nil {
					t.Fatal(err)
				}
				test.event(e)
				var err error
				if d.Data, err = json.Marshal(e); err != nil {
					t.Fatal(err)
				}
			}
			s.mustHandle(d)
			s.mustHandle(d)
			if n := s.number(`SELECT count(*) FROM orders`); n != 0 {
				t.Errorf("%d orders", n)
			}
			if got := s.text(`SELECT string_agg(reason || ' ' || payment_intent || ' ' || event_id || ' ' || (amount > 0)::text || ' ' || (payload->>'id'), ';') FROM payment_issue`); got != test.reason+" pi_"+c.ID+" evt_1 true evt_1" {
				t.Errorf("for staff: %s", got)
			}
			want(t, p.get("/order/cart-items"), true, "cart_found") // nothing changes for the shopper
		})
	}
}

func TestPaidTwiceForOneCart(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.member(1)
	p.add("6", "1")
	first := p.quoted("")
	p.add("7", "1")
	second := p.quoted("")
	s.mustHandle(event("evt_1", completed, first, nil), event("evt_2", completed, second, nil))
	if n := s.number(`SELECT count(*) FROM orders`); n != 1 {
		t.Fatalf("%d orders", n)
	}
	if got := s.text(`SELECT reason || ' ' || session_id FROM payment_issue`); got != "paid-twice "+*second.SessionID {
		t.Errorf("for staff: %s", got)
	}
	// What is left in the cart can be ordered: that is another purchase.
	s.mustHandle(event("evt_3", completed, p.quoted(""), nil))
	if n := s.number(`SELECT count(*) FROM orders`); n != 2 {
		t.Errorf("%d orders after the next purchase", n)
	}
}

// Who registers between two clicks gets the order as a member, not as the visitor of the first click.
func TestAVisitorWhoRegistersBeforePaying(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	v, m := s.visitor(), s.member(1)
	v.add("6", "1")
	first := v.quoted(m.Email)
	m.Cart = v.Cart
	m.post("/internal/cart-merge")
	second := m.quoted(m.Email)
	if second.ID == first.ID {
		t.Fatal("the member gets the visitor's payment page")
	}
	s.mustHandle(event("evt_1", completed, second, nil))
	want(t, m.get("/order/"+s.text(`SELECT identifier FROM orders`)), "success", "order_detail")
}

func TestADelayedPayment(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`UPDATE sku SET stock = 5`)
	for _, kind := range []string{"checkout.session.async_payment_succeeded", "checkout.session.async_payment_failed"} {
		p := s.visitor()
		p.add("6", "2")
		c := p.quoted("")
		unpaid := func(o map[string]any) { o["payment_status"] = "unpaid" }
		s.mustHandle(event("evt_c"+kind, completed, c, unpaid))
		if state := s.text(`SELECT state FROM checkout WHERE id = $1`, c.ID); state != "pending" {
			t.Errorf("state %s", state)
		}
		change := unpaid
		if strings.HasSuffix(kind, "succeeded") {
			change = nil
		}
		s.mustHandle(event("evt_"+kind, kind, c, change))
		s.mustHandle(event("evt_again"+kind, kind, c, change))
	}
	if orders, stock := s.number(`SELECT count(*) FROM orders`), s.number(`SELECT stock FROM sku WHERE id = 6`); orders != 1 || stock != 3 {
		t.Errorf("%d orders, %d pieces left; want 1 and 3", orders, stock)
	}
}

func TestRefundsAndDisputesAreKept(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("6", "1")
	c := p.quoted("")
	about := func(id, kind string) *bus.Delivery {
		raw := fmt.Sprintf(`{"id":%q,"type":%q,"created":1700000000,"data":{"object":{"id":"x","payment_intent":"pi_%s","amount":500,"amount_refunded":300,"currency":"usd"}}}`, id, kind, c.ID)
		return &bus.Delivery{Key: id, Subject: msg.StripeSubject(kind), Data: []byte(raw)}
	}
	s.mustHandle(about("evt_early", "charge.dispute.created")) // before its order
	s.mustHandle(event("evt_1", completed, c, nil), about("evt_r", "charge.refunded"), about("evt_u", "refund.updated"), about("evt_x", "product.created"))
	s.mustHandle(about("evt_r", "charge.refunded"))
	if got := s.text(`SELECT string_agg(type || ' ' || amount, ', ' ORDER BY type) FROM payment_event JOIN orders USING (payment_intent)`); got != "charge.dispute.created 500, charge.refunded 300, refund.updated 500" {
		t.Errorf("history: %s", got)
	}
}

func TestOneHundredPiecesForOneThousandBuyers(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`UPDATE sku SET stock = 100 WHERE id = 6`)
	var mu sync.Mutex
	var quotes []checkout
	refused := 0
	s.race(1000, func(p *shopper) {
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
	if len(quotes) != 100 || refused != 900 || s.number(`SELECT stock FROM sku WHERE id = 6`) != 0 {
		t.Fatalf("%d quotes, %d refused", len(quotes), refused)
	}
	want(t, s.visitor().get("/order/product/ITHJW3mytn"), "out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	for i, c := range quotes { // half of them pay, the rest expires, some both at once
		if i%2 == 0 {
			s.mustHandle(event("evt_"+c.ID, completed, c, nil))
		}
		s.mustHandle(event("evt_e"+c.ID, "checkout.session.expired", c, nil))
	}
	orders, left := s.number(`SELECT count(*) FROM orders`), s.number(`SELECT stock FROM sku WHERE id = 6`)
	held := s.number(`SELECT count(*) FROM reservation`)
	if orders != 50 || left != 50 || held != 0 {
		t.Errorf("%d orders, %d left, %d held; want 50, 50, 0", orders, left, held)
	}
	s.race(60, func(p *shopper) { // what came back is sold again, to the last piece
		p.add("6", "1")
		if c, err := p.tryQuote(""); err == nil {
			s.mustHandle(event("evt_"+c.ID, completed, c, nil))
		}
	})
	orders, left, held = s.number(`SELECT count(*) FROM orders`), s.number(`SELECT stock FROM sku WHERE id = 6`), s.number(`SELECT count(*) FROM reservation`)
	if orders != 100 || left != 0 || held != 0 {
		t.Errorf("%d orders, %d left, %d held; want 100, 0, 0", orders, left, held)
	}
}

// Who holds the last pieces may click again, or come back from the payment page and change the order.
func TestTheLastPiecesInOnesOwnHands(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`UPDATE sku SET stock = 2 WHERE id = 6`)
	p, other := s.visitor(), s.visitor()
	p.add("6", "2")
	other.add("6", "1")
	c := p.quoted("")
	want(t, s.visitor().get("/order/product/ITHJW3mytn"), "out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	want(t, p.get("/order/cart-items"), "in-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
	want(t, p.get("/order/confirm-items"), "In Stock", "item_data", "product_sku_data", "0", "sku_inventory__title")
	want(t, p.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), *c.SessionID, "session_id")
	want(t, other.get("/order/cart-items"), "out-of-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
	want(t, other.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), "cart-item-not-in-stock", "errors", "error")
	s.mustHandle(event("evt_1", completed, c, nil))
	p.add("6", "1")
	want(t, p.get("/order/cart-items"), "out-of-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
}

func TestACodeForTenOutOfFiveHundred(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`UPDATE discount_code SET max_uses = 10 WHERE id = 1`)
	var mu sync.Mutex
	with, refused := 0, 0
	s.race(500, func(p *shopper) {
		p.add("6", "1")
		p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
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
	if uses := s.number(`SELECT uses FROM discount_code WHERE id = 1`); with != 10 || uses != 10 {
		t.Errorf("%d checkouts with the code, %d uses, %d refused; want 10 and 10", with, uses, refused)
	}
	s.exec(`UPDATE discount_code SET max_uses = 11 WHERE id = 1`) // no restart
	p := s.visitor()
	p.add("6", "1")
	p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	if c := p.quoted(""); c.ItemDiscount == 0 {
		t.Error("the raised limit does not count")
	}
}

func TestACodeOncePerCustomer(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`UPDATE discount_code SET max_uses_per_customer = 1 WHERE id = 1`)
	buy := func(p *shopper, email string) bool {
		p.add("6", "1")
		p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		c := p.quoted(email)
		s.mustHandle(event("evt_"+c.ID, completed, c, nil))
		return c.ItemDiscount > 0
	}
	m := s.member(1)
	if !buy(m, "") || buy(m, "") {
		t.Error("a member uses it once")
	}
	if !buy(s.visitor(), "a@mail.example.com") || buy(s.visitor(), "A@mail.example.com") || !buy(s.visitor(), "b@mail.example.com") {
		t.Error("an address uses it once")
	}
}

// race runs n shoppers, 40 at a time.
func (s *shop) race(n int, each func(*shopper)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 40)
	for range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			each(s.visitor())
		})
	}
	wg.Wait()
}

func TestVisitorsOrdersGoToWhoProvesTheAddress(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("6", "1")
	s.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	tell := func(subject string, v any) {
		t.Helper()
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		err = pgx.BeginFunc(t.Context(), s.db, func(tx pgx.Tx) error {
			return s.service.onUserEvents(context.WithoutCancel(t.Context()), tx, []*bus.Delivery{{Subject: subject, Data: raw}})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	identifier := s.text(`SELECT identifier FROM orders`)
	tell(msg.UserEmailVerified, msg.Member{ID: 9, Email: "PAT@mail.example.com"})
	want(t, s.member(9).get("/order/"+identifier), "success", "order_detail")
	want(t, p.get("/order/"+identifier), "log-in-required-to-view-order", "errors", "error")
	tell(msg.UserErased, msg.Erased{MemberID: 9, Emails: []string{"pat@mail.example.com"}})
	if n := s.number(`SELECT count(*) FROM orders WHERE email IS NULL AND customer_name IS NULL AND shipping_address IS NULL AND total = 1355`); n != 1 {
		t.Error("the order keeps the person, or lost its amounts")
	}
}

func TestTwoPaymentsForOneCartAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for n := range 10 {
		p := s.member(int64(n + 1))
		p.add("6", "1")
		first := p.quoted("")
		p.add("7", "1")
		second := p.quoted("")
		var wg sync.WaitGroup
		for _, c := range []checkout{first, second, first, second} {
			wg.Go(func() {
				if err := s.handle(event("evt_"+c.ID, completed, c, nil)); err != nil {
					t.Errorf("a payment failed: %v", err)
				}
			})
		}
		wg.Wait()
	}
	if orders, issues := s.number(`SELECT count(*) FROM orders`), s.number(`SELECT count(*) FROM payment_issue`); orders != 10 || issues != 10 {
		t.Errorf("%d orders, %d payments for staff; want 10 and 10", orders, issues)
	}
}
