package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertInbox is the statement that notes the keys $2 of the consumer $1 and how the messages came
// (inboxParams, in the parameters from first on), and returns those that were not noted yet. It
// inserts in the order of keys, so that two groups with common keys cannot deadlock.
func insertInbox(first int) string {
	return fmt.Sprintf(`INSERT INTO inbox (consumer, key, sequence, published_at, attempt, trace)
		SELECT $1, key, nullif(sequence, 0), published_at, attempt, nullif(trace, '')
		FROM unnest($2::text[], $%d::bigint[], $%d::timestamptz[], $%d::int[], $%d::text[])
		  AS n (key, sequence, published_at, attempt, trace) ORDER BY key
		ON CONFLICT DO NOTHING RETURNING key`, first, first+1, first+2, first+3)
}

// inboxParams are the parameters of insertInbox beside the keys.
func inboxParams(group []*Delivery) []any {
	n := len(group)
	sequences, published, attempts, traces := make([]int64, n), make([]*time.Time, n), make([]int, n), make([]string, n)
	for i, d := range group {
		sequences[i], attempts[i] = d.sequence, d.Attempt
		traces[i] = pg.StorableText(d.Trace(), 100)
		if !d.published.IsZero() {
			published[i] = &d.published
		}
	}
	return []any{sequences, published, attempts, traces}
}

// Received is a message that a consumer has committed.
type Received struct {
	Consumer, Key string
	// At is when it was committed here, PublishedAt when the broker took it.
	At, PublishedAt time.Time
	Sequence        int64
	Attempt         int
	Trace           string
}

// Sent is a message in the outbox: receivers have not confirmed it yet.
type Sent struct {
	Key, Subject string
	At           time.Time
	Attempts     int
	Pending      []string
	Trace        string
}

// Messages are what a service knows of messages by their keys.
type Messages struct {
	Received []Received
	Sent     []Sent
	Parked   []Parked
}

// Trail finds the messages with one of the keys among what the consumers of a service received,
// what it has parked, and what waits in its outbox. It looks by keys alone, in indexes.
func Trail(ctx context.Context, db pg.DB, consumers, keys []string) (m Messages, err error) {
	m.Received, err = pg.List[Received](ctx, db, "list received messages", `
		SELECT consumer, key, at, coalesce(published_at, at) AS published_at, coalesce(sequence, 0) AS sequence,
		  coalesce(attempt, 0) AS attempt, coalesce(trace, '') AS trace
		FROM inbox WHERE consumer = ANY($1) AND key = ANY($2) ORDER BY at`, consumers, keys)
	if err != nil {
		return m, err
	}
	m.Sent, err = pg.List[Sent](ctx, db, "list messages to send", `
		SELECT key, subject, created_at AS at, attempts, pending, coalesce(headers ->> $2, '') AS trace
		FROM outbox WHERE key = ANY($1) ORDER BY seq`, keys, obs.TraceHeader)
	if err != nil {
		return m, err
	}
	m.Parked, err = pg.List[Parked](ctx, db, "list parked messages", `
		SELECT `+parkedColumns+`, ''::bytea AS payload FROM parked
		WHERE consumer = ANY($1) AND key = ANY($2) ORDER BY id`, consumers, keys)
	return m, err
}
