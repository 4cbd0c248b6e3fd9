package storefront

import (
	"context"
	"errors"
	"net/http"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"
)

// renderConcurrency bounds how many pages are rendered at once: more are ready no sooner, and take
// more memory.
const renderConcurrency = 16

// renderedMemory bounds the bytes of cached pages: about 8,000 products.
const renderedMemory = 32 << 20

// catalog caches the pages rendered from catalog data, each for as long as what it shows stays the
// same. How old that data may be is up to its source (Config.Catalog).
type catalog struct {
	turns     singleflight.Group
	kept      *otter.Cache[string, rendered]
	rendering chan struct{} // one slot for each page being rendered
}

// rendered is a cached page. Pages with status 404 are never cached.
type rendered struct {
	doc *document
	tag string // tag of the data that it shows
}

// livePage is a page of the catalog to be shown.
type livePage struct {
	key string // of the page in the cache; "": it is not cached
	tag string // changes with what the page shows
	// render renders the page. A nil document means that there is no such page.
	render func() (*document, error)
}

func newCatalog() *catalog {
	kept := otter.Must(&otter.Options[string, rendered]{MaximumWeight: renderedMemory,
		Weigher: func(_ string, r rendered) uint32 { return r.doc.size() }})
	return &catalog{kept: kept, rendering: make(chan struct{}, renderConcurrency)}
}

// get returns the cached page, rendered again if what it shows has changed.
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
	doc, _ := made.(*document) //nolint:errcheck // the function returns no other type
	return doc, err
}

// render renders a page when a slot is free.
func (c *catalog) render(p livePage) (*document, error) {
	c.rendering <- struct{}{}
	defer func() { <-c.rendering }()
	return p.render()
}

// noCatalog logs why a page could not be rendered, unless its visitor has left.
func (p *Pages) noCatalog(r *http.Request, what string, more ...any) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return
	}
	p.cfg.Log.ErrorContext(r.Context(), what, more...)
}

// serveLive answers with a catalog page, 404 or, without data, the error page. If a page cannot be
// rendered, the last one with its key is served: an old price list is better than none, and the
// cart asks for the current price anyway.
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
