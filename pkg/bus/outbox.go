package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Outbox sends what a service's transactions enqueued.
type Outbox struct {
	// Alone says that only processes of this service enqueue, which wake their relay: no commands,
	// no triggers.
	Alone bool

	bus       *Bus
	pool      *pgxpool.Pool
	wake      chan struct{}
	due       atomic.Bool // rows may be due: the relay must look
	relaying  atomic.Bool // Run is at work
	lastLook  time.Time   // when the relay found the last of what was due, and when it looked for all of it
	fullLook  time.Time
	empty     bool // nothing waited when the relay measured last, and it was not woken since
	handed    handed
	confirmed confirmed
	awaited   awaited
}

// NewOutbox makes the outbox of the service that the bus and the pool belong to. Run sends.
func NewOutbox(b *Bus, pool *pgxpool.Pool) *Outbox {
	return &Outbox{
		bus:       b,
		pool:      pool,
		wake:      make(chan struct{}, 1),
		confirmed: newConfirmed(),
		awaited:   awaited{byKey: map[awaitedKey]chan struct{}{}},
	}
}

// Tx is pg.Tx, and hands what fn enqueued to the relay after the commit.
func (o *Outbox) Tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	var t *handingTx
	err := pg.Tx(ctx, o.pool, func(tx pgx.Tx) error {
		t = &handingTx{Tx: tx, outbox: o}
		return fn(t)
	})
	if err != nil {
		return err
	}
	if len(t.rows) > 0 {
		o.handed.add(t.rows)
		wait.Wake(o.wake)
	}
	if t.due {
		o.Wake()
	}
	return nil
}

// Wake makes the relay look for rows that are due; call it after a commit that enqueued something
// outside of Tx.
func (o *Outbox) Wake() {
	o.due.Store(true)
	wait.Wake(o.wake)
}

// Enqueue writes messages into the outbox as part of tx; the trace of ctx goes along. A key that is
// there already is the same message and stays as it is.
func Enqueue(ctx context.Context, tx pgx.Tx, messages ...msg.Message) error {
	if len(messages) == 0 {
		return nil
	}
	t := handing(tx, len(messages))
	n, err := newRows(ctx, messages, t.attempts())
	if err != nil {
		return err
	}
	stored, err := pg.List[storedRow](ctx, tx, "enqueue messages", n.insert("", 0), n.args()...)
	if err != nil || t == nil {
		return err
	}
	t.rows = append(t.rows, n.stored(stored)...)
	return nil
}

// Change is Tx for a single statement that changes something and enqueues messages if it did. ctes
// are the CTEs that change rows. The one named done returns a row if the messages are to be sent.
func (o *Outbox) Change(ctx context.Context, what, ctes string, args []any,
	messages ...msg.Message) (done bool, err error) {
	return o.change(ctx, what, ctes, ` WHERE EXISTS (SELECT FROM done)`, args, messages)
}

// ChangeEach is Change for a group: done has the column key, with the keys of those messages that
// are to be sent.
func (o *Outbox) ChangeEach(ctx context.Context, what, ctes string, args []any, messages ...msg.Message) error {
	_, err := o.change(ctx, what, ctes, ` WHERE key IN (SELECT key FROM done)`, args, messages)
	return err
}

func (o *Outbox) change(ctx context.Context, what, ctes, where string, args []any,
	messages []msg.Message) (done bool, err error) {
	direct := o.takes(len(messages))
	attempts := 0
	if direct {
		attempts = 1
	}
	n, err := newRows(ctx, messages, attempts)
	if err != nil {
		return false, err
	}

	sql := `WITH ` + ctes + `, said AS (` + n.insert(where, len(args)) + `)
		SELECT EXISTS (SELECT FROM done) AS done, ARRAY(SELECT seq FROM said ORDER BY seq) AS seqs,
		  ARRAY(SELECT key FROM said ORDER BY seq) AS keys`
	type changed struct {
		Done bool
		Seqs []int64
		Keys []string
	}

	var c changed
	err = pg.Again(ctx, func() (err error) {
		c, err = pg.Get[changed](ctx, o.pool, what, sql, append(slices.Clone(args), n.args()...)...)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case !direct:
		o.Wake()
	case len(c.Seqs) > 0:
		stored := make([]storedRow, len(c.Seqs))
		for i := range stored {
			stored[i] = storedRow{c.Seqs[i], c.Keys[i]}
		}
		o.handed.add(n.stored(stored))
		wait.Wake(o.wake)
	}

	return c.Done, nil
}

// newOutboxRows are messages as columns.
type newOutboxRows struct {
	keys, subjects, pending, traces []string
	payloads                        [][]byte
	attempts                        int
}

func newRows(ctx context.Context, messages []msg.Message, attempts int) (n newOutboxRows, err error) {
	n.attempts = attempts
	for _, m := range messages {
		payload, ok := m.Payload.(msg.Raw)
		if !ok {
			if payload, err = json.Marshal(m.Payload); err != nil {
				return n, fmt.Errorf("marshal message %s: %w", m.Key, err)
			}
		}
		n.traces = append(n.traces, cmp.Or(m.Trace, obs.Trace(ctx)))
		n.keys, n.subjects, n.payloads = append(n.keys, m.Key), append(n.subjects, m.Subject),
			append(n.payloads, payload)
		n.pending = append(n.pending, pendingFor(m.Subject))
	}
	return n, nil
}

// insert is the statement that stores the rows on the condition where; before is the number of
// parameters before its own.
func (n newOutboxRows) insert(where string, before int) string {
	return fmt.Sprintf(`
		INSERT INTO outbox (key, subject, payload, headers, pending, attempts, next_at)
		SELECT key, subject, payload, jsonb_build_object('`+obs.TraceHeader+`', trace), pending::text[], $%[6]d::int,
		  now() + $%[6]d::int * $%[7]d::interval
		FROM unnest($%[1]d::text[], $%[2]d::text[], $%[3]d::bytea[], $%[4]d::text[], $%[5]d::text[])
		  AS n (key, subject, payload, pending, trace)`+where+`
		ON CONFLICT (key) DO NOTHING RETURNING seq, key`,
		before+1, before+2, before+3, before+4, before+5, before+6, before+7)
}

func (n newOutboxRows) args() []any {
	return []any{n.keys, n.subjects, n.payloads, n.pending, n.traces, n.attempts, publishAfter}
}

// stored are the rows of the messages that were new.
func (n newOutboxRows) stored(stored []storedRow) []outboxRow {
	rows := make([]outboxRow, len(stored))
	for k, r := range stored {
		i := slices.Index(n.keys, r.Key)
		rows[k] = outboxRow{
			Seq:      r.Seq,
			Key:      r.Key,
			Subject:  n.subjects[i],
			Headers:  map[string]string{obs.TraceHeader: n.traces[i]},
			Payload:  n.payloads[i],
			Attempts: n.attempts,
			Pending:  msg.Receivers(n.subjects[i]),
		}
	}
	return rows
}

// storedRow is a row that was new.
type storedRow struct {
	Seq int64
	Key string
}

// InOutbox is the SQL condition that the message with a key is not confirmed yet.
func InOutbox(key string) string { return `EXISTS (SELECT FROM outbox WHERE outbox.key = ` + key + `)` }

// PruneInbox deletes the keys of a consumer's messages that are older than age, and returns how
// many. A message that comes again later is new to it.
func PruneInbox(ctx context.Context, pool *pgxpool.Pool, consumer string, age time.Duration) (int64, error) {
	return pg.InGroups(ctx, pool, "trim the inbox", `
		DELETE FROM inbox WHERE (consumer, key) IN
		  (SELECT consumer, key FROM inbox WHERE consumer = $2 AND at < now() - $3::interval ORDER BY at LIMIT $1)`,
		consumer, age)
}

// pendingFor is what a new message's column pending holds, as a literal of text[] (unnest would
// flatten arrays of arrays): the consumers that have to confirm it.
func pendingFor(subject string) string {
	return "{" + strings.Join(msg.Receivers(subject), ",") + "}" // their names need no quotes
}

const (
	awaitPause = 20 * time.Millisecond
	awaitTimes = 5
)

// Await gives a receiver a moment (620 ms at most) to commit a message that was enqueued, so that
// what a shopper does next finds its effect. It is a courtesy and no promise: when the moment is
// over the message is still under way. A confirmation that this process hears ends it at once; one
// that another process of the service heard is found in the table.
func (o *Outbox) Await(ctx context.Context, receiver, key string) {
	confirmed := o.awaited.add(awaitedKey{receiver, key})
	pause := awaitPause
	for range awaitTimes {
		if !o.bus.Connected() {
			return
		}
		select {
		case <-confirmed:
			return
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause *= 2
		var pending bool
		err := o.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outbox WHERE key = $1 AND $2 = ANY(pending))`, key,
			receiver).Scan(&pending)
		if err != nil || !pending {
			return
		}
	}
}

// outboxColumns are those of an outboxRow.
const outboxColumns = `seq, key, subject, headers, payload, attempts, pending`

type outboxRow struct {
	Seq      int64
	Key      string
	Subject  string
	Headers  map[string]string
	Payload  []byte
	Attempts int
	Pending  []string
}

// publishAfter is when a row that was published once is due again, unless it is confirmed.
const publishAfter = 15 * time.Second

// claimSQL takes up to $1 rows that are due since $2. Published rows are deleted within moments; as
// long as an old transaction keeps PostgreSQL from vacuuming, all of them lie in the index before
// the rows that are due now, and a claim without a lower bound would read them.
const claimSQL = `
	UPDATE outbox SET attempts = attempts + 1,
	  next_at = now() + least(15 * 2 ^ least(attempts, 10), 3600) * interval '1 second'
	WHERE seq IN (
	  SELECT seq FROM outbox WHERE next_at BETWEEN $2 AND now() ORDER BY next_at, seq LIMIT $1
	  FOR UPDATE SKIP LOCKED)
	RETURNING ` + outboxColumns

// claim takes up to limit rows that are due since a time, and says when they will be due again if
// their receivers do not confirm: after 15 s at first, then twice as long each time, an hour at
// most.
func claim(ctx context.Context, pool *pgxpool.Pool, limit int, since time.Time) ([]outboxRow, error) {
	return pg.List[outboxRow](ctx, pool, "claim outbox rows", claimSQL, limit, since)
}

// release makes rows due again soon: their publication failed.
func release(ctx context.Context, pool *pgxpool.Pool, seqs []int64, after time.Duration) error {
	if _, err := pool.Exec(ctx, `UPDATE outbox SET next_at = now() + $2 WHERE seq = ANY($1)`, seqs, after); err != nil {
		return fmt.Errorf("release outbox rows: %w", err)
	}
	return nil
}

const confirmSQL = `
	WITH confirmed AS (
	  SELECT key, array_agg(consumer) AS by FROM unnest($1::text[], $2::text[]) AS n (key, consumer) GROUP BY key
	), done AS (
	  DELETE FROM outbox USING confirmed WHERE outbox.key = confirmed.key AND pending <@ confirmed.by
	)
	UPDATE outbox SET pending = ARRAY(SELECT unnest(pending) EXCEPT SELECT unnest(confirmed.by))
	FROM confirmed
	WHERE outbox.key = confirmed.key AND pending && confirmed.by AND NOT pending <@ confirmed.by`

// confirm notes that consumers have committed messages, each pair of key and consumer one, and
// deletes those that no other consumer has to confirm.
func confirm(ctx context.Context, pool *pgxpool.Pool, keys, consumers []string) error {
	return pg.Exec(ctx, pool, "confirm messages", confirmSQL, keys, consumers)
}

// deletePublished deletes rows whose receiver is the stream itself.
func deletePublished(ctx context.Context, pool *pgxpool.Pool, seqs []int64) error {
	if _, err := pool.Exec(ctx, `DELETE FROM outbox WHERE seq = ANY($1) AND pending = '{}'`, seqs); err != nil {
		return fmt.Errorf("delete published outbox rows: %w", err)
	}
	return nil
}

// makeDue makes every row due now.
func makeDue(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `UPDATE outbox SET next_at = now() WHERE next_at > now()`); err != nil {
		return fmt.Errorf("make outbox rows due: %w", err)
	}
	return nil
}

// Depth says how many rows wait and how old the oldest is.
func (o *Outbox) Depth(ctx context.Context) (rows int, oldest time.Duration, err error) {
	var seconds float64
	err = o.pool.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 `+
		`FROM outbox`).Scan(&rows, &seconds)
	if err != nil {
		return 0, 0, fmt.Errorf("measure the outbox: %w", err)
	}
	return rows, time.Duration(seconds * float64(time.Second)), nil
}
