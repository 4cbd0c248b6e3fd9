package webhook

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// keepEvents is how long Stripe's events stay: disputes come within about four months of a payment,
// and an accountant who closes a year's books looks back over that year and the month after. What is older is
// found at Stripe. It is also longer than any message lives, so a repeated event is known as one.
const keepEvents = 400 * 24 * time.Hour

// housekeeping deletes old events.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old events", Every: time.Hour, Do: deleteOldEvents},
	}
}
