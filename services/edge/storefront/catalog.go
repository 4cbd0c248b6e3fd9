package storefront

import (
	"context"
	"errors"
	"net/http"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// renderedAtOnce bounds how many pages are made at a time: more at once are ready no sooner, and take more memory.
const renderedAtOnce = 16

// renderedMemory bounds the bytes of the pages that are kept: some 8,000 products'.
const renderedMemory = 32 << 20

// catalog keeps the pages rendered from catalog data, each for as long as what it shows stays the same.
// How old that may be is up to the one who gives it (Config.Catalog).
type catalog struct {
	turns     singleflight.Group
	kept      *otter.Cache[string, rendered]
	rendering chan struct{} // a place for each page that is being made
}

// rendered is one page from memory. Status 404 pages are never kept.
type rendered struct {
	doc *document
	tag string // of what it shows
}

// livePage is a page of the catalog that is to be shown.
type livePage struct {
	key string // of the page in memory; empty: it is not kept
	tag string // changes with what the page shows
	// render makes the page. A nil document means that there is no such page.
	render func() (*document, error)
}

func newCatalog() *catalog {
	kept := otter.Must(&otter.Options[string, rendered]{MaximumWeight: renderedMemory,
		Weigher: func(_ string, r rendered) uint32 { return r.doc.size() }})
	return &catalog{kept: kept, rendering: make(chan struct{}, renderedAtOnce)}
}

// get returns the page as it is kept, rendered again when what it shows has changed.
func (c *catalog) get(p livePage) (*document, error) {
	if p.key == "" {
		return c.render(p)
	}
	if old, there := c.kept.GetIfPresent(p.key); there && old.tag == p.tag {
		return old.doc, nil
	}
	made, err, _ := c.turns.Do(p.key+" "+p.tag, func() (any, error) {
		doc, err := c.render(p)
		switch {
		case err != nil:
		case doc == nil:
			c.kept.Invalidate(p.key)
		default:
			c.kept.Set(p.key, rendered{doc, p.tag})
		}
		return doc, err
	})
	doc, _ := made.(*document) //nolint:errcheck // nothing else is made
	return doc, err
}

// render makes a page when its turn has come.
func (c *catalog) render(p livePage) (*document, error) {
	c.rendering <- struct{}{}
	defer func() { <-c.rendering }()
	return p.render()
}

// noCatalog logs why a page could not be made, unless its visitor did not wait for it.
func (p *Pages) noCatalog(r *http.Request, what string, more ...any) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return
	}
	p.cfg.Log.ErrorContext(r.Context(), what, more...)
}

// serveLive answers with a catalog page, 404 or, without data, the error page. A page that cannot be made is served
// as it was under its key: an old price list is better than none, and the cart asks for the current price in any case.
func (p *Pages) serveLive(w http.ResponseWriter, r *http.Request, key string, page livePage, err error) {
	var doc *document
	if err == nil {
		doc, err = p.catalog.get(page)
	}
	if err != nil {
		p.noCatalog(r, "catalog page", "page", key, "error", err)
		old, there := p.catalog.kept.GetIfPresent(key)
		if !there {
			w.Header().Set("Retry-After", "5")
			p.Error(w, r, http.StatusServiceUnavailable)
			return
		}
		doc = old.doc
	}
	if doc == nil {
		p.NotFound(w, r)
		return
	}
	p.headers.set(w.Header(), false)
	doc.write(w, r, http.StatusOK)
}
