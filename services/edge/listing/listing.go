package listing

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// List is the catalog at a time. Many goroutines may read it at once.
type List struct {
	// Version is the time when the list was made, in milliseconds since 1970, and always greater
	// than the version of the list before it.
	Version int64
	// Words changes when a search may find something else.
	Words int64

	products    map[string]*Product // by identifier
	shop        []*Product          // in shop order: by creation
	collections []*Collection
	log         []change
	logged      int64    // version at which the log begins
	whole       int64    // version that came with a whole feed
	orders      sync.Map // orderKey to func() []*Product
}

// change is a product that was changed, added or deleted.
type change struct {
	version    int64
	identifier string
	was        *Product // nil: it was added
}

const (
	// keepChanges is how long a shopper who pages through a list by price sees it in the same
	// order.
	keepChanges = 10 * time.Minute
	// maxChanges bounds the log if a whole catalog is changed product by product.
	maxChanges = 20_000
)

// New makes the first list.
func New(f Feed, now time.Time) *List { return (&List{}).Apply(f, now) }

// Apply returns the list after a feed, or the list itself if the feed says nothing new.
func (l *List) Apply(f Feed, now time.Time) *List {
	next := &List{Version: max(l.Version+1, now.UnixMilli()), Words: l.Words}
	if f.Whole {
		next.startAgain(f)
		return next
	}
	next.collections, next.logged, next.whole = l.collections, l.logged, l.whole
	for _, p := range f.Products {
		if old := l.products[p.Identifier]; old == nil || p.mark == "" || old.mark != p.mark {
			next.replace(l, p.Identifier, p)
		}
	}
	for _, identifier := range f.Gone {
		if l.products[identifier] != nil {
			next.replace(l, identifier, nil)
		}
	}
	if len(next.log) == 0 {
		return l
	}
	next.finish(l, now)
	return next
}

// startAgain takes all products from a feed. Their earlier states are not known.
func (l *List) startAgain(f Feed) {
	l.collections, l.logged, l.whole, l.Words = f.Collections, l.Version, l.Version, l.Version
	l.products = make(map[string]*Product, len(f.Products))
	for _, p := range f.Products {
		p.Changed = l.Version
		l.products[p.Identifier] = p
	}
	l.shop = slices.SortedFunc(maps.Values(l.products), byID)
}

// replace changes, adds or, with nil, deletes a product.
func (l *List) replace(before *List, identifier string, p *Product) {
	was := before.products[identifier]
	if was == nil || p == nil || was.words != p.words {
		l.Words = l.Version
	}
	if l.products == nil {
		l.products = maps.Clone(before.products)
	}
	if p == nil {
		delete(l.products, identifier)
	} else {
		p.Changed = l.Version
		l.products[identifier] = p
	}
	l.log = append(l.log, change{l.Version, identifier, was})
}

// finish puts the products in order, and appends the new changes to the earlier ones.
func (l *List) finish(before *List, now time.Time) {
	l.shop = make([]*Product, 0, len(l.products))
	for _, old := range before.shop {
		if p := l.products[old.Identifier]; p != nil && p.ID == old.ID {
			l.shop = append(l.shop, p)
		}
	}
	if len(l.shop) != len(l.products) { // some were added
		l.shop = slices.SortedFunc(maps.Values(l.products), byID)
	}
	log := slices.Concat(before.log, l.log)
	oldest := now.Add(-keepChanges).UnixMilli()
	drop := max(len(log)-maxChanges, 0)
	for drop < len(log) && log[drop].version < oldest {
		drop++
	}
	if drop > 0 {
		l.logged = log[drop-1].version
	}
	l.log = log[drop:]
}

// Product is the product with an identifier, or nil.
func (l *List) Product(identifier string) *Product { return l.products[identifier] }

// Addressed is the product with a title's address, current or former, or nil. Current addresses
// come first.
func (l *List) Addressed(address string) *Product {
	var had *Product
	for _, p := range l.shop {
		if p.TitleURL == address {
			return p
		}
		if slices.Contains(p.former, address) {
			had = p
		}
	}
	return had
}

// Products are all products, in shop order.
func (l *List) Products() []*Product { return l.shop }

// These are the products with the given identifiers; unknown identifiers are left out.
func (l *List) These(identifiers []string) []*Product {
	found := make([]*Product, 0, len(identifiers))
	for _, identifier := range identifiers {
		if p := l.products[identifier]; p != nil {
			found = append(found, p)
		}
	}
	return found
}

// Collections are all collections, in their own order.
func (l *List) Collections() []*Collection { return l.collections }

// Collection is the collection with an address, or nil.
func (l *List) Collection(address string) *Collection {
	for _, c := range l.collections {
		if c.Address == address {
			return c
		}
	}
	return nil
}

func byID(a, b *Product) int { return cmp.Compare(a.ID, b.ID) }
