package webhook

import (
	"log/slog"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what handlers and writers share.
type server struct {
	log     *slog.Logger
	pool    *pgxpool.Pool
	secrets []string
	store   *store
	// refused lets one refusal a second be noted.
	refused atomic.Int64
}

func newServer(core *service.Core, cfg Config) *server {
	return &server{log: core.Log, pool: core.Pool, secrets: cfg.secrets(), store: newStore(core.Outbox)}
}
