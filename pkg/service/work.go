package service

import (
	"context"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// workEvery is how often the metric of what waits for a person is read from the tables.
const workEvery = 15 * time.Second

// idleWorkEvery is the same in a service whose outbox only it writes to (bus.Outbox.Alone): it
// needs no connection otherwise.
const idleWorkEvery = time.Minute

// withStaff adds to the pages of a service what every service shows to staff: parked messages, and
// the work list of it and them.
func (c *Core) withStaff(name string, parts Parts) Parts {
	parked := parkedPages{c, name, parts.Consumers}
	list := func(ctx context.Context, shown int) (adminui.WorkList, error) {
		kind, err := parked.kind(ctx, shown)
		if err != nil {
			return adminui.WorkList{}, err
		}
		kinds := []adminui.WorkKind{kind}
		if parts.Work != nil {
			own, err := parts.Work(ctx, shown)
			if err != nil {
				return adminui.WorkList{}, err
			}
			kinds = append(own, kinds...)
		}
		return adminui.WorkList{Kinds: kinds}, nil
	}

	parts.Staff.Routes = append(append(parts.Staff.Routes, parked.routes()...), adminui.Route{
		Method: http.MethodGet,
		Path:   adminui.WorkPath,
		Action: adminui.WorkView,
		Handle: func(r *http.Request) (adminui.Answer, error) {
			work, err := list(r.Context(), adminui.WorkShown)
			return adminui.Page{Title: "Work list of " + name, Data: work}, err
		},
	}, adminui.Route{
		Method: http.MethodGet,
		Path:   adminui.TrailPath,
		Action: adminui.OrdersView,
		Handle: c.trail(name, parts),
	})

	if parts.Export != nil {
		parts.Staff.Routes = append(parts.Staff.Routes, adminui.Route{
			Method: http.MethodGet,
			Path:   adminui.ExportPath,
			Action: adminui.CustomersExport,
			Handle: c.export(parts.Export),
		})
	}
	every := workEvery
	if c.Outbox.Alone {
		every = idleWorkEvery
	}
	parts.Housekeeping = append(parts.Housekeeping, Task{"measure work", every,
		func(ctx context.Context, _ *pgxpool.Pool) (int64, error) {
			work, err := list(ctx, 0)
			for _, k := range work.Kinds {
				obs.WorkItems.WithLabelValues(name, k.Name).Set(float64(k.Count))
			}
			return 0, err
		}})

	return parts
}
