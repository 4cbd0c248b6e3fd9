package edge

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

var inputValue = regexp.MustCompile(`^\{"token":"<input type=\\"hidden\\" name=\\"csrfmiddlewaretoken\\" ` +
	`value=\\"([A-Za-z0-9_.:-]+)\\">","user-api-version":"0.0.1"\}$`)

// tokenOf requests a token and returns the one in the answer.
func tokenOf(t *testing.T, b *browser) string {
	t.Helper()
	a := b.Get("/user/token")
	m := inputValue.FindStringSubmatch(a.Body)
	if a.Status != http.StatusOK || m == nil {
		t.Fatalf("token answered %d %s", a.Status, a.Body)
	}
	return m[1]
}

func TestTokenCookieIsKeptWhileValid(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	a := b.Get("/user/token")
	c := a.Cookie(csrfCookie)
	if c == nil || c.HttpOnly || c.MaxAge != 31449600 || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
		t.Fatalf("csrf cookie: %v", c)
	}
	again := b.Get("/user/token").Cookie(csrfCookie)
	if again == nil || again.Value != c.Value {
		t.Errorf("a good value %q became %v", c.Value, again)
	}
	b.setCookie(csrfCookie, "rubbish")
	fresh := b.Get("/user/token").Cookie(csrfCookie)
	if fresh == nil || fresh.Value == "rubbish" {
		t.Errorf("rubbish became %v", fresh)
	}
}

func TestPostsNeedTheBrowsersToken(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	visitor, member := e.browser(), e.browser()
	other := tokenOf(t, e.browser())
	visitorToken, memberBefore := tokenOf(t, visitor), tokenOf(t, member)
	member.login()

	memberToken := member.cookie(csrfCookie)
	tampered := visitorToken[:len(visitorToken)-2] + "zz"
	session := member.cookie(sessionCookie)
	for _, c := range []struct {
		name                  string
		session, cookie       string
		header, field, origin string
		site                  string
		status                int
	}{
		{name: "header", cookie: visitorToken, header: visitorToken, status: 200},
		{name: "form field", cookie: visitorToken, field: visitorToken, status: 200},
		{name: "header of the field's name", cookie: visitorToken, header: "csrfmiddlewaretoken: " + visitorToken, status: 200},
		{name: "no cookie", header: visitorToken, status: 403},
		{name: "no token", cookie: visitorToken, status: 403},
		{name: "nothing", status: 403},
		{name: "another visitor's token", cookie: visitorToken, header: other, status: 403},
		{name: "a cookie that is not ours, sent twice", cookie: "abcdef", header: "abcdef", status: 403},
		{name: "a tampered pair", cookie: tampered, header: tampered, status: 403},
		{name: "empty pair", status: 403},
		{name: "member", session: session, cookie: memberToken, header: memberToken, status: 200},
		{name: "member, token from before the login", session: session, cookie: memberBefore, header: memberBefore, status: 403},
		{name: "member, planted visitor pair", session: session, cookie: other, header: other, status: 403},
		{name: "member's token after the session", cookie: memberToken, header: memberToken, status: 200},
		{name: "own origin", cookie: visitorToken, header: visitorToken, origin: e.url, status: 200},
		{name: "the public origin", cookie: visitorToken, header: visitorToken, origin: "http://shop.example", status: 200},
		{name: "an allowed origin", cookie: visitorToken, header: visitorToken, origin: "http://front.example:8000", status: 200},
		{name: "an allowed origin, cross-site", cookie: visitorToken, header: visitorToken, origin: "http://front.example:8000",
			site: "cross-site", status: 200},
		{name: "an allowed origin, same-site", cookie: visitorToken, header: visitorToken, origin: "http://front.example:8000",
			site: "same-site", status: 200},
		{name: "a foreign origin", cookie: visitorToken, header: visitorToken, origin: "https://evil.example", status: 403},
		{name: "an allowed host with another port", cookie: visitorToken, header: visitorToken, origin: "http://front.example:8001",
			status: 403},
		{name: "the null origin", cookie: visitorToken, header: visitorToken, origin: "null", status: 403},
		{name: "same-origin", cookie: visitorToken, header: visitorToken, origin: e.url, site: "same-origin", status: 200},
		{name: "cross-site", cookie: visitorToken, header: visitorToken, origin: "https://evil.example", site: "cross-site", status: 403},
		{name: "a sibling", cookie: visitorToken, header: visitorToken, origin: "http://other.shop.example", site: "same-site",
			status: 403},
		{name: "foreign origin without token", origin: "https://evil.example", status: 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := e.browser().form("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
			if c.field != "" {
				r = e.browser().form("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1", "csrfmiddlewaretoken", c.field)
			}
			set := func(header, value string) {
				if value != "" {
					r.Header.Set(header, value)
				}
			}
			if token, ok := strings.CutPrefix(c.header, "csrfmiddlewaretoken: "); ok {
				set("csrfmiddlewaretoken", token)
			} else {
				set("X-CSRFToken", c.header)
			}
			set("Origin", c.origin)
			set("Sec-Fetch-Site", c.site)
			if c.cookie != "" {
				r.AddCookie(&http.Cookie{Name: csrfCookie, Value: c.cookie})
			}
			if c.session != "" {
				r.AddCookie(&http.Cookie{Name: sessionCookie, Value: c.session})
			}
			before := e.order.count("/order/cart-add-product-sku")
			a := e.browser().Do(r)
			if a.Status != c.status {
				t.Errorf("%s: %d %s, want %d", c.name, a.Status, a.Body, c.status)
			}
			if a.Status == 403 && (a.Body != `{"error":"csrf-failed"}` || e.order.count("/order/cart-add-product-sku") != before) {
				t.Errorf("%s: %s, or the owner was asked", c.name, a.Body)
			}
		})
	}
}

func TestTokenInAMultipartForm(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	token := tokenOf(t, b)
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	for name, value := range map[string]string{"csrfmiddlewaretoken": token, "sku_id": "4"} {
		if err := m.WriteField(name, value); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	sent := body.String()
	r, err := http.NewRequest(http.MethodPost, e.url+"/order/cart-add-product-sku", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	b.Do(r).Has(http.StatusOK, "success")
	if got := e.order.last(); got.body != sent || got.Header.Get("Content-Type") != m.FormDataContentType() {
		t.Errorf("the owner got %q", got.body)
	}
}

// An old page fetches a token, logs in, and after a 403 fetches one new token and repeats once.
func TestTokenRotation(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, path := range []string{"/user/login", "/user/create-account", "/user/change-my-password"} {
		b := e.browser()
		if path == "/user/change-my-password" {
			b.login()
		}
		before := tokenOf(t, b)
		a := b.Post(path, "username", "ann_lee", "password", "right")
		if c := a.Cookie(csrfCookie); a.Status != http.StatusOK || c == nil || c.Value == before {
			t.Fatalf("%s: %d %s, cookie %v", path, a.Status, a.Body, c)
		}
		r := b.form("/order/cart-add-product-sku")
		r.Header.Set("X-CSRFToken", before)
		b.Do(r).Has(http.StatusForbidden, "csrf-failed")
		b.Post("/order/cart-add-product-sku").Has(http.StatusOK, "success")
		kept := b.cookie(csrfCookie)
		if tokenOf(t, b) != kept {
			t.Errorf("%s: the rotated token was not kept", path)
		}
	}
}

func TestTokenAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.login()
	b.Get("/user/logout")
	b.Post("/order/cart-add-product-sku").Has(http.StatusOK, "success") // with the cookie from the logout's answer
	b.login()
	if err := endSessions(t.Context(), e.pool, ann.ID); err != nil {
		t.Fatal(err)
	}
	e.server.revoke(ann.ID)
	b.Post("/order/cart-add-product-sku").Has(http.StatusOK, "success") // as a visitor
	b.Get("/user/logged-in")
	b.Post("/order/cart-add-product-sku").Has(http.StatusOK, "success")
}

func TestCORSAllowsOnlyNamedOrigins(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, path := range []string{"/user/logged-in", "/user/token", "/order/products", "/order/products", "/order/none", "/user/",
		"/clientevent/pageview?url=x", "/user/login"} {
		for origin, allowed := range map[string]bool{
			"http://front.example:8000": true, "http://shop.example": true, "http://front.example": false,
			"https://front.example:8000": false,
			"https://evil.example":       false, "null": false, "": false,
		} {
			for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
				r := e.browser().Body(method, path, "")
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				if method == http.MethodOptions {
					r.Header.Set("Access-Control-Request-Method", "POST")
					r.Header.Set("Access-Control-Request-Headers", "traceparent,x-csrftoken")
				}
				a := e.browser().Do(r)
				checkCORS(t, a, origin, allowed)
			}
		}
	}
}

func checkCORS(t *testing.T, a testenv.Answer, origin string, allowed bool) {
	t.Helper()
	h, what := a.Header, a.Request.Method+" "+a.Request.URL.Path+" from "+origin
	wantOrigin, wantCredentials := "", ""
	if allowed {
		wantOrigin, wantCredentials = origin, "true"
	}
	if h.Get("Access-Control-Allow-Origin") != wantOrigin || h.Get("Access-Control-Allow-Credentials") != wantCredentials ||
		h.Get("Vary") != "Origin" {
		t.Errorf("%s: %d %v", what, a.Status, h)
	}

	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin", "Content-Security-Policy": apiPolicy} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}

	if a.Request.Method != http.MethodOptions {
		return
	}
	if a.Status != http.StatusOK || a.Body != "" || len(a.Cookies()) != 0 ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "GET") ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "x-csrftoken") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "content-type") ||
		strings.Contains(h.Get("Access-Control-Allow-Headers"), "traceparent") != allowed {
		t.Errorf("%s: %d %v", what, a.Status, h)
	}
}

// The contract has three GETs that change something; another site cannot make a browser send them.
func TestChangingGETs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.says("GET /user/verify-email-address", `{}`)
	e.order.says("GET /order/change-confirmation-email-address", `{}`)

	for _, path := range []string{"/user/logout", "/user/verify-email-address", "/order/change-confirmation-email-address"} {
		for _, c := range []struct {
			site, origin string
			status       int
		}{
			{"", "", 200}, {"same-origin", "", 200}, {"none", "", 200}, {"cross-site", "", 403}, {"same-site", "", 403},
			{"cross-site", "http://front.example:8000", 200}, {"", "https://evil.example", 403},
		} {
			r := e.browser().Body(http.MethodGet, path, "")
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if a := e.browser().Do(r); a.Status != c.status {
				t.Errorf("%s %+v: %d %s", path, c, a.Status, a.Body)
			}
		}
	}

	r := e.browser().Body(http.MethodGet, "/user/logged-in", "")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	e.browser().Do(r).Has(http.StatusOK, `{"logged_in":false`) // a link from another site leads here
}

func TestWebhookNeedsNeitherTokenNorOrigin(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	raw := "{ \"id\":\"evt_1\",\n\"é\":\"\x00\" }"
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		e.webhook.on(method+" "+webhookPath, func(rw http.ResponseWriter, _ seen) {
			rw.Header().Set(web.SessionHeader, `{"open":true}`)
			rw.WriteHeader(http.StatusAccepted)
		})
		r := e.browser().Body(method, webhookPath, raw)
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Stripe-Signature", "t=1,v1=abc")
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("Cookie", "sessionid="+strings.Repeat("a", tokenLength))
		a := e.browser().Do(r)
		got := e.webhook.last()
		if a.Status != http.StatusAccepted || got.Method != method || a.Header.Get(web.SessionHeader) != "" {
			t.Errorf("%s: %d %s %v", method, a.Status, a.Body, a.Header)
		}
		if got.Header.Get("Cookie") != "" || got.Header.Get(web.IdentityHeader) != "" ||
			got.Header.Get("Stripe-Signature") != "t=1,v1=abc" {
			t.Errorf("webhook got %v", got.Header)
		}
		if method == http.MethodPost && got.body != raw {
			t.Errorf("webhook got %q", got.body)
		}
	}
}
