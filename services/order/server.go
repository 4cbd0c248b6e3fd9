package order

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what handlers and consumers share.
type server struct {
	cfg    Config
	log    *slog.Logger
	db     *pgxpool.Pool
	outbox *bus.Outbox
	stripe *stripeAPI
}

func newServer(core *service.Core, cfg Config) *server {
	s := &server{cfg: cfg, log: core.Log, db: core.Pool, outbox: core.Outbox, stripe: newStripeAPI(cfg, core.Log)}
	s.stripe.brake = newBrake(core.Bus, cfg.stripeRate())
	return s
}
