package storefront

import (
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// newFake starts a shop whose API is the fake.
func newFake(t testing.TB) (*fakeAPI, *Pages, *httptest.Server) {
	t.Helper()
	f := &fakeAPI{listed: sync.OnceValues(func() (*listing.List, error) { return listOf(fakeList) }),
		method: "USPSRetailGround", terms: true, events: map[string]int{}, fail: map[string]int{}, calls: map[string]int{}}
	router := chi.NewRouter()
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	// The tests use dollars, even if the settings were changed to another currency.
	shop := DefaultSettings()
	shop.CurrencySign, shop.CurrencyCode, shop.BackInStock = "$", "USD", true
	pages, err := New(Config{PublicURL: server.URL, Shop: shop, Catalog: f.catalog, Product: f.remembered, Search: f.search,
		Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	pages.Mount(router)
	router.NotFound(pages.NotFound)
	f.mount(router)
	return f, pages, server
}

// newTab opens a tab as wide as a phone or a desktop, in light or dark colors, without cookies.
func newTab(t *testing.T, server *httptest.Server, width int64, scheme string) *browsertest.Tab {
	t.Helper()
	return browsertest.Open(t, server.URL, browsertest.Look{Width: width, Scheme: scheme})
}
