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
	// catalogFresh is how old what is known of the catalog may be: a lost signal costs two seconds.
	catalogFresh = 2 * time.Second
	// catalogRefresh is the age from which one request has order asked for news while it is still served.
	catalogRefresh = time.Second
	// catalogStale is how long what is known stands in for an order that is away.
	catalogStale = 10 * time.Minute
	// catalogWait is how long order may take where something is known.
	catalogWait = 2 * time.Second
	// catalogRetry is how long a failed question speaks for the next ones where something is known.
	catalogRetry = time.Second
	// catalogMemory bounds the bytes of the answers about single products that are kept.
	catalogMemory = 16 << 20
	// maxIdentifier is the length of the longest product identifier.
	maxIdentifier = 100
	productsPath  = "/order/products"
	productPath   = "/order/product/"
)

// catalog keeps order's public answers in memory. Nothing in them is about a shopper. It is the only clock of
// the catalog: it follows order's feed, which names each product that has changed, so that a change costs what it
// is about and not the whole catalog.
type catalog struct {
	log *slog.Logger
	// named is told what each feed says of the shop.
	named func(shop map[string]string)
	// follow asks for the feed after a position, fetch for the answer about one product, find for a search.
	follow func(ctx context.Context, since string) (listing.Feed, error)
	fetch  func(ctx context.Context, path string) (*page, error)
	find   func(ctx context.Context, q string) (*found, error)
	// generation grows when something changed: what was asked for in older ones is out of date.
	generation atomic.Int64
	known      atomic.Pointer[knownList]
	failed     atomic.Pointer[failure] // the last question that failed
	refreshing atomic.Bool
	questions  singleflight.Group
	turn       chan struct{}               // held by the question that is asked: feeds are applied in their order
	products   *otter.Cache[string, *page] // by identifier
	whole      atomic.Pointer[page]        // the contract's list
	searches   *otter.Cache[string, *found]
	searching  chan struct{} // a place for each search that order is asked for
}

// knownList is the list of all products as of a moment.
type knownList struct {
	list       *listing.List
	position   string // of the feed
	generation int64
	at         time.Time
}

type failure struct {
	generation int64
	at         time.Time
	err        error
}

// errAway says that order is away and nothing is known that could stand in.
var errAway = errors.New("order is away")

func newCatalog(log *slog.Logger, follow func(ctx context.Context, since string) (listing.Feed, error),
	fetch func(ctx context.Context, path string) (*page, error),
	find func(ctx context.Context, q string) (*found, error)) *catalog {
	return &catalog{
		log: log, follow: follow, fetch: fetch, find: find,
		turn: make(chan struct{}, 1), searching: make(chan struct{}, searchesAtOnce),
		products: otter.Must(&otter.Options[string, *page]{MaximumWeight: catalogMemory,
			Weigher: func(_ string, p *page) uint32 { return p.size() }}),
		searches: otter.Must(&otter.Options[string, *found]{MaximumWeight: searchMemory,
			Weigher: func(q string, f *found) uint32 { return f.size(q) }}),
	}
}

// drop makes everything known out of date. It stays as a stand-in for the time when order is away.
func (c *catalog) drop() { c.generation.Add(1) }

// younger is what is known, up to an age, unless something changed since. From catalogRefresh on order is asked
// for news behind the request.
func (c *catalog) younger(limit time.Duration) *knownList {
	k := c.known.Load()
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
			_, _ = c.refresh(context.Background()) // the request that finds it too old says so
		}()
	}
	return k
}

// list is all products as they are now, or as they were when order went away. What is kept up to limit is good
// enough.
func (c *catalog) list(ctx context.Context, limit time.Duration) (*listing.List, error) {
	if k := c.younger(limit); k != nil {
		return k.list, nil
	}
	k, err := c.refresh(ctx)
	if err != nil {
		return nil, err
	}
	return k.list, nil
}

// refresh asks order for news, once for all who want them in the same generation. While order is away only one of
// them waits for it each catalogRetry, if anything is known.
func (c *catalog) refresh(ctx context.Context) (*knownList, error) {
	generation := c.generation.Load()
	if old, f := c.known.Load(), c.away(generation); old != nil && f != nil {
		return standIn(old, f.err)
	}
	ask := func() (any, error) { return c.load(context.WithoutCancel(ctx), generation) }
	select {
	case r := <-c.questions.DoChan(strconv.FormatInt(generation, 10), ask):
		k, _ := r.Val.(*knownList) //nolint:errcheck // load returns no other type
		return k, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// away is a failure that speaks for the next question.
func (c *catalog) away(generation int64) *failure {
	if f := c.failed.Load(); f != nil && f.generation == generation && time.Since(f.at) < catalogRetry {
		return f
	}
	return nil
}

// load asks for the feed and keeps what it makes of the list.
func (c *catalog) load(ctx context.Context, generation int64) (*knownList, error) {
	began := time.Now()
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	old, since, limit := c.known.Load(), "", web.OwnerTimeout
	list := &listing.List{}
	if old != nil {
		if old.generation >= generation && old.at.After(began) {
			return old, nil
		}
		limit = catalogWait
		if list = old.list; time.Since(old.at) < catalogStale {
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
	if c.named != nil && feed.Shop != nil {
		c.named(feed.Shop)
	}
	k := &knownList{list: list.Apply(feed, at), position: feed.Position, generation: generation, at: at}
	c.known.Store(k)
	return k, nil
}

// standIn is what was known last, unless there is nothing or it is too old.
func standIn(old *knownList, err error) (*knownList, error) {
	if old != nil && time.Since(old.at) < catalogStale {
		return old, nil
	}
	return nil, errors.Join(errAway, err)
}

// product is the answer about a product: the one that is kept, if it was asked for after the last change.
func (c *catalog) product(ctx context.Context, identifier string, limit time.Duration) (*page, error) {
	list, err := c.list(ctx, limit)
	if err != nil {
		return nil, err
	}
	listed, path := list.Product(identifier), productPath+identifier
	if listed == nil {
		return c.fetch(ctx, path) // not worth keeping: identifiers are being guessed
	}
	old, there := c.products.GetIfPresent(identifier)
	if there && (old.version >= listed.Changed || c.away(c.generation.Load()) != nil) {
		return old, nil
	}
	ask := func() (any, error) { return c.loadProduct(context.WithoutCancel(ctx), identifier, list.Version, old) }
	select {
	case r := <-c.questions.DoChan(strconv.FormatInt(list.Version, 10)+path, ask):
		p, _ := r.Val.(*page) //nolint:errcheck // loadProduct returns no other type
		return p, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// loadProduct asks for a product as it is at a version of the list, or later, and keeps the answer.
func (c *catalog) loadProduct(ctx context.Context, identifier string, version int64, old *page) (*page, error) {
	if old != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, catalogWait)
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

// source is what order says of a product, for the page that is made of it. A visitor does not wait for an answer that
// is only old: it is served while order is asked for news.
func (c *catalog) source(ctx context.Context, identifier string) ([]byte, error) {
	p, err := c.product(ctx, identifier, catalogStale)
	if err != nil {
		return nil, err
	}
	if p.status != http.StatusOK {
		return nil, &web.AnswerError{Path: productPath + identifier, Status: p.status}
	}
	return p.body, nil
}

// kept is the answer under a path when it can be given without asking anyone, else nil.
func (c *catalog) kept(path string) *page {
	if path == productsPath {
		if k := c.younger(catalogFresh); k != nil {
			if p := c.whole.Load(); p != nil && p.version == k.list.Version {
				return p
			}
		}
		return nil
	}
	identifier, ok := strings.CutPrefix(path, productPath)
	if !ok {
		return nil
	}
	k := c.younger(catalogFresh)
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

// fetchFeed asks order for its catalog after a position.
func (e *server) fetchFeed(ctx context.Context, since string) (feed listing.Feed, err error) {
	query := url.Values{}
	if since != "" {
		query.Set("since", since)
	}
	return feed, e.ask(ctx, e.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/catalog",
		Query: query}, &feed)
}

// preview is what order says of a product that is not on sale, for a link that it made; nil when it did not, or when
// the link's time is over.
func (e *server) preview(ctx context.Context, identifier, token string) ([]byte, error) {
	p, err := e.askPage(ctx, web.Call{Path: "/internal/product-preview/" + identifier,
		Query: url.Values{"token": {token}}})
	if err != nil || p.status != http.StatusOK {
		return nil, err
	}
	return p.body, nil
}

// fetchPage asks order for a public answer.
func (e *server) fetchPage(ctx context.Context, path string) (*page, error) {
	return e.askPage(ctx, web.Call{Path: path})
}

// askPage is ask for an answer of order that is passed on as it is.
func (e *server) askPage(ctx context.Context, q web.Call) (*page, error) {
	q.Method, q.Key = http.MethodGet, e.keys.identity
	a, err := e.owners.order.CallRaw(ctx, q)
	if err != nil {
		return nil, err
	}
	if a.Status >= http.StatusInternalServerError {
		return nil, &web.AnswerError{Path: q.Path, Status: a.Status}
	}
	return newPage(a.Status, a.ContentType, a.Body), nil
}

// listenCatalog drops pages when order says that something changed, and after a reconnect.
func (e *server) listenCatalog(ctx context.Context) error {
	if err := e.bus.Listen(msg.CatalogChanged, func(string, []byte) { e.catalog.drop() }); err != nil {
		return err
	}
	e.bus.OnConnect(ctx, e.catalog.drop)
	return nil
}
