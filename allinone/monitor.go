package allinone

import (
	"context"
	"errors"
	"expvar"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// monitored are the paths of NATS monitoring that are served. The server's own listener would
// answer under any host name; ours checks Host first.
var monitored = map[string]func(*server.Server, http.ResponseWriter, *http.Request){
	server.RootPath: (*server.Server).HandleRoot, server.VarzPath: (*server.Server).HandleVarz,
	server.ConnzPath: (*server.Server).HandleConnz, server.RoutezPath: (*server.Server).HandleRoutez,
	server.GatewayzPath: (*server.Server).HandleGatewayz, server.LeafzPath: (*server.Server).HandleLeafz,
	server.SubszPath: (*server.Server).HandleSubsz, "/subscriptionsz": (*server.Server).HandleSubsz,
	server.StackszPath: (*server.Server).HandleStacksz, server.AccountzPath: (*server.Server).HandleAccountz,
	server.AccountStatzPath: (*server.Server).HandleAccountStatz, server.JszPath: (*server.Server).HandleJsz,
	server.HealthzPath: (*server.Server).HandleHealthz, server.IPQueuesPath: (*server.Server).HandleIPQueuesz,
	server.RaftzPath: (*server.Server).HandleRaftz,
}

// monitoring serves the NATS monitoring of the broker's current server.
func (b *broker) monitoring() http.Handler {
	mux := http.NewServeMux()
	for path, handle := range monitored {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { handle(b.srv.Load(), w, r) })
	}
	mux.Handle(server.ExpvarzPath, expvar.Handler())
	return mux
}

const (
	// monitorHeaderTimeout bounds the wait for the header of a request about the broker.
	monitorHeaderTimeout = 5 * time.Second
	// monitorStopTimeout bounds requests that are in flight at the end.
	monitorStopTimeout = time.Second
)

// serveMonitoring answers NATS_MONITOR_ADDR until ctx ends.
func (s *shop) serveMonitoring(ctx context.Context) error {
	l := s.listeners["NATS_MONITOR_ADDR"]
	srv := &http.Server{
		Handler:           web.OnlyHosts(s.cfg.InsideHosts, s.cfg.NATSMonitorAddr)(s.broker.monitoring()),
		ReadHeaderTimeout: monitorHeaderTimeout,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	shutdown := web.Stopper(srv)
	stop := context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), monitorStopTimeout)
		defer cancel()
		if shutdown(grace) != nil {
			_ = srv.Close() // requests to a broker that ends have little to show
		}
	})
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("NATS_MONITOR_ADDR: %w", err)
	}
	return nil
}
