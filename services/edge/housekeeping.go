package edge

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// cleanEvery is how often expired data is deleted.
const cleanEvery = 10 * time.Minute

// housekeeping are the periodic tasks of edge.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "remembered sessions", Every: cleanEvery, Do: s.evictSessions},
		{Name: "counts of limits", Every: cleanEvery, Do: s.cleanLimits},
		{Name: "expired sessions", Every: cleanEvery, Do: deleteExpiredSessions},
	}
}

func (s *server) evictSessions(context.Context, *pgxpool.Pool) (int64, error) {
	s.sessions.evictExpired()
	return 0, nil
}

func (s *server) cleanLimits(ctx context.Context, _ *pgxpool.Pool) (int64, error) {
	return 0, s.limits.Clean(ctx)
}
