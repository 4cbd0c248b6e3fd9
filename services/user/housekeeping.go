package user

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping are the periodic tasks of user.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "codes and requests", Every: time.Hour, Do: deleteOldRequests},
		{Name: "orders of closed accounts", Every: time.Minute, Do: moveStragglers},
	}
}
