package edge

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// cleanEvery is how often what has expired is deleted.
const cleanEvery = 10 * time.Minute

// housekeeping deletes sessions and counts that have expired.
func (e *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "remembered sessions", Every: cleanEvery, Do: func(context.Context) (int64, error) { e.sessions.sweep(); return 0, nil }},
		{Name: "counts of limits", Every: cleanEvery, Do: func(ctx context.Context) (int64, error) { return 0, e.limits.Clean(ctx) }},
		{Name: "expired sessions", Every: cleanEvery, Do: func(ctx context.Context) (int64, error) { return dropExpiredSessions(ctx, e.pool) }},
	}
}
