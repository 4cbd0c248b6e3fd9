package edge

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// cleanEvery is how often what has expired is deleted.
const cleanEvery = 10 * time.Minute

// housekeeping deletes sessions and counts that have expired.
func (e *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "remembered sessions", Every: cleanEvery, Do: e.dropCached},
		{Name: "counts of limits", Every: cleanEvery, Do: e.cleanLimits},
		{Name: "expired sessions", Every: cleanEvery, Do: dropExpiredSessions},
	}
}

func (e *server) dropCached(context.Context, *pgxpool.Pool) (int64, error) {
	e.sessions.sweep()
	return 0, nil
}

func (e *server) cleanLimits(ctx context.Context, _ *pgxpool.Pool) (int64, error) {
	return 0, e.limits.Clean(ctx)
}
