package stripestandin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Config holds the settings of the stand-in.
type Config struct {
	Addr     string       // host:port to listen on; default 127.0.0.1:0
	Listener net.Listener // used instead of Addr when set
	Hosts    string       // names under which it may be called, beside localhost, its own addresses and PublicURL's

	SecretKey      string // what API callers must present; never a live key
	PublishableKey string // shown on the dashboard only
	WebhookSecret  string // signs the events
	WebhookURL     string // where events are sent; empty: they are only listed

	StateFile  string // empty = memory only
	PublicURL  string // base of the hosted page's addresses; default http://<listener's address>
	APIVersion string // of events; default 2023-10-16
	Log        *slog.Logger
}

// defaultAPIVersion is the version that stripe-go v76 is made for.
const defaultAPIVersion = "2023-10-16"

// Server is one Stripe account in test mode.
type Server struct {
	cfg        Config
	log        *slog.Logger
	listener   net.Listener
	publicURL  string
	apiVersion string
	journal    *journal // nil if the state is in memory only
	webhooks   *webhooks
	cards      *challenges
	clockMoved chan struct{}
	stopping   chan struct{} // closed when Run begins to stop

	mu       sync.Mutex // guards state and inFlight
	state    *state
	inFlight map[string]bool // idempotency keys of calls in flight
}

// New loads the state and begins to listen, so that URL is known and a taken port is reported at
// once. It refuses live keys: a stand-in must not be mistaken for Stripe.
func New(cfg Config) (*Server, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	l := cfg.Listener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", cfg.Addr); err != nil {
			return nil, fmt.Errorf("stripe stand-in: %w", err)
		}
	}

	st, j, err := loadState(cfg.StateFile)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("stripe stand-in: %w", err), l.Close())
	}
	s := &Server{
		cfg:        cfg,
		log:        cfg.Log,
		listener:   l,
		publicURL:  strings.TrimRight(cfg.PublicURL, "/"),
		apiVersion: cfg.APIVersion,
		journal:    j,
		state:      st,
		inFlight:   map[string]bool{},
		cards:      newChallenges(),
		clockMoved: make(chan struct{}, 1),
		stopping:   make(chan struct{}),
	}
	if s.publicURL == "" {
		s.publicURL = s.URL()
	}

	s.webhooks = newWebhooks(s)
	var pending []due
	for id, d := range st.deliveries.rows {
		if d.State == deliveryPending {
			pending = append(pending, due{time.UnixMilli(d.Next), id})
		}
	}

	s.webhooks.schedule(pending)
	return s, nil
}

func (cfg *Config) check() error {
	for _, key := range []string{cfg.SecretKey, cfg.PublishableKey} {
		if strings.HasPrefix(key, "sk_live") || strings.HasPrefix(key, "rk_live") || strings.HasPrefix(key, "pk_live") {
			return errors.New("stripe stand-in: refuses to run beside a live Stripe key")
		}
	}
	if cfg.SecretKey == "" {
		return errors.New("stripe stand-in: no secret key given")
	}
	if cfg.WebhookURL != "" {
		if u, err := url.Parse(cfg.WebhookURL); err != nil || u.Host == "" || u.Scheme != "http" &&
			u.Scheme != "https" {
			return errors.New("stripe stand-in: the webhook address is not an absolute http(s) address")
		}
	}
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.APIVersion == "" {
		cfg.APIVersion = defaultAPIVersion
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return nil
}

// URL is the base address of the stand-in on this machine.
func (s *Server) URL() string { return web.URL(s.listener) }

// Run serves until ctx ends, then finishes the calls in flight and closes the state file. It can be
// called once.
func (s *Server) Run(ctx context.Context) error {
	srv := &http.Server{
		Handler:           web.Drain(web.OnlyHosts(s.cfg.Hosts, s.cfg.Addr, hostOf(s.cfg.PublicURL))(s.routes())),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute, // also ends the context of a call that hangs
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}

	shutdown := web.Stopper(srv)
	ctx, cancelRun := context.WithCancel(ctx)
	defer cancelRun()
	var wg sync.WaitGroup
	wg.Go(func() { s.webhooks.run(ctx) })
	wg.Go(func() { s.watchTime(s.stopping) })
	failed := make(chan error, 1)
	wg.Go(func() { failed <- srv.Serve(s.listener) })

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("stripe stand-in: serve: %w", err)
	}

	cancelRun()
	close(s.stopping)
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if shutdown(patience) != nil {
		// The remaining connections had the time of shutdownTimeout.
		if closeErr := srv.Close(); closeErr != nil {
			s.log.Debug("connections closed", "err", closeErr)
		}
	}

	wg.Wait()
	if s.journal != nil {
		err = errors.Join(err, s.journal.close())
	}
	return err
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handler := range map[string]apiHandler{
		"POST /v1/checkout/sessions":                createSession,
		"GET /v1/checkout/sessions":                 listSessions,
		"GET /v1/checkout/sessions/{id}":            retrieveSession,
		"GET /v1/checkout/sessions/{id}/line_items": listLineItems,
		"POST /v1/checkout/sessions/{id}/expire":    expireSession,
		"POST /v1/coupons":                          createCoupon,
		"GET /v1/coupons/{id}":                      retrieveCoupon,
		"DELETE /v1/coupons/{id}":                   deleteCoupon,
		"GET /v1/payment_intents/{id}":              retrieveIntent,
		"GET /v1/charges/{id}":                      retrieveCharge,
		"POST /v1/refunds":                          createRefund,
		"GET /v1/refunds":                           listRefunds,
		"GET /v1/refunds/{id}":                      retrieveRefund,
		"GET /v1/disputes":                          listDisputes,
		"GET /v1/disputes/{id}":                     retrieveDispute,
		"GET /v1/events":                            listEvents,
		"GET /v1/events/{id}":                       retrieveEvent,
		"/v1/":                                      unknownCall,
	} {
		mux.HandleFunc(pattern, s.api(handler))
	}

	// Browsers of this machine may open the pages, but pages of other sites may not.
	pages := http.NewServeMux()
	s.pageRoutes(pages)
	s.controlRoutes(pages)
	mux.Handle("/", http.NewCrossOriginProtection().Handler(securityHeaders(pages)))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		writeBody(w, []byte("ok\n"))
	})

	return mux
}

// securityHeaders keeps pages from running anything but themselves.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data: http: https:; "+
			"base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin") // forms need their Origin, which no-referrer would blank
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// writeBody writes the body of an answer. It ignores errors, because the client may have gone.
func writeBody(w http.ResponseWriter, b []byte) {
	_, _ = w.Write(b)
}
