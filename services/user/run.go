package user

import (
	"context"
	"embed"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make user's schema.
func Migrations() []pg.Set { return service.Migrations("user", migrations) }

// Run serves accounts, prospects and chat until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{
		Name:     "user",
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
			Export:       ExportPerson,
			Consumers:    s.consumers(),
			Workers:      []service.Worker{{Name: "mail requests", Run: s.answerRequests}},
			Housekeeping: s.housekeeping(),
		}, nil
	})
}
