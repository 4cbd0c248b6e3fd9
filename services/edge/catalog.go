package edge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
	"golang.org/x/sync/singleflight"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

const (
	// catalogFresh is how old the cached list may be: a lost signal costs two seconds.
	catalogFresh = 2 * time.Second
	// catalogRefresh is the age from which one request has the list refreshed while it is still
	// served.
	catalogRefresh = time.Second
	// catalogMaxAge is how long the cached list is served while order is unavailable.
	catalogMaxAge = 10 * time.Minute
	// catalogTimeout bounds a request to order if a cached answer can stand in.
	catalogTimeout = 2 * time.Second
	// catalogRetryPause is how long a failed request fails the following ones, too, if a cached
	// list can stand in.
	catalogRetryPause = time.Second
	// catalogMemory bounds the bytes of the cached answers about single products.
	catalogMemory = 16 << 20
	// maxIdentifier is the length of the longest product identifier.
	maxIdentifier = 100
	productsPath  = "/order/products"
	productPath   = "/order/product/"
)

// catalog caches order's public answers. Nothing in them depends on the shopper. It follows order's
// feed, which names each product that has changed, so that a change costs as much as it changes,
// not the whole catalog.
type catalog struct {
	log *slog.Logger
	// onShopName gets the shop's settings from each feed that has them.
	onShopName func(shop map[string]string)
	// follow fetches the feed after a position, fetch the answer about one product, find a search.
	follow func(ctx context.Context, since string) (listing.Feed, error)
	fetch  func(ctx context.Context, path string) (*page, error)
	find   func(ctx context.Context, q string) (*found, error)
	// generation grows with each change: answers requested under an older one are out of date.
	generation atomic.Int64
	lastList   atomic.Pointer[knownList]
	failed     atomic.Pointer[failure] // the last request that failed
	refreshing atomic.Bool
	flights    singleflight.Group
	turn       chan struct{}               // held while a feed is requested: feeds are applied in order
	products   *otter.Cache[string, *page] // by identifier
	fullList   atomic.Pointer[page]        // the contract's list
	searches   *otter.Cache[string, *found]
	searching  chan struct{} // one slot for each search in flight at order
}

// knownList is the list of all products at a time.
type knownList struct {
	list       *listing.List
	position   string // position of the feed
	generation int64
	at         time.Time
}

type failure struct {
	generation int64
	at         time.Time
	err        error
}

// errAway says that order is unavailable and no cached answer can stand in.
var errAway = errors.New("order is away")

func newCatalog(log *slog.Logger, follow func(ctx context.Context, since string) (listing.Feed, error),
	fetch func(ctx context.Context, path string) (*page, error),
	find func(ctx context.Context, q string) (*found, error)) *catalog {
	return &catalog{
		log: log, follow: follow, fetch: fetch, find: find,
		turn: make(chan struct{}, 1), searching: make(chan struct{}, searchConcurrency),
		products: otter.Must(&otter.Options[string, *page]{MaximumWeight: catalogMemory,
			Weigher: func(_ string, p *page) uint32 { return p.size() }}),
		searches: otter.Must(&otter.Options[string, *found]{MaximumWeight: searchMemory,
			Weigher: func(q string, f *found) uint32 { return f.size(q) }}),
	}
}

// invalidate makes all cached answers out of date. They still stand in while order is unavailable.
func (c *catalog) invalidate() { c.generation.Add(1) }

// cachedList returns the cached list up to an age, or nil if something has changed since. From
// catalogRefresh on it also starts a refresh in the background.
func (c *catalog) cachedList(limit time.Duration) *knownList {
	k := c.lastList.Load()
	if k == nil || k.generation != c.generation.Load() {
		return nil
	}
	age := time.Since(k.at)
	if age > limit {
		return nil
	}
	if age > catalogRefresh && c.refreshing.CompareAndSwap(false, true) {
		go func() {
			defer c.refreshing.Store(false)
			_, _ = c.refresh(context.Background()) // the request that finds the list too old reports it
		}()
	}
	return k
}

// list returns all products: the cached list if it is not older than limit, otherwise a fresh one,
// or the last known one while order is unavailable.
func (c *catalog) list(ctx context.Context, limit time.Duration) (*listing.List, error) {
	if k := c.cachedList(limit); k != nil {
		return k.list, nil
	}
	k, err := c.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return k.list, nil
}

// refresh asks order for changes, once for all callers of the same generation. While order is
// unavailable and a list is cached, one caller waits for it every catalogRetryPause.
func (c *catalog) refresh(ctx context.Context) (*knownList, error) {
	generation := c.generation.Load()
	if old, f := c.lastList.Load(), c.recentFailure(generation); old != nil && f != nil {
		return standIn(old, f.err)
	}
	ask := func() (any, error) { return c.loadList(context.WithoutCancel(ctx), generation) }
	select {
	case r := <-c.flights.DoChan(strconv.FormatInt(generation, 10), ask):
		k, _ := r.Val.(*knownList) //nolint:errcheck // loadList returns no other type
		return k, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// recentFailure returns a recent failure that counts for the next request, too.
func (c *catalog) recentFailure(generation int64) *failure {
	if f := c.failed.Load(); f != nil && f.generation == generation && time.Since(f.at) < catalogRetryPause {
		return f
	}
	return nil
}

// loadList fetches the feed and stores the list that results.
func (c *catalog) loadList(ctx context.Context, generation int64) (*knownList, error) {
	began := time.Now()
	c.turn <- struct{}{}
	defer func() { <-c.turn }()

	old, since, limit := c.lastList.Load(), "", web.OwnerTimeout
	list := &listing.List{}
	if old != nil {
		if old.generation >= generation && old.at.After(began) {
			return old, nil
		}
		limit = catalogTimeout
		if list = old.list; time.Since(old.at) < catalogMaxAge {
			since = old.position
		}
	}

	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	at := time.Now()
	feed, err := c.follow(ctx, since)
	if err != nil {
		c.log.Warn("catalog not followed", "known", old != nil, "error", err)
		c.failed.Store(&failure{generation, time.Now(), err})
		return standIn(old, err)
	}
	if c.onShopName != nil && feed.Shop != nil {
		c.onShopName(feed.Shop)
	}

	k := &knownList{list: list.Apply(feed, at), position: feed.Position, generation: generation, at: at}
	c.lastList.Store(k)
	return k, nil
}

// standIn returns the last known list, unless there is none or it is too old.
func standIn(old *knownList, err error) (*knownList, error) {
	if old != nil && time.Since(old.at) < catalogMaxAge {
		return old, nil
	}
	return nil, errors.Join(errAway, err)
}

// product is the answer about a product: the cached one, if it was requested after the product's
// last change.
func (c *catalog) product(ctx context.Context, identifier string, limit time.Duration) (*page, error) {
	list, err := c.list(ctx, limit)
	if err != nil {
		return nil, err
	}
	listed, path := list.Product(identifier), productPath+identifier
	if listed == nil {
		return c.fetch(ctx, path) // not worth caching: someone guesses identifiers
	}
	old, there := c.products.GetIfPresent(identifier)
	if there && (old.version >= listed.Changed || c.recentFailure(c.generation.Load()) != nil) {
		return old, nil
	}
	ask := func() (any, error) { return c.loadProduct(context.WithoutCancel(ctx), identifier, list.Version, old) }
	select {
	case r := <-c.flights.DoChan(strconv.FormatInt(list.Version, 10)+path, ask):
		p, _ := r.Val.(*page) //nolint:errcheck // loadProduct returns no other type
		return p, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loadProduct fetches the answer about a product at a version of the list, or later, and caches it.
func (c *catalog) loadProduct(ctx context.Context, identifier string, version int64, old *page) (*page, error) {
	if old != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, catalogTimeout)
		defer cancel()
	}
	p, err := c.fetch(ctx, productPath+identifier)
	if err != nil {
		c.log.Warn("product not fetched", "product", identifier, "known", old != nil, "error", err)
		if old != nil {
			return old, nil
		}
		return nil, errors.Join(errAway, err)
	}
	p.version = version
	if p.status == http.StatusOK {
		c.products.Set(identifier, p)
	}
	return p, nil
}

// productBody returns order's answer about a product, for its page. A visitor does not wait if the
// answer is merely old: it is served while a fresh one is fetched.
func (c *catalog) productBody(ctx context.Context, identifier string) ([]byte, error) {
	p, err := c.product(ctx, identifier, catalogMaxAge)
	if err != nil {
		return nil, err
	}
	if p.status != http.StatusOK {
		return nil, &web.AnswerError{Path: productPath + identifier, Status: p.status}
	}
	return p.body, nil
}

// cachedAnswer returns the answer for a path if it can be given from memory, otherwise nil.
func (c *catalog) cachedAnswer(path string) *page {
	if path == productsPath {
		if k := c.cachedList(catalogFresh); k != nil {
			if p := c.fullList.Load(); p != nil && p.version == k.list.Version {
				return p
			}
		}
		return nil
	}
	identifier, ok := strings.CutPrefix(path, productPath)
	if !ok {
		return nil
	}
	k := c.cachedList(catalogFresh)
	if k == nil {
		return nil
	}
	listed := k.list.Product(identifier)
	if listed == nil {
		return nil
	}
	if p, there := c.products.GetIfPresent(identifier); there && p.version >= listed.Changed {
		return p
	}
	return nil
}

// fetchFeed fetches order's catalog after a position.
func (s *server) fetchFeed(ctx context.Context, since string) (feed listing.Feed, err error) {
	query := url.Values{}
	if since != "" {
		query.Set("since", since)
	}
	return feed, s.ask(ctx, s.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/catalog",
		Query: query}, &feed)
}

// preview is order's answer about a product that is not on sale, for a preview link; nil if order
// did not make the link or it has expired.
func (s *server) preview(ctx context.Context, identifier, token string) ([]byte, error) {
	p, err := s.askPage(ctx, web.Call{Path: "/internal/product-preview/" + identifier,
		Query: url.Values{"token": {token}}})
	if err != nil || p.status != http.StatusOK {
		return nil, err
	}
	return p.body, nil
}

// fetchPage fetches a public answer of order.
func (s *server) fetchPage(ctx context.Context, path string) (*page, error) {
	return s.askPage(ctx, web.Call{Path: path})
}

// askPage fetches an answer of order that is passed on unchanged.
func (s *server) askPage(ctx context.Context, q web.Call) (*page, error) {
	q.Method, q.Key = http.MethodGet, s.identityKey
	a, err := s.owners.order.CallRaw(ctx, q)
	if err != nil {
		return nil, err
	}
	if a.Status >= http.StatusInternalServerError {
		return nil, &web.AnswerError{Path: q.Path, Status: a.Status}
	}
	return newPage(a.Status, a.ContentType, a.Body), nil
}

// listenCatalog invalidates the catalog when order signals a change, and after a reconnect.
func (s *server) listenCatalog(ctx context.Context) error {
	if err := s.bus.Listen(msg.CatalogChanged, func(string, []byte) { s.catalog.invalidate() }); err != nil {
		return err
	}
	s.bus.OnConnect(ctx, s.catalog.invalidate)
	return nil
}
