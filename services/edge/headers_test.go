package edge

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Every answer says who may frame it, how much of its address goes along as a referrer, and that
// the site is https only: files and errors as much as pages.
func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PublicURL = "https://shop.example" })
	page := e.browser().Get("/")
	files := []string{"/robots.txt", "/sitemap.xml", "/favicon.ico", "/manifest.webmanifest", "/img/product/desk.jpg",
		"/img/product/none.jpg", "/static/none.js"}

	for _, part := range strings.Split(page.Body, `"`) {
		if strings.HasPrefix(part, "/static/") {
			files = append(files, part)
		}
	}
	if len(files) < 12 {
		t.Fatalf("the page names few files: %v", files)
	}

	for _, request := range append(files, "/", "/cart", "/nothing/here", "/product/none", "/account/email-unsubscribe", "//double",
		"/%2e%2e/x",
		"/user/logged-in", "/user/token", "/user/nothing", "/user/a.b", "/order/products", "/order/none", "/order/stripe-webhook",
		"/clientevent/pageview?url=%2F", "/clientevent/none",
		"POST /", "POST /robots.txt", "POST /user/login", "DELETE /user/login", "DELETE /static/x.js", "PUT /order/cart-items", "OPTIONS /",
		"OPTIONS /user/login", "POST /order/stripe-webhook") {
		method, path, ok := strings.Cut(request, " ")
		if !ok {
			method, path = http.MethodGet, request
		}
		rec := httptest.NewRecorder()
		e.server.routes().ServeHTTP(rec, httptest.NewRequest(method, path, nil))
		h := rec.Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			h.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("%s %s: %d %v", method, path, rec.Code, h)
		}
	}
}

func TestHSTS(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                 string
		sub, preload, secure bool
		want                 string
	}{
		{name: "https", secure: true, want: "max-age=31536000"},
		{name: "hosts below", sub: true, secure: true, want: "max-age=31536000; includeSubDomains"},
		{name: "preload", sub: true, preload: true, secure: true, want: "max-age=31536000; includeSubDomains; preload"},
		{name: "http", sub: true, preload: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(hsts(Config{HSTSSubDomains: c.sub, HSTSPreload: c.preload}, c.secure), ""); got != c.want {
				t.Errorf("%+v: %q", c, got)
			}
		})
	}
	cfg := Config{HSTSPreload: true, UserURL: "http://a", OrderURL: "http://a", EventsURL: "http://a", WebhookURL: "http://a"}
	cfg.PublicURL = "https://shop.example"
	if _, err := cfg.parse(); err == nil || !strings.Contains(err.Error(), "HSTS_PRELOAD") {
		t.Errorf("preload without the hosts below: %v", err)
	}
}

// The first X-Forwarded-For from an untrusted proxy inside is logged with the setting to change;
// from the internet anybody may send it.
func TestUntrustedProxyIsLoggedOnce(t *testing.T) {
	t.Parallel()
	for peer, warns := range map[string]bool{
		"172.18.0.1:4711": true, "10.1.2.3:1": true, "192.168.7.7:1": true, "[fd00::7]:1": true, "169.254.1.1:1": true,
		"100.64.3.2:1": true, "[::ffff:10.0.0.9]:1": true,
		"203.0.113.9:1": false, "[2001:db8::1]:1": false, "127.0.0.1:1": false,
	} {
		var log bytes.Buffer
		e := &server{log: slog.New(slog.NewTextHandler(&log, nil))}
		var err error
		if e.settings.proxies, err = web.ParseProxies("loopback"); err != nil {
			t.Fatal(err)
		}
		for _, forwarded := range []string{"", "198.51.100.1", "198.51.100.2"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = peer
			if forwarded != "" {
				r.Header.Set("X-Forwarded-For", forwarded)
			}
			e.warnOfProxy(r)
			if forwarded == "" && log.Len() > 0 {
				t.Errorf("%s sent nothing: %s", peer, &log)
			}
		}
		lines, want := strings.Count(log.String(), "\n"), 0
		if warns {
			want = 1
		}
		addr := web.ParseAddr(peer).String()
		if lines != want || warns && (!strings.Contains(log.String(), "level=WARN") ||
			!strings.Contains(log.String(), "TRUSTED_PROXIES=loopback,"+addr)) {
			t.Errorf("%s: %d lines: %s", peer, lines, &log)
		}
	}
}

// A page that does not need the shopper's address is checked, too, and so is a cached answer.
func TestAnyRequestShowsTheProxy(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, path := range []string{"/", "/robots.txt", "/order/products", "/clientevent/pageview?url=%2F", "/user/logged-in"} {
		var log bytes.Buffer
		s := &server{settings: e.server.settings, log: slog.New(slog.NewTextHandler(&log, nil))}
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.RemoteAddr = "172.18.0.1:4711"
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		s.catalog, s.publisher, s.limits, s.eventSeconds, s.catalogSeconds = e.server.catalog, e.server.publisher, e.server.limits,
			e.server.eventSeconds, e.server.catalogSeconds
		s.fastPath(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), r)
		if !strings.Contains(log.String(), "TRUSTED_PROXIES=loopback,172.18.0.1") {
			t.Errorf("%s: %q", path, &log)
		}
	}
}

// 405 names the allowed methods, even where only an owner knows them.
func TestAllowIsTheOwners(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.on("OPTIONS /user/login", func(rw http.ResponseWriter, r seen) {
		rw.Header().Set("Allow", "POST")
		web.Fail(rw, r.Request, &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"})
	})
	e.order.on("OPTIONS /order/cart-items", func(rw http.ResponseWriter, r seen) {
		rw.Header().Set("Allow", "GET")
		web.Fail(rw, r.Request, &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"})
	})

	for request, want := range map[string]string{
		"DELETE /user/login": "POST", "PUT /order/cart-items": "GET, HEAD", "PATCH /user/token": "GET, HEAD",
		"DELETE /user/end-session": "POST", "FOO /user/login": "POST",
		"DELETE /order/products": "GET, HEAD", "POST /": "GET, HEAD", "DELETE /robots.txt": "GET, HEAD",
		"PUT /account/email-unsubscribe": "GET, HEAD, POST", "POST /clientevent/pageview": "GET, HEAD",
	} {
		method, path, _ := strings.Cut(request, " ")
		rec := httptest.NewRecorder()
		r := httptest.NewRequest(method, path, nil)
		r.Host, r.RemoteAddr = "shop.example", "127.0.0.1:1"
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		e.server.routes().ServeHTTP(rec, r)
		if rec.Code != http.StatusMethodNotAllowed || rec.Header().Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", request, rec.Code, rec.Header().Get("Allow"), want)
		}
	}
}
