package admin

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping deletes what has outlived its use, which the log of what the staff did has not, and adds the sign-ins
// that were refused to it.
func (s *server) housekeeping() []service.Task {
	return []service.Task{{Name: "ended sessions", Every: time.Hour, Do: deleteOldSessions},
		{Name: "refused sign-ins", Every: time.Minute, Do: logRefused}}
}
