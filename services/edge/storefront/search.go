package storefront

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// search serves /search: the box alone, or with the result. Any text can be searched for, so only
// the pages of frequent searches stay in memory.
func (p *Pages) search(pg page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, number := listing.CleanText(r.URL.Query().Get("q")), listing.ReadPage(r.URL.Query().Get("page"))
		key := "search " + strconv.Itoa(number) + " " + text
		list, err := p.cfg.Catalog(r.Context())
		if err != nil {
			p.serveLive(w, r, key, livePage{}, err)
			return
		}
		found, err := p.cfg.Search(r.Context(), list, text)
		if err != nil {
			p.serveLive(w, r, key, livePage{}, err)
			return
		}
		cut, ok := listing.Cut(found.Products, number)
		if !ok {
			p.NotFound(w, r)
			return
		}
		tag := list.Fingerprint(cut) + " " + found.Meant
		p.serveLive(w, r, key, livePage{key, tag, func() (*document, error) {
			return p.renderFound(pg, list, text, found.Meant, cut)
		}}, nil)
	}
}

func (p *Pages) renderFound(pg page, list *listing.List, text, meant string, cut listing.Page) (*document, error) {
	v, err := p.newView(pg)
	if err != nil {
		return nil, err
	}
	l := &listView{Query: text, Meant: meant, Count: cut.Count, Title: v.Title}
	if text != "" {
		if l.Title, err = p.texts.get("search.results", "query", text); err != nil {
			return nil, err
		}
		v.Title = l.Title
	}
	if l.Collections, err = p.collectionLinks(list, "-"); err != nil {
		return nil, err
	}
	l.Pager = newPager(cut.Number, cut.Pages, func(number int) string {
		query := url.Values{"q": {text}}
		if number > 1 {
			query.Set("page", strconv.Itoa(number))
		}
		return pg.path + "?" + query.Encode()
	})
	v.List, v.Products = l, cards(cut.Products)
	return p.render(v)
}
