package storefront

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// listView is what pages that list products show around them.
type listView struct {
	Title, Lead string
	Collections []link
	Sorts       []link
	Sorted      string // name of the order
	Count       int
	Pager       pager
	Query       string // the search as it was typed
	Meant       string // the corrected search
}

// link leads to another list; Current says that it leads to this one.
type link struct {
	Text, Href string
	Current    bool
}

func collectionPath(address string) string { return "/collections/" + address }

// manyFrom is the number of products from which a list is scanned rather than read: it can be
// sorted, and shows more of them at a time.
const manyFrom = 7

// Many reports whether the page is one of a long list.
func (v view) Many() bool { return v.List != nil && v.List.Count >= manyFrom }

// home serves the home page with the first products of the shop.
func (p *Pages) home(pg page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		list, err := p.cfg.Catalog(r.Context())
		if err != nil {
			p.serveLive(w, r, pg.name, livePage{}, err)
			return
		}
		some := listing.Page{Products: list.Products()[:min(len(list.Products()), p.cfg.Shop.Featured)]}
		p.serveLive(w, r, pg.name, livePage{pg.name, list.Fingerprint(some), func() (*document, error) {
			v, err := p.newView(pg)
			if err != nil {
				return nil, err
			}
			v.Products, v.Data, v.List = cards(some.Products), p.siteData(), &listView{}
			return p.render(v)
		}}, nil)
	}
}

// collection serves the pages of a collection.
func (p *Pages) collection(w http.ResponseWriter, r *http.Request) {
	address := chi.URLParam(r, "address")
	pg := collectionPage
	pg.path = collectionPath(address)
	p.serveList(w, r, pg, address)
}

// serveList serves a page of products. It is cached by what its address says; a page at an earlier
// version is rendered for the shopper who pages through the list, and not cached.
func (p *Pages) serveList(w http.ResponseWriter, r *http.Request, pg page, collection string) {
	q := listing.ReadQuery(collection, r.URL.Query())
	key := fmt.Sprintf("list %s %s %d", q.Collection, q.Sort, q.Page)
	list, err := p.cfg.Catalog(r.Context())
	if err != nil {
		p.serveLive(w, r, key, livePage{}, err)
		return
	}
	found, ok := list.Page(q)
	if !ok || collection != "" && list.Collection(collection) == nil {
		p.NotFound(w, r)
		return
	}
	if q.At != 0 && found.At == q.At {
		key = ""
	}
	p.serveLive(w, r, key, livePage{key, list.Fingerprint(found), func() (*document, error) {
		return p.renderList(pg, list, q, found)
	}}, nil)
}

func (p *Pages) renderList(pg page, list *listing.List, q listing.Query, found listing.Page) (*document, error) {
	v, err := p.newView(pg)
	if err != nil {
		return nil, err
	}
	l := &listView{Title: v.Title, Count: found.Count}
	if l.Lead, err = p.texts.get("products.lead"); err != nil {
		return nil, err
	}

	if c := list.Collection(q.Collection); c != nil {
		l.Title, l.Lead, v.Title = c.Title, c.Text, c.Title
		if c.Text != "" {
			v.Description = c.Text
		}
	}
	if l.Collections, err = p.collectionLinks(list, q.Collection); err != nil {
		return nil, err
	}

	if err := p.sortLinks(l, pg.path, q.Sort); err != nil {
		return nil, err
	}
	address := func(number int) string { return listAddress(pg.path, q.Sort, number, found.At) }
	l.Pager = newPager(found.Number, found.Pages, address)

	if found.Number > 1 {
		number := strconv.Itoa(found.Number)
		if l.Lead, err = p.texts.get("pager.place", "page", number, "total", strconv.Itoa(found.Pages)); err != nil {
			return nil, err
		}
		if v.Title, err = p.texts.get("products.title_of_page", "title", v.Title, "page", number); err != nil {
			return nil, err
		}
	}

	// Each order shows the same products: search engines should know only one of them.
	v.Hidden = q.Sort != listing.Shop
	v.Canonical = p.cfg.PublicURL + listAddress(pg.path, listing.Shop, found.Number, 0)
	v.List, v.Products = l, cards(found.Products)
	v.Data = p.listData(v.Products, (found.Number-1)*listing.PageSize+1)

	return p.render(v)
}

// listAddress is the address of a page of a list, as short as possible.
func listAddress(path string, sort listing.Sort, number int, at int64) string {
	query := url.Values{}
	if number > 1 {
		query.Set("page", strconv.Itoa(number))
	}
	if sort != listing.Shop {
		query.Set("sort", string(sort))
	}
	if at != 0 && number > 1 {
		query.Set("at", strconv.FormatInt(at, 10))
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// collectionLinks lead to all products and to each collection; without collections there are none.
func (p *Pages) collectionLinks(list *listing.List, current string) ([]link, error) {
	if len(list.Collections()) == 0 {
		return nil, nil
	}
	all, err := p.texts.get("products.all")
	if err != nil {
		return nil, err
	}
	links := []link{{all, "/products", current == ""}}
	for _, c := range list.Collections() {
		links = append(links, link{c.Title, collectionPath(c.Address), c.Address == current})
	}
	return links, nil
}

// sortLinks lead to the same products in each order, from the first page on.
func (p *Pages) sortLinks(l *listView, path string, current listing.Sort) error {
	if l.Count < manyFrom {
		return nil
	}
	for _, sort := range listing.Sorts {
		name := string(sort)
		if sort == listing.Shop {
			name = "shop"
		}
		text, err := p.texts.get("sort." + name)
		if err != nil {
			return err
		}
		if sort == current {
			l.Sorted = text
		}
		l.Sorts = append(l.Sorts, link{text, listAddress(path, sort, 1, 0), sort == current})
	}
	return nil
}

func cards(list []*listing.Product) []product {
	all := make([]product, len(list))
	for i, p := range list {
		all[i] = listedProduct(p)
	}
	return all
}

// pager leads to the other pages of a list. It is empty if there is one page.
type pager struct {
	Previous, Next string
	// Pages are the first and the last page and those around this one; an entry without an address
	// is a gap.
	Pages         []link
	Number, Total int
}

// pagerReach is how many pages before and after this one have links of their own.
const pagerReach = 1

func newPager(number, total int, address func(number int) string) pager {
	if total < 2 {
		return pager{}
	}
	g := pager{Number: number, Total: total}
	if number > 1 {
		g.Previous = address(number - 1)
	}
	if number < total {
		g.Next = address(number + 1)
	}

	last := 0
	for i := 1; i <= total; i++ {
		near := i >= number-pagerReach && i <= number+pagerReach
		if i != 1 && i != total && !near {
			continue
		}
		switch {
		case i == last+2: // a gap for a single page would save nothing
			g.Pages = append(g.Pages, link{Text: strconv.Itoa(i - 1), Href: address(i - 1)})
		case i > last+2:
			g.Pages = append(g.Pages, link{})
		}
		g.Pages = append(g.Pages, link{strconv.Itoa(i), address(i), i == number})
		last = i
	}

	return g
}
