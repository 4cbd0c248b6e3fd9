package limits

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// storeTimeout bounds the database's part in counting a request.
	storeTimeout = 3 * time.Second
	// fewTries are so few that an hour without another one ends them: names that a flood tries once
	// or twice do not fill the table for a day. Three an hour are far below every limit of a day.
	fewTries  = 3
	fewWindow = time.Hour
)

// countPaused counts a request now, unless a pause or the limit forbids it; then it returns how
// long to wait. One statement decides, on the row's newest state, so that many requests at once are
// not more than allowed.
func countPaused(ctx context.Context, pool *pgxpool.Pool, r Rule, k key) (at time.Time, wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()

	var now time.Time
	var taken *time.Time
	var before []time.Time
	err = pool.QueryRow(ctx, `
		WITH moment AS MATERIALIZED (
		  SELECT clock_timestamp() AS now
		), taken AS (
		  INSERT INTO guess AS g (key, at, until) SELECT $1, ARRAY[now], now + $7 FROM moment
		  ON CONFLICT (key) DO UPDATE
		  SET at = ARRAY(
		      SELECT t FROM unnest(g.at) t WHERE t > excluded.at[1] - $2::interval ORDER BY t) || excluded.at,
		    until = CASE WHEN cardinality(g.at) < $6 THEN excluded.until ELSE excluded.at[1] + $2 END
		  WHERE (
		    SELECT count(*) < $3 AND (count(*) < $4 OR excluded.at[1] >= max(t) + $5::interval * (count(*) - $4 + 1))
		    FROM unnest(g.at) t WHERE t > excluded.at[1] - $2::interval)
		  RETURNING at[cardinality(at)] AS at
		)
		SELECT now, (SELECT at FROM taken), (SELECT at FROM guess WHERE key = $1) FROM moment`,
		k[:], r.Window, r.Limit, r.Free, r.Step, fewTries, fewWindow).Scan(&now, &taken, &before)
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("count %s: %w", r.Name, err)
	}

	if taken != nil {
		return *taken, 0, nil
	}
	return time.Time{}, r.waits(before, now), nil
}

// waits is how long after now the next request may come, given the times of the last ones.
func (r Rule) waits(at []time.Time, now time.Time) time.Duration {
	for len(at) > 0 && !at[0].After(now.Add(-r.Window)) {
		at = at[1:]
	}
	n := int64(len(at))
	next := now
	if n >= r.Free && n > 0 {
		next = at[n-1].Add(r.Step * time.Duration(n-r.Free+1))
	}
	if n >= r.Limit {
		if room := at[n-r.Limit].Add(r.Window); room.After(next) {
			next = room
		}
	}
	return max(next.Sub(now), time.Second)
}

// uncountPaused takes one count back, even if its client has left.
func uncountPaused(pool *pgxpool.Pool, k key, at time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return pg.Exec(ctx, pool, "take back a count", `
		UPDATE guess SET at = at[:array_position(at, $2) - 1] || at[array_position(at, $2) + 1:]
		WHERE key = $1 AND array_position(at, $2) IS NOT NULL`, k[:], at)
}

// deleteExpired deletes counters that no longer affect any rule.
func deleteExpired(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.Exec(ctx, pool, "drop old counts", `DELETE FROM guess WHERE until < now() OR at = '{}'`)
}
