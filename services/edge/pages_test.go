package edge

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestPagesFollowTheCatalog(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(1)
	b := e.browser()
	home := b.Get("/")
	if home.Status != http.StatusOK || !strings.Contains(home.Body, "1.00") ||
		!strings.HasPrefix(home.Header.Get("Content-Type"), "text/html") {
		t.Fatalf("home: %d %v", home.Status, home.Header)
	}
	if policy := home.Header.Values("Content-Security-Policy"); len(policy) != 1 || !strings.Contains(policy[0], "script-src 'self'") ||
		len(home.Cookies()) != 0 {
		t.Errorf("home: %v", home.Header)
	}
	e.reprices(1, "4.75")
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
