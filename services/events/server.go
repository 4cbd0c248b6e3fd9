package events

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what the handlers and consumers of events share.
type server struct {
	log         *slog.Logger
	pool        *pgxpool.Pool
	outbox      *bus.Outbox
	identityKey []byte // checks the identity that edge signs

	pageViewDays int
}

func newServer(core *service.Core, cfg Config) *server {
	return &server{
		log:          core.Log,
		pool:         core.Pool,
		outbox:       core.Outbox,
		identityKey:  cfg.Key("identity"),
		pageViewDays: cfg.PageViewDays,
	}
}
