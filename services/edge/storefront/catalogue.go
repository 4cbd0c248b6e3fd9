package storefront

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// staleAfter bounds how long a page may show an old price when the message that the catalogue
	// changed got lost.
	staleAfter = 5 * time.Second
	// fetchTimeout bounds one question to the catalogue's owner.
	fetchTimeout = 5 * time.Second
	// maxRendered bounds how many product pages are kept.
	maxRendered = 10_000
)

// catalogue keeps the pages rendered from catalogue data. A page older than staleAfter is still
// served while it is rendered anew, and when its owner can't be reached: an old price list is
// better than none, and the cart asks for the current price in any case.
type catalogue struct {
	pages *Pages
	mu    sync.Mutex
	round int // counts up with forget; what was rendered before is not kept after
	kept  map[string]*rendered
}

// rendered is one page from memory. Status 404 pages are never kept.
type rendered struct {
	doc        *document
	at         time.Time
	round      int
	refreshing bool
}

func newCatalogue(p *Pages) *catalogue {
	return &catalogue{pages: p, kept: map[string]*rendered{}}
}

// forget marks all pages as out of date. They stay as a reserve for the time the owner is down.
func (c *catalogue) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round++
}

// get returns the page kept under key, made by the given function when there is none or when it
// is of an earlier round. A nil document means that there is no such page.
func (c *catalogue) get(ctx context.Context, key string, render func(context.Context) (*document, error)) (*document, error) {
	c.mu.Lock()
	old, round := c.kept[key], c.round
	if old != nil && old.round == round {
		if time.Since(old.at) > staleAfter && !old.refreshing {
			old.refreshing = true
			go c.refresh(key, render)
		}
		c.mu.Unlock()
		return old.doc, nil
	}
	c.mu.Unlock()

	doc, err := render(ctx)
	if err != nil {
		if old == nil {
			return nil, err
		}
		c.pages.cfg.Log.WarnContext(ctx, "catalogue page served from reserve", "page", key, "error", err)
		// Taken as fresh for a while, so that not every visitor waits for an owner that is down.
		c.keep(key, old.doc, round)
		return old.doc, nil
	}
	c.keep(key, doc, round)
	return doc, nil
}

// refresh renders a page again behind the back of the visitor who is served the old one.
func (c *catalogue) refresh(key string, render func(context.Context) (*document, error)) {
	c.mu.Lock()
	round := c.round
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	doc, err := render(ctx)
	if err != nil {
		c.pages.cfg.Log.Warn("catalogue page not refreshed", "page", key, "error", err)
		c.mu.Lock()
		defer c.mu.Unlock()
		if old := c.kept[key]; old != nil {
			old.refreshing = false
			old.at = time.Now()
		}
		return
	}
	c.keep(key, doc, round)
}

// keep stores a page under the round in which its data was asked for, so that a change in between
// is not hidden by it.
func (c *catalogue) keep(key string, doc *document, round int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if doc == nil {
		delete(c.kept, key)
		return
	}
	if _, there := c.kept[key]; !there && len(c.kept) >= maxRendered {
		clear(c.kept)
	}
	c.kept[key] = &rendered{doc: doc, at: time.Now(), round: round}
}

// products fetches and decodes the list of all products, in shop order.
func (p *Pages) products(ctx context.Context) ([]product, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	body, err := p.cfg.Catalogue(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch product list: %w", err)
	}
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
	render := func(ctx context.Context) (*document, error) {
		products, err := p.products(ctx)
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
		p.serveRendered(w, r, pg.name, render)
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
func (p *Pages) serveRendered(w http.ResponseWriter, r *http.Request, key string, render func(context.Context) (*document, error)) {
	doc, err := p.catalogue.get(r.Context(), key, render)
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
