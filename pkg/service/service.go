// Package service is the skeleton of a service: it opens listener, database and broker, runs the
// service's parts beside the relay of its outbox, and stops them in an order that finishes what was
// begun.
//
// A stop has three stages. HTTP ends first: requests in flight are answered. Then consumers,
// workers and housekeeping finish what they have begun, so what a request left to them is done.
// Then the relay makes its last round, so that what all of these enqueued is published. Broker and
// database are closed last.
//
// A part that ends before it is told to ends the service, with an error that names it: a service
// that lacks a part must not look healthy.
package service

import (
	"context"
	"crypto/ed25519"
	"embed"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Settings are what the skeleton needs to know of a service.
type Settings struct {
	Name string // name of the service, and of its schema, role and broker user
	boot.Common
	Addr     string       // where it listens
	Listener net.Listener // used instead of Addr if it is set
	TLS      certs.Files  // those of the listener; none for plain HTTP
	// StaffKey checks identities of the staff, for services with staff pages.
	StaffKey ed25519.PublicKey
	// Public says that strangers reach the listener: staff routes are hidden from them.
	Public bool
	// Alone says that only processes of this service write to its outbox (bus.Outbox.Alone). Such a
	// service has a connection to the database only when there is something to do, and for some
	// seconds of each minute.
	Alone bool
}

// Core is what every service works with.
type Core struct {
	Log    *slog.Logger
	Pool   *pgxpool.Pool
	Bus    *bus.Bus
	Outbox *bus.Outbox
}

// NewCore makes the core of a service by itself, for its tests, whose bus may be nil.
func NewCore(log *slog.Logger, pool *pgxpool.Pool, b *bus.Bus) *Core {
	return &Core{Log: log, Pool: pool, Bus: b, Outbox: bus.NewOutbox(b, pool)}
}

// Parts are what a service consists of, beside the relay of its outbox.
type Parts struct {
	// Prepare, if set, is called before anything runs. Its context ends with the workers.
	Prepare func(context.Context) error
	// Handler answers HTTP requests.
	Handler http.Handler
	// Staff are the pages that the service has in the back office; Handler answers all else.
	Staff adminui.Pages
	// Work, if set, is what of this service waits for a person, beside parked messages, with up to
	// shown items of each kind: none when only the counts are asked for.
	Work func(ctx context.Context, shown int) ([]adminui.WorkKind, error)
	// Trail, if set, is what the service knows of some keys, beside messages (adminui.TrailPath).
	Trail func(ctx context.Context, keys []string) (adminui.Trail, error)
	// Export, if set, is what the service has of a person (adminui.ExportPath).
	Export func(context.Context, pg.DB, erasure.Person) (json.RawMessage, error)
	// Consumers are the durable subscriptions.
	Consumers []bus.Consumer
	// Workers run beside the requests, and end after them.
	Workers []Worker
	// Housekeeping is what is done now and then.
	Housekeeping []Task
}

// Worker is a loop that runs until its context ends, finishes what it has begun, and returns nil.
type Worker struct {
	Name string
	Run  func(context.Context) error
}

// Migrations are the sets that make a service's schema: the tables of its messages, and those of
// the folder migrations that the service embeds.
func Migrations(name string, embedded embed.FS) []pg.Set {
	return []pg.Set{bus.Tables(), pg.Migrations(name, embedded)}
}

// Run has build make the parts and runs them until ctx ends or a part of them does.
func Run(ctx context.Context, log *slog.Logger, set Settings, build func(*Core) (Parts, error)) error {
	l, err := web.Listen(set.Listener, set.Addr, set.TLS)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // Serve closed it already, unless what follows fails
	pool, err := pg.Open(context.WithoutCancel(ctx), set.DatabaseURL, set.Shop(), set.Name)
	if err != nil {
		return err
	}
	defer pool.Close()
	defer pg.Ready(set.Name, pool)()

	b, err := bus.Connect(log, set.NATS(), set.Name, set.BrokerFiles())
	if err != nil {
		return err
	}
	defer b.Close()
	core := NewCore(log, pool, b)
	core.Outbox.Alone = set.Alone
	parts, err := build(core)
	if err != nil {
		return err
	}

	pages := set.StaffKey != nil || len(parts.Staff.Routes) > 0
	parts.Workers = append(parts.Workers, Worker{"guard", core.guard})
	parts.Housekeeping = append(parts.Housekeeping, Task{"old erasures", time.Hour, erasure.PruneForgotten})
	if parts = core.withStaff(set.Name, parts); pages {
		staff, err := adminui.Mount(log, set.Name, set.StaffKey, parts.Staff)
		if err != nil {
			return err
		}
		if set.Public {
			parts.Handler = adminui.BelowSigned(staff, parts.Handler, set.StaffKey)
		} else {
			parts.Handler = adminui.Below(staff, parts.Handler)
		}
	}

	return core.run(ctx, l, parts)
}

// guardPause is the pause before a database that does not answer is asked again whose it is.
const guardPause = time.Second

// guard ends the service when its database turns out to be another shop's: waiting would not help,
// and the one who set DATABASE_URL must see it.
func (c *Core) guard(ctx context.Context) error {
	for {
		err := c.Pool.Ping(ctx)
		switch {
		case errors.Is(err, pg.ErrOtherShop):
			return err
		case err == nil:
			<-ctx.Done()
			return nil
		}
		if !wait.Sleep(ctx, guardPause) {
			return nil
		}
	}
}

// run starts the parts, those first that others rely on, and stops them in the opposite order.
func (c *Core) run(ctx context.Context, l net.Listener, parts Parts) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	serving, working, relaying := newStage(ctx, end), newStage(ctx, end), newStage(ctx, end)
	if parts.Prepare != nil {
		if err := parts.Prepare(working.ctx); err != nil {
			working.end()
			return err
		}
	}
	relaying.start("outbox", c.Outbox.Run)
	for _, w := range parts.Workers {
		working.start(w.Name, w.Run)
	}
	for _, consumer := range parts.Consumers {
		working.start(consumer.Name, func(ctx context.Context) error { return c.Bus.Consume(ctx, consumer) })
	}
	working.start("housekeeping", func(ctx context.Context) error { return c.housekeep(ctx, parts.Housekeeping) })
	serving.start("http", func(ctx context.Context) error { return web.Serve(ctx, l, parts.Handler) })
	<-ctx.Done()
	return errors.Join(serving.stop(), working.stop(), relaying.stop())
}
