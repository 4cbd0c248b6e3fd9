// Package storefront is the shop that people see: its pages, styles, scripts, pictures and texts.
//
// Every page is the same for all visitors, so each is rendered once, compressed once and served
// from memory; what differs from shopper to shopper (cart count, names, orders) is fetched by
// small ES modules from the public JSON API, like any other client does. Catalog pages are
// complete without scripts and are rendered again when the catalog changes.
package storefront

import (
	"context"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

//go:embed templates texts content static images/product images/icons
var files embed.FS

// Config is what the storefront needs from its surroundings.
type Config struct {
	// PublicURL is the shop's address, without a slash at the end; canonical links start with it.
	PublicURL string
	// Shop names the shop; the zero value means DefaultSettings.
	Shop Settings
	// Before, if set, are the pages that these replace: browsers that show them ask for their
	// files.
	Before *Pages
	// Catalog returns the whole catalog from memory: every page view calls it.
	Catalog func(ctx context.Context) (*listing.List, error)
	// Product returns the answer of GET /order/product/{identifier}, from which a page is rendered.
	Product func(ctx context.Context, identifier string) ([]byte, error)
	// Preview returns the same for a product that is not on sale, given a preview link's token; nil
	// if the token is not valid.
	Preview func(ctx context.Context, identifier, token string) ([]byte, error)
	// Search finds products by what a shopper typed.
	Search func(ctx context.Context, list *listing.List, text string) (listing.Found, error)
	// Log gets what goes wrong while pages are rendered; nil means slog.Default.
	Log *slog.Logger
}

// Pages holds every rendered page and static file of the shop.
type Pages struct {
	cfg       Config
	texts     texts
	assets    *assets
	pictures  *pictures
	templates map[string]*template.Template
	static    map[string]*document // by page name: pages that never change while we run
	extras    map[string]*document // robots.txt, manifest and icons, by path
	catalog   *catalog
	headers   pageHeaders
}

// New renders all pages that don't depend on the catalog, so that a mistake in a template or a
// missing text shows at the start and not to a shopper.
func New(cfg Config) (*Pages, error) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Shop.Name == "" {
		cfg.Shop = DefaultSettings()
	}
	cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	if u, err := url.Parse(cfg.PublicURL); err != nil || u.Host == "" {
		return nil, fmt.Errorf("storefront: PublicURL %q is not an absolute address", cfg.PublicURL)
	}
	p := &Pages{cfg: cfg, static: map[string]*document{}, extras: map[string]*document{}}
	p.headers = newPageHeaders(cfg)
	p.catalog = newCatalog()

	var err error
	if p.texts, err = loadTexts(cfg.Shop); err != nil {
		return nil, err
	}
	if p.pictures, err = loadPictures(); err != nil {
		return nil, err
	}
	if p.assets, err = loadAssets(p.wordsModule()); err != nil {
		return nil, err
	}
	if cfg.Before != nil {
		p.assets.before = cfg.Before.assets.byPath
	}
	p.cfg.Before = nil // otherwise each would keep the one before it
	if p.templates, err = p.parseTemplates(); err != nil {
		return nil, err
	}
	if err := p.renderStatic(); err != nil {
		return nil, err
	}
	if err := p.renderExtras(); err != nil {
		return nil, err
	}
	return p, nil
}

// Mount adds all pages and files of the shop to the router.
func (p *Pages) Mount(r chi.Router) {
	for _, pg := range pageTable {
		for _, path := range pg.paths() {
			r.Get(path, p.servePage(pg))
			r.Head(path, p.servePage(pg))
		}
	}

	get := func(path string, h http.HandlerFunc) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			r.Method(method, path, h)
		}
	}
	for _, suffix := range []string{"", "/"} {
		get("/product/{identifier}"+suffix, p.product)
		get("/collections/{address}"+suffix, p.collection)
		get("/collections"+suffix, http.RedirectHandler("/products", http.StatusMovedPermanently).ServeHTTP)
	}

	get("/sitemap.xml", p.sitemap)
	get("/sitemap-{part:[a-z0-9-]+}.xml", p.sitemapPart)

	r.Group(func(r chi.Router) {
		r.Use(web.Routine)
		for path, doc := range p.extras {
			r.Get(path, doc.ServeHTTP)
			r.Head(path, doc.ServeHTTP)
		}
		r.Get("/static/*", p.assets.ServeHTTP)
		r.Head("/static/*", p.assets.ServeHTTP)
		r.Get("/img/product/{file}", p.pictures.ServeHTTP)
		r.Head("/img/product/{file}", p.pictures.ServeHTTP)
	})
}
