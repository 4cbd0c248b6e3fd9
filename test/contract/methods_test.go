package contract

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var methods = map[string]func(*testing.T, *env){"Allow": allowIsRight}

// An answer of 405 names the methods that the address allows, and exactly those are allowed.
func allowIsRight(t *testing.T, e *env) {
	ask := func(method, address string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close() //nolint:errcheck // it was read
		if _, err := io.Copy(io.Discard, a.Body); err != nil {
			t.Fatal(err)
		}
		return a
	}

	all := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"}
	for _, path := range []string{
		"/", "/cart", "/product/x", "/robots.txt", "/sitemap.xml", "/static/x.js", "/img/product/desk.jpg", "/account/email-unsubscribe",
		"/nothing/here",
		"/user/", "/order/", "/clientevent/", "/clientevent/pageview", "/user/token", "/user/logged-in", "/user/account-content",
		"/user/sessions", "/user/end-session",
		"/user/login", "/user/create-account", "/user/forgot-username", "/user/email-unsubscribe-lookup", "/user/terms-of-use-agree",
		"/user/nothing", "/user/login/",
		"/order/products", "/order/product/x", "/order/cart-items", "/order/cart-add-product-sku", "/order/create-checkout-session",
		"/order/abc123", "/order/stripe-webhook", "/order/a/b",
	} {
		for _, at := range []string{e.shop.URL, e.shop.Webhook} {
			if at == e.shop.Webhook && path != "/order/stripe-webhook" {
				continue
			}
			for _, method := range all {
				a := ask(method, at+path)
				if a.StatusCode != http.StatusMethodNotAllowed {
					continue
				}

				allow := strings.Split(a.Header.Get("Allow"), ", ")
				if a.Header.Get("Allow") == "" || slices.Contains(allow, method) || len(a.Header["Allow"]) != 1 {
					t.Errorf("%s %s is not allowed; Allow is %q", method, path, a.Header["Allow"])
				}

				for _, other := range all {
					got := ask(other, at+path).StatusCode
					if got == http.StatusForbidden {
						continue // a POST without a token is refused first
					}
					if (got != http.StatusMethodNotAllowed) != slices.Contains(allow, other) {
						t.Errorf("%s %s answers %d; Allow is %q", other, path, got, allow)
					}
				}
				break // one 405 tells everything about an address
			}
		}
	}
}
