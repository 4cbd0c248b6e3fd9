package edge

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cookieText matches values that need neither quoting nor percent-encoding.
var cookieText = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// A visitor's cart is a signed cookie; a forged one counts as none.
func TestVisitorsCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	a := b.Post("/order/cart-add-product-sku", "sku_id", "1")
	c := a.Cookie(cartCookie)
	if c == nil || c.MaxAge != 31536000 || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || !cookieText.MatchString(c.Value) {
		t.Fatalf("cart cookie: %v", c)
	}
	if a.Header.Get(web.SetCartHeader) != "" {
		t.Error("the cart header got out")
	}

	b.Post("/order/cart-add-product-sku", "sku_id", "1")
	if got := e.order.last().id; got.Cart != "cart123" || got.Member() {
		t.Errorf("order sees %+v", got)
	}

	for _, forged := range []string{"cart123", "cart124" + c.Value[strings.IndexByte(c.Value, '.'):], c.Value[:len(c.Value)-2],
		"." + c.Value, "", "a.b.c", strings.Repeat("x.", 2000)} {
		f := e.browser()
		f.setCookie(cartCookie, forged)
		f.Post("/order/cart-add-product-sku")
		if got := e.order.last().id.Cart; got != "" {
			t.Errorf("forged %q gives cart %q", forged, got)
		}
	}

	// A token for another purpose is not a cart.
	f := e.browser()
	f.Get("/user/logged-in")
	f.setCookie(cartCookie, f.cookie(anonymousCookie))
	f.Post("/order/cart-add-product-sku")
	if got := e.order.last().id.Cart; got != "" {
		t.Errorf("an anonymous id gives cart %q", got)
	}
}

func TestMergeBeforeTheLoginAnswer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.Post("/order/cart-add-product-sku")
	merged := make(chan seen, 2)
	e.order.on("POST /internal/cart-merge", func(rw http.ResponseWriter, r seen) {
		merged <- r
		io.WriteString(rw, `{"merged":true}`) //nolint:errcheck // a test's answer
	})
	a := b.login()
	if len(merged) != 1 {
		t.Fatal("the answer came before the merge")
	}

	r := <-merged
	if r.id.MemberID != ann.ID || r.id.Cart != "cart123" || r.URL.RawQuery != "" {
		t.Errorf("merge was asked %s by %+v", r.URL, r.id)
	}
	if c := a.Cookie(cartCookie); c == nil || c.MaxAge >= 0 {
		t.Errorf("login leaves the cart cookie: %v", c)
	}

	// A member's requests ignore a visitor's cart, even if the cookie is still there.
	n := e.browser()
	n.Post("/order/cart-add-product-sku")
	cart := n.cookie(cartCookie)
	a = n.Post("/user/create-account")
	if r := <-merged; r.id.MemberID != ann.ID || r.id.Cart == "" {
		t.Errorf("merge was asked %s by %+v", r.URL, r.id)
	}
	if a.Cookie(cartCookie) != nil || n.cookie(cartCookie) != cart || a.Cookie(sessionCookie) == nil || !n.member() {
		t.Errorf("create-account sets %v", a.Cookies())
	}

	n.Post("/order/cart-add-product-sku")
	if got := e.order.last().id; got.Cart != "" || got.MemberID != ann.ID || got.Session == "" || got.Code != ann.Code ||
		got.Email != ann.Email {
		t.Errorf("order sees %+v", got)
	}
}

func TestLoginFailsWithoutTheMergeOfItsCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.Post("/order/cart-add-product-sku")
	empty := e.browser()
	e.order.Close()
	a := b.Post("/user/login", "username", "ann_lee", "password", "right")
	a.Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
	if len(a.Cookies()) != 0 || a.Header.Get("Retry-After") == "" || b.member() || e.Number(`SELECT count(*) FROM session`) != 0 {
		t.Errorf("a login without merge: %v", a.Header)
	}

	a = b.Post("/user/create-account")
	a.Has(http.StatusOK, `{"create_account":"created_but_login_failed","user-api-version":"0.0.1"}`)
	if len(a.Cookies()) != 0 || b.member() {
		t.Errorf("a registration without merge: %v", a.Header)
	}

	empty.login() // it has no cart to merge
	if !empty.member() {
		t.Error("login without a cart needs order")
	}
	a = empty.Get("/order/cart-items")
	a.Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("order away: %v", a.Header)
	}
}

// Without the database members get 503, and visitors can do everything but log in.
func TestVisitorsNeedNoDatabase(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	member, visitor := e.browser(), e.browser()
	member.login()
	visitor.Post("/order/cart-add-product-sku")
	e.server.sessions.evictAll()
	e.pool.Close()
	for _, path := range []string{"/user/logged-in", "/user/account-content", "/user/logout", "/order/cart-items"} {
		member.Get(path).Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
	}
	member.Get("/order/products").Has(http.StatusOK, "products")
	member.Get("/clientevent/pageview?url=x").Has(http.StatusOK, "thank you")
	visitor.Get("/user/logged-in").Has(http.StatusOK, `"logged_in":false`)
	visitor.Post("/order/cart-add-product-sku").Has(http.StatusOK, "success")
	a := visitor.Post("/user/login", "username", "ann_lee", "password", "right")
	a.Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
	if len(a.Cookies()) != 0 || e.order.count("/internal/cart-merge") != 0 {
		t.Errorf("a login without a session: %v", a.Cookies())
	}
	visitor.Post("/user/create-account").Has(http.StatusOK, "created_but_login_failed")
}

// A browser keeps its id for client events until the signature is wrong or another member logs in.
func TestAnonymousId(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	c := b.Get("/user/logged-in").Cookie(anonymousCookie)
	if c == nil || c.HttpOnly || c.MaxAge != 31536000 || c.Path != "/" || !cookieText.MatchString(c.Value) {
		t.Fatalf("anonymous cookie: %v", c)
	}
	if again := b.Get("/user/logged-in").Cookie(anonymousCookie); again != nil {
		t.Errorf("a good id was replaced: %v", again)
	}
	b.setCookie(anonymousCookie, c.Value+"x")
	if fresh := b.Get("/user/logged-in").Cookie(anonymousCookie); fresh == nil || fresh.Value == c.Value {
		t.Errorf("a forged id was kept: %v", fresh)
	}
	m := e.browser()
	bound := m.login().Cookie(anonymousCookie)
	if bound == nil || bound.HttpOnly || bound.MaxAge != 31536000 || !cookieText.MatchString(bound.Value) {
		t.Fatalf("a member's id: %v", bound)
	}
	if again := m.Get("/user/logged-in").Cookie(anonymousCookie); again != nil {
		t.Errorf("a member's id was replaced: %v", again)
	}
}

func TestCookiesUnderHTTPS(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PublicURL, c.CookieDomain = "https://www.shop.example", "shop.example" })
	a := e.browser().Get("/user/logged-in")
	for _, name := range []string{csrfCookie, anonymousCookie} {
		if c := a.Cookie(name); c == nil || !c.Secure || c.Domain != "shop.example" || c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v", name, c)
		}
	}
	if a.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS")
	}
	b := e.browser()
	token := tokenOf(t, b)
	r := b.form("/user/login", "username", "ann_lee", "password", "right", "remember_me", "true")
	r.Header.Set("Cookie", csrfCookie+"="+token)
	r.Header.Set("X-CSRFToken", token)
	a = b.Do(r)
	for _, name := range []string{sessionCookie, csrfCookie, cartCookie} {
		if c := a.Cookie(name); c == nil || !c.Secure || c.Domain != "shop.example" || c.HttpOnly != (name != csrfCookie) {
			t.Errorf("%s: %v", name, c)
		}
	}
}

// Edge asks user whether a visitor's receipt address is a member's, but only for that request.
func TestReceiptAddressLookup(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const path = "/order/anonymous-email-address-payment-lookup"
	e.order.says("POST "+path, `{"anonymous_email_address_payment_lookup":"success"}`)
	e.user.on("GET /internal/address-of-member", func(rw http.ResponseWriter, r seen) {
		if r.URL.Query().Get("email") == "ann+1@mail.example.com" {
			io.WriteString(rw, `{"member":true}`) //nolint:errcheck // a test's answer
			return
		}
		io.WriteString(rw, `{"member":false}`) //nolint:errcheck // a test's answer
	})

	visitor := e.browser()
	for address, member := range map[string]bool{"ann+1@mail.example.com": true, "bea@mail.example.com": false} {
		visitor.Post(path, "anonymous_email_address", address).Has(http.StatusOK, "success")
		if got := e.order.last().id.AddressOfMember; got != member {
			t.Errorf("%s: member %v", address, got)
		}
	}

	asked := e.user.count("/internal/address-of-member")
	visitor.Post(path)
	visitor.Post(path, "anonymous_email_address", "")
	m := e.browser()
	m.login()
	m.Post(path, "anonymous_email_address", "ann+1@mail.example.com")
	if n := e.user.count("/internal/address-of-member"); n != asked || e.order.last().id.AddressOfMember {
		t.Errorf("user was asked %d times more", n-asked)
	}

	e.user.Close()
	visitor.Post(path, "anonymous_email_address", "bea@mail.example.com").Has(http.StatusServiceUnavailable, "unavailable")
}
