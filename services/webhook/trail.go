package webhook

import (
	"context"
	"time"

	"github.com/tidwall/gjson"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// trailRows is how many events a trail has, at most.
const trailRows = 200

// trail lists the events that keys stand for, by their own ids or those of what they are about, and
// the deliveries that were refused under such an id.
func (s *server) trail(ctx context.Context, keys []string) (t adminui.Trail, err error) {
	events, err := listEvents(ctx, s.pool, keys, eventPlace{}, trailRows)
	if err != nil {
		return t, err
	}

	for _, e := range events {
		hop := adminui.Hop{
			At:      e.Received,
			Step:    "event",
			Text:    "Stripe told of " + e.Type + ".",
			About:   e.Object,
			Message: e.ID,
		}
		if e.Paid {
			hop.State = "paid"
		}
		t.Hops = append(t.Hops, hop)
		t.Keys = append(t.Keys, e.ID, e.Object, e.Payment)
	}

	refused, err := refusedOf(ctx, s.pool, keys)
	for _, r := range refused {
		t.Hops = append(t.Hops, adminui.Hop{
			At:    r.At,
			Step:  "refused",
			Text:  "A delivery was refused: " + r.Reason + ".",
			About: r.Event,
			State: "not proved to be Stripe's",
			Tone:  "warn",
		})
	}

	return t, err
}

const (
	// refusedEvery is the least time between two refusals that are noted: anyone can cause them.
	refusedEvery = time.Second
	// refusedTimeout bounds noting one.
	refusedTimeout = time.Second
)

// noteRefused stores that a delivery was refused. It is a courtesy to staff: the request is
// answered even if it cannot be noted.
func (s *server) noteRefused(ctx context.Context, reason string, body []byte) {
	last, now := s.lastRefusal.Load(), time.Now().UnixNano()
	if now-last < int64(refusedEvery) || !s.lastRefusal.CompareAndSwap(last, now) {
		return
	}

	id := gjson.GetBytes(body, "id")
	event := ""
	if id.Type == gjson.String && usableID(id.Str) {
		event = id.Str
	}

	ctx, cancel := context.WithTimeout(ctx, refusedTimeout)
	defer cancel()
	if err := insertRefused(ctx, s.pool, event, reason, len(body)); err != nil {
		s.log.WarnContext(ctx, "noting a refused delivery failed", "error", err)
	}
}
