package edge

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// listOfProducts has the size of the sample shop's list.
var listOfProducts = make([]byte, 3<<10)

// sink takes answers and keeps only their headers.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

// quickServer is as much of an edge as the list of products needs.
func quickServer(b *testing.B) *server {
	cfg := Config{Public: boot.Public{PublicURL: "http://shop.example"}, TrustedProxies: "loopback",
		UserURL: "http://u", OrderURL: "http://o", EventsURL: "http://e", WebhookURL: "http://w"}
	s, err := cfg.parse()
	if err != nil {
		b.Fatal(err)
	}
	origins, err := newCrossOrigin(s.origins)
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	return &server{
		cfg: cfg, settings: s, log: log, origins: origins, catalogSeconds: obs.HTTPSeconds.WithLabelValues("edge", "catalog", "2xx"),
		catalog: newCatalog(log, func(context.Context, string) (listing.Feed, error) {
			return readFeed(fed(1, true, listedAs(1, "", strings.Repeat("x", 3072), "1.00"))), nil
		}, nil, nil),
	}
}

// BenchmarkCatalogAnswer is the list of products from memory: docs/adr/0019 says what is compared.
func BenchmarkCatalogAnswer(b *testing.B) {
	e := quickServer(b)
	router := web.Router("edge", e.log)
	router.Use(e.noteRefusals, web.Drain, e.apiHeaders)
	router.Group(func(r chi.Router) {
		r.Use(e.crossOrigin)
		r.Handle(productsPath, get(e.productsAnswer))
	})

	for _, c := range []struct {
		name    string
		handler http.Handler
	}{
		{"as it is", e.fastPath(router)},
		{"through the router", router},
		{"headers of its own", http.HandlerFunc(e.ownHeaders)},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, productsPath, nil)
			c.handler.ServeHTTP(httptest.NewRecorder(), r) // fetches
			b.ReportAllocs()
			defer testenv.CPUTime(b, 1)()
			for b.Loop() {
				c.handler.ServeHTTP(&sink{http.Header{}}, r)
			}
		})
	}
}

// ownHeaders is the fast path of the list with headers set as any handler sets them.
func (s *server) ownHeaders(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	s.warnOfProxy(r)
	if p := s.catalog.cachedAnswer(r.URL.Path); p != nil {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Content-Security-Policy", apiPolicy)
		h.Set("Vary", "Origin")
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", "3072")
		h.Set("ETag", p.tag())
		h.Set("Cache-Control", "no-cache")
		w.Write(p.body) //nolint:errcheck // a benchmark's answer
		s.done("catalog", s.catalogSeconds, began)
	}
}

// BenchmarkForward is an answer of an owner through the reverse proxy.
func BenchmarkForward(b *testing.B) {
	owner := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Write(listOfProducts[:500]) //nolint:errcheck // a benchmark's answer
	}))
	defer owner.Close()
	at, err := web.ParseAddresses("ORDER_URL", owner.URL)
	if err != nil {
		b.Fatal(err)
	}

	for _, c := range []struct {
		name string
		pool httputil.BufferPool
	}{
		{"as it is", &buffers{}},
		{"fresh buffers", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := &httputil.ReverseProxy{
				Transport:  web.NewOwner(slog.New(slog.DiscardHandler), "order", at, nil, ownerTimeout),
				BufferPool: c.pool, Rewrite: func(*httputil.ProxyRequest) {},
			}
			r := httptest.NewRequest(http.MethodGet, "/order/cart-items", nil)
			b.ReportAllocs()
			defer testenv.CPUTime(b, 1)()
			for b.Loop() {
				p.ServeHTTP(&sink{http.Header{}}, r)
			}
		})
	}
}

// BenchmarkCartCount is the number of lines in a cart, requested by 64 shoppers at a time.
func BenchmarkCartCount(b *testing.B) {
	order := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		counts := cartCountAnswer{Carts: map[string]int64{}}
		for _, cart := range r.URL.Query()["cart"] {
			counts.Carts[cart] = 3
		}
		if err := web.JSON(w, http.StatusOK, counts); err != nil {
			b.Error(err)
		}
	}))
	defer order.Close()

	e := quickServer(b)
	at, err := web.ParseAddresses("ORDER_URL", order.URL)
	if err != nil {
		b.Fatal(err)
	}
	e.owners.order = web.NewOwner(e.log, "order", at, nil, ownerTimeout)
	e.carts.ask = e.askCartCounts

	visitor := &request{cart: "cart123"}
	for _, c := range []struct {
		name string
		ask  func(context.Context) error
	}{
		{"as it is", func(ctx context.Context) error {
			_, err := e.carts.get(ctx, visitor)
			return err
		}},
		{"a question for each", func(ctx context.Context) error {
			_, err := e.askCartCounts(ctx, nil, []string{visitor.cart})
			return err
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(32)
			defer testenv.CPUTime(b, 1)()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := c.ask(b.Context()); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
