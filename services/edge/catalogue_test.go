package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestCatalogueFromMemory(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var version atomic.Int64
	e.order.on("GET /order/products", func(rw http.ResponseWriter, _ seen) {
		rw.Header().Set("Content-Type", "application/json")
		if version.Load() == 0 {
			io.WriteString(rw, `{"products":{"a":1}}`) //nolint:errcheck // a test's answer
		} else {
			io.WriteString(rw, `{"products":{"b":2}}`) //nolint:errcheck // a test's answer
		}
	})
	b := e.browser()
	b.login()
	a := b.Get(productsPath)
	if a.Body != `{"products":{"a":1}}` || a.Header.Get("Content-Type") != "application/json" || len(a.Cookies()) != 0 ||
		a.Header.Get("Cache-Control") != "no-cache" || a.Header.Get("Etag") == "" {
		t.Fatalf("%s %v", a.Body, a.Header)
	}
	if got := e.order.last().id; got.Member() || got.Cart != "" {
		t.Errorf("order was asked by %+v", got)
	}
	if again := b.Get(productsPath); again.Body != a.Body || again.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%s %v", again.Body, again.Header)
	}
	r := e.browser().Body(http.MethodGet, productsPath, "")
	r.Header.Set("If-None-Match", `W/"x", `+a.Header.Get("Etag"))
	b.Do(r).Has(http.StatusNotModified, "")

	version.Store(1)
	before := e.edge.catalogue.generation.Load()
	if err := e.edge.bus.Signal(msg.CatalogChanged, nil); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the signal heard", func() bool { return e.edge.catalogue.generation.Load() > before })
	b.Get(productsPath).Has(http.StatusOK, `{"products":{"b":2}}`) // not only when the old one has aged

	// Order away: the last known answer stands in.
	e.order.Close()
	e.edge.catalogue.drop()
	b.Get(productsPath).Has(http.StatusOK, `{"products":{"b":2}}`)
	b.Get(productPath+"unknown1").Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
}

func TestProducts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.order.says("GET /order/product/abc123", `{"product":"abc123"}`)
	e.order.says("GET /order/product/other1", `{"error":"product-identifier-not-found"}`)
	for range 3 {
		e.browser().Get(productPath+"abc123").Has(http.StatusOK, `{"product":"abc123"}`)
		e.browser().Get(productPath+"other1").Has(http.StatusOK, `product-identifier-not-found`)
	}
	if n := e.order.count("/order/product/abc123"); n != 1 {
		t.Errorf("order was asked %d times", n)
	}
	e.browser().Get(productPath+"a%00b").Has(http.StatusNotFound, "Not found")
	e.browser().Post(productPath+"abc123").Has(http.StatusMethodNotAllowed, "method-not-allowed")
	r := e.browser().Body(http.MethodHead, productPath+"abc123", "")
	if a := e.browser().Do(r); a.Status != http.StatusOK || a.Header.Get("Content-Length") != "20" || a.Body != "" {
		t.Errorf("HEAD: %d %v", a.Status, a.Header)
	}
}

func TestCatalogueAsksOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, catalogueAsksOnceForMany)
}

func catalogueAsksOnceForMany(t *testing.T) {
	var fetched atomic.Int64
	release := make(chan struct{})
	c := newCatalogue(slog.New(slog.DiscardHandler), func(context.Context, string) (*page, error) {
		n := fetched.Add(1)
		if n < 3 {
			<-release
		}
		return &page{status: http.StatusOK, body: fmt.Appendf(nil, "%d", min(n, 3))}, nil
	})
	var wg sync.WaitGroup
	ask := func(want string) {
		for range 50 {
			wg.Go(func() {
				if p, err := c.get(t.Context(), productsPath); err != nil || string(p.body) != want {
					t.Errorf("get = %v, %v, want %s", p, err, want)
				}
			})
		}
		synctest.Wait()
	}
	ask("1")
	if n := fetched.Load(); n != 1 {
		t.Errorf("fetched %d times at once", n)
	}
	// What began before a change is no answer for those who ask after it.
	c.drop()
	ask("2")
	close(release)
	wg.Wait()
	if n := fetched.Load(); n != 2 {
		t.Errorf("fetched %d times", n)
	}
	for i := range catalogueLimit + 10 {
		if _, err := c.get(t.Context(), productPath+string(rune('a'+i%26))+time.Duration(i).String()); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.pages) > catalogueLimit || c.fresh(productsPath) == nil {
		t.Errorf("%d pages", len(c.pages))
	}
}

// While order hangs no request waits for more than one fetch that fails, however many ask.
func TestCatalogueFailsOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, catalogueFailsOnceForMany)
}

func catalogueFailsOnceForMany(t *testing.T) {
	var fetched atomic.Int64
	var away atomic.Bool
	c := newCatalogue(slog.New(slog.DiscardHandler), func(ctx context.Context, _ string) (*page, error) {
		fetched.Add(1)
		if away.Load() {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return &page{status: http.StatusOK, header: [4][]string{{""}, {""}, {"tag"}, {""}}}, nil
	})
	away.Store(true)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if p, err := c.get(t.Context(), productsPath); p != nil || !errors.Is(err, errAway) {
				t.Errorf("get = %v, %v", p, err)
			}
		})
	}
	all.Wait()
	if n := fetched.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	if _, err := c.get(t.Context(), productsPath); !errors.Is(err, errAway) || fetched.Load() != 2 {
		t.Errorf("a later request: %v, fetched %d times", err, fetched.Load())
	}
	// With something known, it stands in, and only one request in a while waits at all.
	away.Store(false)
	known, err := c.get(t.Context(), productsPath)
	if err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	c.drop()
	for i := range 3 {
		began := time.Now()
		if p, err := c.get(t.Context(), productsPath); err != nil || p != known {
			t.Errorf("get = %v, %v", p, err)
		}
		if waited := time.Since(began); waited > catalogueWait || i > 0 && waited > 0 {
			t.Errorf("request %d waited %v", i, waited)
		}
	}
	if n := fetched.Load(); n != 4 {
		t.Errorf("fetched %d times", n)
	}
	<-time.After(catalogueRetry)
	if p, err := c.get(t.Context(), productsPath); err != nil || p != known || fetched.Load() != 5 {
		t.Errorf("after a while: %v, %v, fetched %d times", p, err, fetched.Load())
	}
}

// Pages are made of what is known, however old, and it is fetched again behind their visitors.
func TestPagesDoNotWaitForTheCatalogue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, pagesDoNotWaitForTheCatalogue)
}

func pagesDoNotWaitForTheCatalogue(t *testing.T) {
	var fetched atomic.Int64
	c := newCatalogue(slog.New(slog.DiscardHandler), func(context.Context, string) (*page, error) {
		tag := fmt.Sprint(fetched.Add(1))
		<-time.After(time.Second / 2)
		return &page{status: http.StatusOK, body: []byte(tag), header: [4][]string{{""}, {""}, {tag}, {""}}}, nil
	})
	ask := func(want string, wait time.Duration) {
		t.Helper()
		began := time.Now()
		if src, err := c.source(t.Context(), productsPath); err != nil || src.Tag != want || string(src.Body) != want {
			t.Errorf("source = %+v, %v, want %s", src, err, want)
		}
		if waited := time.Since(began); waited != wait {
			t.Errorf("waited %v", waited)
		}
	}
	ask("1", time.Second/2)
	ask("1", 0)
	<-time.After(time.Minute)
	ask("1", 0) // and again behind
	<-time.After(time.Second)
	ask("2", 0)
	c.drop() // prices have changed: what is known would be wrong
	ask("3", time.Second/2)
	<-time.After(catalogueStale + time.Second)
	ask("4", time.Second/2)
}

func TestCatalogueAges(t *testing.T) {
	t.Parallel()
	var fetched atomic.Int64
	c := newCatalogue(testenv.Log(t), func(context.Context, string) (*page, error) {
		fetched.Add(1)
		return &page{status: http.StatusOK}, nil
	})
	get := func() *page {
		p, err := c.get(t.Context(), productsPath)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := get()
	p.at = time.Now().Add(-catalogueRefresh - 100*time.Millisecond)
	get() // served, and fetched again behind
	testenv.Eventually(t, 30*time.Second, "a refresh", func() bool { return fetched.Load() == 2 })
	testenv.Eventually(t, 30*time.Second, "the refreshed page", func() bool { return get() != p })
	aged := get()
	aged.at = time.Now().Add(-catalogueFresh - time.Millisecond)
	if get() == aged {
		t.Error("an old page is served")
	}
}
