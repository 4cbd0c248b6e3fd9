package events

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what consumers and handlers share.
type server struct {
	log   *slog.Logger
	pool  *pgxpool.Pool
	key   []byte   // of the identity that edge signs
	hosts []string // under which staff may ask

	pageViewDays int
}

func newServer(core *service.Core, cfg Config) *server {
	return &server{
		log: core.Log, pool: core.Pool, key: cfg.Key("identity"), hosts: []string{cfg.InsideHosts, cfg.Addr},
		pageViewDays: cfg.PageViewDays,
	}
}
