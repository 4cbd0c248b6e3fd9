package storefront

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"
)

// maxRendered bounds how many product pages are kept.
const maxRendered = 10_000

// Source is what the catalogue's owner answered, and what pages are rendered from.
type Source struct {
	Body []byte
	// Tag changes with the body.
	Tag string
}

// catalogue keeps the pages rendered from catalogue data, each for as long as its source stays the same.
// How old a source may be is up to the one who gives it (Config.Catalogue, Config.Product).
type catalogue struct {
	log   *slog.Logger
	turns singleflight.Group
	mu    sync.RWMutex
	kept  map[string]rendered
}

// rendered is one page from memory. Status 404 pages are never kept.
type rendered struct {
	doc *document
	tag string // of its source
}

// renderer makes a page. A nil document means that there is no such page.
type renderer func(body []byte) (*document, error)

func newCatalogue(log *slog.Logger) *catalogue {
	return &catalogue{log: log, kept: map[string]rendered{}}
}

// get returns the page kept under key, rendered again when its source has changed. A page whose source
// cannot be reached is served as it was: an old price list is better than none, and the cart asks for
// the current price in any case.
func (c *catalogue) get(ctx context.Context, key string, fetch func(context.Context) (Source, error),
	render renderer) (*document, error) {
	src, err := fetch(ctx)
	c.mu.RLock()
	old := c.kept[key]
	c.mu.RUnlock()
	switch {
	case err != nil && old.doc == nil:
		return nil, err
	case err != nil || old.doc != nil && old.tag == src.Tag:
		return old.doc, nil //nolint:nilerr // the earlier page stands in for what cannot be fetched
	}
	made, err, _ := c.turns.Do(key+" "+src.Tag, func() (any, error) { return c.renew(key, src, old, render) })
	if err != nil {
		return nil, err
	}
	return made.(*document), nil //nolint:forcetypeassert // of the line above
}

// renew renders a page and keeps it. A page that cannot be rendered stays as it was.
func (c *catalogue) renew(key string, src Source, old rendered, render renderer) (*document, error) {
	doc, err := render(src.Body)
	if err != nil {
		if old.doc == nil {
			return nil, err
		}
		c.log.Warn("catalogue page cannot be made of what its owner says, the earlier one stands in", "page", key,
			"error", err)
		doc = old.doc
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if doc == nil {
		delete(c.kept, key)
		return nil, nil
	}
	if _, there := c.kept[key]; !there && len(c.kept) >= maxRendered {
		clear(c.kept)
	}
	c.kept[key] = rendered{doc, src.Tag}
	return doc, nil
}

// products fetches and decodes the list of all products, in shop order.
func (p *Pages) products(ctx context.Context) ([]product, error) {
	src, err := p.cfg.Catalogue(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch product list: %w", err)
	}
	return readProducts(src.Body)
}

func readProducts(body []byte) ([]product, error) {
	var answer struct {
		Products ordered[product] `json:"products_data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode product list: %w", err)
	}
	list := make([]product, 0, len(answer.Products))
	for _, e := range answer.Products {
		list = append(list, e.value)
	}
	return list, nil
}

// list serves the home page and the product list.
func (p *Pages) list(pg page) http.HandlerFunc {
	render := func(body []byte) (*document, error) {
		products, err := readProducts(body)
		if err != nil {
			return nil, err
		}
		v, err := p.newView(pg)
		if err != nil {
			return nil, err
		}
		if v.Data, err = p.listData(pg, products); err != nil {
			return nil, err
		}
		if pg.name == "home" {
			products = products[:min(len(products), p.cfg.Shop.Featured)]
		}
		v.Products = products
		return p.render(v)
	}
	return func(w http.ResponseWriter, r *http.Request) {
		p.serveRendered(w, r, pg.name, p.cfg.Catalogue, render)
	}
}

// noCatalogue logs why a page could not be made, unless its visitor did not wait for it.
func (p *Pages) noCatalogue(r *http.Request, what string, more ...any) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return
	}
	p.cfg.Log.ErrorContext(r.Context(), what, more...)
}

// serveRendered answers with a catalogue page, 404 or, without data, the error page.
func (p *Pages) serveRendered(w http.ResponseWriter, r *http.Request, key string,
	fetch func(context.Context) (Source, error), render renderer) {
	doc, err := p.catalogue.get(r.Context(), key, fetch, render)
	if err != nil {
		p.noCatalogue(r, "catalogue page", "page", key, "error", err)
		w.Header().Set("Retry-After", "5")
		p.Error(w, r, http.StatusServiceUnavailable)
		return
	}
	if doc == nil {
		p.NotFound(w, r)
		return
	}
	p.headers.set(w.Header(), false)
	doc.write(w, r, http.StatusOK)
}
