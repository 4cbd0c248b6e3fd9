package mailer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// stripeClass keeps the locks of rooms apart from others in the database ("room").
	stripeClass = 0x726f6f6d
	stripes     = 256
)

// roomEntry is a mail that counts in a room.
type roomEntry struct {
	hash string
	at   time.Time
}

// lockRooms keeps rooms as they are until tx ends, and says what is counted in them since a moment.
func lockRooms(ctx context.Context, tx pgx.Tx, hashes []string, since time.Time) (map[string][]time.Time, error) {
	locks := make([]int32, len(hashes))
	for i, h := range hashes {
		locks[i] = stripe(h)
	}
	slices.Sort(locks) // all take them in this order, so that none waits for one that waits for it
	if err := lockStripes(ctx, tx, slices.Compact(locks)); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `SELECT hash, at FROM room WHERE hash = ANY($1) AND at > $2`, hashes, since)
	if err != nil {
		return nil, fmt.Errorf("look into %d rooms: %w", len(hashes), err)
	}
	counts := map[string][]time.Time{}
	var hash string
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&hash, &at}, func() error {
		counts[hash] = append(counts[hash], at)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look into %d rooms: %w", len(hashes), err)
	}
	return counts, nil
}

// lockStripes takes locks in the given order.
func lockStripes(ctx context.Context, tx pgx.Tx, locks []int32) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, n) FROM unnest($2::int[]) AS l (n)`, stripeClass, locks); err != nil {
		return fmt.Errorf("lock rooms: %w", err)
	}
	return nil
}

// lockAllRooms is for who counts in many steps.
func lockAllRooms(ctx context.Context, tx pgx.Tx) error {
	all := make([]int32, stripes)
	for i := range all {
		all[i] = int32(i) //nolint:gosec // below stripes
	}
	return lockStripes(ctx, tx, all)
}

func insertRooms(ctx context.Context, tx pgx.Tx, counted []roomEntry) error {
	hashes, times := make([]string, len(counted)), make([]time.Time, len(counted))
	for i, c := range counted {
		hashes[i], times[i] = c.hash, c.at
	}
	if _, err := tx.Exec(ctx, `INSERT INTO room (hash, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])`, hashes, times); err != nil {
		return fmt.Errorf("count %d mails: %w", len(counted), err)
	}
	return nil
}

// emptyRooms forgets what no window reaches any more.
func emptyRooms(ctx context.Context, pool *pgxpool.Pool) error {
	if _, err := pool.Exec(ctx, `DELETE FROM room WHERE at < now() - interval '25 hours'`); err != nil {
		return fmt.Errorf("empty rooms: %w", err)
	}
	return nil
}

// countSuppressed is how many mails the ceiling held back within a day.
func countSuppressed(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	err = pool.QueryRow(ctx, `SELECT count(*) FROM delivery WHERE state = 'suppressed' AND done_at > now() - interval '1 day'`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count suppressed mails: %w", err)
	}
	return n, nil
}
