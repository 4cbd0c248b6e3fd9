package mailer

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/mail"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make mailer's schema.
func Migrations() []pg.Set {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return []pg.Set{bus.Tables(), {Name: "mailer", Files: files}}
}

const (
	senderCount = 4
	// stopLimit is how long a stop waits for mails in hand. One that takes longer is left in the
	// ledger as a maybe, as after a crash.
	stopLimit = 8 * time.Second
)

// server is what consumers, senders and handlers share.
type server struct {
	cfg     Config
	log     *slog.Logger
	pool    *pgxpool.Pool
	outbox  *bus.Outbox
	from    *mail.Address
	replyTo *mail.Address
	staff   *mail.Address
	hashKey []byte
	timing  timing
	circuit *circuit
	wakeups chan struct{}
}

func newServer(cfg Config, log *slog.Logger, pool *pgxpool.Pool, outbox *bus.Outbox, t timing) (*server, error) {
	if cfg.SMTPHost == "" {
		return nil, errors.New("SMTP_HOST is not set; make run brings its own inbox, a mailer alone needs a server")
	}
	s := &server{cfg: cfg, log: log, pool: pool, outbox: outbox, hashKey: cfg.Key("mail address"),
		timing: t, circuit: newCircuit(t), wakeups: make(chan struct{}, senderCount)}
	s.cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	var err error
	if s.from, err = parseAddress(cfg.MailFrom); err != nil {
		return nil, fmt.Errorf("read MAIL_FROM: %w", err)
	}
	if s.staff, err = parseAddress(cfg.MailStaff); err != nil {
		return nil, fmt.Errorf("read MAIL_STAFF: %w", err)
	}
	s.replyTo = s.from
	if cfg.MailReplyTo != "" {
		if s.replyTo, err = parseAddress(cfg.MailReplyTo); err != nil {
			return nil, fmt.Errorf("read MAIL_REPLY_TO: %w", err)
		}
	}
	return s, nil
}

// Run serves until ctx ends. Consumers finish their groups and senders the mails in hand before the
// relay makes its last round.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	return runWith(ctx, log, cfg, normalTiming)
}

func runWith(ctx context.Context, log *slog.Logger, cfg Config, t timing) error {
	l, err := web.Listen(cfg.Listener, cfg.Addr)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // Serve closed it already, unless what follows fails
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "mailer")
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready("mailer", pool)()
	broker, err := bus.Connect(log, cfg.NATS(), "mailer", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer broker.Close()
	s, err := newServer(cfg, log, pool, bus.NewOutbox(broker, pool), t)
	if err != nil {
		return err
	}
	return s.run(ctx, broker, func(ctx context.Context) error { return web.Serve(ctx, l, s.routes()) })
}

// run starts everything and stops it in order.
func (s *server) run(ctx context.Context, broker *bus.Bus, serve func(context.Context) error) error {
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
	start(&workers, working, serve)
	for _, c := range s.consumers() {
		start(&workers, working, func(ctx context.Context) error { return broker.Consume(ctx, c) })
	}
	start(&workers, working, s.runSenders)
	start(&workers, working, s.keepHouse)
	workers.Wait()
	stopRelaying()
	relay.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return context.Cause(working)
}

// keepHouse drops personal content that is not needed any more, lets newsletters go on that staff resumed
// by SQL, and measures what waits.
func (s *server) keepHouse(ctx context.Context) error {
	forget := time.Time{}
	for {
		if time.Since(forget) > time.Hour {
			if err := emptyRooms(ctx, s.pool); err != nil {
				s.log.Warn("emptying rooms", "error", err)
			}
			if n, err := forgetContent(ctx, s.pool); err == nil {
				forget = time.Now()
				s.log.Debug("dropped the content of old mails", "mails", n)
			}
		}
		switch n, err := resumeOthers(ctx, s.pool); {
		case err != nil && ctx.Err() == nil:
			s.log.Warn("resuming newsletters", "error", err)
		case n > 0:
			s.wakeSender()
		}
		if n, err := countQueued(ctx, s.pool); err == nil {
			mailsQueued.Set(float64(n))
		}
		if n, err := countSuppressed(ctx, s.pool); err == nil {
			mailsSuppressed.Set(float64(n))
		}
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
			return nil
		}
	}
}
