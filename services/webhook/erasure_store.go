package webhook

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// eraseEvents empties the events that are about a person.
func eraseEvents(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	ids, err := eventsAbout(ctx, tx, p)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "clear the events of a person", `
		UPDATE event SET payload = '{}', marks = '{}' WHERE id = ANY($1)`, ids)
}

// ExportEvents returns everything that webhook has about a person: the events of Stripe that name
// them, and those of the same purchases.
func ExportEvents(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	ids, err := eventsAbout(ctx, db, p)
	if err != nil {
		return nil, err
	}
	events, err := erasure.ExportPayloads(ctx, db,
		erasure.Table{
			Name:    "events",
			Rows:    `event WHERE id = ANY($1) ORDER BY received, id`,
			Without: "marks",
		}, ids)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string][]json.RawMessage{"events": events})
}

// eventsAbout finds the events that name a person, and those of the same purchases (see
// erasure.StripeObjects): by their marks, and by their text if they are older than the marks.
func eventsAbout(ctx context.Context, db pg.DB, p erasure.Person) ([]string, error) {
	named, err := erasure.Mentioning[string](ctx, db, p, "look for the events of a person", `
		SELECT id, '', payload FROM event WHERE marks && $2
		UNION ALL
		SELECT id, '', payload FROM event WHERE marks IS NULL AND `+
		erasure.InBytes("payload", "$1"), p.Fingerprints())
	if err != nil || len(named) == 0 {
		return nil, err
	}

	payloads, err := pg.List[[]byte](ctx, db, "read the events of a person",
		`SELECT payload FROM event WHERE id = ANY($1)`, named)
	if err != nil {
		return nil, err
	}

	var objects []string
	for _, payload := range payloads {
		for _, id := range erasure.StripeObjects(payload) {
			objects = append(objects, strings.ToLower(id))
		}
	}
	slices.Sort(objects)
	objects = slices.Compact(objects)

	return pg.List[string](ctx, db, "find the events of a person's purchases", `
		SELECT id FROM event WHERE id = ANY($1)
		UNION
		SELECT id FROM event WHERE marks && $2
		UNION
		SELECT id FROM event WHERE marks IS NULL AND `+erasure.InBytes("payload", "$3")+`
		ORDER BY id`, named,
		erasure.MarksOf(objects), objects)
}
