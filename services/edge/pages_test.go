package edge

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var price atomic.Pointer[string]
	before, after := "3.50", "4.75"
	price.Store(&before)
	w.order.on("GET /order/products", func(rw http.ResponseWriter, _ seen) {
		rw.Header().Set("Content-Type", "application/json")
		io.WriteString(rw, `{"products_data":{"bSusp6dBHm":{"title":"Clips","title_url":"clips","identifier":"bSusp6dBHm","headline":"Clips","description_part_1":"a","description_part_2":"b","price_low":"`+*price.Load()+`","price_high":"`+*price.Load()+`","product_image_url":"https://img.example/a.jpg"}},"order-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
	})
	b := w.browser()
	home := b.get("/")
	if home.StatusCode != http.StatusOK || !strings.Contains(home.body, "3.50") || !strings.HasPrefix(home.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("home: %d %v", home.StatusCode, home.Header)
	}
	if policy := home.Header.Values("Content-Security-Policy"); len(policy) != 1 || !strings.Contains(policy[0], "script-src 'self'") || len(home.Cookies()) != 0 {
		t.Errorf("home: %v", home.Header)
	}
	price.Store(&after)
	if err := w.edge.bus.Signal(msg.CatalogChanged, nil); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the new price on the page", func() bool { return strings.Contains(b.get("/").body, "4.75") })
	if a := b.get("/no-such-page"); a.StatusCode != http.StatusNotFound || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if a := b.get("/order/no/such"); a.StatusCode != http.StatusNotFound || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	w.order.Close()
	expect(t, b.get("/"), http.StatusOK, "4.75")
}
