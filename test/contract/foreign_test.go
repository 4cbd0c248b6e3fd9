package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// TestForeignStripe runs the shop with another Stripe, another mail server and another public
// address, like a test bench that was made from the contract.
func TestForeignStripe(t *testing.T) {
	t.Parallel()
	s := newStripe(t)
	box, port := newSink(t)
	e := newEnv(t, "STRIPE_API_BASE="+s.URL, "STRIPE_SECRET_KEY="+stripeKey, "STRIPE_PUBLISHABLE_KEY=pk_test_x",
		"STRIPE_WEBHOOK_SECRET="+webhookSecret,
		"SMTP_HOST=127.0.0.1", "SMTP_PORT="+port, "SMTP_TLS=none", "PUBLIC_URL="+origin)
	e.mails = box.of
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *env, *stripe){
			"session": testSession, "discounts": testDiscountAtStripe, "success": testSuccess, "frozen": testFrozen, "webhook": testWebhook,
			"webhook refusals": testWebhookRefusals,
			"at once":          testAtOnce, "member": testMemberOrder, "checks": testCheckoutChecks, "expired and paid": testExpiredAndPaid,
			"event shapes": testEventShapes, "visitor registers": testVisitorRegisters,
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); test(t, e, s) })
		}
	})
	t.Run("stripe down", func(t *testing.T) { testStripeDown(t, e, s) })
	t.Run("configuration", func(t *testing.T) { testConfiguration(t, e) })
	s.set(func() {
		if len(s.bad) > 0 {
			t.Errorf("the shop asked Stripe for %v", s.bad)
		}
	})
}

// checkout opens the payment page for two pieces of SKU 1, and one of each further SKU.
func (b *browser) checkout(address string, more ...string) string {
	b.TB.Helper()
	b.add("1", "2")
	for _, sku := range more {
		b.add(sku, "1")
	}
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "newsletter", "false", "save_defaults", "false",
		"anonymous_email_address", address)
	a.Is(`{"create_checkout_session":"success","session_id":"*","checkout_url":"*","order-api-version":"0.0.1"}`)
	return a.Text("session_id")
}

func (b *browser) success(session string) testenv.Answer {
	b.TB.Helper()
	return b.get("/order/checkout-session-success?session_id=" + session)
}

// bought wants a session to be an order, and returns the order's identifier.
func (b *browser) bought(session string) string {
	b.TB.Helper()
	a := b.success(session)
	a.Is(`{"checkout_session_success":"success","order_identifier":"*","order-api-version":"0.0.1"}`)
	return a.Text("order_identifier")
}

// requestOf is the form with which a session was created.
func (s *stripe) requestOf(t *testing.T, session string) map[string]string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, key := range s.keys {
		if s.repeats[key] == session {
			if key == "" {
				t.Error("no idempotency key")
			}
			flat := map[string]string{}
			for name := range s.requests[i] {
				flat[name] = s.requests[i].Get(name)
			}
			return flat
		}
	}
	t.Fatalf("no one made %s", session)
	return nil
}

// A payment session is created with the lines, shipping, addresses and URLs of the contract, once
// for a cart.
func testSession(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	address := email()
	session := b.checkout(address, "7")
	got := s.requestOf(t, session)
	for name, value := range map[string]string{
		"mode": "payment", "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][product_data][name]": "Paper Clips",
		"line_items[0][price_data][product_data][images][0]": origin + "/img/product/paper_clip_left_2.jpg",
		"line_items[0][price_data][unit_amount]":             "350", "line_items[0][quantity]": "2",
		"line_items[1][price_data][unit_amount]": "1499", "line_items[1][price_data][product_data][description]": "Multi - Multi",
		"line_items[1][price_data][product_data][images][0]": origin + "/img/product/rubber_bands_2.jpg",
		"line_items[2][price_data][unit_amount]":             "956", "line_items[2][quantity]": "1",
		"line_items[2][price_data][currency]": "usd", "line_items[3][quantity]": "",
		"success_url": origin + "/checkout/success?session_id={CHECKOUT_SESSION_ID}", "cancel_url": origin + "/checkout/confirm",
		"billing_address_collection":                        "required",
		"shipping_address_collection[allowed_countries][0]": "US", "shipping_address_collection[allowed_countries][1]": "CA",
		"phone_number_collection[enabled]": "true", "customer_email": address,
	} {
		want(t, name, got[name], value)
	}

	if got["metadata[cart_id]"] == "" || !strings.HasPrefix(got["line_items[0][price_data][product_data][description]"], "Silver - ") {
		t.Errorf("the session was made with %v", got)
	}

	// A second click gets the same session, which is not paid.
	again := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", address)
	again.Want(session, "session_id")
	b.success(session).Is(`{"checkout_session_success":"error","errors":{"error":"payment-not-completed"},"order-api-version":"0.0.1"}`)

	bare := e.browser(t)
	if _, ok := s.requestOf(t, bare.checkout(""))["customer_email"]; ok {
		t.Error("an empty address reaches Stripe")
	}
}

// Stripe charges the discounted total, and order and mail show the codes.
func testDiscountAtStripe(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	b.add("6", "5")
	b.apply("WELCOME10")
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true")
	session := a.Text("session_id")

	s.set(func() {
		if total := s.sessions[session]["amount_total"]; total != 2751 {
			t.Errorf("Stripe wants %v", total)
		}
	})

	address := email()
	s.pay(session, address)
	order := b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"item_subtotal": "19.95", "item_discount": "2.00", "shipping_subtotal": "9.56",
		"shipping_discount": "0.00", "order_total": "27.51"} {
		order.Want(value, "order_data", "order_totals", key)
	}
	order.Want(true, "order_data", "order_discount_codes", "1", "discount_applied")
	order.Want("WELCOME10", "order_data", "order_discount_codes", "1", "code")

	text := e.awaitMail(t, address, 1).Text
	wantParts(t, text, "WELCOME10", "19.95", "2.00", "9.56", "27.51")
	if strings.Contains(text, "{") {
		t.Errorf("the mail holds what should have been filled in:\n%s", text)
	}
	// Free shipping, and a code whose minimum is not met.
	b = e.browser(t)
	b.add("6", "5")
	free := e.newCode(t, discountCode{kind: freeShipping, combinable: true})
	high := e.newCode(t, discountCode{kind: percentOff, amount: 1000, minimum: 9000})
	b.apply(free)
	b.apply(high)
	session = b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true").Text("session_id")
	want(t, "a shipping line", s.requestOf(t, session)["line_items[1][quantity]"], "")
	address = email()
	s.pay(session, address)
	order = b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"item_subtotal": "19.95", "item_discount": "0.00", "shipping_subtotal": "9.56",
		"shipping_discount": "9.56", "order_total": "19.95"} {
		order.Want(value, "order_data", "order_totals", key)
	}
	for id, code := range order.At("order_data", "order_discount_codes").(map[string]any) {
		order.Want(code.(map[string]any)["code"] == free, "order_data", "order_discount_codes", id, "discount_applied")
	}
	wantParts(t, e.awaitMail(t, address, 1).Text, free, high, "combin", "19.95")
}

// The success page makes one order of a paid session, shows it to visitors, and refuses unknown
// sessions.
func testSuccess(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	b.get("/order/checkout-session-success").Is(`{"checkout_session_success":"error","errors":{"error":"session-id-required"},` +
		`"order-api-version":"0.0.1"}`)
	b.wantRefusal(b.success(""), "session-id-required")
	for _, unknown := range []string{"cs_test_unknown", "x", "%00", "..%2F..", strings.Repeat("a", 3000), "%ff"} {
		b.success(unknown).Is(`{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},` +
			`"order-api-version":"0.0.1"}`)
	}

	address := email()
	session := b.checkout(address)
	s.pay(session, "other@mail.example.com")
	identifier := b.bought(session)
	want(t, "again", b.bought(session), identifier)
	want(t, "for a stranger", e.browser(t).bought(session), identifier)

	// The order's page and its mail.
	b.get("/order/cart-items").Want(false, "cart_found")
	a := e.browser(t).get("/order/" + identifier)
	a.Golden("testdata/order_detail.json", "identifier", identifier, "email", address)
	wantNow(t, a.Text("order_data", "order_attributes", "order_date_time"))
	m := e.awaitMail(t, address, 1)
	for _, text := range []string{m.Text, strings.ReplaceAll(m.HTML, "&amp;", "&")} {
		wantParts(t, text, "Pat Buyer", identifier, origin+"/account/order?identifier="+identifier+"&em_cd=FpGyZy6kld9R2XTjqvBQN&pr_cd=",
			"Paper Clips", "Silver", "3.50", "7.00", "USPS Retail Ground", "9.56", "16.56",
			"12 Elm Street", "Sam Receiver", origin+"/terms-of-sale", "none")
	}

	want(t, "mails", len(e.mails(address)), 1)
	e.browser(t).get("/order/"+strings.ToLower(identifier)+"x").Want("order-not-found", "errors", "error")
	member := e.browser(t)
	member.register()
	member.get("/order/" + identifier).Is(`{"order_detail":"error","errors":{"error":"order-not-in-account"},"order_identifier":"` +
		identifier + `","order-api-version":"0.0.1"}`)
}

// An order is what was paid, whatever happened to the cart after the payment page was opened.
func testFrozen(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	session := b.checkout("")
	b.post("/order/cart-update-sku-quantity", "sku_id", "1", "quantity", "9")
	b.add("7", "3")
	b.post("/order/cart-update-shipping-method", "shipping_method_identifier", "FedExGround")
	s.pay(session, email())
	stranger := e.browser(t)
	stranger.add("7", "50")
	identifier := stranger.bought(session)
	stranger.get("/order/cart-items").Want(50, "item_data", "product_sku_data", "0", "quantity")

	a := b.get("/order/" + identifier)
	a.Want("16.56", "order_data", "order_totals", "order_total")
	a.Want(nil, "order_data", "order_items", "product_sku_data", "1")
	items := b.get("/order/cart-items")
	items.Want(true, "cart_found")
	items.Want(7, "item_data", "product_sku_data", "0", "quantity")

	// A deleted cart.
	gone := e.browser(t)
	session = gone.checkout("")
	gone.post("/order/cart-delete-cart")
	s.pay(session, email())
	identifier = gone.bought(session)
	gone.get("/order/"+identifier).Want("16.56", "order_data", "order_totals", "order_total")

	// A payment page that asked for no shipping address, where none was named before.
	b = e.browser(t)
	session = b.checkout("")
	address := email()
	s.pay(session, address)
	s.set(func() { delete(s.sessions[session], "collected_information") })
	a = b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"name": "Pat Buyer", "address_line1": "", "city": "", "state": "", "zip": "", "country": "",
		"country_code": ""} {
		a.Want(value, "order_data", "order_shipping_address", key)
	}
	a.Want(address, "order_data", "order_payment_info", "email")

	// A paid session that the shop did not make.
	s.set(func() {
		s.sessions["cs_test_foreign"] = map[string]any{"id": "cs_test_foreign", "payment_status": "paid", "payment_intent": "pi_foreign",
			"status": "complete", "amount_total": 100, "currency": "usd",
			"metadata": map[string]string{"cart_id": "99999"}, "customer_details": map[string]any{"email": "x@y.example", "name": "X"}}
	})

	// Stripe is not asked about a session without a checkout. Once an event reports it, it is an
	// entry for staff.
	b.success("cs_test_foreign").Is(`{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},` +
		`"order-api-version":"0.0.1"}`)
	body := s.event("checkout.session.completed", "cs_test_foreign")
	e.hook(t, body, sign(webhookSecret, time.Now(), body))
	testenv.Eventually(t, patience, "staff have it", func() bool {
		return e.db(t, "order").Number("SELECT count(*) FROM payment_issue WHERE session_id = 'cs_test_foreign' AND reason = "+
			"'no-quote'") == 1
	})
	b.success("cs_test_foreign").Is(`{"checkout_session_success":"error","errors":{"error":"cart-not-found"},"order-api-version":"0.0.1"}`)
}

const received = `{"received":true}`

// The webhook makes one order and one mail, however often the event comes.
func testWebhook(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	address := email()
	session := b.checkout(address)
	s.pay(session, address)
	body := s.event("checkout.session.completed", session)
	for range 3 {
		a := e.hook(t, body, sign(webhookSecret, time.Now(), body))
		if a.Status != 200 || a.At("received") != true {
			t.Fatalf("the webhook answered %d %s", a.Status, a.Body)
		}
	}

	m := e.awaitMail(t, address, 1)
	identifier := b.bought(session)
	wantParts(t, m.Text, identifier)
	b.get("/order/cart-items").Want(false, "cart_found")

	// Another event about the payment.
	other := s.event("checkout.session.completed", session)
	if a := e.hook(t, other, sign(webhookSecret, time.Now(), other)); a.Status != 200 {
		t.Errorf("another event for the same payment: %d", a.Status)
	}
	want(t, "the order", b.bought(session), identifier)
	want(t, "orders", e.db(t, "order").Number("SELECT count(*) FROM orders WHERE session_id = $1", session), 1)
	want(t, "mails", len(e.mails(address)), 1)

	if a := e.hook(t, body, "t=1,v1=00,"+strings.ReplaceAll(sign(webhookSecret, time.Now(), body), ",", ",v1=ff,v0=aa,")); a.Status >= 500 {
		t.Errorf("an odd header: %d", a.Status)
	}
}

// The webhook refuses what is not signed, too old or not JSON, and accepts every signed event.
func testWebhookRefusals(t *testing.T, e *env, s *stripe) {
	now := time.Now()
	for what, c := range map[string]struct {
		body, signature string
		status          int
		answer          string
	}{
		"no signature": {body: "{}", status: 400, answer: `{"error":"invalid-signature"}`},
		"garbage":      {body: "{}", signature: "x", status: 400, answer: `{"error":"invalid-signature"}`},
		"other secret": {body: "{}", signature: sign("other", now, "{}"), status: 400, answer: `{"error":"invalid-signature"}`},
		"other body":   {body: "{ }", signature: sign(webhookSecret, now, "{}"), status: 400, answer: `{"error":"invalid-signature"}`},
		"old": {body: "{}", signature: sign(webhookSecret, now.Add(-310*time.Second), "{}"), status: 400,
			answer: `{"error":"invalid-signature"}`},
		"ahead": {body: "{}", signature: sign(webhookSecret, now.Add(330*time.Second), "{}"), status: 400,
			answer: `{"error":"invalid-signature"}`},
		"no time": {body: "{}", signature: "v1=00", status: 400, answer: `{"error":"invalid-signature"}`},
		"upper-case": {body: "{}", signature: strings.ToUpper(sign(webhookSecret, now, "{}")), status: 400,
			answer: `{"error":"invalid-signature"}`},
		"no JSON": {body: "not json", signature: sign(webhookSecret, now, "not json"), status: 400, answer: `{"error":"invalid-payload"}`},
		"empty":   {signature: sign(webhookSecret, now, ""), status: 400, answer: `{"error":"invalid-payload"}`},
		"half":    {body: `{"id":`, signature: sign(webhookSecret, now, `{"id":`), status: 400, answer: `{"error":"invalid-payload"}`},
	} {
		t.Run(what, func(t *testing.T) {
			if a := e.hook(t, c.body, c.signature); a.Status != c.status || strings.TrimSpace(a.Body) != c.answer {
				t.Errorf("answered %d %s", a.Status, a.Body)
			}
		})
	}

	// Accepted: unknown kinds, times within five minutes, and one good signature of two.
	fine := func(body string, at time.Time) {
		t.Helper()
		a := e.hook(t, body, sign(webhookSecret, at, body))
		if a.Status != 200 || strings.TrimSpace(a.Body) != received {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
		}
	}
	fine(`{"id":"evt_`+random()+`","type":"customer.created","data":{"object":{}}}`, now)
	fine(`{"id":"evt_`+random()+`","type":"checkout.session.expired","data":{"object":{"id":"cs_test_none"}}}`, now.Add(-290*time.Second))
	fine(`{"id":"evt_`+random()+`","type":"payment_intent.succeeded"}`, now.Add(290*time.Second))
	several := `{"id":"evt_` + random() + `","type":"x"}`
	signature := sign(webhookSecret, now, several)
	stamp, good, _ := strings.Cut(signature, ",")
	if a := e.hook(t, several, stamp+",v1=0000,"+good); a.Status != 200 {
		t.Errorf("one good signature of two: %d %s", a.Status, a.Body)
	}

	// Verified, but not an event that makes an order: stored, and answered with 200 or one of the
	// contract's 400.
	for _, odd := range []string{`{}`, `[]`, `null`, `"x"`, `1`, `{"id":1,"type":2}`, `{"type":"checkout.session.completed"}`,
		`{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_x","payment_status":"paid",` +
			`"metadata":{"cart_id":"x"}}}}`,
		`{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_y","payment_status":"unpaid",` +
			`"metadata":null}}}`, `{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":5}}`,
		`{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_z","payment_status":"paid",` +
			`"payment_intent":"pi_z","metadata":{"cart_id":99999999999}}}}`} {
		a := e.hook(t, odd, sign(webhookSecret, now, odd))
		if a.Status != 200 && a.Status != 400 {
			t.Errorf("%s: %d %s", odd, a.Status, a.Body)
		}
	}
}

// Webhooks and success pages at the same time make one order.
func testAtOnce(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	address := email()
	session := b.checkout(address)
	s.pay(session, address)
	body := s.event("checkout.session.completed", session)

	var mu sync.Mutex
	found := map[string]int{}
	var all sync.WaitGroup
	for range 10 {
		one := b.clone()
		all.Go(func() {
			identifier := one.bought(session)
			mu.Lock()
			defer mu.Unlock()
			found[identifier]++
		})
		all.Go(func() {
			if a := e.hook(t, body, sign(webhookSecret, time.Now(), body)); a.Status != 200 {
				t.Errorf("the webhook answered %d %s", a.Status, a.Body)
			}
		})
	}

	all.Wait()
	if len(found) != 1 {
		t.Errorf("identifiers: %v", found)
	}
	e.awaitMail(t, address, 1)
	want(t, "orders", e.db(t, "order").Number("SELECT count(*) FROM orders WHERE session_id = $1", session), 1)
}

// A member's orders are in the account, and only the member sees them.
func testMemberOrder(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	m := b.register()
	first := b.checkout("ignored@mail.example.com")
	want(t, "the receipt's address", s.requestOf(t, first)["customer_email"], m.email)
	s.pay(first, m.email)
	one := b.bought(first)
	second := b.checkout("", "6")
	s.pay(second, m.email)
	two := b.bought(second)

	// Both are in the account.
	a := b.get("/user/account-content")
	a.Want(two, "account_content", "orders_data", "1", "identifier")
	a.Want(one, "account_content", "orders_data", "2", "identifier")
	a.Want("16.56", "account_content", "orders_data", "2", "order_total")
	a.Want("0.00", "account_content", "orders_data", "2", "sales_tax_amt")
	b.get("/order/"+one).Want("success", "order_detail")

	// No one else sees them.
	visitor := e.browser(t)
	visitor.get("/order/" + one).Is(`{"order_detail":"error","errors":{"error":"log-in-required-to-view-order"},"order_identifier":"` +
		one + `","order-api-version":"0.0.1"}`)
	other := e.browser(t)
	other.register()
	other.get("/order/" + one).Is(`{"order_detail":"error","errors":{"error":"order-not-in-account"},"order_identifier":"` + one +
		`","order-api-version":"0.0.1"}`)

	// The mail links to the order.
	e.awaitMail(t, m.email, 3)
	code := e.db(t, "user").Text("SELECT mb_cd FROM account WHERE username = $1", m.username)
	link := origin + "/account/order?identifier=" + one + "&em_cd=gvREoqen93ffZsmBIc8zl&mb_cd=" + code
	found := false
	for _, mail := range e.mails(m.email) {
		found = found || strings.Contains(mail.Text, link)
	}
	if !found {
		t.Errorf("%s is in none of the mails", link)
	}

	// A status of staff shows.
	b.get("/user/logout")
	e.exec(t, "order", "INSERT INTO order_status (order_id, status) SELECT id, 'shipped' FROM orders WHERE identifier = $1", one)
	b.login(m, "false").Is(loggedIn)
	a = b.get("/order/" + one)
	a.Want("shipped", "order_data", "order_statuses", "0", "identifier")
	a.Want("accepted", "order_data", "order_statuses", "1", "identifier")
}

// A checkout is refused without a cart, stock and the agreement to the terms of sale, in this
// order.
func testCheckoutChecks(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	open := func(pairs ...string) testenv.Answer { return b.post("/order/create-checkout-session", pairs...) }
	refusal := func(code string) string {
		return `{"create_checkout_session":"error","errors":{"error":"` + code + `"},"order-api-version":"0.0.1"}`
	}
	open().Is(refusal("cart-not-found"))
	b.add("1", "0")
	open().Is(refusal("cart-is-empty"))
	b.add("2", "1")
	open().Is(refusal("cart-item-not-in-stock"))
	open("agree_to_terms_of_sale", "true").Is(refusal("cart-item-not-in-stock"))
	b.post("/order/cart-remove-sku", "sku_id", "2")
	b.add("5", "1")
	open("agree_to_terms_of_sale", "true").Is(refusal("cart-item-not-in-stock"))
	b.post("/order/cart-remove-sku", "sku_id", "5")
	b.add("1", "1")
	for _, no := range []string{"", "false", "True", "1", "on"} {
		open("agree_to_terms_of_sale", no).Is(refusal("terms-of-sale-agreement-required"))
	}
	open().Is(refusal("terms-of-sale-agreement-required"))
	open("agree_to_terms_of_sale", "true", "newsletter", "x", "save_defaults", "x", "anonymous_email_address",
		"no address at all").Is(`{"create_checkout_session":"success","session_id":"*","checkout_url":"*","order-api-version":"0.0.1"}`)
}

// No order waits for the sweep because an event has few fields or an unknown version: the shop asks
// Stripe for missing fields.
func testEventShapes(t *testing.T, e *env, s *stripe) {
	for what, change := range map[string]func(event, object map[string]any){
		"no more than an id": func(_, o map[string]any) {
			for key := range o {
				if key != "id" {
					delete(o, key)
				}
			}
		},
		"no shipping":        func(_, o map[string]any) { delete(o, "collected_information") },
		"no payment yet":     func(_, o map[string]any) { o["payment_intent"] = nil },
		"odd numbers":        func(ev, o map[string]any) { ev["created"], o["metadata"] = 1.5e9+0.25, map[string]any{"cart_id": 7} },
		"an old version":     func(ev, _ map[string]any) { ev["api_version"] = "2019-12-03" },
		"a version to come":  func(ev, o map[string]any) { ev["api_version"], o["payment_status"] = "2031-01-01.zebra", "settled" },
		"a delayed payment":  func(ev, _ map[string]any) { ev["type"] = "checkout.session.async_payment_succeeded" },
		"an expanded intent": func(_, o map[string]any) { o["payment_intent"] = map[string]any{"id": o["payment_intent"]} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := e.browser(t)
			address := email()
			session := b.checkout(address)
			s.pay(session, address)

			object, event := map[string]any{}, map[string]any{"id": "evt_" + random(), "type": "checkout.session.completed"}
			s.set(func() { maps.Copy(object, s.sessions[session]) })
			change(event, object)
			event["data"] = map[string]any{"object": object}
			raw, err := json.Marshal(event)
			if err != nil {
				t.Fatal(err)
			}

			if a := e.hook(t, string(raw), sign(webhookSecret, time.Now(), string(raw))); a.Status != 200 {
				t.Fatalf("the webhook answered %d %s", a.Status, a.Body)
			}

			text := e.awaitMail(t, address, 1).Text
			identifier := b.bought(session)
			wantParts(t, text, identifier)
			b.get("/order/"+identifier).Want("Sam Receiver", "order_data", "order_shipping_address", "name")

			rows := 0
			if event["api_version"] != nil {
				rows = 1
			}
			want(t, "rows for staff", e.db(t, "order").Number(
				"SELECT count(*) FROM payment_issue WHERE session_id = $1 AND reason = 'unknown-api-version' AND amount = 1656 AND "+
					"payload->>'id' = $2", session, event["id"]), rows)
		})
	}
}

// A session that expired according to an event out of order still becomes an order once it is paid.
func testExpiredAndPaid(t *testing.T, e *env, s *stripe) {
	b := e.browser(t)
	address := email()
	session := b.checkout(address)
	expired := s.event("checkout.session.expired", session)
	s.pay(session, address)
	e.hook(t, expired, sign(webhookSecret, time.Now(), expired))
	testenv.Eventually(t, patience, "the event was taken in", func() bool {
		return e.db(t, "order").Number("SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'expired'", session) == 1
	})
	completed := s.event("checkout.session.completed", session)
	e.hook(t, completed, sign(webhookSecret, time.Now(), completed))
	identifier := b.bought(session)
	b.get("/order/"+identifier).Want("16.56", "order_data", "order_totals", "order_total")
}

// Orders of an address move to the account once the address is verified, not before.
func testVisitorRegisters(t *testing.T, e *env, s *stripe) {
	visitor := e.browser(t)
	address := email()
	session := visitor.checkout(address)
	s.pay(session, address)
	identifier := visitor.bought(session)
	e.awaitMail(t, address, 1)

	// An account of the same address does not have the order.
	b := e.browser(t)
	b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address", address,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	b.get("/user/account-content").Want(nil, "account_content", "orders_data", "1")
	b.wantRefusal(b.get("/order/"+identifier), "order-not-in-account")
	visitor.get("/order/"+identifier).Want("success", "order_detail")

	var link string
	testenv.Eventually(t, patience, "the welcome mail", func() bool {
		for _, m := range e.mails(address) {
			if strings.Contains(m.Text, verifyLink) {
				link = m.Text
			}
		}
		return link != ""
	})

	// After the verification it has.
	b.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, link, verifyLink)).Is(`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	testenv.Eventually(t, patience, "the order is in the account", func() bool {
		return b.get("/user/account-content").Text("account_content", "orders_data", "1", "identifier") == identifier
	})
	b.get("/order/"+identifier).Want("success", "order_detail")
	visitor.wantRefusal(visitor.get("/order/"+identifier), "log-in-required-to-view-order")
}

// While Stripe is down the checkout answers with an error, and the cart stays.
func testStripeDown(t *testing.T, e *env, s *stripe) {
	known := e.browser(t).checkout(email())
	b := e.browser(t)
	b.add("1", "1")
	s.set(func() { s.down = true })
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true")
	a.Is(`{"create_checkout_session":"error","errors":{"error":"stripe-error","description":"*"},"order-api-version":"0.0.1"}`)
	b.success(known).Is(`{"checkout_session_success":"error","errors":{"error":"unexpected-error","description":"*"},` +
		`"order-api-version":"0.0.1"}`)
	b.success("cs_test_x").Is(`{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},` +
		`"order-api-version":"0.0.1"}`)
	s.set(func() { s.down = false })
	b.get("/order/cart-items").Want(1, "item_data", "product_sku_data", "0", "quantity")
	b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true").Want("success", "create_checkout_session")
}

// Two settings say who may check out.
func testConfiguration(t *testing.T, e *env) {
	member, visitor := e.browser(t), e.browser(t)
	m := member.register()
	member.add("1", "1")
	visitor.add("1", "1")

	cart := e.db(t, "order").Text("SELECT anonymous_id FROM cart WHERE anonymous_id IS NOT NULL ORDER BY id DESC LIMIT 1")
	for _, c := range []struct {
		usernames, visitors any
		member, visitor     bool
	}{
		{usernames: "*", member: true},
		{visitors: "*", visitor: true},
		{usernames: "", visitors: "", member: false, visitor: false},
		{usernames: "somebody," + m.username, visitors: "x," + cart, member: true, visitor: true},
		{usernames: strings.ToUpper(m.username), visitors: "x"},
		{usernames: "*", visitors: "*", member: true, visitor: true},
	} {
		e.exec(t, "order", "UPDATE configuration SET value = $1 WHERE key = 'usernames_allowed_to_checkout'", c.usernames)
		e.exec(t, "order", "UPDATE configuration SET value = $1 WHERE key = 'an_ct_values_allowed_to_checkout'", c.visitors)

		for b, allowed := range map[*browser]bool{member: c.member, visitor: c.visitor} {
			no := `{"checkout_allowed":false,"order-api-version":"0.0.1"}`
			b.get("/order/checkout-allowed").Is(fmt.Sprintf(`{"checkout_allowed":%v,"order-api-version":"0.0.1"}`, allowed))
			for _, path := range []string{"confirm-items", "confirm-shipping-method", "confirm-discount-codes", "confirm-totals",
				"change-confirmation-email-address"} {
				a := b.get("/order/" + path)
				a.Want(allowed, "checkout_allowed")
				if !allowed {
					a.Is(no)
				}
			}

			if !allowed {
				b.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", email()).Is(no)
				b.post("/order/anonymous-email-address-payment-lookup").Is(no)
				b.post("/order/create-checkout-session", "agree_to_terms_of_sale",
					"true").Is(`{"create_checkout_session":"error","errors":{"error":"checkout-not-allowed"},"order-api-version":"0.0.1"}`)
			}
		}
	}
}
