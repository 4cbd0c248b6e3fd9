package order

import (
	"context"
	"embed"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make order's schema.
func Migrations() []pg.Set { return service.Migrations("order", migrations) }

// Run serves carts and orders until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{
		Name:     "order",
		Common:   cfg.Common,
		Addr:     cfg.Addr,
		Listener: cfg.Listener,
		TLS:      cfg.InsideFiles(),
		StaffKey: cfg.StaffVerifier(cfg.Keys),
	}

	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s, err := newServer(core, cfg)
		if err != nil {
			return service.Parts{}, err
		}
		return service.Parts{
			Handler:   s.routes(),
			Export:    ExportOrders,
			Staff:     s.staff(),
			Work:      s.work,
			Trail:     s.trail,
			Consumers: s.consumers(),
			Workers: []service.Worker{
				{Name: "sweep", Run: s.sweep},
				{Name: "desk", Run: s.followUp},
				{Name: "refunds", Run: s.makeRefunds},
				{Name: "catalog clock", Run: s.clock},
				{Name: "pictures", Run: s.makePictures},
				{Name: "pictures of others", Run: s.fetchPictures},
			},
			Housekeeping: s.housekeeping(),
		}, nil
	})
}
