package edge

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
	"github.com/startupwebapp/startupwebapp/services/edge/storefront"
)

// server is what handlers and consumers share.
type server struct {
	cfg      Config
	settings settings
	log      *slog.Logger
	pool     *pgxpool.Pool
	bus      *bus.Bus
	secure   bool // PUBLIC_URL is https: cookies are for https only
	hsts     []string
	warned   sync.Once // of a proxy that is not trusted
	keys     struct{ identity, csrf, cart, anonymous, sessions, known []byte }

	outbox    *bus.Outbox
	publisher *bus.Publisher
	sessions  *sessions
	catalogue *catalogue
	pages     *storefront.Pages
	events    configuration
	carts     cartCounts
	limits    *limits.Limiter
	changed   members
	origins   *http.CrossOriginProtection
	transport *http.Transport
	buffers   buffers

	eventSeconds, catalogueSeconds prometheus.Observer
}

// quiet swallows what the reverse proxy would print: its errors are answered and logged by us.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)

// newServer makes edge of settings, a pool and a bus.
func newServer(log *slog.Logger, cfg Config, pool *pgxpool.Pool, b *bus.Bus) (*server, error) {
	s, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	secure, err := toOwners(cfg.InsideFiles())
	if err != nil {
		return nil, err
	}
	e := &server{
		cfg: cfg, settings: s, log: log, pool: pool, bus: b, secure: s.public.Scheme == "https", hsts: hsts(cfg, s.public.Scheme == "https"),
		outbox: bus.NewOutbox(b, pool), publisher: b.NewPublisher(), sessions: newSessions(), transport: newTransport(secure),
		eventSeconds: obs.HTTPSeconds.WithLabelValues("edge", "clientevent", "2xx"), catalogueSeconds: obs.HTTPSeconds.WithLabelValues("edge", "catalogue", "2xx"),
	}
	e.keys.identity, e.keys.csrf = cfg.Key("identity"), cfg.Key("csrf")
	e.keys.cart, e.keys.anonymous = cfg.Key("cart cookie"), cfg.Key("anonymous cookie")
	e.keys.sessions = cfg.Key("names of sessions")
	e.keys.known = cfg.Key("known browser cookie")
	e.limits = limits.New(log, cfg.Key("limits"), b, pool)
	e.catalogue = newCatalogue(log, e.fetchPage)
	e.events.fetch, e.carts.ask = e.fetchConfiguration, e.askCartCounts
	if e.origins, err = newCrossOrigin(s.origins); err != nil {
		return nil, err
	}
	e.pages, err = storefront.New(storefront.Config{
		PublicURL: cfg.PublicURL, Log: log,
		Catalogue: func(ctx context.Context) (storefront.Source, error) { return e.catalogue.source(ctx, productsPath) },
		Product: func(ctx context.Context, id string) (storefront.Source, error) {
			return e.catalogue.source(ctx, productPath+id)
		},
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// Run serves shoppers until ctx ends, answers what is in hand, and hands over what is left to
// publish.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "edge")
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready("edge", pool)()
	b, err := bus.Connect(log, cfg.NATS(), "edge", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer b.Close()
	e, err := newServer(log, cfg, pool, b)
	if err != nil {
		return err
	}
	defer e.transport.CloseIdleConnections()
	l, err := web.Listen(cfg.Listener, cfg.EdgeAddr)
	if err != nil {
		return err
	}
	// What works behind the listener ends after it.
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if err := e.listen(behind); err != nil {
		return err
	}
	if err := e.listenCatalogue(behind); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return e.publisher.Run(behind) })
	g.Go(func() error { return e.outbox.Run(behind) })
	g.Go(func() error { return e.clean(behind) })
	for _, c := range e.consumers() {
		g.Go(func() error { return b.Consume(behind, c) })
	}
	g.Go(func() error {
		defer stop()
		return web.Serve(ctx, l, e.routes())
	})
	log.Info("edge answers", "addr", l.Addr().String())
	return g.Wait()
}
