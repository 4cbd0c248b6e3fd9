package contract

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// TestTwoHosts runs the shop as in production, behind https and with a frontend on another host,
// but without a secret for the webhook.
func TestTwoHosts(t *testing.T) {
	t.Parallel()
	e := newEnv(t, "PUBLIC_URL=https://api.shop.example", "COOKIE_DOMAIN=shop.example", "STRIPE_API_BASE=http://127.0.0.1:9",
		"STRIPE_SECRET_KEY="+stripeKey)
	b := e.browser(t)
	check := func(a testenv.Answer, name, domain string, httpOnly bool) {
		t.Helper()
		c := a.Cookie(name)
		if c == nil || !c.Secure || c.HttpOnly != httpOnly || c.Path != "/" || c.Domain != domain {
			t.Errorf("%s: %v", name, a.Header["Set-Cookie"])
		}
	}

	a := b.get("/user/logged-in", header("Origin", origin))
	check(a, "csrftoken", "shop.example", false)
	check(a, "anonymousclientevent", "shop.example", false)
	want(t, "the frontend's origin", a.Header.Get("Access-Control-Allow-Origin"), origin)

	m := member{name("member_"), email(), password}
	a = b.postWith("/user/create-account", []string{"firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", m.email,
		"password", m.password, "confirm_password", m.password, "newsletter", "false", "remember_me", "true"}, header("Origin", origin),
		header("Sec-Fetch-Site", "same-site"))
	a.Is(`{"create_account":"true","user-api-version":"0.0.1"}`)
	c := a.Cookie("sessionid")
	if c == nil || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 1209600 {
		t.Errorf("sessionid: %v", a.Header["Set-Cookie"])
	}

	for from, status := range map[string]int{"https://api.shop.example": 200, origin: 200, e.shop.URL: 200,
		"https://other.shop.example": 403, "http://api.shop.example": 403} {
		if a := b.postWith("/order/cart-delete-cart", nil, header("Origin", from)); a.Status != status {
			t.Errorf("a POST from %s answered %d %s", from, a.Status, a.Body)
		}
	}

	r := b.Body(http.MethodPost, "/order/stripe-webhook", "")
	r.Header.Set("Stripe-Signature", sign("x", time.Now(), ""))
	want(t, "the webhook without a secret", b.Do(r).Status, 500)

	b.add("1", "1")
	b.post("/order/create-checkout-session", "agree_to_terms_of_sale",
		"true").Is(`{"create_checkout_session":"error","errors":{"error":"stripe-error","description":"*"},"order-api-version":"0.0.1"}`)
}
