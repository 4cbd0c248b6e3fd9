package edge

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestLoggedIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	b := w.browser()
	a := b.get("/user/logged-in")
	contract.Check(t, a.Request, a.Response)
	if a.body != `{"logged_in":false,"log_client_events":true,"client_event_id":"null","cart_item_count":0,"user-api-version":"0.0.1"}` {
		t.Error(a.body)
	}
	if n := w.order.count("/internal/cart-counts"); n != 0 {
		t.Errorf("order was asked %d times about a visitor without a cart", n)
	}
	b.post("/order/cart-add-product-sku")
	expect(t, b.get("/user/logged-in"), http.StatusOK, `"cart_item_count":3`)
	b.login()
	a = b.get("/user/logged-in")
	contract.Check(t, a.Request, a.Response)
	if a.body != `{"logged_in":true,"log_client_events":true,"client_event_id":7,"member_initials":"AL","first_name":"Ann","last_name":"Lee","email_address":"ann@mail.example.com","cart_item_count":3,"user-api-version":"0.0.1"}` {
		t.Error(a.body)
	}
	if a.Header.Get("Cache-Control") != "no-store" {
		t.Error(a.Header)
	}
	w.order.Close()
	w.events.Close()
	began := time.Now()
	expect(t, b.get("/user/logged-in"), http.StatusOK, `"cart_item_count":0`)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s without order and events", took)
	}
}

func TestLogClientEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.events.says("GET /internal/configuration", `{"log_client_events":false}`)
	expect(t, w.browser().get("/user/logged-in"), http.StatusOK, `"log_client_events":false`)
	for range 20 {
		w.browser().get("/user/logged-in")
	}
	if n := w.events.count("/internal/configuration"); n > 2 {
		t.Errorf("events was asked %d times", n)
	}
	w.edge.events.next.Store(0)
	w.events.Close()
	expect(t, w.browser().get("/user/logged-in"), http.StatusOK, `"log_client_events":false`)
}

func TestAccountContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	const (
		personal = `{"username":"ann_lee","first_name":"Ann","last_name":"Lee","newsletter_subscriber":true,"email_unsubscribed":false,"joined_date_time":"2026-01-31T12:00:00.123Z","last_login_date_time":"2026-01-31T12:00:00.223Z","terms_of_use_agreed_date_time":"2026-01-31T12:00:00.173Z"}`
		email    = `{"email_address":"ann@mail.example.com","email_verified":false,"verification_request_sent_within_24_hours":true}`
		orders   = `{"1":{"order_id":6,"identifier":"aB3dE5gH7j","order_date_time":"2026-01-31T12:30:00.000Z","sales_tax_amt":"0.00","order_total":"16.56"}}`
	)
	w.user.says("GET /internal/account", `{"personal_data":`+personal+`,"email_data":`+email+`}`)
	w.order.says("GET /internal/account-orders", `{"orders_data":`+orders+`}`)
	b := w.browser()
	content := func(orders string) string {
		return `{"account_content":{"authenticated":"true","personal_data":` + personal + `,"email_data":` + email + `,"orders_data":` + orders + `},"user-api-version":"0.0.1"}`
	}
	check := func(want string) {
		t.Helper()
		a := b.get("/user/account-content")
		contract.Check(t, a.Request, a.Response)
		if a.body != want {
			t.Errorf("got %s\nwant %s", a.body, want)
		}
	}
	check(`{"account_content":{"authenticated":"false"},"user-api-version":"0.0.1"}`)
	b.login()
	check(content(orders))
	if got := w.user.last().id; got.MemberID != ann.ID {
		t.Errorf("user was asked by %+v", got)
	}
	w.order.says("GET /internal/account-orders", `rubbish`)
	check(content(`{}`))
	w.order.Close()
	check(content(`{}`))
	w.user.Close()
	expect(t, b.get("/user/account-content"), http.StatusServiceUnavailable, `{"error":"unavailable"}`)
}

func TestRoots(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, root := range []string{"/user/", "/order/", "/clientevent/"} {
		a := w.browser().get(root)
		if a.Header.Get("Content-Type") != "text/html; charset=utf-8" || a.StatusCode != http.StatusOK || len(a.body) == 0 || a.Header.Get("Cache-Control") != "no-store, no-cache, must-revalidate, max-age=0" {
			t.Errorf("%s: %d %s %v", root, a.StatusCode, a.body, a.Header)
		}
	}
	for _, path := range []string{"/user", "/user/token/", "/user/login/", "/order/products/", "/order/product/", "/order/product/a-b", "/order/product/a/b", "/clientevent/pageview/", "/clientevent/none", "/internal/cart-counts", "/nothing", "/order/internal/cart-counts"} {
		if a := w.browser().get(path); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.body)
		}
	}
	if n := w.order.count("/internal/cart-counts"); n != 0 {
		t.Error("an inside endpoint was reached from outside")
	}
}
