package admin

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// housekeeping are the periodic tasks of admin. None deletes from the log of acts.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "ended sessions", Every: time.Hour, Do: deleteOldSessions},
		{Name: "refused sign-ins", Every: time.Minute, Do: logRefused},
	}
}
