package mailer

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// stripeClass keeps the locks of rooms apart from others in the database ("room").
	stripeClass = 0x726f6f6d
	stripes     = 256
)

// roomEntry is a mail that counts in a room.
type roomEntry struct {
	Hash string
	At   time.Time
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
	list, err := pg.List[roomEntry](ctx, tx, "look into rooms", `
		SELECT hash, at FROM room WHERE hash = ANY($1) AND at > $2`, hashes, since)
	counts := map[string][]time.Time{}
	for _, e := range list {
		counts[e.Hash] = append(counts[e.Hash], e.At)
	}
	return counts, err
}

// lockStripes takes locks in the given order.
func lockStripes(ctx context.Context, tx pgx.Tx, locks []int32) error {
	return pg.Exec(ctx, tx, "lock rooms", `
		SELECT pg_advisory_xact_lock($1, n) FROM unnest($2::int[]) AS l (n)`, stripeClass, locks)
}

// lockAllRooms is for a caller that counts in many steps.
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
		hashes[i], times[i] = c.Hash, c.At
	}
	return pg.Exec(ctx, tx, "count mails", `
		INSERT INTO room (hash, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])`, hashes, times)
}

// emptyRooms drops what no window reaches any more.
func emptyRooms(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "empty rooms", `
		DELETE FROM room WHERE ctid IN (SELECT ctid FROM room WHERE at < now() - interval '25 hours' LIMIT $1)`)
}

// countSuppressed is how many mails the ceiling held back within a day.
func countSuppressed(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	return pg.Get[int](ctx, pool, "count suppressed mails", `
		SELECT count(*) FROM delivery WHERE state = 'suppressed' AND done_at > now() - interval '1 day'`)
}
