package edge

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The form of a product's page works without scripts and without a token, but only from the shop's
// own pages, and reveals nothing about the address.
func TestBackInStockForm(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.order.on("POST /internal/restock-wish", func(rw http.ResponseWriter, r seen) {
		if strings.Contains(r.body, "broken") {
			web.Fail(rw, r.Request, web.BadRequest("email_address"))
			return
		}
		state := "noted"
		for sku, other := range map[string]string{"sku_id=1": "in-stock", "sku_id=999": "gone"} {
			if strings.HasSuffix(r.body, sku) {
				state = other
			}
		}
		fmt.Fprintf(rw, `{"state":%q}`, state)
	})

	e.order.on("POST /internal/restock-refusal", func(rw http.ResponseWriter, r seen) {
		if r.URL.Query().Get("notice") != "good" {
			web.Fail(rw, r.Request, web.NotFound())
			return
		}
		io.WriteString(rw, `{"refused":true}`) //nolint:errcheck // a test's answer
	})
	const form = "sku_id=6&email_address=ann%40mail.example.com"
	for _, c := range []struct {
		path, body, origin, accept, to string
		status                         int
	}{
		{path: backInStockPath, body: form, status: 303, to: "/back-in-stock"},
		{path: backInStockPath, body: "sku_id=1&email_address=a%40b.example", status: 303, to: "/back-in-stock/in-stock"},
		{path: backInStockPath, body: "sku_id=999&email_address=a%40b.example", status: 303, to: "/back-in-stock/gone"},
		{path: backInStockPath, body: form + "broken", status: 422},
		{path: backInStockPath, body: form, accept: "application/json", status: 200},
		{path: backInStockPath, body: form + "broken", accept: "application/json", status: 400},
		{path: backInStockPath, body: form, origin: "https://evil.example", status: 403},
		{path: backInStockPath, body: "sku_id=%ff", status: 400},
		{path: backInStockPath, body: strings.Repeat("a=b&", 1<<16), status: 413},
		{path: noNoticesPath + "?notice=good", status: 303, to: "/account/no-notices/done"},
		{path: noNoticesPath + "?notice=good", body: "List-Unsubscribe=One-Click", origin: "https://mail.example", status: 200},
		{path: noNoticesPath + "?notice=bad", status: 404},
		{path: noNoticesPath + "?notice=%ff", status: 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, e.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if c.origin != "" {
			r.Header.Set("Origin", c.origin)
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}
		r.Header.Set("Accept", c.accept)
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close() //nolint:errcheck,gosec // the body was not read
		if res.StatusCode != c.status || res.Header.Get("Location") != c.to {
			t.Errorf("%s %.60s: %d to %q, want %d to %q", c.path, c.body, res.StatusCode, res.Header.Get("Location"), c.status, c.to)
		}
	}
}
