package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// An owner's page is shown as HTML, JSON and CSV, under headers that let in nothing foreign.
func TestPagesOfOwners(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Support)
	page := b.Get("/orders")
	page.Has(200, "<h1>Orders</h1>", `aria-current="page"`, "=1&#43;1")
	if h := page.Header; !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'; style-src 'self';") ||
		h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", h)
	}
	if h := b.Get("/orders/frame").Header.Get("Content-Security-Policy"); !strings.HasPrefix(h, "sandbox; default-src 'none'; ") ||
		strings.Contains(h, "script-src") || strings.Contains(h, "allow-") {
		t.Errorf("a frame's policy is %s", h)
	}

	file := b.Get("/orders.csv")
	if file.Body != "Order\n'=1+1\n" || !strings.HasPrefix(file.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("%s, %v", file, file.Header)
	}
	b.Header = http.Header{"Accept": {"application/json"}}
	b.Get("/orders").Want("/staff/orders", "uri")

	for _, path := range []string{"/orders/..", "/orders/.hidden", "/orders/a%2fb", "/orders//", "/orders/%00", "/nothing"} {
		if a := b.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.Status)
		}
	}

	b.Header = http.Header{"Accept": {"text/html"}}
	b.Get("/orders/nothing").Has(404, "Page not found")
	b.Get("/customers").Has(503, "Not available just now", `href="/orders"`)
	e.owner.Close()
	b.Get("/orders").Has(503, "Not available just now")
}

// A browser cannot claim an identity towards an owner, and cookies are not forwarded.
func TestForgedIdentityAndCookiesAreNotForwarded(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Support)
	b.Header = http.Header{"Accept": {"application/json"}, adminui.IdentityHeader: {"forged.x"}, "X-Shop-Identity": {"forged"}}
	a := b.Get("/orders")
	a.Want("support", "roles", "0")
	if strings.Contains(a.Body, "session") {
		t.Errorf("an owner is told of the session: %s", a)
	}
}

// A command needs the token of the session's own forms, and a browser whose request does not come
// from another site.
func TestCommandsComeFromOwnForms(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Fulfilment)
	if a := b.Post("/orders/ship", "id", "1"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/orders" {
		t.Fatal(a)
	}
	if a := b.Get("/orders"); !strings.Contains(a.Body, "Shipped &lt;b&gt;1&lt;/b&gt;") {
		t.Error("the page does not say what was done, or says it as HTML")
	}
	if a := b.Get("/orders"); strings.Contains(a.Body, "Shipped") {
		t.Error("the page says it twice")
	}

	own := b.csrf
	other := e.in(e.person("ben", adminui.Owner))
	for _, forged := range []string{"", "x", other.csrf} {
		b.csrf = forged
		if a := b.Post("/orders/ship", "id", "2"); a.Status != http.StatusForbidden {
			t.Errorf("with the token %q: %s", forged, a)
		}
	}

	b.csrf = own
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		b.Header.Set(name, value)
		if a := b.Post("/orders/ship", "id", "2"); a.Status != http.StatusForbidden {
			t.Errorf("with %s %s: %s", name, value, a)
		}
		b.Header.Del(name)
	}

	b.Header.Set("Sec-Fetch-Site", "same-site")
	if a := b.Post("/orders/ship", "id", "2"); a.Status != http.StatusForbidden || !strings.Contains(a.Body, "This page is too old") {
		t.Errorf("from a neighbor: %s", a)
	}
	b.Header.Del("Sec-Fetch-Site")
	if a := b.Post("/orders/refund", "amount", "1"); a.Status != http.StatusForbidden {
		t.Errorf("without the right: %s", a)
	}

	r := b.Request("POST", "/orders/ship", "csrf", own)
	r.Host = "evil.example"
	if a := b.Do(r); a.Status != http.StatusForbidden {
		t.Errorf("under another name (DNS rebinding): %s", a)
	}
}

// A search for a Stripe event among the orders is forwarded with the payment that webhook names, or
// without it while webhook is unavailable.
func TestSearchForAStripeEvent(t *testing.T) {
	t.Parallel()
	webhook := httptest.NewServer(testenv.Mount(t, "webhook", adminui.Pages{Routes: []adminui.Route{{Method: "GET",
		Path: adminui.TrailPath, Action: adminui.OrdersView, Handle: func(r *http.Request) (adminui.Answer, error) {
			return adminui.Page{Data: adminui.Trail{Keys: []string{r.FormValue("key"), "cs_1", "pi_1"}}}, nil
		}}}}, http.NotFoundHandler()))
	t.Cleanup(webhook.Close)
	for _, c := range []struct{ owner, query, want string }{
		{webhook.URL, "q=evt_1&sort=-total", "/staff/orders?payment=pi_1&q=evt_1&sort=-total"},
		{webhook.URL, "q=evt_1&payment=pi_2", "/staff/orders?payment=pi_1&q=evt_1"},
		{webhook.URL, "q=pi_3", "/staff/orders?q=pi_3"}, {"", "q=evt_1", "/staff/orders?q=evt_1"},
	} {
		e := newEnv(t, func(cfg *Config) {
			if c.owner != "" {
				cfg.WebhookURL = c.owner
			}
		})
		b := e.in(e.person("ann", adminui.Manager))
		b.Header.Set("Accept", "application/json")
		b.Get("/orders?"+c.query).Want(c.want, "uri")
	}
}
