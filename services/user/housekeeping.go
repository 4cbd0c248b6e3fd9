package user

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping deletes what has outlived its use.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "codes and requests", Every: time.Hour, Do: dropOld},
		{Name: "orders of closed accounts", Every: time.Minute, Do: moveStragglers},
	}
}
