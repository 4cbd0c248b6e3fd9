package webhook

import (
	"context"
	"crypto/ed25519"
	"embed"
	"log/slog"
	"slices"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make webhook's schema.
func Migrations() []pg.Set { return service.Migrations("webhook", migrations) }

// Run receives Stripe's events until ctx ends. The key that checks staff is a setting: webhook
// signs nothing, so it has no Keys to derive it from.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{
		Name:     "webhook",
		Common:   cfg.Common,
		Addr:     cfg.Addr,
		Listener: cfg.Listener,
		Alone:    true,
		TLS:      cfg.InsideFiles(),
		StaffKey: ed25519.PublicKey(cfg.StaffKey),
	}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s := newServer(core, cfg)
		return service.Parts{
			Handler:      s.routes(),
			Staff:        s.staff(),
			Export:       ExportEvents,
			Trail:        s.trail,
			Consumers:    s.consumers(),
			Workers:      slices.Repeat([]service.Worker{{Name: "writer", Run: s.store.write}}, writerCount),
			Housekeeping: s.housekeeping(),
		}, nil
	})
}
