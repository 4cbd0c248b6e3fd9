package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fastPath answers what comes most often and needs neither session nor body, without the way through
// the router: fresh catalog pages and client events. They are counted and timed like all others,
// but have a log line at debug level only.
func (e *server) fastPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		e.warnOfProxy(r)
		if r.Method == http.MethodGet {
			if kind, ok := eventKinds[r.URL.Path]; ok {
				e.setAPIHeaders(w.Header(), r)
				e.takeEvent(w, r, kind)
				e.done("clientevent", e.eventSeconds, began)
				return
			}
			if p := e.catalog.kept(r.URL.Path); p != nil && r.URL.RawQuery == "" {
				e.setAPIHeaders(w.Header(), r)
				p.write(w, r)
				e.done("catalog", e.catalogSeconds, began)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// done counts and times an answer of the fast path.
func (e *server) done(route string, seconds prometheus.Observer, began time.Time) {
	took := time.Since(began)
	seconds.Observe(took.Seconds())
	if e.log.Enabled(context.Background(), slog.LevelDebug) {
		e.log.Debug("request", "route", route, "ms", float64(took.Microseconds())/1000)
	}
}
