package user

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping deletes what has outlived its use.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "codes and requests", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return dropOld(ctx, s.pool) }},
	}
}
