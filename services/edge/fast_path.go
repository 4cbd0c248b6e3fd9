package edge

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// fastPath answers the most frequent requests that need neither session nor body, without the
// router: fresh catalog pages and client events. They are counted and timed like all others, but
// logged only at debug level.
func (s *server) fastPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		s.warnOfProxy(r)
		if r.Method == http.MethodGet {
			if kind, ok := eventKinds[r.URL.Path]; ok {
				s.setAPIHeaders(w.Header(), r)
				s.takeEvent(w, r, kind)
				s.done("clientevent", s.eventSeconds, began)
				return
			}
			if p := s.catalog.cachedAnswer(r.URL.Path); p != nil && r.URL.RawQuery == "" {
				s.setAPIHeaders(w.Header(), r)
				p.write(w, r)
				s.done("catalog", s.catalogSeconds, began)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// done counts and times an answer of the fast path.
func (s *server) done(route string, seconds prometheus.Observer, began time.Time) {
	took := time.Since(began)
	seconds.Observe(took.Seconds())
	if s.log.Enabled(context.Background(), slog.LevelDebug) {
		s.log.Debug("request", "route", route, "ms", float64(took.Microseconds())/1000)
	}
}
