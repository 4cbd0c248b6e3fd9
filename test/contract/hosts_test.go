package contract

import (
	"net/http"
	"testing"
	"time"
)

// TestTwoHosts runs the shop as it runs in public: behind https, with a frontend on a host beside it,
// here with no secret for the webhook.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "PUBLIC_URL=https://api.shop.example", "COOKIE_DOMAIN=shop.example", "STRIPE_API_BASE=http://127.0.0.1:9", "STRIPE_SECRET_KEY="+stripeKey)
	b := w.browser(t)
	check := func(a answer, name, domain string, httpOnly bool) {
		t.Helper()
		c := a.cookies[name]
		if c == nil || !c.Secure || c.HttpOnly != httpOnly || c.Path != "/" || c.Domain != domain {
			t.Errorf("%s: %v", name, a.header["Set-Cookie"])
		}
	}
	a := b.get("/user/logged-in", header("Origin", origin))
	check(a, "csrftoken", "shop.example", false)
	check(a, "anonymousclientevent", "shop.example", false)
	want(t, "the frontend's origin", a.header.Get("Access-Control-Allow-Origin"), origin)
	m := member{name("member_"), email(), password}
	a = b.postWith("/user/create-account", []string{"firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", m.email,
		"password", m.password, "confirm_password", m.password, "newsletter", "false", "remember_me", "true"}, header("Origin", origin), header("Sec-Fetch-Site", "same-site"))
	b.is(a, `{"create_account":"true","user-api-version":"0.0.1"}`)
	c := a.cookies["sessionid"]
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 1209600 {
		t.Errorf("sessionid: %v", a.header["Set-Cookie"])
	}
	for from, status := range map[string]int{"https://api.shop.example": 200, origin: 200, w.shop.URL: 200, "https://other.shop.example": 403, "http://api.shop.example": 403} {
		if a := b.postWith("/order/cart-delete-cart", nil, header("Origin", from)); a.status != status {
			t.Errorf("a POST from %s answered %d %s", from, a.status, a.body)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.shop.URL+"/order/stripe-webhook", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Stripe-Signature", sign("x", time.Now(), ""))
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // its status is all
	want(t, "the webhook without a secret", answer.StatusCode, 500)
	b.add("1", "1")
	b.is(b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), `{"create_checkout_session":"error","errors":{"error":"stripe-error","description":"*"},"order-api-version":"0.0.1"}`)
}
