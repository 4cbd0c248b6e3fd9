package webhook

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertEvents stores a group and returns those events that were not stored before. The bodies
// travel as one value, which the statement cuts apart: an array of them would be built, and read,
// piece by piece.
func insertEvents(ctx context.Context, tx pgx.Tx, group []*job) (added []*job, err error) {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	bodies := (*scratch)[:0]
	n := len(group)
	ids, types, versions, created := make([]string, n), make([]string, n), make([]*string, n), make([]*time.Time, n)
	starts, lengths, marks := make([]int, n), make([]int, n), make([]string, n)
	objects, payments, paid := make([]*string, n), make([]*string, n), make([]bool, n)

	for i, j := range group {
		ids[i], types[i], versions[i], created[i] = j.id, j.kind, j.apiVersion, j.created
		starts[i], lengths[i] = len(bodies)+1, len(j.body)
		objects[i], payments[i], paid[i] = j.object, j.payment, j.paid
		bodies = append(bodies, j.body...)
		marks[i] = commaList(erasure.Fingerprints(j.body))
	}
	*scratch = bodies

	stored, err := pg.List[string](ctx, tx, "insert events", `
		INSERT INTO event (id, type, api_version, created, object, payment, paid, payload, marks)
		SELECT id, type, api_version, created, object, payment, paid, substring($10::bytea FROM start FOR length),
		  string_to_array(marks, ',')::bigint[]
		FROM unnest(
		  $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::int[], $7::text[], $8::text[],
		  $9::boolean[], $11::text[]
		) AS n (id, type, api_version, created, start, length, object, payment, paid, marks)
		ON CONFLICT (id) DO NOTHING RETURNING id`,
		ids, types, versions, created, starts, lengths, objects, payments, paid,
		bodies, marks)
	if err != nil {
		return nil, err
	}

	for _, id := range stored {
		i, _ := slices.BinarySearchFunc(group, id, func(j *job, id string) int { return strings.Compare(j.id, id) })
		added = append(added, group[i])
	}
	return added, nil
}

// commaList joins numbers with commas: arrays of different lengths cannot travel in one array.
func commaList(numbers []int64) string {
	var text []byte
	for i, n := range numbers {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(text)
}

// enqueue writes the messages of events that were inserted in the same transaction. They take the
// bodies from the events' rows, where they are compressed already: compressing them a second time
// took a third of the database's time for an event.
func enqueue(ctx context.Context, tx pgx.Tx, added []*job) error {
	n := len(added)
	ids, subjects, headers := make([]string, n), make([]string, n), make([]string, n)
	for i, j := range added {
		ids[i], subjects[i], headers[i] = j.id, msg.StripeSubject(j.kind), obs.TraceHeaders(j.trace)
	}
	return bus.EnqueueFrom(ctx, tx, "event", ids, subjects, headers)
}

// insertFew stores events and their messages in one statement. An event that is in a group twice is
// stored once.
func insertFew(ctx context.Context, outbox *bus.Outbox, group []*job) error {
	n := len(group)
	ids, types, versions, created := make([]string, n), make([]string, n), make([]*string, n), make([]*time.Time, n)
	bodies, messages := make([][]byte, n), make([]msg.Message, n)
	objects, payments, paid, marks := make([]*string, n), make([]*string, n), make([]bool, n), make([]string, n)

	for i, j := range group {
		objects[i], payments[i], paid[i] = j.object, j.payment, j.paid
		marks[i] = commaList(erasure.Fingerprints(j.body))
		// The relay keeps the body for longer than the request keeps its buffer.
		ids[i], types[i], versions[i], created[i], bodies[i] = j.id, j.kind, j.apiVersion, j.created,
			bytes.Clone(j.body)
		messages[i] = msg.Message{
			Key:     j.id,
			Subject: msg.StripeSubject(j.kind),
			Payload: msg.Raw(bodies[i]),
			Trace:   j.trace,
		}
	}

	return outbox.ChangeEach(ctx, "insert events", `done AS (
		INSERT INTO event (id, type, api_version, created, payload, object, payment, paid, marks)
		SELECT id, type, api_version, created, payload, object, payment, paid, string_to_array(marks, ',')::bigint[]
		FROM unnest(
		  $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[], $6::text[], $7::text[],
		  $8::boolean[], $9::text[]
		) AS n (id, type, api_version, created, payload, object, payment, paid, marks)
		ON CONFLICT (id) DO NOTHING RETURNING id AS key)`,
		[]any{ids, types, versions, created, bodies, objects, payments, paid, marks}, messages...)
}
