package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestForeignStripe runs the shop with a Stripe and a mail server that are not its own, at another
// public address, as a test bench does that was made from the contract.
func TestForeignStripe(t *testing.T) {
	t.Parallel()
	s := newStripe(t)
	box, port := newSink(t)
	w := newWorld(t, "STRIPE_API_BASE="+s.URL, "STRIPE_SECRET_KEY="+stripeKey, "STRIPE_PUBLISHABLE_KEY=pk_test_x", "STRIPE_WEBHOOK_SECRET="+webhookSecret,
		"SMTP_HOST=127.0.0.1", "SMTP_PORT="+port, "SMTP_TLS=none", "PUBLIC_URL="+origin)
	w.mails = box.of
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T, *world, *stripe){
			"session": testSession, "discounts": testDiscountAtStripe, "success": testSuccess, "frozen": testFrozen, "webhook": testWebhook, "webhook refusals": testWebhookRefusals,
			"at once": testAtOnce, "member": testMemberOrder, "checks": testCheckoutChecks, "expired and paid": testExpiredAndPaid, "event shapes": testEventShapes, "visitor registers": testVisitorRegisters,
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); test(t, w, s) })
		}
	})
	t.Run("stripe down", func(t *testing.T) { testStripeDown(t, w, s) })
	t.Run("configuration", func(t *testing.T) { testConfiguration(t, w) })
	s.set(func() {
		if len(s.bad) > 0 {
			t.Errorf("the shop asked Stripe for %v", s.bad)
		}
	})
}

// checkout opens the payment page for some pieces of SKU 1, and more of others.
func (b *browser) checkout(address string, more ...string) string {
	b.t.Helper()
	b.add("1", "2")
	for _, sku := range more {
		b.add(sku, "1")
	}
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "newsletter", "false", "save_defaults", "false", "anonymous_email_address", address)
	b.is(a, `{"create_checkout_session":"success","session_id":"*","checkout_url":"*","order-api-version":"0.0.1"}`)
	return a.str("session_id")
}

func (b *browser) success(session string) answer {
	b.t.Helper()
	return b.get("/order/checkout-session-success?session_id=" + session)
}

// bought wants a session to be an order and returns its identifier.
func (b *browser) bought(session string) string {
	b.t.Helper()
	a := b.success(session)
	b.is(a, `{"checkout_session_success":"success","order_identifier":"*","order-api-version":"0.0.1"}`)
	return a.str("order_identifier")
}

// requestOf is what a session was made with.
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

func testSession(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	address := email()
	session := b.checkout(address, "7")
	got := s.requestOf(t, session)
	for name, value := range map[string]string{
		"mode": "payment", "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][product_data][name]": "Paper Clips",
		"line_items[0][price_data][product_data][images][0]": origin + "/img/product/paper_clip_left_2.jpg", "line_items[0][price_data][unit_amount]": "350", "line_items[0][quantity]": "2",
		"line_items[1][price_data][unit_amount]": "1499", "line_items[1][price_data][product_data][description]": "Multi - Multi", "line_items[1][price_data][product_data][images][0]": origin + "/img/product/rubber_bands_2.jpg",
		"line_items[2][price_data][unit_amount]": "956", "line_items[2][quantity]": "1", "line_items[2][price_data][currency]": "usd", "line_items[3][quantity]": "",
		"success_url": origin + "/checkout/success?session_id={CHECKOUT_SESSION_ID}", "cancel_url": origin + "/checkout/confirm", "billing_address_collection": "required",
		"shipping_address_collection[allowed_countries][0]": "US", "shipping_address_collection[allowed_countries][1]": "CA", "phone_number_collection[enabled]": "true", "customer_email": address,
	} {
		want(t, name, got[name], value)
	}
	if got["metadata[cart_id]"] == "" || !strings.HasPrefix(got["line_items[0][price_data][product_data][description]"], "Silver - ") {
		t.Errorf("the session was made with %v", got)
	}
	again := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", address)
	b.has(again, session, "session_id")
	b.is(b.success(session), `{"checkout_session_success":"error","errors":{"error":"payment-not-completed"},"order-api-version":"0.0.1"}`)
	bare := w.browser(t)
	if _, ok := s.requestOf(t, bare.checkout(""))["customer_email"]; ok {
		t.Error("an empty address reaches Stripe")
	}
}

func testDiscountAtStripe(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	b.add("6", "5")
	b.apply("WELCOME10")
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true")
	session := a.str("session_id")
	s.set(func() {
		if total := s.sessions[session]["amount_total"]; total != 2751 {
			t.Errorf("Stripe wants %v", total)
		}
	})
	address := email()
	s.pay(session, address)
	order := b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"item_subtotal": "19.95", "item_discount": "2.00", "shipping_subtotal": "9.56", "shipping_discount": "0.00", "order_total": "27.51"} {
		b.has(order, value, "order_data", "order_totals", key)
	}
	b.has(order, true, "order_data", "order_discount_codes", "1", "discount_applied")
	b.has(order, "WELCOME10", "order_data", "order_discount_codes", "1", "code")
	text := w.mail(t, address, 1).Text
	holds(t, text, "WELCOME10", "19.95", "2.00", "9.56", "27.51")
	if strings.Contains(text, "{") {
		t.Errorf("the mail holds what should have been filled in:\n%s", text)
	}
	// Two codes, one of which does nothing, and free shipping.
	b = w.browser(t)
	b.add("6", "5")
	free, high := w.newCode(t, 4, 0, 0, true, "-1 day", "1 day"), w.newCode(t, 1, 1000, 9000, false, "-1 day", "1 day")
	b.apply(free)
	b.apply(high)
	session = b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true").str("session_id")
	want(t, "a shipping line", s.requestOf(t, session)["line_items[1][quantity]"], "")
	address = email()
	s.pay(session, address)
	order = b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"item_subtotal": "19.95", "item_discount": "0.00", "shipping_subtotal": "9.56", "shipping_discount": "9.56", "order_total": "19.95"} {
		b.has(order, value, "order_data", "order_totals", key)
	}
	for id, code := range order.at("order_data", "order_discount_codes").(map[string]any) {
		b.has(order, code.(map[string]any)["code"] == free, "order_data", "order_discount_codes", id, "discount_applied")
	}
	holds(t, w.mail(t, address, 1).Text, free, high, "combin", "19.95")
}

func testSuccess(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	b.is(b.get("/order/checkout-session-success"), `{"checkout_session_success":"error","errors":{"error":"session-id-required"},"order-api-version":"0.0.1"}`)
	b.refused(b.success(""), "session-id-required")
	for _, unknown := range []string{"cs_test_unknown", "x", "%00", "..%2F..", strings.Repeat("a", 3000), "%ff"} {
		b.is(b.success(unknown), `{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},"order-api-version":"0.0.1"}`)
	}
	address := email()
	session := b.checkout(address)
	s.pay(session, "other@mail.example.com")
	identifier := b.bought(session)
	want(t, "again", b.bought(session), identifier)
	want(t, "for a stranger", w.browser(t).bought(session), identifier)
	b.has(b.get("/order/cart-items"), false, "cart_found")
	a := w.browser(t).get("/order/" + identifier)
	place := `"address_line1":"12 Elm Street","city":"Springfield","state":"IL","zip":"62704","country":"US","country_code":"US"}`
	b.is(a, `{"order_detail":"success","order_data":{"order_attributes":{"identifier":"`+identifier+`","order_date_time":"*","sales_tax_amt":"0.00"},
		"order_items":{"product_sku_data":{"0":`+strings.Replace(line(2), `"sku_inventory__identifier":"in-stock",`, "", 1)+`}},
		"order_shipping_method":{"identifier":"USPSRetailGround","carrier":"USPS Retail Ground","shipping_cost":"9.56","tracking_code_base_url":"*"},"order_discount_codes":{},
		"order_totals":{"item_subtotal":"7.00","item_discount":"0.00","shipping_subtotal":"9.56","shipping_discount":"0.00","order_total":"16.56"},
		"order_statuses":{"0":{"identifier":"accepted","title":"Accepted","description":"*","created_date_time":"*"}},
		"order_shipping_address":{"name":"Sam Receiver",`+place+`,"order_billing_address":{"name":"Pat Buyer",`+place+`,
		"order_payment_info":{"email":"`+address+`","payment_type":"card","card_name":"Pat Buyer","card_brand":null,"card_last4":null,"card_exp_month":null,"card_exp_year":null,"card_zip":null}},"order-api-version":"0.0.1"}`)
	stamp(t, a.str("order_data", "order_attributes", "order_date_time"))
	m := w.mail(t, address, 1)
	for _, text := range []string{m.Text, strings.ReplaceAll(m.HTML, "&amp;", "&")} {
		holds(t, text, "Pat Buyer", identifier, origin+"/account/order?identifier="+identifier+"&em_cd=FpGyZy6kld9R2XTjqvBQN&pr_cd=", "Paper Clips", "Silver", "3.50", "7.00", "USPS Retail Ground", "9.56", "16.56",
			"12 Elm Street", "Sam Receiver", origin+"/terms-of-sale", "none")
	}
	want(t, "mails", len(w.mails(address)), 1)
	w.browser(t).has(w.browser(t).get("/order/"+strings.ToLower(identifier)+"x"), "order-not-found", "errors", "error")
	member := w.browser(t)
	member.register()
	member.is(member.get("/order/"+identifier), `{"order_detail":"error","errors":{"error":"order-not-in-account"},"order_identifier":"`+identifier+`","order-api-version":"0.0.1"}`)
}

func testFrozen(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	session := b.checkout("")
	b.post("/order/cart-update-sku-quantity", "sku_id", "1", "quantity", "9")
	b.add("7", "3")
	b.post("/order/cart-update-shipping-method", "shipping_method_identifier", "FedExGround")
	s.pay(session, email())
	stranger := w.browser(t)
	stranger.add("7", "50")
	identifier := stranger.bought(session)
	stranger.has(stranger.get("/order/cart-items"), 50, "item_data", "product_sku_data", "0", "quantity")
	a := b.get("/order/" + identifier)
	b.has(a, "16.56", "order_data", "order_totals", "order_total")
	b.has(a, nil, "order_data", "order_items", "product_sku_data", "1")
	items := b.get("/order/cart-items")
	b.has(items, true, "cart_found")
	b.has(items, 7, "item_data", "product_sku_data", "0", "quantity")
	gone := w.browser(t)
	session = gone.checkout("")
	gone.post("/order/cart-delete-cart")
	s.pay(session, email())
	identifier = gone.bought(session)
	gone.has(gone.get("/order/"+identifier), "16.56", "order_data", "order_totals", "order_total")
	// A payment page that asked for no shipping address, and no one named an address before it.
	b = w.browser(t)
	session = b.checkout("")
	address := email()
	s.pay(session, address)
	s.set(func() { delete(s.sessions[session], "collected_information") })
	a = b.get("/order/" + b.bought(session))
	for key, value := range map[string]string{"name": "Pat Buyer", "address_line1": "", "city": "", "state": "", "zip": "", "country": "", "country_code": ""} {
		b.has(a, value, "order_data", "order_shipping_address", key)
	}
	b.has(a, address, "order_data", "order_payment_info", "email")
	// A paid session that the shop did not make.
	s.set(func() {
		s.sessions["cs_test_foreign"] = map[string]any{"id": "cs_test_foreign", "payment_status": "paid", "payment_intent": "pi_foreign", "status": "complete", "amount_total": 100, "currency": "usd",
			"metadata": map[string]string{"cart_id": "99999"}, "customer_details": map[string]any{"email": "x@y.example", "name": "X"}}
	})
	// Stripe is not asked about what no checkout knows. Told by Stripe it is known: it is with staff.
	b.is(b.success("cs_test_foreign"), `{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},"order-api-version":"0.0.1"}`)
	body := s.event("checkout.session.completed", "cs_test_foreign")
	w.hook(t, body, sign(webhookSecret, time.Now(), body))
	eventually(t, "staff have it", func() bool {
		return w.count(t, "order", "SELECT count(*) FROM payment_issue WHERE session_id = 'cs_test_foreign' AND reason = 'no-quote'") == 1
	})
	b.is(b.success("cs_test_foreign"), `{"checkout_session_success":"error","errors":{"error":"cart-not-found"},"order-api-version":"0.0.1"}`)
}

const received = `{"received":true}`

func testWebhook(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	address := email()
	session := b.checkout(address)
	s.pay(session, address)
	body := s.event("checkout.session.completed", session)
	for range 3 {
		a := w.hook(t, body, sign(webhookSecret, time.Now(), body))
		if a.status != 200 || a.at("received") != true {
			t.Fatalf("the webhook answered %d %s", a.status, a.body)
		}
	}
	m := w.mail(t, address, 1)
	identifier := b.bought(session)
	holds(t, m.Text, identifier)
	b.has(b.get("/order/cart-items"), false, "cart_found")
	other := s.event("checkout.session.completed", session)
	if a := w.hook(t, other, sign(webhookSecret, time.Now(), other)); a.status != 200 {
		t.Errorf("another event for the same payment: %d", a.status)
	}
	want(t, "the order", b.bought(session), identifier)
	want(t, "orders", w.count(t, "order", "SELECT count(*) FROM orders WHERE session_id = $1", session), 1)
	want(t, "mails", len(w.mails(address)), 1)
	if a := w.hook(t, body, "t=1,v1=00,"+strings.ReplaceAll(sign(webhookSecret, time.Now(), body), ",", ",v1=ff,v0=aa,")); a.status >= 500 {
		t.Errorf("an odd header: %d", a.status)
	}
}

func testWebhookRefusals(t *testing.T, w *world, s *stripe) {
	now := time.Now()
	for what, c := range map[string]struct {
		body, signature string
		status          int
		answer          string
	}{
		"no signature": {"{}", "", 400, `{"error":"invalid-signature"}`}, "garbage": {"{}", "x", 400, `{"error":"invalid-signature"}`},
		"other secret": {"{}", sign("other", now, "{}"), 400, `{"error":"invalid-signature"}`}, "other body": {"{ }", sign(webhookSecret, now, "{}"), 400, `{"error":"invalid-signature"}`},
		"old":   {"{}", sign(webhookSecret, now.Add(-310*time.Second), "{}"), 400, `{"error":"invalid-signature"}`},
		"ahead": {"{}", sign(webhookSecret, now.Add(330*time.Second), "{}"), 400, `{"error":"invalid-signature"}`}, "no time": {"{}", "v1=00", 400, `{"error":"invalid-signature"}`},
		"upper-case": {"{}", strings.ToUpper(sign(webhookSecret, now, "{}")), 400, `{"error":"invalid-signature"}`},
		"no JSON":    {"not json", sign(webhookSecret, now, "not json"), 400, `{"error":"invalid-payload"}`}, "empty": {"", sign(webhookSecret, now, ""), 400, `{"error":"invalid-payload"}`},
		"half": {`{"id":`, sign(webhookSecret, now, `{"id":`), 400, `{"error":"invalid-payload"}`},
	} {
		a := w.hook(t, c.body, c.signature)
		if a.status != c.status || strings.TrimSpace(a.body) != c.answer {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	fine := func(body string, at time.Time) {
		t.Helper()
		a := w.hook(t, body, sign(webhookSecret, at, body))
		if a.status != 200 || strings.TrimSpace(a.body) != received {
			t.Errorf("%s: %d %s", body, a.status, a.body)
		}
	}
	fine(`{"id":"evt_`+random()+`","type":"customer.created","data":{"object":{}}}`, now)
	fine(`{"id":"evt_`+random()+`","type":"checkout.session.expired","data":{"object":{"id":"cs_test_none"}}}`, now.Add(-290*time.Second))
	fine(`{"id":"evt_`+random()+`","type":"payment_intent.succeeded"}`, now.Add(290*time.Second))
	several := `{"id":"evt_` + random() + `","type":"x"}`
	signature := sign(webhookSecret, now, several)
	stamp, good, _ := strings.Cut(signature, ",")
	if a := w.hook(t, several, stamp+",v1=0000,"+good); a.status != 200 {
		t.Errorf("one good signature of two: %d %s", a.status, a.body)
	}
	// Verified, but no event that makes an order: kept, answered 200 or one of the contract's 400.
	for _, odd := range []string{`{}`, `[]`, `null`, `"x"`, `1`, `{"id":1,"type":2}`, `{"type":"checkout.session.completed"}`, `{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_x","payment_status":"paid","metadata":{"cart_id":"x"}}}}`,
		`{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_y","payment_status":"unpaid","metadata":null}}}`, `{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":5}}`,
		`{"id":"evt_` + random() + `","type":"checkout.session.completed","data":{"object":{"id":"cs_z","payment_status":"paid","payment_intent":"pi_z","metadata":{"cart_id":99999999999}}}}`} {
		a := w.hook(t, odd, sign(webhookSecret, now, odd))
		if a.status != 200 && a.status != 400 {
			t.Errorf("%s: %d %s", odd, a.status, a.body)
		}
	}
}

func testAtOnce(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
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
			if a := w.hook(t, body, sign(webhookSecret, time.Now(), body)); a.status != 200 {
				t.Errorf("the webhook answered %d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if len(found) != 1 {
		t.Errorf("identifiers: %v", found)
	}
	w.mail(t, address, 1)
	want(t, "orders", w.count(t, "order", "SELECT count(*) FROM orders WHERE session_id = $1", session), 1)
}

func testMemberOrder(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	m := b.register()
	first := b.checkout("ignored@mail.example.com")
	want(t, "the receipt's address", s.requestOf(t, first)["customer_email"], m.email)
	s.pay(first, m.email)
	one := b.bought(first)
	second := b.checkout("", "6")
	s.pay(second, m.email)
	two := b.bought(second)
	a := b.get("/user/account-content")
	b.has(a, two, "account_content", "orders_data", "1", "identifier")
	b.has(a, one, "account_content", "orders_data", "2", "identifier")
	b.has(a, "16.56", "account_content", "orders_data", "2", "order_total")
	b.has(a, "0.00", "account_content", "orders_data", "2", "sales_tax_amt")
	b.has(b.get("/order/"+one), "success", "order_detail")
	visitor := w.browser(t)
	visitor.is(visitor.get("/order/"+one), `{"order_detail":"error","errors":{"error":"log-in-required-to-view-order"},"order_identifier":"`+one+`","order-api-version":"0.0.1"}`)
	other := w.browser(t)
	other.register()
	other.is(other.get("/order/"+one), `{"order_detail":"error","errors":{"error":"order-not-in-account"},"order_identifier":"`+one+`","order-api-version":"0.0.1"}`)
	w.mail(t, m.email, 3)
	code := w.text(t, "user", "SELECT mb_cd FROM account WHERE username = $1", m.username)
	link := origin + "/account/order?identifier=" + one + "&em_cd=gvREoqen93ffZsmBIc8zl&mb_cd=" + code
	found := false
	for _, mail := range w.mails(m.email) {
		found = found || strings.Contains(mail.Text, link)
	}
	if !found {
		t.Errorf("%s is in none of the mails", link)
	}
	b.get("/user/logout")
	w.exec(t, "order", "INSERT INTO order_status (order_id, status) SELECT id, 'shipped' FROM orders WHERE identifier = $1", one)
	b.is(b.login(m, "false"), loggedIn)
	a = b.get("/order/" + one)
	b.has(a, "shipped", "order_data", "order_statuses", "0", "identifier")
	b.has(a, "accepted", "order_data", "order_statuses", "1", "identifier")
}

func testCheckoutChecks(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	open := func(pairs ...string) answer { return b.post("/order/create-checkout-session", pairs...) }
	refusal := func(code string) string {
		return `{"create_checkout_session":"error","errors":{"error":"` + code + `"},"order-api-version":"0.0.1"}`
	}
	b.is(open(), refusal("cart-not-found"))
	b.add("1", "0")
	b.is(open(), refusal("cart-is-empty"))
	b.add("2", "1")
	b.is(open(), refusal("cart-item-not-in-stock"))
	b.is(open("agree_to_terms_of_sale", "true"), refusal("cart-item-not-in-stock"))
	b.post("/order/cart-remove-sku", "sku_id", "2")
	b.add("5", "1")
	b.is(open("agree_to_terms_of_sale", "true"), refusal("cart-item-not-in-stock"))
	b.post("/order/cart-remove-sku", "sku_id", "5")
	b.add("1", "1")
	for _, no := range []string{"", "false", "True", "1", "on"} {
		b.is(open("agree_to_terms_of_sale", no), refusal("terms-of-sale-agreement-required"))
	}
	b.is(open(), refusal("terms-of-sale-agreement-required"))
	b.is(open("agree_to_terms_of_sale", "true", "newsletter", "x", "save_defaults", "x", "anonymous_email_address", "no address at all"),
		`{"create_checkout_session":"success","session_id":"*","checkout_url":"*","order-api-version":"0.0.1"}`)
}

// However little an event says, and in whatever version, the shopper waits for no sweep: what it
// lacks is asked of Stripe.
func testEventShapes(t *testing.T, w *world, s *stripe) {
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
		"odd numbers":        func(e, o map[string]any) { e["created"], o["metadata"] = 1.5e9+0.25, map[string]any{"cart_id": 7} },
		"an old version":     func(e, _ map[string]any) { e["api_version"] = "2019-12-03" },
		"a version to come":  func(e, o map[string]any) { e["api_version"], o["payment_status"] = "2031-01-01.zebra", "settled" },
		"a delayed payment":  func(e, _ map[string]any) { e["type"] = "checkout.session.async_payment_succeeded" },
		"an expanded intent": func(_, o map[string]any) { o["payment_intent"] = map[string]any{"id": o["payment_intent"]} },
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := w.browser(t)
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
			if a := w.hook(t, string(raw), sign(webhookSecret, time.Now(), string(raw))); a.status != 200 {
				t.Fatalf("the webhook answered %d %s", a.status, a.body)
			}
			text := w.mail(t, address, 1).Text
			identifier := b.bought(session)
			holds(t, text, identifier)
			b.has(b.get("/order/"+identifier), "Sam Receiver", "order_data", "order_shipping_address", "name")
			rows := 0
			if event["api_version"] != nil {
				rows = 1
			}
			want(t, "rows for staff", w.count(t, "order", "SELECT count(*) FROM payment_issue WHERE session_id = $1 AND reason = 'unknown-api-version' AND amount = 1656 AND payload->>'id' = $2", session, event["id"]), rows)
		})
	}
}

// An event that the session expired, out of turn, must not cost the payer the order.
func testExpiredAndPaid(t *testing.T, w *world, s *stripe) {
	b := w.browser(t)
	address := email()
	session := b.checkout(address)
	expired := s.event("checkout.session.expired", session)
	s.pay(session, address)
	w.hook(t, expired, sign(webhookSecret, time.Now(), expired))
	eventually(t, "the event was taken in", func() bool {
		return w.count(t, "order", "SELECT count(*) FROM checkout WHERE session_id = $1 AND state = 'expired'", session) == 1
	})
	completed := s.event("checkout.session.completed", session)
	w.hook(t, completed, sign(webhookSecret, time.Now(), completed))
	identifier := b.bought(session)
	b.has(b.get("/order/"+identifier), "16.56", "order_data", "order_totals", "order_total")
}

// Orders of an address come to the account once the address is proved, not before.
func testVisitorRegisters(t *testing.T, w *world, s *stripe) {
	visitor := w.browser(t)
	address := email()
	session := visitor.checkout(address)
	s.pay(session, address)
	identifier := visitor.bought(session)
	w.mail(t, address, 1)
	b := w.browser(t)
	b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address", address,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	b.has(b.get("/user/account-content"), nil, "account_content", "orders_data", "1")
	b.refused(b.get("/order/"+identifier), "order-not-in-account")
	visitor.has(visitor.get("/order/"+identifier), "success", "order_detail")
	var link string
	eventually(t, "the welcome mail", func() bool {
		for _, m := range w.mails(address) {
			if strings.Contains(m.Text, verifyLink) {
				link = m.Text
			}
		}
		return link != ""
	})
	b.is(b.post("/user/verify-email-address-response", "email_verification_code", codeIn(t, link, verifyLink)), `{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	eventually(t, "the order is in the account", func() bool {
		return b.get("/user/account-content").str("account_content", "orders_data", "1", "identifier") == identifier
	})
	b.has(b.get("/order/"+identifier), "success", "order_detail")
	visitor.refused(visitor.get("/order/"+identifier), "log-in-required-to-view-order")
}

func testStripeDown(t *testing.T, w *world, s *stripe) {
	known := w.browser(t).checkout(email())
	b := w.browser(t)
	b.add("1", "1")
	s.set(func() { s.down = true })
	a := b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true")
	b.is(a, `{"create_checkout_session":"error","errors":{"error":"stripe-error","description":"*"},"order-api-version":"0.0.1"}`)
	b.is(b.success(known), `{"checkout_session_success":"error","errors":{"error":"unexpected-error","description":"*"},"order-api-version":"0.0.1"}`)
	b.is(b.success("cs_test_x"), `{"checkout_session_success":"error","errors":{"error":"invalid-session","description":"*"},"order-api-version":"0.0.1"}`)
	s.set(func() { s.down = false })
	b.has(b.get("/order/cart-items"), 1, "item_data", "product_sku_data", "0", "quantity")
	b.has(b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), "success", "create_checkout_session")
}

// The two switches that say who may check out.
func testConfiguration(t *testing.T, w *world) {
	member, visitor := w.browser(t), w.browser(t)
	m := member.register()
	member.add("1", "1")
	visitor.add("1", "1")
	cart := w.text(t, "order", "SELECT anonymous_id FROM cart WHERE anonymous_id IS NOT NULL ORDER BY id DESC LIMIT 1")
	for _, c := range []struct {
		usernames, visitors any
		member, visitor     bool
	}{
		{"*", nil, true, false}, {nil, "*", false, true}, {"", "", false, false}, {"somebody," + m.username, "x," + cart, true, true}, {strings.ToUpper(m.username), "x", false, false}, {"*", "*", true, true},
	} {
		w.exec(t, "order", "UPDATE configuration SET value = $1 WHERE key = 'usernames_allowed_to_checkout'", c.usernames)
		w.exec(t, "order", "UPDATE configuration SET value = $1 WHERE key = 'an_ct_values_allowed_to_checkout'", c.visitors)
		for b, allowed := range map[*browser]bool{member: c.member, visitor: c.visitor} {
			no := `{"checkout_allowed":false,"order-api-version":"0.0.1"}`
			b.is(b.get("/order/checkout-allowed"), fmt.Sprintf(`{"checkout_allowed":%v,"order-api-version":"0.0.1"}`, allowed))
			for _, path := range []string{"confirm-items", "confirm-shipping-method", "confirm-discount-codes", "confirm-totals", "change-confirmation-email-address"} {
				a := b.get("/order/" + path)
				b.has(a, allowed, "checkout_allowed")
				if !allowed {
					b.is(a, no)
				}
			}
			if !allowed {
				b.is(b.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", email()), no)
				b.is(b.post("/order/anonymous-email-address-payment-lookup"), no)
				b.is(b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), `{"create_checkout_session":"error","errors":{"error":"checkout-not-allowed"},"order-api-version":"0.0.1"}`)
			}
		}
	}
}
