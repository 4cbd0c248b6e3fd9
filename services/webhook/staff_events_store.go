package webhook

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const storedEventColumnsSQL = `id, type, coalesce(object, '') AS object, coalesce(payment, '') AS payment, paid,
	coalesce(created, received) AS created, received`

// eventsAboutSQL finds events by their own ids, those of what they are about, or its payment
// intent, $1: each by an index.
const eventsAboutSQL = `id IN (
	SELECT id FROM event WHERE id = ANY($1)
	UNION
	SELECT id FROM event WHERE object = ANY($1)
	UNION
	SELECT id FROM event WHERE payment = ANY($1))`

// listEvents lists events, newest first: those about keys, if there are any, and those after a
// place in the list, if one is given.
func listEvents(ctx context.Context, db pg.DB, keys []string, before eventPlace, rows int) ([]storedEvent, error) {
	which := "$1::text[] IS NULL"
	if len(keys) > 0 {
		which = eventsAboutSQL
	}
	return pg.List[storedEvent](ctx, db, "list events for staff", `
		SELECT `+storedEventColumnsSQL+` FROM event WHERE `+which+`
		  AND ($2::timestamptz IS NULL OR (received, id) < ($2, $3))
		ORDER BY received DESC, id DESC LIMIT $4`, keys, pg.TimeOrNull(before.At), before.ID, rows)
}

// findEvent finds an event with its body, as Stripe sent it or as an erasure left it.
func findEvent(ctx context.Context, db pg.DB, id string) (storedEvent, []byte, error) {
	type row struct {
		storedEvent
		Payload []byte
	}
	e, err := web.OrNotFound(pg.One[row](ctx, db, "find event $1",
		`SELECT `+storedEventColumnsSQL+`, payload FROM event WHERE id = $1`, id))
	return e.storedEvent, e.Payload, err
}
