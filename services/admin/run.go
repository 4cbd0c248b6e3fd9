package admin

import (
	"context"
	"embed"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make admin's schema.
func Migrations() []pg.Set { return service.Migrations("admin", migrations) }

// Run serves the back office until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{Name: "admin", Common: cfg.Common, Addr: cfg.Addr, Listener: cfg.Listener, Alone: true}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s, err := newServer(core, cfg)
		if err != nil {
			return service.Parts{}, err
		}
		if err := s.heard.listen(core.Bus); err != nil {
			return service.Parts{}, err
		}
		return service.Parts{Handler: s.routes(), Consumers: s.consumers(), Housekeeping: s.housekeeping()}, nil
	})
}
