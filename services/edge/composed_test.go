package edge

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The answer names the member and counts the cart, and waits for no unavailable owner.
func TestLoggedIn(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	b := e.browser()
	a := b.Get("/user/logged-in")
	contract.CheckAnswer(a)
	if a.Body != `{"logged_in":false,"log_client_events":true,"client_event_id":"null","cart_item_count":0,"user-api-version":"0.0.1"}` {
		t.Error(a.Body)
	}
	if n := e.order.count("/internal/cart-counts"); n != 0 {
		t.Errorf("order was asked %d times about a visitor without a cart", n)
	}

	b.Post("/order/cart-add-product-sku")
	b.Get("/user/logged-in").Has(http.StatusOK, `"cart_item_count":3`)
	b.login()
	a = b.Get("/user/logged-in")
	contract.CheckAnswer(a)
	if a.Body != `{"logged_in":true,"log_client_events":true,"client_event_id":7,"member_initials":"AL","first_name":"Ann",`+
		`"last_name":"Lee","email_address":"ann@mail.example.com","cart_item_count":3,"user-api-version":"0.0.1"}` {
		t.Error(a.Body)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Error(a.Header)
	}

	e.order.Close()
	e.events.Close()
	began := time.Now()
	b.Get("/user/logged-in").Has(http.StatusOK, `"cart_item_count":0`)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s without order and events", took)
	}
}

func TestEventsConfigurationIsCached(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.events.says("GET /internal/configuration", `{"log_client_events":false}`)
	e.browser().Get("/user/logged-in").Has(http.StatusOK, `"log_client_events":false`)
	for range 20 {
		e.browser().Get("/user/logged-in")
	}
	if n := e.events.count("/internal/configuration"); n > 2 {
		t.Errorf("events was asked %d times", n)
	}
	e.server.events.next.Store(0)
	e.events.Close()
	e.browser().Get("/user/logged-in").Has(http.StatusOK, `"log_client_events":false`)
}

// The account page needs user, and has no orders while order is unavailable or answers rubbish.
func TestAccountContent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	const (
		personal = `{"username":"ann_lee","first_name":"Ann","last_name":"Lee","newsletter_subscriber":true,"email_unsubscribed":false,` +
			`"joined_date_time":"2026-01-31T12:00:00.123Z","last_login_date_time":"2026-01-31T12:00:00.223Z",` +
			`"terms_of_use_agreed_date_time":"2026-01-31T12:00:00.173Z"}`
		email  = `{"email_address":"ann@mail.example.com","email_verified":false,"verification_request_sent_within_24_hours":true}`
		orders = `{"1":{"order_id":6,"identifier":"aB3dE5gH7j","order_date_time":"2026-01-31T12:30:00.000Z","sales_tax_amt":"0.00",` +
			`"order_total":"16.56"}}`
	)
	e.user.says("GET /internal/account", `{"personal_data":`+personal+`,"email_data":`+email+`}`)
	e.order.says("GET /internal/account-orders", `{"orders_data":`+orders+`}`)
	b := e.browser()
	content := func(orders string) string {
		return `{"account_content":{"authenticated":"true","personal_data":` + personal + `,"email_data":` + email + `,"orders_data":` +
			orders + `},"user-api-version":"0.0.1"}`
	}
	check := func(want string) {
		t.Helper()
		a := b.Get("/user/account-content")
		contract.CheckAnswer(a)
		if a.Body != want {
			t.Errorf("got %s\nwant %s", a.Body, want)
		}
	}
	check(`{"account_content":{"authenticated":"false"},"user-api-version":"0.0.1"}`)
	b.login()
	check(content(orders))
	if got := e.user.last().id; got.MemberID != ann.ID {
		t.Errorf("user was asked by %+v", got)
	}

	e.order.says("GET /internal/account-orders", `rubbish`)
	check(content(`{}`))
	e.order.Close()
	check(content(`{}`))
	e.user.Close()
	b.Get("/user/account-content").Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
}

// The roots of the API have a page, and no other path near them reaches an owner.
func TestAPIRootsAndUnknownPaths(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, root := range []string{"/user/", "/order/", "/clientevent/"} {
		a := e.browser().Get(root)
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.Status != http.StatusOK || len(a.Body) == 0 ||
			a.Header.Get("Cache-Control") != "no-store, no-cache, must-revalidate, max-age=0" {
			t.Errorf("%s: %d %s %v", root, a.Status, a.Body, a.Header)
		}
	}
	for _, path := range []string{"/user", "/user/token/", "/user/login/", "/order/products/", "/order/product/", "/order/product/a-b",
		"/order/product/a/b", "/clientevent/pageview/", "/clientevent/none", "/internal/cart-counts", "/nothing",
		"/order/internal/cart-counts"} {
		if a := e.browser().Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
	if n := e.order.count("/internal/cart-counts"); n != 0 {
		t.Error("an inside endpoint was reached from outside")
	}
}
