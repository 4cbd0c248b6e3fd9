package webhook

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// forget empties the events that are about a person.
func forget(ctx context.Context, tx pgx.Tx, e msg.Erased) error {
	// All events are looked at.
	if err := pg.Exec(ctx, tx, "allow for a long look", `SET LOCAL statement_timeout = '18s'`); err != nil {
		return err
	}
	ids, err := eventsAbout(ctx, tx, e)
	if err != nil {
		return err
	}
	if err := pg.Exec(ctx, tx, "empty the events of a person", `
		UPDATE event SET payload = '{}' WHERE id = ANY($1)`, ids); err != nil {
		return err
	}
	return bus.ForgetPeople(ctx, tx, e)
}

// eventsAbout finds the events that name a person, and those of the same purchases (see
// msg.StripeObjects).
func eventsAbout(ctx context.Context, db pg.DB, e msg.Erased) ([]string, error) {
	ids, objects := map[string]bool{}, map[string]bool{}
	err := eventsWith(ctx, db, e.Needles(), func(id string, payload []byte) {
		if !e.Mentions(payload) {
			return
		}
		ids[id] = true
		for _, object := range msg.StripeObjects(payload) {
			objects[object] = true
		}
	})
	if err == nil && len(objects) > 0 {
		err = eventsWith(ctx, db, slices.Collect(maps.Keys(objects)), func(id string, _ []byte) { ids[id] = true })
	}
	return slices.Sorted(maps.Keys(ids)), err
}

// eventsWith calls found for every event in which one of these texts stands, in whatever case.
func eventsWith(ctx context.Context, db pg.DB, texts []string, found func(id string, payload []byte)) error {
	rows, err := db.Query(ctx, `
		SELECT id, payload FROM event
		WHERE EXISTS (SELECT FROM unnest($1::text[]) AS n (t) WHERE position(lower(encode(convert_to(t, 'UTF8'), 'escape')) IN lower(encode(payload, 'escape'))) > 0)`, texts)
	if err != nil {
		return fmt.Errorf("look for the events of a person: %w", err)
	}
	var id string
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &payload}, func() error {
		found(id, payload)
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for the events of a person: %w", err)
	}
	return nil
}
