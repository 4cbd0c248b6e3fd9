package edge

import (
	"context"
	"embed"
	"errors"
	"log/slog"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the sets that make edge's schema.
func Migrations() []pg.Set { return service.Migrations("edge", migrations) }

// Run serves shoppers until ctx ends, and publishes the events that they have reported until then.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{
		Name:     "edge",
		Common:   cfg.Common,
		Addr:     cfg.Addr,
		Listener: cfg.Listener,
		StaffKey: cfg.StaffVerifier(cfg.Keys),
		Public:   true,
		Alone:    true,
	}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		s, err := newServer(core, cfg)
		if err != nil {
			return service.Parts{}, err
		}
		return service.Parts{
			Prepare:      s.prepare,
			Handler:      s.routes(),
			Staff:        s.staff(),
			Export:       ExportSessions,
			Consumers:    s.consumers(),
			Workers:      []service.Worker{{Name: "publisher", Run: s.publisher.Run}},
			Housekeeping: s.housekeeping(),
		}, nil
	})
}

// prepare subscribes to the signals before the first request is answered from memory.
func (s *server) prepare(ctx context.Context) error {
	for _, owner := range []*web.Owner{s.owners.user, s.owners.order, s.owners.events, s.owners.webhook} {
		context.AfterFunc(ctx, owner.CloseIdle)
	}
	return errors.Join(s.listen(ctx), s.listenCatalog(ctx))
}
