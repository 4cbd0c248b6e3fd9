package admin

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping deletes what has outlived its use. The log of what the staff did has not.
func (s *server) housekeeping() []service.Task {
	return []service.Task{{Name: "ended sessions", Every: time.Hour, Do: deleteOldSessions}}
}
