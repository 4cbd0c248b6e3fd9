package pg

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// measured are the pools of this process by service; their metrics are read when they are
// requested.
type measured struct {
	mu   sync.Mutex
	open map[string]*pgxpool.Pool
}

var pools = &measured{open: map[string]*pgxpool.Pool{}}

func init() { prometheus.MustRegister(pools) }

// These are the metrics of a pool. A service whose requests wait for connections needs more of
// them, or fewer statements.
var (
	connections = prometheus.NewDesc("shop_db_connections",
		"Connections to PostgreSQL by service and state: used, idle.", []string{"service", "state"}, nil)
	connectionLimit = prometheus.NewDesc("shop_db_connections_limit",
		"Connections that a service may have to PostgreSQL.", []string{"service"}, nil)
	reachable = prometheus.NewDesc("shop_db_up",
		"1, or 0 since a service's last attempt to connect to PostgreSQL failed.", []string{"service"}, nil)
	connectionWaits = prometheus.NewDesc("shop_db_connection_waits_total",
		"Times that something waited for a connection because all were used.", []string{"service"}, nil)
)

func (m *measured) add(service string, pool *pgxpool.Pool) (remove func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open[service] = pool
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.open[service] == pool { // otherwise a later one took its place
			delete(m.open, service)
		}
	}
}

// Describe is part of prometheus.Collector.
func (*measured) Describe(to chan<- *prometheus.Desc) {
	to <- connections
	to <- connectionLimit
	to <- connectionWaits
	to <- reachable
}

// Collect is part of prometheus.Collector.
func (m *measured) Collect(to chan<- prometheus.Metric) {
	m.mu.Lock()
	open := maps.Clone(m.open)
	m.mu.Unlock()
	askAgain(open)
	gauge := func(d *prometheus.Desc, v int32, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
	}
	for service, pool := range open {
		s := pool.Stat()
		gauge(connections, s.AcquiredConns(), service, "used")
		gauge(connections, s.IdleConns(), service, "idle")
		gauge(connectionLimit, s.MaxConns(), service)
		to <- prometheus.MustNewConstMetric(connectionWaits, prometheus.CounterValue,
			float64(s.EmptyAcquireCount()), service)
		if t, ok := pool.Config().ConnConfig.Tracer.(counter); ok && t.away.Load() {
			gauge(reachable, 0, service)
		} else {
			gauge(reachable, 1, service)
		}
	}
}

// askAgainWithin is how long a request for metrics waits for databases that could not be reached.
const askAgainWithin = time.Second

// askAgain asks the databases that could not be reached: an idle service tries by itself only when
// a request needs it. The others are left alone, since a statement would keep a connection open.
func askAgain(open map[string]*pgxpool.Pool) {
	ctx, cancel := context.WithTimeout(context.Background(), askAgainWithin)
	defer cancel()
	var all sync.WaitGroup
	for _, pool := range open {
		if t, ok := pool.Config().ConnConfig.Tracer.(counter); ok && t.away.Load() {
			all.Go(func() {
				if pool.Ping(ctx) == nil { // on a new connection, or on one that outlived the trouble
					t.away.Store(false)
				}
			})
		}
	}
	all.Wait()
}
