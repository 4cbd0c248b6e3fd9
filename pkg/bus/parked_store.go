package bus

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ParkedList says which parked messages are listed.
type ParkedList struct {
	Consumer, Subject string // "" for all
	After             int64  // only those with a larger id
	Resolved          bool   // those that were resolved, instead of those that wait
	Rows              int
}

const parkedColumns = `id, consumer, key, subject, headers, reason, attempts, at,
	coalesce(resolution, CASE WHEN resolved_at IS NULL THEN '' ELSE 'dropped' END) AS resolution,
	coalesce(resolved_at, '0001-01-01'::timestamptz) AS resolved_at, coalesce(resolved_by, '') AS resolved_by,
	coalesce(note, '') AS note`

// ListParked lists parked messages without their payloads, the oldest first.
func ListParked(ctx context.Context, db pg.DB, l ParkedList) ([]Parked, error) {
	waits := `resolved_at IS NULL` // the condition of an index, which a parameter could not choose
	if l.Resolved {
		waits = `resolved_at IS NOT NULL`
	}
	return pg.List[Parked](ctx, db, "list parked messages", `
		SELECT `+parkedColumns+`, ''::bytea AS payload FROM parked
		WHERE `+waits+` AND id > $1 AND ($2 = '' OR consumer = $2) AND ($3 = '' OR subject = $3)
		ORDER BY id LIMIT $4`, l.After, l.Consumer, l.Subject, l.Rows)
}

// FindParked finds a parked message, whether it waits or not.
func FindParked(ctx context.Context, db pg.DB, id int64) (p Parked, found bool, err error) {
	return pg.One[Parked](ctx, db, "find parked message $1", `
		SELECT `+parkedColumns+`, payload FROM parked WHERE id = $1`, id)
}

// ParkedNaming lists messages that wait or were dropped and that name something, such as an order
// by its identifier: at most that many, the newest first, without their payloads. It reads all
// parked messages, which are few.
func ParkedNaming(ctx context.Context, db pg.DB, text string, most int) ([]Parked, error) {
	return pg.List[Parked](ctx, db, "list parked messages that name $1", `
		SELECT `+parkedColumns+`, ''::bytea AS payload FROM parked
		WHERE position(convert_to($1, 'UTF8') IN payload) > 0 AND resolution IS DISTINCT FROM 'replayed'
		ORDER BY id DESC LIMIT $2`, text, most)
}

// ParkedCount is how many messages wait for a person, and since when the oldest does.
type ParkedCount struct {
	Count  int64
	Oldest time.Time
}

// CountParked counts the parked messages that wait.
func CountParked(ctx context.Context, db pg.DB) (ParkedCount, error) {
	return pg.Get[ParkedCount](ctx, db, "count parked messages", `
		SELECT count(*) AS count, coalesce(min(at), '0001-01-01'::timestamptz) AS oldest
		FROM parked WHERE resolved_at IS NULL`)
}

// resolveParked notes what became of a message that waits; its row is locked from then on.
func resolveParked(ctx context.Context, tx pgx.Tx, id int64, resolution, by, note string) (bool, error) {
	return pg.ExecOne(ctx, tx, "resolve parked message $1", `
		UPDATE parked SET resolved_at = now(), resolution = $2, resolved_by = $3, note = nullif($4, '')
		WHERE id = $1 AND resolved_at IS NULL`, id, resolution, by, note)
}

// noteAgain has the inbox know a key, also one that was pruned meanwhile.
func noteAgain(ctx context.Context, tx pgx.Tx, consumer, key string) error {
	return pg.Exec(ctx, tx, "note an inbox key", `
		INSERT INTO inbox (consumer, key) VALUES ($1, $2) ON CONFLICT (consumer, key) DO UPDATE SET at = now()`,
		consumer, key)
}

// noteReason stores why a message failed again, if it still waits.
func noteReason(ctx context.Context, db pg.DB, id int64, reason string) (bool, error) {
	return pg.ExecOne(ctx, db, "note why message $1 failed", `
		UPDATE parked SET attempts = attempts + 1, reason = $2 WHERE id = $1 AND resolved_at IS NULL`, id, reason)
}
