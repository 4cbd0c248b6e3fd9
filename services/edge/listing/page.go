package listing

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// PageSize is how many products a page shows. It fills rows of two, three and four.
const PageSize = 24

// Sort is an order of products.
type Sort string

// The orders of a list. Products without a price come last, and equal ones in shop order.
const (
	Shop      Sort = "" // the shop's own, or the collection's
	PriceUp   Sort = "price"
	PriceDown Sort = "price-desc"
	Name      Sort = "name"
	Newest    Sort = "new"
)

// Sorts are all orders that a shopper can choose.
var Sorts = []Sort{Shop, PriceUp, PriceDown, Name, Newest}

// ByPrice reports whether a change of prices moves products to other pages.
func (s Sort) ByPrice() bool { return s == PriceUp || s == PriceDown }

// Query names a page of a list in an order.
type Query struct {
	Collection string // address; empty: all products
	Sort       Sort
	Page       int // from 1 on
	// At is a version. A list by price is cut into pages as of that version, so that a shopper who
	// pages through it meets each product once, whatever happens to prices in the meantime. The
	// products themselves are shown as they are now.
	At int64
}

// Page is a part of a list.
type Page struct {
	Products []*Product
	Number   int
	Pages    int // at least 1
	Count    int // products on all pages
	// At belongs into the queries for the neighboring pages; 0 if prices don't matter.
	At int64
}

// Page returns a page of the list; false if the list has fewer.
func (l *List) Page(q Query) (Page, bool) {
	list, at := l.order(q.Collection, q.Sort), int64(0)
	if q.Sort.ByPrice() {
		at = l.Version
		if q.At >= l.logged && q.At < l.Version {
			list, at = l.orderAt(q.Collection, q.Sort, q.At), q.At
		}
	}
	page, ok := Cut(list, q.Page)
	page.At = at
	if at != l.Version { // shown as they are now, without deleted products
		now := make([]*Product, 0, len(page.Products))
		for _, p := range page.Products {
			if p = l.products[p.Identifier]; p != nil {
				now = append(now, p)
			}
		}
		page.Products = now
	}
	return page, ok
}

// Cut returns a page of some products; false if there are fewer.
func Cut(list []*Product, number int) (Page, bool) {
	pages := max(1, (len(list)+PageSize-1)/PageSize)
	if number < 1 || number > pages {
		return Page{}, false
	}
	first := (number - 1) * PageSize
	return Page{Products: list[first:min(first+PageSize, len(list))], Number: number, Pages: pages,
		Count: len(list)}, true
}

// Arrange reduces the products that a search found to those of the query's collection, in its
// order; without an order the best stay first.
func Arrange(found []*Product, q Query) []*Product {
	found = members(found, q.Collection)
	if q.Sort == Shop {
		return found
	}
	found = slices.Clone(found)
	slices.SortFunc(found, compare(q.Collection, q.Sort))
	return found
}

// All are all products of a collection, in an order.
func (l *List) All(collection string, sort Sort) []*Product { return l.order(collection, sort) }

type orderKey struct {
	collection string
	sort       Sort
}

// order sorts when it is first called: most orders of most versions are never used.
func (l *List) order(collection string, sort Sort) []*Product {
	if collection == "" && sort == Shop {
		return l.shop
	}
	key := orderKey{collection, sort}
	kept, there := l.orders.Load(key)
	if !there {
		kept, _ = l.orders.LoadOrStore(key, sync.OnceValue(func() []*Product {
			list := slices.Clone(members(l.shop, collection))
			slices.SortFunc(list, compare(collection, sort))
			return list
		}))
	}
	return kept.(func() []*Product)() //nolint:forcetypeassert // nothing else is stored
}

// orderAt is the order at an earlier version within the log.
func (l *List) orderAt(collection string, sort Sort, at int64) []*Product {
	first, _ := slices.BinarySearchFunc(l.log, at+1, func(c change, v int64) int { return cmp.Compare(c.version, v) })
	was := map[string]*Product{}
	for _, c := range l.log[first:] {
		if _, later := was[c.identifier]; !later {
			was[c.identifier] = c.was
		}
	}

	var old []*Product
	for _, p := range was {
		if p != nil && p.in(collection) {
			old = append(old, p)
		}
	}

	before := compare(collection, sort)
	slices.SortFunc(old, before)

	list := make([]*Product, 0, len(l.shop))
	for _, p := range l.order(collection, sort) {
		if _, changed := was[p.Identifier]; changed {
			continue
		}
		for len(old) > 0 && before(old[0], p) < 0 {
			list, old = append(list, old[0]), old[1:]
		}
		list = append(list, p)
	}

	return append(list, old...)
}

func members(list []*Product, collection string) []*Product {
	if collection == "" {
		return list
	}
	var some []*Product
	for _, p := range list {
		if p.in(collection) {
			some = append(some, p)
		}
	}
	return some
}

func (p *Product) in(collection string) bool {
	_, there := p.collections[collection]
	return there || collection == ""
}

// compare is a total order: no two products are equal.
func compare(collection string, sort Sort) func(a, b *Product) int {
	return func(a, b *Product) int {
		first := 0
		switch sort {
		case Shop:
			first = cmp.Compare(a.collections[collection], b.collections[collection])
		case PriceUp:
			first = cmp.Or(unpriced(a, b), cmp.Compare(a.cents, b.cents))
		case PriceDown:
			first = cmp.Or(unpriced(a, b), cmp.Compare(b.cents, a.cents))
		case Name:
			first = strings.Compare(a.name, b.name)
		case Newest:
			first = byID(b, a)
		}
		return cmp.Or(first, byID(a, b))
	}
}

// unpriced puts products without a price behind those with one.
func unpriced(a, b *Product) int {
	switch {
	case (a.PriceLow == "") == (b.PriceLow == ""):
		return 0
	case a.PriceLow == "":
		return 1
	}
	return -1
}

// Fingerprint changes with the content of a page of the list.
func (l *List) Fingerprint(p Page) string {
	h := maphash.Hash{}
	h.SetSeed(seed)
	for _, n := range []int64{l.whole, p.At, int64(p.Number), int64(p.Pages), int64(p.Count)} {
		maphash.WriteComparable(&h, n)
	}
	for _, item := range p.Products {
		maphash.WriteComparable(&h, item.Changed)
		h.WriteString(item.Identifier) //nolint:errcheck,gosec // writing to a hash cannot fail
	}
	return strconv.FormatUint(h.Sum64(), 36)
}
