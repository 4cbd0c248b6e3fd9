package order

import (
	"context"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// server is what handlers and consumers share.
type server struct {
	cfg    Config
	log    *slog.Logger
	db     *pgxpool.Pool
	outbox *bus.Outbox
	stripe *stripeAPI
}

// Run serves carts and orders until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	db, err := pg.Open(context.WithoutCancel(ctx), cfg.DatabaseURL, "order")
	if err != nil {
		return err
	}
	defer db.Close()
	defer pg.Ready("order", db)()
	b, err := bus.Connect(log, cfg.NATS(), "order", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer b.Close()
	l, err := web.Listen(cfg.Listener, cfg.Addr, cfg.InsideFiles())
	if err != nil {
		return err
	}
	s := &server{cfg: cfg, log: log, db: db, outbox: bus.NewOutbox(b, db), stripe: newStripeAPI(cfg, log)}

	s.stripe.brake = newBrake(b, cfg.stripeRate())

	// HTTP and consumers end first, so that the relay's last round sends what they left.
	relayCtx, stopRelay := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRelay()
	relay := make(chan error, 1)
	go func() { relay <- s.outbox.Run(relayCtx) }()
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return web.Serve(gctx, l, s.routes()) })
	for _, c := range s.consumers() {
		g.Go(func() error { return b.Consume(gctx, c) })
	}
	g.Go(func() error { return s.sweep(gctx) })
	g.Go(func() error { return s.keepHouse(gctx) })
	err = g.Wait()
	stopRelay()
	if rerr := <-relay; err == nil {
		err = rerr
	}
	return err
}
