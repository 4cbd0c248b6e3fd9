package webhook

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"sync"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make webhook's schema.
func Migrations() []pg.Set {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return []pg.Set{bus.Tables(), {Name: "webhook", Files: files}}
}

// server is what handlers and writers share.
type server struct {
	log     *slog.Logger
	secrets []string
	store   *store
}

// Run serves until ctx ends. Requests in hand are answered, then the writers end, then the relay
// makes its last round.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	l, err := web.Listen(cfg.Listener, cfg.Addr, cfg.InsideFiles())
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // Serve closed it already, unless what follows fails
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "webhook")
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready("webhook", pool)()
	broker, err := bus.Connect(log, cfg.NATS(), "webhook", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer broker.Close()
	outbox := bus.NewOutbox(broker, pool)
	s := &server{log: log, secrets: cfg.secrets(), store: newStore(pool, outbox.Wake)}

	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	writing, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	relaying, stopRelaying := context.WithCancel(context.WithoutCancel(ctx))
	var writers, relay sync.WaitGroup
	for range writerCount {
		writers.Go(func() { s.store.write(writing) })
	}
	var relayErr error
	relay.Go(func() {
		relayErr = outbox.Run(relaying)
		stopServing() // without a relay there is no service
	})
	for _, c := range consumers(pool) {
		writers.Go(func() {
			if err := broker.Consume(writing, c); err != nil {
				log.Error("consumer ended", "consumer", c.Name, "error", err)
			}
		})
	}
	writers.Go(func() { s.dropOldEvents(serving, pool) })
	err = web.Serve(serving, l, s.routes())
	stopWriting()
	writers.Wait()
	stopRelaying()
	relay.Wait()
	return errors.Join(err, relayErr)
}
