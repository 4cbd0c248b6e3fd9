package events

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make events' schema.
func Migrations() []pg.Set {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return []pg.Set{bus.Tables(), {Name: "events", Files: files}}
}

// server is what consumers and handlers share.
type server struct {
	log    *slog.Logger
	pool   *pgxpool.Pool
	outbox *bus.Outbox // for the copies of parked messages
	key    []byte      // of the identity that edge signs
	hosts  []string    // under which staff may ask

	pageViewDays int
}

// Run serves until ctx ends; consumers finish the groups in hand.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	l, err := web.Listen(cfg.Listener, cfg.Addr, cfg.InsideFiles())
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // Serve closed it already, unless what follows fails
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "events")
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready("events", pool)()
	broker, err := bus.Connect(log, cfg.NATS(), "events", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer broker.Close()
	s := &server{log: log, pool: pool, outbox: bus.NewOutbox(broker, pool), key: cfg.Key("identity"), hosts: []string{cfg.InsideHosts, cfg.Addr}, pageViewDays: cfg.PageViewDays}

	working, stopWorking := context.WithCancelCause(ctx)
	defer stopWorking(nil)
	relaying, stopRelaying := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRelaying()
	var workers, relay sync.WaitGroup
	start := func(group *sync.WaitGroup, on context.Context, run func(context.Context) error) {
		group.Go(func() {
			if err := run(on); err != nil {
				stopWorking(err) // one part missing is no service
			}
		})
	}
	start(&relay, relaying, s.outbox.Run)
	start(&workers, working, func(ctx context.Context) error { return web.Serve(ctx, l, s.routes()) })
	for _, c := range s.consumers() {
		start(&workers, working, func(ctx context.Context) error { return broker.Consume(ctx, c) })
	}
	start(&workers, working, s.keepHouse)
	workers.Wait()
	stopRelaying()
	relay.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(working)
}
