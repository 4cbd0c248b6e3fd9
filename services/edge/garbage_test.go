package edge

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestForgedIdentityIsStripped(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.order.on("GET /order/cart-items", func(rw http.ResponseWriter, _ seen) {
		rw.Header().Set("Set-Cookie", "sessionid=x")
		rw.Header().Set("X-Shop-Else", "x")
	})
	r := e.browser().Body(http.MethodGet, "/order/cart-items?a=b&c=%ff", "")
	if err := web.SignIdentity(r, web.Key([]byte("guess"), "identity"), web.Identity{MemberID: 7}); err != nil {
		t.Fatal(err)
	}

	for name, value := range map[string]string{"x-shop-session": `{"action":"open"}`, "X-Shop-Set-Cart": "x", "Authorization": "x",
		"Cookie": "sessionid=x; an_ct=y", "X-Forwarded-For": "203.0.113.5", "Upgrade": "websocket",
		"Connection": "Upgrade, X-Shop-Identity"} {
		r.Header.Set(name, value)
	}

	a := e.browser().Do(r)
	got := e.order.last()
	if got.id.Member() || got.id.Client != "203.0.113.5" || got.URL.RawQuery != "a=b&c=%ff" {
		t.Errorf("order sees %+v %s", got.id, got.URL)
	}

	for _, name := range []string{"X-Shop-Session", "X-Shop-Set-Cart", "Authorization", "Cookie", "X-Forwarded-For", "Upgrade"} {
		if got.Header.Get(name) != "" {
			t.Errorf("%s reached the owner", name)
		}
	}

	if got.Header.Get("Traceparent") == "" {
		t.Error("no trace")
	}
	if a.Status != http.StatusOK || len(a.Cookies()) != 0 || a.Header.Get("X-Shop-Else") != "" {
		t.Errorf("%d %v", a.Status, a.Header)
	}
}

func TestLargeBodiesAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for path, limit := range map[string]int{"/user/login": web.MaxForm, webhookPath: maxWebhook} {
		for _, size := range []int{limit + 1, 10 << 20} {
			for _, chunked := range []bool{false, true} {
				b := e.browser()
				token := tokenOf(t, b)
				body := io.Reader(strings.NewReader(strings.Repeat("a", size)))
				if chunked {
					body = io.MultiReader(body)
				}
				r, err := http.NewRequest(http.MethodPost, e.url+path, body)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("X-CSRFToken", token)
				b.Do(r).Has(http.StatusRequestEntityTooLarge, `{"error":"body-too-large"}`)
			}
		}
	}

	for path, status := range map[string]int{"/": 405, "/nothing": 404, "/user/": 405, "/clientevent/pageview": 405, "/order/products": 405,
		"/user/token": 413} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		// A plain client sends everything before it reads.
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", path, 10<<20)
		if _, err := io.Copy(conn, io.LimitReader(zeros{}, 10<<20)); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != status {
			t.Errorf("%s: %v %v, want %d", path, res, err, status)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if n := e.webhook.count(webhookPath); n != 0 {
		t.Errorf("webhook was asked %d times", n)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestUnknownMethodsAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, method := range []string{"PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "CONNECT"} {
		for _, path := range []string{"/user/login", "/user/logged-in", "/order/products", "/order/cart-items", "/clientevent/pageview",
			"/user/", "/"} {
			conn, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", method, path)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			if res.StatusCode < 400 || res.StatusCode >= 500 {
				t.Errorf("%s %s: %d", method, path, res.StatusCode)
			}
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Whatever comes in, no answer is a 5xx.
func TestGarbageCausesNo5xx(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	address := strings.TrimPrefix(e.url, "http://")
	noise := func(n int) string {
		b := make([]byte, mathrand.IntN(n)+1)
		rand.Read(b) //nolint:errcheck // never fails
		return string(b)
	}
	clean := strings.NewReplacer("\r", "", "\n", "")
	paths := []string{"/user/login", "/user/token", "/order/%00", "/order/%ff%fe", "/order/..%2finternal/cart-count",
		"/order/%2e%2e/internal", "//order/products", "/order//products", "/user/%zz", "/clientevent/pageview?url=%",
		"/order/product/%E2%82", "/user/./login", "/ORDER/products", "/%75ser/token"}

	for i := range 400 {
		path := paths[i%len(paths)]
		if i%3 == 0 {
			path += "?" + url.QueryEscape(noise(50)) + "&" + strings.ReplaceAll(clean.Replace(noise(30)), " ", "")
		}
		body := noise(200)
		request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\nContent-Type: %s\r\nCookie: "+
			"sessionid=%s; an_ct=%s; csrftoken=%s\r\nX-CSRFToken: %s\r\nX-Forwarded-For: %s\r\nX-Shop-Identity: %s\r\nOrigin: %s\r\n\r\n%s",
			[]string{"POST", "GET", "POST", "HEAD", "OPTIONS"}[i%5], path, len(body),
			[]string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "multipart/form-data", "application/json",
				clean.Replace(noise(20))}[i%5],
			clean.Replace(noise(60)), clean.Replace(noise(60)), clean.Replace(noise(60)), clean.Replace(noise(60)),
			clean.Replace(noise(30)), clean.Replace(noise(30)),
			[]string{"http://x", clean.Replace(noise(20))}[i%2], body)
		conn, err := net.DialTimeout("tcp", address, 30*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, request); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%q: %v", request, err)
		}
		if res.StatusCode >= 500 {
			t.Errorf("%q: %d", request, res.StatusCode)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}

	if n := e.order.count("/internal/cart-counts"); n != 0 {
		t.Error("an inside endpoint was reached from outside")
	}
}

func TestClientAddressBehindProxies(t *testing.T) {
	t.Parallel()
	e := &server{}
	var err error
	e.settings, err = Config{TrustedProxies: "loopback, 10.0.0.0/8,2001:db8::1"}.parse()
	if e.settings.proxies == nil || err == nil { // the addresses of the owners are missing
		t.Fatal(err)
	}

	for _, c := range []struct{ peer, header, want string }{
		{"203.0.113.1:1234", "", "203.0.113.1"},
		{"203.0.113.1:1234", "198.51.100.1", "203.0.113.1"},
		{"127.0.0.1:1", "", "127.0.0.1"},
		{"127.0.0.1:1", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "6.6.6.6, 198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "6.6.6.6, 198.51.100.1, 10.1.1.1,127.0.0.2", "198.51.100.1"},
		{"127.0.0.1:1", "10.2.2.2, 10.1.1.1", "10.2.2.2"},
		{"127.0.0.1:1", "198.51.100.1:4711", "198.51.100.1"},
		{"127.0.0.1:1", "[2001:db8::2]:4711", "2001:db8::2"},
		{"[::1]:1", "2001:db8::2", "2001:db8::2"},
		{"[2001:db8::1]:1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "6.6.6.6, rubbish, 10.1.1.1", "10.1.1.1"},
		{"127.0.0.1:1", ", ,", "127.0.0.1"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{}}
		if c.header != "" {
			r.Header["X-Forwarded-For"] = []string{c.header}
		}
		if got := e.clientAddr(r).String(); got != c.want {
			t.Errorf("%s with %q is %s, want %s", c.peer, c.header, got, c.want)
		}
	}

	if a, b := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::ffff:1"); web.Network(a) != web.Network(b) {
		t.Error("one /64 is two clients")
	}
}

func TestInvalidSettingsAreNamed(t *testing.T) {
	t.Parallel()
	err := Config{
		UserURL: "127.0.0.1:80", OrderURL: "http://a/b", EventsURL: "", WebhookURL: "ftp://x", AllowedOrigins: "*", CookieDomain: "a b",
		TrustedProxies: "nobody",
	}.Validate()
	for _, name := range []string{"USER_URL", "ORDER_URL", "EVENTS_URL", "WEBHOOK_URL", "ALLOWED_ORIGINS", "COOKIE_DOMAIN",
		"TRUSTED_PROXIES", "PUBLIC_URL"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

// Origins are compared as browsers send them, however they are spelled in the settings.
func TestOriginsAsBrowsersWriteThem(t *testing.T) {
	t.Parallel()
	s, err := Config{
		Public:  boot.Public{PublicURL: "https://Shop.example:443/"},
		UserURL: "http://a", OrderURL: "http://a", EventsURL: "http://a", WebhookURL: "http://a",
		AllowedOrigins: "HTTP://www.shop.example:80/, http://www.shop.example:443,https://[::1]:8443",
	}.parse()
	want := []string{"http://www.shop.example", "http://www.shop.example:443", "https://[::1]:8443", "https://shop.example"}
	if err != nil || !slices.Equal(s.origins, want) {
		t.Errorf("%v, %v", s.origins, err)
	}
}
