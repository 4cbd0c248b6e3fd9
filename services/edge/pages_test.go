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
	e := newEnv(t)
	var price atomic.Pointer[string]
	before, after := "3.50", "4.75"
	price.Store(&before)
	e.order.on("GET /order/products", func(rw http.ResponseWriter, _ seen) {
		rw.Header().Set("Content-Type", "application/json")
		io.WriteString(rw, `{"products_data":{"bSusp6dBHm":{"title":"Clips","title_url":"clips","identifier":"bSusp6dBHm",`+
			`"headline":"Clips","description_part_1":"a","description_part_2":"b","price_low":"`+*price.Load()+`","price_high":"`+
			*price.Load()+`","product_image_url":"https://img.example/a.jpg"}},`+
			`"order-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
	})
	b := e.browser()
	home := b.Get("/")
	if home.Status != http.StatusOK || !strings.Contains(home.Body, "3.50") ||
		!strings.HasPrefix(home.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("home: %d %v", home.Status, home.Header)
	}
	if policy := home.Header.Values("Content-Security-Policy"); len(policy) != 1 || !strings.Contains(policy[0], "script-src 'self'") ||
		len(home.Cookies()) != 0 {
		t.Errorf("home: %v", home.Header)
	}
	price.Store(&after)
	if err := e.edge.bus.Signal(msg.CatalogChanged, nil); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the new price on the page", func() bool { return strings.Contains(b.Get("/").Body, "4.75") })
	if a := b.Get("/no-such-page"); a.Status != http.StatusNotFound || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	if a := b.Get("/order/no/such"); a.Status != http.StatusNotFound || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	e.order.Close()
	b.Get("/").Has(http.StatusOK, "4.75")
}
