package contract

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var odd = map[string]func(*testing.T, *env){
	"no content type":       testNoContentType,
	"heads":                 testHeads,
	"short address masked":  testShortMask,
	"same name at once":     testSameNameAtOnce,
	"clients apart":         testClientsApart,
	"a page's calls":        testPageCalls,
	"odd receipt addresses": testOddReceipts,
	"slash without token":   testSlashWithoutToken,
	"default after removal": testDefaultAfterRemoval,
	"times of codes":        testTimesOfCodes,
	"hammering":             testHammering,
	"odd addresses":         testOddForwarded,
}

var orders = map[string]func(*testing.T, *env){
	"a purchase":          testPurchase,
	"with another's name": testMembersAddress,
}

// Posts without a body and without a content type are accepted: scripts send them to calls without
// parameters.
func testNoContentType(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	b.send("POST", "/order/cart-delete-cart", "",
		header("Content-Type", "")).Is(`{"cart_delete_cart":"success","order-api-version":"0.0.1"}`)
	b.send("POST", "/order/cart-add-product-sku", "",
		header("Content-Type", "")).Is(`{"cart_add_product_sku":"error","errors":{"error":"sku-id-required"},"sku_id":null,` +
		`"order-api-version":"0.0.1"}`)
	b.send("POST", "/order/cart-add-product-sku", "sku_id=1&quantity=1",
		header("Content-Type", "application/x-www-form-urlencoded")).Is(
		`{"cart_add_product_sku":"success","sku_id":"1","cart_item_count":1,"order-api-version":"0.0.1"}`)
}

// HEAD is answered like GET, without a body.
func testHeads(t *testing.T, e *env) {
	b := e.browser(t)
	for _, path := range []string{"/user/", "/user/token", "/user/logged-in", "/order/products", "/order/product/bSusp6dBHm",
		"/order/cart-items", "/clientevent/pageview"} {
		if a := b.send(http.MethodHead, path, ""); a.Status != 200 || a.Body != "" {
			t.Errorf("HEAD %s answered %d %q", path, a.Status, a.Body)
		}
	}
}

// An address is masked after its fourth letter, so a short one is shown.
func testShortMask(t *testing.T, e *env) {
	b := e.browser(t)
	for local, masked := range map[string]string{"a": "a", "ab": "ab", "abcd": "abcd", "abcde": "abcd*"} {
		domain := strings.ToLower(random()) + ".example.com"
		b.post("/user/pythonabot-notify-me", "email_address", local+"@"+domain, "how_excited", "3")
		e.exec(t, "user", "UPDATE prospect SET unsubscribed = false WHERE email = $1", local+"@"+domain)
		token := e.db(t, "user").Text("SELECT unsubscribe_token FROM prospect WHERE email = $1", local+"@"+domain)
		b.get("/user/email-unsubscribe-lookup?pr_token="+token).Want(masked+"@"+domain, "email_address")
	}
}

// Of twenty registrations of one username at once, one succeeds. Logins and resets at once all
// succeed.
func testSameNameAtOnce(t *testing.T, e *env) {
	username, address := name("member_"), email()
	var mu sync.Mutex
	outcomes := map[string]int{}
	var all sync.WaitGroup

	for range 20 {
		b := e.browser(t)
		b.token()
		all.Go(func() {
			a := b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", username, "email_address", address,
				"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(a.Status, " ", a.Text("create_account"))]++
		})
	}

	all.Wait()
	want(t, fmt.Sprint("registered, of ", outcomes), outcomes["200 true"], 1)
	want(t, "refused", outcomes["200 false"], 19)

	m := member{username, address, password}
	outcomes = map[string]int{}
	for range 20 {
		b := e.browser(t)
		b.token()
		all.Go(func() {
			a := b.login(m, "false")
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(a.Status, " ", a.Text("login"))]++
		})
		all.Go(func() {
			c := e.browser(t)
			a := c.post("/user/reset-password", "username", username, "email_address", address)
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprint(a.Status, " ", a.Text("reset_password"))]++
		})
	}

	all.Wait()
	want(t, fmt.Sprint("logins, of ", outcomes), outcomes["200 true"], 20)
	want(t, fmt.Sprint("resets, of ", outcomes), outcomes["200 success"], 20)
}

// Rate limits count clients by the address that the proxy on this machine adds, and only by the
// last hop.
func testClientsApart(t *testing.T, e *env) {
	guess := func(b *browser) int { return b.login(member{name("nobody_"), "", "Guess!word"}, "false").Status }
	b, forger := e.browser(t), e.browser(t)
	forger.token()
	for { // the limit counts by the minute: both results must be from the same one
		began := time.Now()
		limited := false
		for range 80 {
			if limited = guess(b) == 429; limited {
				break
			}
		}

		a := forger.send("POST", "/user/login", testenv.Form("username", name("nobody_"), "password", "x", "remember_me", "false").Encode(),
			header("X-Forwarded-For", e.browser(t).address+", "+b.address))
		if time.Now().Unix()/60 != began.Unix()/60 {
			continue
		}

		if !limited {
			t.Error("80 guesses from one address at many accounts")
		}
		want(t, "the same client with a forged hop in front", a.Status, 429)
		break
	}

	want(t, "another client", guess(e.browser(t)), 200)

	// Without a proxy there is no limit.
	plain := e.browser(t)
	plain.token()
	for range 40 {
		a := plain.send("POST", "/user/login", testenv.Form("username", name("nobody_"), "password", "x", "remember_me", "false").Encode(),
			header("X-Forwarded-For", ""))
		want(t, "a bench without proxies", a.Status, 200)
	}
}

// Calls that mail someone, or tell who has an account, are limited. A reset is not.
func testHammering(t *testing.T, e *env) {
	m := e.browser(t).register()
	address := email()
	for path, pairs := range map[string][]string{
		"/user/forgot-username": {"email_address", address},
		"/user/set-new-password": {"username", m.username, "password_reset_code", "x", "new_password", "x",
			"confirm_new_password", "x"},
		"/user/put-chat-message":                        {"name", "Ann", "email_address", address, "message", "again"},
		"/order/anonymous-email-address-payment-lookup": {"anonymous_email_address", m.email},
		"/user/create-account": {"firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", address, "password",
			password, "confirm_password", password,
			"newsletter", "false", "remember_me", "false"},
	} {
		t.Run(path, func(t *testing.T) {
			b, n := e.browser(t), 0
			for ; n < 150; n++ { // at most sixty an hour, and an hour may end meanwhile
				a := b.post(path, pairs...)
				if a.Status == 429 {
					if a.Header.Get("Retry-After") == "" {
						t.Errorf("%s does not say when to come back", path)
					}
					break
				}
				want(t, path, a.Status, 200)
			}

			if n < 20 || n == 150 {
				t.Errorf("%s passed %d times", path, n)
			}
		})
	}

	b := e.browser(t)
	for range 100 { // never refused, or others could use up the limit of the account
		want(t, "a reset", b.post("/user/reset-password", "username", m.username, "email_address", address).Status, 200)
	}
}

// The calls of a page may come at once and in any order.
func testPageCalls(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "2")
	var all sync.WaitGroup
	for range 3 {
		for _, path := range []string{"cart-items", "cart-shipping-methods", "cart-discount-codes", "cart-totals", "confirm-items",
			"confirm-shipping-method", "confirm-discount-codes", "confirm-totals", "checkout-allowed"} {
			c := b.clone()
			all.Go(func() { want(t, path, c.get("/order/"+path).Status, 200) })
		}
	}
	all.Wait()
	b.get("/order/cart-shipping-methods").Want("USPSRetailGround", "shipping_method_selected")
}

// An odd receipt address gets JSON, not a server error.
func testOddReceipts(t *testing.T, e *env) {
	b := e.browser(t)
	for _, address := range []string{"x", "a@b", "é@é.éé", strings.Repeat("a", 254), strings.Repeat("a", 300) + "@x.example", "a b@c.dd",
		"<b>@x.example", " a@b.cc "} {
		a := b.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", address)
		if a.Status != 200 && a.Status != 400 || !isJSON(a) {
			t.Errorf("%.40q answered %d %s", address, a.Status, a.Body)
		}
	}
}

// A path with a slash too many is not found, even without a token.
func testSlashWithoutToken(t *testing.T, e *env) {
	for path, methods := range e.paths() {
		if methods[0] == "POST" {
			if a := e.browser(t).send("POST", path+"/", ""); a.Status != 404 {
				t.Errorf("POST %s/ answered %d", path, a.Status)
			}
		}
	}
}

// If the cart no longer allows the chosen shipping method, the default counts.
func testDefaultAfterRemoval(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	b.add("6", "1")
	b.post("/order/cart-update-shipping-method", "shipping_method_identifier", "FedExGround")
	b.post("/order/cart-remove-sku", "sku_id", "6")
	b.wantTotals(b.get("/order/cart-totals"), "cart_totals_data", "3.50", "0.00", "9.56", "0.00", "13.06")
	b.wantTotals(b.get("/order/confirm-totals"), "confirm_totals_data", "3.50", "0.00", "9.56", "0.00", "13.06")
	b.get("/order/confirm-shipping-method").Want("USPSRetailGround", "confirm_shipping_method", "identifier")
}

// The times of a code have milliseconds and end in Z.
func testTimesOfCodes(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	a := b.apply("WELCOME10")
	for _, key := range []string{"start_date_time", "end_date_time"} {
		if s := a.Text("discount_code_data", "1", key); len(s) != len("2026-01-31T12:00:00.123Z") || !strings.HasSuffix(s, "Z") ||
			s[19] != '.' {
			t.Errorf("%s is %q", key, s)
		}
	}
}

// A visitor's purchase is an order, a mail and a prospect.
func testPurchase(t *testing.T, e *env) {
	b := e.browser(t)
	address := email()
	session := b.checkout(address)
	e.pay(t, session)
	identifier := b.bought(session)
	b.get("/order/"+identifier).Want("16.56", "order_data", "order_totals", "order_total")
	m := e.awaitMail(t, address, 1)
	wantParts(t, m.Text, identifier, "16.56")
	b.get("/user/logged-in").Want(0, "cart_item_count")
	// Two services make the mail and the prospect of the same message, so either may be first.
	e.db(t, "user").Becomes(1, "SELECT count(*) FROM prospect WHERE email = $1 AND unsubscribed AND unsubscribe_token <> '' "+
		"AND pr_cd <> ''", address)
}

// A visitor may order with a member's address. It stays a visitor's order, which visitors see.
func testMembersAddress(t *testing.T, e *env) {
	owner := e.browser(t)
	m := owner.register()
	owner.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 1).Text, verifyLink)).Is(
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	b := e.browser(t)
	session := b.checkout(m.email)
	e.pay(t, session)
	identifier := b.bought(session)
	mail := e.awaitMailWith(t, m.email, identifier, 1)
	wantParts(t, mail.Text, identifier, "&pr_cd=")
	b.get("/order/"+identifier).Want("success", "order_detail")
	owner.wantRefusal(owner.get("/order/"+identifier), "order-not-in-account")
}

// Odd values of X-Forwarded-For do not disturb a request.
func testOddForwarded(t *testing.T, e *env) {
	for _, address := range []string{"", "x", "::1", "2001:db8::1", "192.0.2.1:8080", "[2001:db8::2]:80", ", ,", "unknown",
		strings.Repeat("1.2.3.4, ", 300), "127.0.0.1", "\"192.0.2.7\"", "999.1.1.1", "fe80::1%eth0"} {
		b := e.browser(t)
		b.address = address
		want(t, fmt.Sprintf("logged-in for %.30q", address), b.get("/user/logged-in").Status, 200)
		b.add("1", "1")
		b.report("pageview", "url", page())
		b.login(member{name("nobody_"), "", "Guess!word"}, "false").Is(loggedOut)
	}
}
