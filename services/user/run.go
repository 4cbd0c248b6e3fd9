package user

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make user's schema.
func Migrations() []pg.Set {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return []pg.Set{bus.Tables(), {Name: "user", Files: files}}
}

// server is what handlers and consumers share.
type server struct {
	log         *slog.Logger
	pool        *pgxpool.Pool
	outbox      *bus.Outbox
	shop        string // the shop's name
	hasher      *hasher
	codeKey     []byte // signs the codes of mail links
	identityKey []byte // checks who edge says is asking
	logKey      []byte // makes marks of accounts for logs
	// requested wakes the worker that answers requests for mails.
	requested chan struct{}
}

func newServer(log *slog.Logger, cfg Config, pool *pgxpool.Pool, outbox *bus.Outbox) *server {
	return &server{
		log: log, pool: pool, outbox: outbox, hasher: newHasher(cfg.HashCost), shop: shopName(cfg.MailFrom),
		codeKey: cfg.Key("codes"), identityKey: cfg.Key("identity"),
		logKey:    cfg.Key("accounts in logs"),
		requested: make(chan struct{}, 1),
	}
}

// Run serves until ctx ends. Requests and messages in hand are finished, then the relay makes its
// last round.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	l, err := web.Listen(cfg.Listener, cfg.Addr, cfg.InsideFiles())
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // Serve closed it already, unless what follows fails
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "user")
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready("user", pool)()
	broker, err := bus.Connect(log, cfg.NATS(), "user", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer broker.Close()
	outbox := bus.NewOutbox(broker, pool)
	s := newServer(log, cfg, pool, outbox)

	working, stopWorking := context.WithCancel(ctx)
	defer stopWorking()
	relaying, stopRelaying := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRelaying()
	var workers, relay sync.WaitGroup
	var relayErr error
	relay.Go(func() {
		relayErr = outbox.Run(relaying)
		stopWorking() // without a relay there is no service
	})
	for _, c := range s.consumers() {
		workers.Go(func() {
			if err := broker.Consume(working, c); err != nil {
				log.Error("consumer ended", "consumer", c.Name, "error", err)
			}
		})
	}
	workers.Go(func() { s.answerRequests(working) })
	workers.Go(func() { s.tidy(working) })
	err = web.Serve(working, l, s.routes())
	stopWorking()
	workers.Wait()
	stopRelaying()
	relay.Wait()
	return errors.Join(err, relayErr)
}

// tidy deletes what has outlived its use, now and every hour, until ctx ends.
func (s *server) tidy(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := dropOld(ctx, s.pool); err != nil && ctx.Err() == nil {
			s.log.Warn("tidy up", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}
