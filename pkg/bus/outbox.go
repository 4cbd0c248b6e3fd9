package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Outbox sends what a service's transactions enqueued.
type Outbox struct {
	bus  *Bus
	pool *pgxpool.Pool
	wake chan struct{}
}

// NewOutbox makes the outbox of the service that the bus and the pool belong to. Run sends.
func NewOutbox(b *Bus, pool *pgxpool.Pool) *Outbox {
	return &Outbox{bus: b, pool: pool, wake: make(chan struct{}, 1)}
}

// Tx is pg.Tx, and wakes the relay after the commit.
func (o *Outbox) Tx(ctx context.Context, fn func(tx pgx.Tx) error) error {
	if err := pg.Tx(ctx, o.pool, fn); err != nil {
		return err
	}
	o.Wake()
	return nil
}

// Wake makes the relay look at once; call it after a commit that enqueued something.
func (o *Outbox) Wake() { poke(o.wake) }

// Rows are messages as the columns of the outbox, for a caller that inserts them in a statement of
// its own (`SELECT * FROM unnest(...)`).
type Rows struct {
	Keys, Subjects []string
	Payloads       [][]byte
	// Headers and Pending are JSON texts: unnest would flatten arrays of arrays.
	Headers, Pending []string
}

// NewRows marshals messages. The trace of ctx goes along.
func NewRows(ctx context.Context, messages ...msg.Message) (Rows, error) {
	var r Rows
	headers, err := json.Marshal(map[string]string{obs.TraceHeader: obs.Trace(ctx)})
	if err != nil {
		return Rows{}, fmt.Errorf("marshal headers: %w", err)
	}
	for _, m := range messages {
		payload, err := json.Marshal(m.Payload)
		if err != nil {
			return Rows{}, fmt.Errorf("marshal message %s: %w", m.Key, err)
		}
		pending, err := json.Marshal(append([]string{}, msg.Receivers(m.Subject)...))
		if err != nil {
			return Rows{}, fmt.Errorf("marshal receivers of %s: %w", m.Key, err)
		}
		r.Keys, r.Subjects = append(r.Keys, m.Key), append(r.Subjects, m.Subject)
		r.Payloads = append(r.Payloads, payload)
		r.Headers, r.Pending = append(r.Headers, string(headers)), append(r.Pending, string(pending))
	}
	return r, nil
}

// Enqueue writes messages into the outbox as part of tx. A key that is there already is the same
// message and stays as it is.
func Enqueue(ctx context.Context, tx pgx.Tx, messages ...msg.Message) error {
	if len(messages) == 0 {
		return nil
	}
	r, err := NewRows(ctx, messages...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO outbox (key, subject, payload, headers, pending)
		SELECT key, subject, payload, headers::jsonb, ARRAY(SELECT jsonb_array_elements_text(pending::jsonb))
		FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[]) AS n (key, subject, payload, headers, pending)
		ON CONFLICT (key) DO NOTHING`,
		r.Keys, r.Subjects, r.Payloads, r.Headers, r.Pending)
	if err != nil {
		return fmt.Errorf("enqueue %d messages: %w", len(messages), err)
	}
	return nil
}

const (
	awaitPause = 5 * time.Millisecond
	awaitTimes = 7
)

// Await gives a receiver a moment (635 ms at most) to commit a message that was enqueued, so that
// what a shopper does next finds its effect. It is a courtesy and no promise: when the moment is over
// the message is still under way.
func (o *Outbox) Await(ctx context.Context, receiver, key string) {
	pause := awaitPause
	for range awaitTimes {
		if !o.bus.Connected() {
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
		pause *= 2
		var pending bool
		err := o.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM outbox WHERE key = $1 AND $2 = ANY(pending))`, key, receiver).Scan(&pending)
		if err != nil || !pending {
			return
		}
	}
}

type outboxRow struct {
	Seq      int64
	Key      string
	Subject  string
	Headers  map[string]string
	Payload  []byte
	Attempts int
	Pending  []string
}

// claim takes up to limit rows that are due and says when they will be due again, should their
// receivers not confirm: 15 s at first, then twice as long each time, an hour at most.
func claim(ctx context.Context, pool *pgxpool.Pool, limit int) ([]outboxRow, error) {
	rows, err := pool.Query(ctx, `
		UPDATE outbox SET attempts = attempts + 1, next_at = now() + least(15 * 2 ^ least(attempts, 10), 3600) * interval '1 second'
		WHERE seq IN (SELECT seq FROM outbox WHERE next_at <= now() ORDER BY next_at, seq LIMIT $1 FOR UPDATE SKIP LOCKED)
		RETURNING seq, key, subject, headers, payload, attempts, pending`, limit)
	if err != nil {
		return nil, fmt.Errorf("claim outbox rows: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[outboxRow])
}

// release makes rows due again soon: their publication failed.
func release(ctx context.Context, pool *pgxpool.Pool, seqs []int64, after time.Duration) error {
	if _, err := pool.Exec(ctx, `UPDATE outbox SET next_at = now() + $2 WHERE seq = ANY($1)`, seqs, after); err != nil {
		return fmt.Errorf("release outbox rows: %w", err)
	}
	return nil
}

// confirm notes that a consumer has committed messages, and forgets those that nobody else has to.
func confirm(ctx context.Context, pool *pgxpool.Pool, consumer string, keys []string) error {
	_, err := pool.Exec(ctx, `
		WITH done AS (DELETE FROM outbox WHERE key = ANY($2) AND pending <@ ARRAY[$1] RETURNING seq)
		UPDATE outbox SET pending = array_remove(pending, $1)
		WHERE key = ANY($2) AND $1 = ANY(pending) AND NOT pending <@ ARRAY[$1]`, consumer, keys)
	if err != nil {
		return fmt.Errorf("confirm outbox rows: %w", err)
	}
	return nil
}

// forget deletes rows whose receiver is the stream itself.
func forget(ctx context.Context, pool *pgxpool.Pool, seqs []int64) error {
	if _, err := pool.Exec(ctx, `DELETE FROM outbox WHERE seq = ANY($1) AND pending = '{}'`, seqs); err != nil {
		return fmt.Errorf("delete published outbox rows: %w", err)
	}
	return nil
}

// rush makes every row due now.
func rush(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `UPDATE outbox SET next_at = now() WHERE next_at > now()`); err != nil {
		return fmt.Errorf("make outbox rows due: %w", err)
	}
	return nil
}

// Depth says how many rows wait and how old the oldest is.
func (o *Outbox) Depth(ctx context.Context) (rows int, oldest time.Duration, err error) {
	var seconds float64
	err = o.pool.QueryRow(ctx, `SELECT count(*), coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 FROM outbox`).Scan(&rows, &seconds)
	if err != nil {
		return 0, 0, fmt.Errorf("measure the outbox: %w", err)
	}
	return rows, time.Duration(seconds * float64(time.Second)), nil
}
