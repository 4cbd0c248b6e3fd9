package edge

import (
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/startupwebapp/startupwebapp/services/edge/storefront"
)

// site is what edge serves: the pages, and the routes to them and to all else.
type site struct {
	pages  *storefront.Pages
	routes http.Handler
}

// shopNames renders the storefront again when staff change the shop's name or contacts: its pages
// are rendered in advance.
type shopNames struct {
	mu   sync.Mutex
	last map[string]string // by order's setting; the pages were rendered with it, or could not be
}

// nameShop takes over the shop's settings from order's feed. If the pages cannot be rendered with
// them, the old ones stay.
func (s *server) nameShop(shop map[string]string) {
	s.names.mu.Lock()
	defer s.names.mu.Unlock()
	if maps.Equal(shop, s.names.last) {
		return
	}
	s.names.last = shop
	pages, err := s.newPages(shop, s.site.Load().pages)
	if err != nil {
		s.log.Error("the storefront cannot be made with the shop's new name", "error", err)
		return
	}
	s.show(pages)
}

// show serves these pages from now on.
func (s *server) show(pages *storefront.Pages) {
	now := &site{pages: pages}
	now.routes = s.newRouter(pages)
	s.site.Store(now)
}

// newPages renders the storefront with the staff's settings in place of its own. Files of the
// earlier pages are still served, for browsers that show those pages.
func (s *server) newPages(shop map[string]string, before *storefront.Pages) (*storefront.Pages, error) {
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
		PublicURL: s.cfg.PublicURL,
		Log:       s.log,
		Shop:      set,
		Before:    before,
		Catalog:   s.listed,
		Product:   s.catalog.productBody,
		Search:    s.catalog.search,
		Preview:   s.preview,
	})
}
