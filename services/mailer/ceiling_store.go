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
	// stripeClass keeps the locks of quotas apart from others in the database ("room").
	stripeClass = 0x726f6f6d
	stripes     = 256
)

// quotaEntry is a mail that counts in a quota.
type quotaEntry struct {
	Hash string
	At   time.Time
}

// lockQuotas locks quotas until tx ends, and returns the times of the mails counted in them after
// since.
func lockQuotas(ctx context.Context, tx pgx.Tx, hashes []string, since time.Time) (map[string][]time.Time, error) {
	locks := make([]int32, len(hashes))
	for i, h := range hashes {
		locks[i] = stripe(h)
	}
	slices.Sort(locks) // one order for all prevents deadlocks
	if err := lockStripes(ctx, tx, slices.Compact(locks)); err != nil {
		return nil, err
	}
	list, err := pg.List[quotaEntry](ctx, tx, "lock quotas", `
		SELECT hash, at FROM room WHERE hash = ANY($1) AND at > $2`, hashes, since)
	counts := map[string][]time.Time{}
	for _, e := range list {
		counts[e.Hash] = append(counts[e.Hash], e.At)
	}
	return counts, err
}

// lockStripes takes locks in the given order.
func lockStripes(ctx context.Context, tx pgx.Tx, locks []int32) error {
	return pg.Exec(ctx, tx, "lock quotas", `
		SELECT pg_advisory_xact_lock($1, n) FROM unnest($2::int[]) AS l (n)`, stripeClass, locks)
}

// lockAllQuotas is for a caller that counts in many steps.
func lockAllQuotas(ctx context.Context, tx pgx.Tx) error {
	all := make([]int32, stripes)
	for i := range all {
		all[i] = int32(i) //nolint:gosec // below stripes
	}
	return lockStripes(ctx, tx, all)
}

func insertQuotaEntries(ctx context.Context, tx pgx.Tx, counted []quotaEntry) error {
	hashes, times := make([]string, len(counted)), make([]time.Time, len(counted))
	for i, c := range counted {
		hashes[i], times[i] = c.Hash, c.At
	}
	return pg.Exec(ctx, tx, "insert quota entries", `
		INSERT INTO room (hash, at) SELECT * FROM unnest($1::text[], $2::timestamptz[])`, hashes, times)
}

// deleteOldQuotaEntries deletes the entries that are older than every window.
func deleteOldQuotaEntries(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old quota entries", `
		DELETE FROM room WHERE ctid IN (SELECT ctid FROM room WHERE at < now() - interval '25 hours' LIMIT $1)`)
}

// countSuppressed counts the mails that the ceiling held back within a day.
func countSuppressed(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	return pg.Get[int](ctx, pool, "count suppressed mails", `
		SELECT count(*) FROM delivery WHERE state = 'suppressed' AND done_at > now() - interval '1 day'`)
}
