package edge

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

var inputValue = regexp.MustCompile(`^\{"token":"<input type=\\"hidden\\" name=\\"csrfmiddlewaretoken\\" value=\\"([A-Za-z0-9_.:-]+)\\">","user-api-version":"0.0.1"\}$`)

// tokenOf asks for a token and returns the one in the answer.
func tokenOf(t *testing.T, b *browser) string {
	t.Helper()
	a := b.get("/user/token")
	m := inputValue.FindStringSubmatch(a.body)
	if a.StatusCode != http.StatusOK || m == nil {
		t.Fatalf("token answered %d %s", a.StatusCode, a.body)
	}
	return m[1]
}

func TestTokenCookie(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	a := b.get("/user/token")
	c := a.cookie(csrfCookie)
	if c == nil || c.HttpOnly || c.MaxAge != 31449600 || c.Path != "/" || c.SameSite != http.SameSiteLaxMode {
		t.Fatalf("csrf cookie: %v", c)
	}
	again := b.get("/user/token").cookie(csrfCookie)
	if again == nil || again.Value != c.Value {
		t.Errorf("a good value %q became %v", c.Value, again)
	}
	b.setCookie(csrfCookie, "rubbish")
	fresh := b.get("/user/token").cookie(csrfCookie)
	if fresh == nil || fresh.Value == "rubbish" {
		t.Errorf("rubbish became %v", fresh)
	}
}

func TestCSRF(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	visitor, member := w.browser(), w.browser()
	other := tokenOf(t, w.browser())
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
		{"header", "", visitorToken, visitorToken, "", "", "", 200},
		{"form field", "", visitorToken, "", visitorToken, "", "", 200},
		{"header of the field's name", "", visitorToken, "csrfmiddlewaretoken: " + visitorToken, "", "", "", 200},
		{"no cookie", "", "", visitorToken, "", "", "", 403},
		{"no token", "", visitorToken, "", "", "", "", 403},
		{"nothing", "", "", "", "", "", "", 403},
		{"another visitor's token", "", visitorToken, other, "", "", "", 403},
		{"a cookie that is not ours, sent twice", "", "abcdef", "abcdef", "", "", "", 403},
		{"a tampered pair", "", tampered, tampered, "", "", "", 403},
		{"empty pair", "", "", "", "", "", "", 403},
		{"member", session, memberToken, memberToken, "", "", "", 200},
		{"member, token from before the login", session, memberBefore, memberBefore, "", "", "", 403},
		{"member, planted visitor pair", session, other, other, "", "", "", 403},
		{"member's token after the session", "", memberToken, memberToken, "", "", "", 200},
		{"own origin", "", visitorToken, visitorToken, "", w.url, "", 200},
		{"the public origin", "", visitorToken, visitorToken, "", "http://shop.example", "", 200},
		{"an allowed origin", "", visitorToken, visitorToken, "", "http://front.example:8000", "", 200},
		{"an allowed origin, cross-site", "", visitorToken, visitorToken, "", "http://front.example:8000", "cross-site", 200},
		{"an allowed origin, same-site", "", visitorToken, visitorToken, "", "http://front.example:8000", "same-site", 200},
		{"a foreign origin", "", visitorToken, visitorToken, "", "https://evil.example", "", 403},
		{"an allowed host with another port", "", visitorToken, visitorToken, "", "http://front.example:8001", "", 403},
		{"the null origin", "", visitorToken, visitorToken, "", "null", "", 403},
		{"same-origin", "", visitorToken, visitorToken, "", w.url, "same-origin", 200},
		{"cross-site", "", visitorToken, visitorToken, "", "https://evil.example", "cross-site", 403},
		{"a sibling", "", visitorToken, visitorToken, "", "http://other.shop.example", "same-site", 403},
		{"foreign origin without token", "", "", "", "", "https://evil.example", "", 403},
	} {
		r := w.browser().form("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
		if c.field != "" {
			r = w.browser().form("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1", "csrfmiddlewaretoken", c.field)
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
		before := w.order.count("/order/cart-add-product-sku")
		a := w.browser().do(r)
		if a.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, a.StatusCode, a.body, c.status)
		}
		if a.StatusCode == 403 && (a.body != `{"error":"csrf-failed"}` || w.order.count("/order/cart-add-product-sku") != before) {
			t.Errorf("%s: %s, or the owner was asked", c.name, a.body)
		}
	}
}

func TestFormFieldInMultipart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
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
	r, err := http.NewRequest(http.MethodPost, w.url+"/order/cart-add-product-sku", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", m.FormDataContentType())
	expect(t, b.do(r), http.StatusOK, "success")
	if got := w.order.last(); got.body != sent || got.Header.Get("Content-Type") != m.FormDataContentType() {
		t.Errorf("the owner got %q", got.body)
	}
}

// An old page's way: token, login, and after a 403 one fresh token and one repetition.
func TestTokenRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/user/login", "/user/create-account", "/user/change-my-password"} {
		b := w.browser()
		if path == "/user/change-my-password" {
			b.login()
		}
		before := tokenOf(t, b)
		a := b.post(path, "username", "ann_lee", "password", "right")
		if c := a.cookie(csrfCookie); a.StatusCode != http.StatusOK || c == nil || c.Value == before {
			t.Fatalf("%s: %d %s, cookie %v", path, a.StatusCode, a.body, c)
		}
		r := b.form("/order/cart-add-product-sku")
		r.Header.Set("X-CSRFToken", before)
		expect(t, b.do(r), http.StatusForbidden, "csrf-failed")
		expect(t, b.post("/order/cart-add-product-sku"), http.StatusOK, "success")
		kept := b.cookie(csrfCookie)
		if tokenOf(t, b) != kept {
			t.Errorf("%s: the rotated token was not kept", path)
		}
	}
}

func TestTokenAfterTheSessionEnded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser()
	b.login()
	b.get("/user/logout")
	expect(t, b.post("/order/cart-add-product-sku"), http.StatusOK, "success") // the cookie of the logout's answer
	b.login()
	if err := endSessions(t.Context(), w.pool, ann.ID); err != nil {
		t.Fatal(err)
	}
	w.edge.revoke(ann.ID)
	expect(t, b.post("/order/cart-add-product-sku"), http.StatusOK, "success") // as a visitor
	b.get("/user/logged-in")
	expect(t, b.post("/order/cart-add-product-sku"), http.StatusOK, "success")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"/user/logged-in", "/user/token", "/order/products", "/order/products", "/order/none", "/user/", "/clientevent/pageview?url=x", "/user/login"} {
		for origin, allowed := range map[string]bool{
			"http://front.example:8000": true, "http://shop.example": true, "http://front.example": false, "https://front.example:8000": false,
			"https://evil.example": false, "null": false, "": false,
		} {
			for _, method := range []string{http.MethodGet, http.MethodOptions, http.MethodPost} {
				r, err := http.NewRequest(method, w.url+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				if method == http.MethodOptions {
					r.Header.Set("Access-Control-Request-Method", "POST")
					r.Header.Set("Access-Control-Request-Headers", "traceparent,x-csrftoken")
				}
				a := w.browser().do(r)
				checkCORS(t, a, origin, allowed)
			}
		}
	}
}

func checkCORS(t *testing.T, a answer, origin string, allowed bool) {
	t.Helper()
	h, what := a.Header, a.Request.Method+" "+a.Request.URL.Path+" from "+origin
	wantOrigin, wantCredentials := "", ""
	if allowed {
		wantOrigin, wantCredentials = origin, "true"
	}
	if h.Get("Access-Control-Allow-Origin") != wantOrigin || h.Get("Access-Control-Allow-Credentials") != wantCredentials || h.Get("Vary") != "Origin" {
		t.Errorf("%s: %d %v", what, a.StatusCode, h)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin", "Content-Security-Policy": apiPolicy} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	if a.Request.Method != http.MethodOptions {
		return
	}
	if a.StatusCode != http.StatusOK || a.body != "" || len(a.Cookies()) != 0 || !strings.Contains(h.Get("Access-Control-Allow-Methods"), "GET") ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "x-csrftoken") ||
		!strings.Contains(h.Get("Access-Control-Allow-Headers"), "content-type") || strings.Contains(h.Get("Access-Control-Allow-Headers"), "traceparent") != allowed {
		t.Errorf("%s: %d %v", what, a.StatusCode, h)
	}
}

// The contract has three GETs that change something; another site cannot have them called.
func TestChangingGETs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user.says("GET /user/verify-email-address", `{}`)
	w.order.says("GET /order/change-confirmation-email-address", `{}`)
	for _, path := range []string{"/user/logout", "/user/verify-email-address", "/order/change-confirmation-email-address"} {
		for _, c := range []struct {
			site, origin string
			status       int
		}{
			{"", "", 200}, {"same-origin", "", 200}, {"none", "", 200}, {"cross-site", "", 403}, {"same-site", "", 403},
			{"cross-site", "http://front.example:8000", 200}, {"", "https://evil.example", 403},
		} {
			r, err := http.NewRequest(http.MethodGet, w.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.site != "" {
				r.Header.Set("Sec-Fetch-Site", c.site)
			}
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if a := w.browser().do(r); a.StatusCode != c.status {
				t.Errorf("%s %+v: %d %s", path, c, a.StatusCode, a.body)
			}
		}
	}
	r, err := http.NewRequest(http.MethodGet, w.url+"/user/logged-in", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	expect(t, w.browser().do(r), http.StatusOK, `{"logged_in":false`) // a link from elsewhere leads here
}

func TestWebhookNeedsNeitherTokenNorOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := "{ \"id\":\"evt_1\",\n\"é\":\"\x00\" }"
	for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		w.webhook.on(method+" "+webhookPath, func(rw http.ResponseWriter, _ seen) {
			rw.Header().Set(web.SessionHeader, `{"open":true}`)
			rw.WriteHeader(http.StatusAccepted)
		})
		r, err := http.NewRequest(method, w.url+webhookPath, strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Stripe-Signature", "t=1,v1=abc")
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
		r.Header.Set("Cookie", "sessionid="+strings.Repeat("a", tokenLength))
		a := w.browser().do(r)
		got := w.webhook.last()
		if a.StatusCode != http.StatusAccepted || got.Method != method || a.Header.Get(web.SessionHeader) != "" {
			t.Errorf("%s: %d %s %v", method, a.StatusCode, a.body, a.Header)
		}
		if got.Header.Get("Cookie") != "" || got.Header.Get(web.IdentityHeader) != "" || got.Header.Get("Stripe-Signature") != "t=1,v1=abc" {
			t.Errorf("webhook got %v", got.Header)
		}
		if method == http.MethodPost && got.body != raw {
			t.Errorf("webhook got %q", got.body)
		}
	}
}
