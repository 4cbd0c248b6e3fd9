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

// server is what the handlers and consumers of edge share.
type server struct {
	cfg          Config
	settings     settings
	log          *slog.Logger
	pool         *pgxpool.Pool
	bus          *bus.Bus
	secure       bool // PUBLIC_URL is https: cookies are for https only
	hsts         []string
	proxyWarning sync.Once // of a proxy that is not trusted
	identityKey  []byte
	keys         struct{ csrf, cart, anonymous, sessions, known []byte }

	outbox         *bus.Outbox
	publisher      *bus.Publisher
	sessions       *sessions
	catalog        *catalog
	site           atomic.Pointer[site]
	names          shopNames
	media          *pictures
	events         configuration
	carts          cartCounts
	limits         *limits.Limiter
	changedMembers members
	origins        *http.CrossOriginProtection
	owners         struct{ user, order, events, webhook *web.Owner }
	buffers        buffers

	eventSeconds, catalogSeconds prometheus.Observer
}

// quiet swallows the reverse proxy's own log: we answer and log its errors.
var quiet = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)

func newServer(core *service.Core, cfg Config) (*server, error) {
	log, pool, b := core.Log, core.Pool, core.Bus
	set, err := cfg.parse()
	if err != nil {
		return nil, err
	}

	secure := set.public.Scheme == "https"
	s := &server{
		cfg:            cfg,
		settings:       set,
		log:            log,
		pool:           pool,
		bus:            b,
		secure:         secure,
		hsts:           hsts(cfg, secure),
		identityKey:    cfg.Key("identity"),
		outbox:         core.Outbox,
		publisher:      b.NewPublisher(),
		sessions:       newSessions(),
		limits:         limits.New(log, cfg.Key("limits"), b, pool),
		eventSeconds:   obs.HTTPSeconds.WithLabelValues("edge", "clientevent", "2xx"),
		catalogSeconds: obs.HTTPSeconds.WithLabelValues("edge", "catalog", "2xx"), // dashboards know this spelling
	}
	s.keys.csrf = cfg.Key("csrf")
	s.keys.cart, s.keys.anonymous = cfg.Key("cart cookie"), cfg.Key("anonymous cookie")
	s.keys.sessions, s.keys.known = cfg.Key("names of sessions"), cfg.Key("known browser cookie")

	if err := s.findOwners(); err != nil {
		return nil, err
	}
	if s.media, err = openPictures(cfg.MediaURL); err != nil {
		return nil, err
	}
	if s.origins, err = newCrossOrigin(set.origins); err != nil {
		return nil, err
	}
	s.events.fetch, s.carts.ask = s.fetchConfiguration, s.askCartCounts

	s.catalog = newCatalog(log, s.fetchFeed, s.fetchPage, s.fetchFound)
	s.catalog.onShopName = s.nameShop
	pages, err := s.newPages(nil, nil)
	if err != nil {
		return nil, err
	}
	s.show(pages)
	return s, nil
}

// listed is the whole catalog, or the last known one while order is unavailable.
func (s *server) listed(ctx context.Context) (*listing.List, error) {
	return s.catalog.list(ctx, catalogMaxAge)
}
