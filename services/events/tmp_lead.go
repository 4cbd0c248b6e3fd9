package events

import (
	"context"
	"log/slog"
	"net"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

type Config struct {
	boot.Common
	Listener net.Listener `ignored:"true"`
}

func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	pool, err := pg.Open(ctx, cfg.DatabaseURL, "events")
	if err != nil {
		return err
	}
	defer pool.Close()
	b, err := bus.Connect(log, cfg.NATS(), "events")
	if err != nil {
		return err
	}
	defer b.Close()
	g, ctx := errgroup.WithContext(ctx)
	for n, s := range map[string]string{msg.EventsEvent: "EVENT", msg.EventsOrder: "ORDER", msg.EventsUser: "USER", msg.EventsMail: "MAIL"} {
		g.Go(func() error {
			return b.Consume(ctx, bus.Consumer{Name: n, Stream: s, Pool: pool, Handle: func(context.Context, pgx.Tx, []*bus.Delivery) error { return nil }})
		})
	}
	return g.Wait()
}
func Migrations() []pg.Set { return []pg.Set{bus.Tables()} }
