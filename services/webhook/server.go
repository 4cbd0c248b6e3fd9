package webhook

import (
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what the handlers and consumers of webhook share.
type server struct {
	log     *slog.Logger
	pool    *pgxpool.Pool
	secrets []string
	store   *store
	// lastRefusal is when a refusal was noted last, in Unix nanoseconds.
	lastRefusal atomic.Int64
}

func newServer(core *service.Core, cfg Config) *server {
	return &server{log: core.Log, pool: core.Pool, secrets: cfg.secrets(), store: newStore(core.Outbox)}
}
