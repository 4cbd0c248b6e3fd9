package mailer

import (
	"context"
	"embed"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make mailer's schema.
func Migrations() []pg.Set { return service.Migrations("mailer", migrations) }

// Run sends mails until ctx ends, and finishes those in flight.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	return runWith(ctx, log, cfg, normalTiming)
}

func runWith(ctx context.Context, log *slog.Logger, cfg Config, t timing) error {
	set := service.Settings{Name: "mailer", Common: cfg.Common, Addr: cfg.Addr, Listener: cfg.Listener,
		TLS: cfg.InsideFiles(), StaffKey: cfg.StaffVerifier(cfg.Keys)}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s, err := newServer(core, cfg, t)
		if err != nil {
			return service.Parts{}, err
		}
		return service.Parts{
			Handler:   s.routes(),
			Export:    ExportMails,
			Staff:     s.staff(),
			Work:      s.work,
			Trail:     s.trail,
			Consumers: s.consumers(),
			Workers: []service.Worker{{Name: "senders", Run: s.runSenders},
				{Name: "bounces", Run: s.watchBounces}},
			Housekeeping: s.housekeeping(),
		}, nil
	})
}
