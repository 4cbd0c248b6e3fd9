package boot

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// ServeMetrics answers /metrics, /healthz and /readyz on an open listener until ctx ends, to
// requests by a name of this machine or one of hosts. The deployment must keep the listener off the
// public network.
func ServeMetrics(ctx context.Context, log *slog.Logger, l net.Listener, hosts ...string) {
	srv := &http.Server{
		Handler:           web.OnlyHosts(hosts...)(obs.Handler()),
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	context.AfterFunc(ctx, func() {
		if err := srv.Close(); err != nil {
			log.Debug("closing the metrics listener", "error", err)
		}
	})
	go func() {
		if err := srv.Serve(l); err != nil && ctx.Err() == nil {
			log.Error("the metrics listener ended", "error", err)
		}
	}()
}
