package events

import (
	"context"
	"embed"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make events' schema.
func Migrations() []pg.Set { return service.Migrations("events", migrations) }

// Run records what browsers report, and shows it to staff, until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{
		Name:     "events",
		Common:   cfg.Common,
		Addr:     cfg.Addr,
		Listener: cfg.Listener,
		TLS:      cfg.InsideFiles(),
		StaffKey: cfg.StaffVerifier(cfg.Keys),
	}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s := newServer(core, cfg)
		return service.Parts{
			Handler:      s.routes(),
			Staff:        s.staff(),
			Export:       ExportVisits,
			Consumers:    s.consumers(),
			Workers:      []service.Worker{{Name: "figures", Run: s.recountWorker}},
			Housekeeping: s.housekeeping(),
		}, nil
	})
}
