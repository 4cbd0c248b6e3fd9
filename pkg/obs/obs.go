// Package obs makes the shop observable: metrics, health, and the trace that runs from a browser's
// request to the mail that it caused.
package obs

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
)

var (
	checksMu sync.Mutex
	checks   = map[string]func(context.Context) error{}
)

// AddCheck makes /readyz depend on check under a name, until remove is called. A process that runs
// several services has the checks of all.
func AddCheck(name string, check func(context.Context) error) (remove func()) {
	checksMu.Lock()
	defer checksMu.Unlock()
	checks[name] = check
	return func() {
		checksMu.Lock()
		defer checksMu.Unlock()
		delete(checks, name)
	}
}

// Handler serves /metrics (Prometheus), /healthz (the process lives) and /readyz: 200 if every
// check passes, otherwise 503 with the names of those that fail, or with none while the process
// starts.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.InstrumentMetricHandler(prometheus.DefaultRegisterer,
		promhttp.HandlerFor(prometheus.GathererFunc(gather), promhttp.HandlerOpts{})))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", ready)
	return mux
}

var shopLabel atomic.Pointer[dto.LabelPair]

// NameShop adds the label shop to all metrics, for a Prometheus that reads several shops.
func NameShop(name string) {
	label := "shop"
	shopLabel.Store(&dto.LabelPair{Name: &label, Value: &name})
}

func gather() ([]*dto.MetricFamily, error) {
	families, err := prometheus.DefaultGatherer.Gather()
	if shop := shopLabel.Load(); shop != nil {
		for _, f := range families {
			for _, m := range f.GetMetric() {
				m.Label = append(m.GetLabel(), shop)
			}
		}
	}
	return families, err
}

// readyTimeout is how long the checks of one request may take.
const readyTimeout = 2 * time.Second

func ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	checksMu.Lock()
	todo := make(map[string]func(context.Context) error, len(checks))
	for name, check := range checks {
		todo[name] = check
	}
	checksMu.Unlock()

	status, result := http.StatusOK, map[string]string{}
	if len(todo) == 0 { // every service has some: this one is still starting
		status = http.StatusServiceUnavailable
	}
	for name, check := range todo {
		result[name] = "ok"
		if err := check(ctx); err != nil {
			status, result[name] = http.StatusServiceUnavailable, "unavailable"
		}
	}
	writeJSON(w, status, result)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		slog.Debug("answering a probe", "error", err)
	}
}
