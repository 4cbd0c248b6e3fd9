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

// Run serves shoppers until ctx ends, and publishes what they reported until then.
func Run(ctx context.Context, log *slog.Logger, cfg Config) error {
	set := service.Settings{Name: "edge", Common: cfg.Common, Addr: cfg.EdgeAddr, Listener: cfg.Listener,
		StaffKey: cfg.StaffVerifier(cfg.Keys), Public: true, Alone: true}
	return service.Run(ctx, log, set, func(core *service.Core) (service.Parts, error) {
		e, err := newServer(core, cfg)
		if err != nil {
			return service.Parts{}, err
		}
		return service.Parts{
			Prepare:      e.prepare,
			Handler:      e.routes(),
			Staff:        e.staff(),
			Export:       ExportSessions,
			Consumers:    e.consumers(),
			Workers:      []service.Worker{{Name: "publisher", Run: e.publisher.Run}},
			Housekeeping: e.housekeeping(),
		}, nil
	})
}

// prepare hears the signals before the first request is answered from memory.
func (e *server) prepare(ctx context.Context) error {
	for _, owner := range []*web.Owner{e.owners.user, e.owners.order, e.owners.events, e.owners.webhook} {
		context.AfterFunc(ctx, owner.CloseIdle)
	}
	return errors.Join(e.listen(ctx), e.listenCatalog(ctx))
}
