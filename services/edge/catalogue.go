package edge

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/storefront"
)

const (
	// catalogueFresh is how old a catalogue answer may be: a lost signal costs two seconds.
	catalogueFresh = 2 * time.Second
	// catalogueRefresh is the age from which one request has it fetched again while it is still served.
	catalogueRefresh = time.Second
	// catalogueStale is how long the last known answer stands in for an order that is away.
	catalogueStale = 10 * time.Minute
	// catalogueWait is how long order may take where the last known answer is at hand.
	catalogueWait = 2 * time.Second
	// catalogueRetry is how long a failed fetch speaks for the next ones where the last known answer is at hand.
	catalogueRetry = time.Second
	// catalogueLimit bounds the number of remembered products.
	catalogueLimit = 2000
	productsPath   = "/order/products"
	productPath    = "/order/product/"
)

// catalogue keeps order's public answers in memory. Nothing in them is about a shopper. It is the only
// clock of the catalogue: the storefront renders its pages again when an answer here has changed.
type catalogue struct {
	log   *slog.Logger
	fetch func(ctx context.Context, path string) (*page, error)
	// generation grows when something changed: pages of older ones are out of date.
	generation atomic.Int64
	fetches    singleflight.Group
	mu         sync.RWMutex
	pages      map[string]*entry
}

// entry is one path with its page.
type entry struct {
	page       atomic.Pointer[page]
	failed     atomic.Pointer[failure] // the last fetch that failed
	refreshing atomic.Bool
}

type failure struct {
	generation int64
	at         time.Time
	err        error
}

// page is one answer.
type page struct {
	status     int
	body       []byte
	header     [4][]string // values of pageHeaders
	generation int64
	at         time.Time
}

// maxIdentifier is the length of the longest product identifier.
const maxIdentifier = 100

// pageHeaders are the headers of a page, in the order of page.header.
var pageHeaders = [4]string{"Content-Type", "Content-Length", "Etag", "Cache-Control"}

// errAway says that order is away and nothing is known of a path.
var errAway = errors.New("order is away")

func newCatalogue(log *slog.Logger, fetch func(ctx context.Context, path string) (*page, error)) *catalogue {
	return &catalogue{log: log, fetch: fetch, pages: map[string]*entry{}}
}

// drop makes every page out of date. Pages stay as a stand-in for the time when order is away.
func (c *catalogue) drop() { c.generation.Add(1) }

// fresh is the page of a path when it can be served as it is, else nil.
func (c *catalogue) fresh(path string) *page { return c.younger(path, catalogueFresh) }

// younger is the page of a path up to an age, unless something changed since. From catalogueRefresh on it
// is fetched again behind the request.
func (c *catalogue) younger(path string, limit time.Duration) *page {
	c.mu.RLock()
	en := c.pages[path]
	c.mu.RUnlock()
	if en == nil {
		return nil
	}
	p := en.page.Load()
	if p == nil || p.generation != c.generation.Load() {
		return nil
	}
	age := time.Since(p.at)
	if age > limit {
		return nil
	}
	if age > catalogueRefresh && en.refreshing.CompareAndSwap(false, true) {
		go func() {
			defer en.refreshing.Store(false)
			_, _ = c.refill(context.Background(), path, en) // the request that finds the page too old says so
		}()
	}
	return p
}

// get is the page of a path, fetched when need be.
func (c *catalogue) get(ctx context.Context, path string) (*page, error) {
	if p := c.fresh(path); p != nil {
		return p, nil
	}
	return c.refill(ctx, path, c.entryOf(path))
}

// source is what order says under a path, for the pages that are made of it. A visitor does not wait for
// an answer that is only old: it is served while it is fetched again.
func (c *catalogue) source(ctx context.Context, path string) (storefront.Source, error) {
	p := c.younger(path, catalogueStale)
	if p == nil {
		var err error
		if p, err = c.refill(ctx, path, c.entryOf(path)); err != nil {
			return storefront.Source{}, err
		}
	}
	if p.status != http.StatusOK {
		return storefront.Source{}, &ownerError{path, p.status}
	}
	return storefront.Source{Body: p.body, Tag: p.tag()}, nil
}

func (c *catalogue) entryOf(path string) *entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	if en := c.pages[path]; en != nil {
		return en
	}
	if len(c.pages) >= catalogueLimit {
		for other := range c.pages { // identifiers are being guessed: the list of products stays
			if other != productsPath {
				delete(c.pages, other)
			}
		}
	}
	en := &entry{}
	c.pages[path] = en
	return en
}

// refill fetches a page, once for all who ask for it in the same generation. While order is away only one
// of them waits for it each catalogueRetry, if anything is known of the path.
func (c *catalogue) refill(ctx context.Context, path string, en *entry) (*page, error) {
	generation := c.generation.Load()
	old := en.page.Load()
	if f := en.failed.Load(); old != nil && f != nil && f.generation == generation &&
		time.Since(f.at) < catalogueRetry {
		return standIn(old, f.err)
	}
	fetch := func() (any, error) { return c.load(context.WithoutCancel(ctx), path, en, generation) }
	select {
	case r := <-c.fetches.DoChan(strconv.FormatInt(generation, 10)+path, fetch):
		p, _ := r.Val.(*page) //nolint:errcheck // load returns no other type
		return p, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// load fetches a page and keeps it.
func (c *catalogue) load(ctx context.Context, path string, en *entry, generation int64) (*page, error) {
	old, limit := en.page.Load(), insideTimeout
	if old != nil {
		limit = catalogueWait
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	at := time.Now()
	p, err := c.fetch(ctx, path)
	if err != nil {
		c.log.Warn("catalogue not fetched", "path", path, "known", old != nil, "error", err)
		en.failed.Store(&failure{generation, time.Now(), err})
		return standIn(old, err)
	}
	p.generation, p.at = generation, at
	if p.status == http.StatusOK {
		en.keep(p)
	}
	return p, nil
}

// keep stores a page unless one is there that was asked for after a later change.
func (en *entry) keep(p *page) {
	for {
		old := en.page.Load()
		if old != nil && old.generation > p.generation || en.page.CompareAndSwap(old, p) {
			return
		}
	}
}

// standIn is the last known page, unless there is none or it is too old.
func standIn(old *page, err error) (*page, error) {
	if old != nil && time.Since(old.at) < catalogueStale {
		return old, nil
	}
	return nil, errors.Join(errAway, err)
}

// fetchPage asks order for a public answer.
func (e *server) fetchPage(ctx context.Context, path string) (*page, error) {
	ctx, cancel := context.WithTimeout(ctx, insideTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.settings.order.String()+path, nil)
	if err != nil {
		return nil, fmt.Errorf("make a request to %s: %w", path, err)
	}
	r.Header.Set(obs.TraceHeader, obs.Trace(ctx))
	if err := web.SignIdentity(r, e.keys.identity, web.Identity{}); err != nil {
		return nil, err
	}
	res, err := e.transport.RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("fetch %s: %w", path, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if res.StatusCode >= http.StatusInternalServerError {
		return nil, &ownerError{path, res.StatusCode}
	}
	sum := sha256.Sum256(body)
	return &page{status: res.StatusCode, body: body, header: [4][]string{
		{res.Header.Get("Content-Type")}, {fmt.Sprint(len(body))},
		{`"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}, {"no-cache"},
	}}, nil
}

// tag is the page's ETag.
func (p *page) tag() string { return p.header[2][0] }

// write answers with the page, or with 304 when the client has it.
func (p *page) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for i, name := range pageHeaders {
		h[name] = p.header[i]
	}
	if p.status == http.StatusOK && web.NotModified(w, r, p.tag()) {
		return
	}
	if p.status != http.StatusOK {
		w.WriteHeader(p.status)
	}
	if r.Method != http.MethodHead {
		if _, err := w.Write(p.body); err != nil {
			web.Note(r, "write_error", err.Error())
		}
	}
}

// catalogueAnswer serves the list of products and single ones.
func (e *server) catalogueAnswer(w http.ResponseWriter, r *http.Request) error {
	id, ok := strings.CutPrefix(r.URL.Path, productPath)
	if ok && (!plain(id) || strings.ContainsAny(id, "-_")) {
		e.notFound(w, r)
		return nil
	}
	get := e.catalogue.get
	if len(id) > maxIdentifier {
		get = e.fetchPage // no product has it, and it is not worth keeping
	}
	p, err := get(r.Context(), r.URL.Path)
	if err != nil {
		return web.Unavailable(err)
	}
	p.write(w, r)
	return nil
}

// listenCatalogue drops pages when order says that something changed, and after a reconnect.
func (e *server) listenCatalogue(ctx context.Context) error {
	if err := e.bus.Listen(msg.CatalogChanged, func(string, []byte) { e.catalogue.drop() }); err != nil {
		return err
	}
	e.bus.OnConnect(ctx, e.catalogue.drop)
	return nil
}
