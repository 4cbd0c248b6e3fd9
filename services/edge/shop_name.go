package edge

import (
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/startupwebapp/startupwebapp/services/edge/storefront"
)

// shown is what edge serves: pages, and the routes to them and to all else.
type shown struct {
	pages  *storefront.Pages
	routes http.Handler
}

// shopNames makes the storefront again when staff change who the shop is. Its pages are rendered at the start,
// so another name means other pages.
type shopNames struct {
	mu   sync.Mutex
	last map[string]string // by the setting of order's; what the pages were made with, or could not be
}

// nameShop takes over what order's feed says of the shop. Pages that cannot be made with it stay as they were.
func (e *server) nameShop(shop map[string]string) {
	e.names.mu.Lock()
	defer e.names.mu.Unlock()
	if maps.Equal(shop, e.names.last) {
		return
	}
	e.names.last = shop
	pages, err := e.newPages(shop, e.shown.Load().pages)
	if err != nil {
		e.log.Error("the storefront cannot be made with the shop's new name", "error", err)
		return
	}
	e.show(pages)
}

// show serves pages from now on.
func (e *server) show(pages *storefront.Pages) {
	now := &shown{pages: pages}
	now.routes = e.router(pages)
	e.shown.Store(now)
}

// routes is everything that edge answers, with the pages as they are then.
func (e *server) routes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { e.shown.Load().routes.ServeHTTP(w, r) })
}

// newPages makes the storefront, with what staff say of the shop in place of its own settings. Files of the pages
// before are still served, for browsers that show those.
func (e *server) newPages(shop map[string]string, before *storefront.Pages) (*storefront.Pages, error) {
	set := storefront.DefaultSettings()
	for key, into := range map[string]*string{"shop_name": &set.Name, "shop_email": &set.Email,
		"shop_phone": &set.Phone} {
		if shop[key] != "" {
			*into = shop[key]
		}
	}
	if shop["shop_address"] != "" {
		set.Address = strings.Split(shop["shop_address"], "\n")
	}
	set.BackInStock = shop["shop_back_in_stock"] == "on"
	return storefront.New(storefront.Config{
		PublicURL: e.cfg.PublicURL, Log: e.log, Shop: set, Before: before,
		Catalog: e.listed, Product: e.catalog.source, Search: e.catalog.search,
		Preview: e.preview,
	})
}
