package edge

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
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
	catalog   *catalog
	shown     atomic.Pointer[shown]
	names     shopNames
	media     *pictures
	events    configuration
	carts     cartCounts
	limits    *limits.Limiter
	changed   members
	origins   *http.CrossOriginProtection
	owners    struct{ user, order, events, webhook *web.Owner }
	buffers   buffers

	eventSeconds, catalogSeconds prometheus.Observer
}

// quiet swallows what the reverse proxy would print: its errors are answered and logged by us.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)

func newServer(core *service.Core, cfg Config) (*server, error) {
	log, pool, b := core.Log, core.Pool, core.Bus
	s, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	e := &server{
		cfg: cfg, settings: s, log: log, pool: pool, bus: b, secure: s.public.Scheme == "https",
		hsts:   hsts(cfg, s.public.Scheme == "https"),
		outbox: core.Outbox, publisher: b.NewPublisher(), sessions: newSessions(),
		eventSeconds: obs.HTTPSeconds.WithLabelValues("edge", "clientevent", "2xx"),
		// Dashboards know this spelling.
		catalogSeconds: obs.HTTPSeconds.WithLabelValues("edge", "catalog", "2xx"),
	}
	if err := e.findOwners(); err != nil {
		return nil, err
	}
	e.keys.identity, e.keys.csrf = cfg.Key("identity"), cfg.Key("csrf")
	e.keys.cart, e.keys.anonymous = cfg.Key("cart cookie"), cfg.Key("anonymous cookie")
	e.keys.sessions = cfg.Key("names of sessions")
	e.keys.known = cfg.Key("known browser cookie")
	e.limits = limits.New(log, cfg.Key("limits"), b, pool)
	e.catalog = newCatalog(log, e.fetchFeed, e.fetchPage, e.fetchFound)
	if e.media, err = openPictures(cfg.MediaURL); err != nil {
		return nil, err
	}
	e.events.fetch, e.carts.ask = e.fetchConfiguration, e.askCartCounts
	if e.origins, err = newCrossOrigin(s.origins); err != nil {
		return nil, err
	}
	e.catalog.named = e.nameShop
	pages, err := e.newPages(nil, nil)
	if err != nil {
		return nil, err
	}
	e.show(pages)
	return e, nil
}

// listed is all that is listed, as it was when order went away if it must be.
func (e *server) listed(ctx context.Context) (*listing.List, error) {
	return e.catalog.list(ctx, catalogStale)
}
