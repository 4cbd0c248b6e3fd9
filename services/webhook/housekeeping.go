package webhook

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// eventTTL is how long Stripe's events are kept: disputes come within about four months of a
// payment, and an accountant who closes a year's books looks back over that year and the month
// after. Older ones are found at Stripe. It is also longer than any message lives, so a repeated
// event is recognized.
const eventTTL = 400 * 24 * time.Hour

// housekeeping are the periodic tasks of webhook.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old events", Every: time.Hour, Do: deleteOldEvents},
	}
}
