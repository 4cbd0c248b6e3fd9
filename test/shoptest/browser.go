package shoptest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Browser is one shopper's HTTP client: cookies, CSRF token, an address of its own.
type Browser struct {
	tb      testing.TB
	shop    *Shop
	client  *http.Client
	address string
}

// Answer is the shop's answer to one request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	// JSON is the body if it is a JSON object, otherwise nil.
	JSON map[string]any
}

var browsers atomic.Int64

// Browser makes a shopper who has not been here before.
func (s *Shop) Browser() *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.tb.Fatal(err)
	}
	n := browsers.Add(1)
	return &Browser{tb: s.tb, shop: s, address: fmt.Sprintf("198.18.%d.%d", n/250%250, n%250+1), client: &http.Client{
		Jar: jar, Timeout: 60 * time.Second, CheckRedirect: func(*http.Request,
			[]*http.Request) error {
			return http.ErrUseLastResponse
		}}}
}

// Get requests a path of the shop.
func (b *Browser) Get(path string) Answer {
	b.tb.Helper()
	return b.must(b.Try(http.MethodGet, path, nil))
}

// Post sends a form, pairs of name and value, with the CSRF token that the browser has.
func (b *Browser) Post(path string, pairs ...string) Answer {
	b.tb.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	if b.Cookie("csrftoken") == "" {
		b.Get("/user/token")
	}
	return b.must(b.Try(http.MethodPost, path, form))
}

func (b *Browser) must(a Answer, err error) Answer {
	b.tb.Helper()
	if err != nil {
		b.tb.Fatal(err)
	}
	return a
}

// Try is Get or Post while the shop may be down.
func (b *Browser) Try(method, path string, form url.Values) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, b.shop.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-CSRFToken", b.Cookie("csrftoken"))
	}
	return b.Do(r)
}

// Do sends any request as this browser.
func (b *Browser) Do(r *http.Request) (Answer, error) {
	r.Header.Set("X-Forwarded-For", b.address)
	w, err := b.client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(w.Body)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Status: w.StatusCode, Header: w.Header, Body: body}
	if json.Unmarshal(body, &a.JSON) != nil {
		a.JSON = nil
	}
	return a, nil
}

// Cookie is the value of one of the shop's cookies, or "".
func (b *Browser) Cookie(name string) string {
	u, err := url.Parse(b.shop.URL)
	if err != nil {
		b.tb.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// At returns the value under a path of keys.
func (a Answer) At(path ...string) any {
	var v any = a.JSON
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// Text is At for strings.
func (a Answer) Text(path ...string) string {
	s, ok := a.At(path...).(string)
	if !ok {
		return ""
	}
	return s
}

// Want compares a value of an answer.
func (b *Browser) Want(a Answer, value any, path ...string) {
	b.tb.Helper()
	got := a.At(path...)
	if f, ok := got.(float64); ok {
		got = int(f)
	}
	if got != value {
		b.tb.Errorf("%s is %v, want %v, in %d %s", strings.Join(path, "."), got, value, a.Status, a.Body)
	}
}

// Checkout puts pieces of a SKU into the cart and opens the payment page. It returns the session.
func (b *Browser) Checkout(sku, quantity, email string) string {
	b.tb.Helper()
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", sku, "quantity", quantity), "success",
		"cart_add_product_sku")
	a := b.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", email)
	b.Want(a, "success", "create_checkout_session")
	return a.Text("session_id")
}

// Success requests the outcome of a session, as the success page does.
func (b *Browser) Success(session string) Answer {
	b.tb.Helper()
	return b.Get("/order/checkout-session-success?session_id=" + session)
}
