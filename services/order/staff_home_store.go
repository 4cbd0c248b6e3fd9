package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// countForHome counts up to a limit, over indexes that contain only what is waiting.
func countForHome(ctx context.Context, db pg.DB, limit int) (homeCounts, error) {
	return pg.Get[homeCounts](ctx, db, "count what waits for the staff", `
		SELECT
		  (SELECT count(*) FROM (
		    SELECT FROM status s CROSS JOIN LATERAL (
		      SELECT FROM orders o WHERE o.current_status = s.identifier LIMIT $1) AS w
		    WHERE `+unsentSQL+` LIMIT $1) AS t) AS to_ship,
		  (SELECT count(*) FROM (SELECT FROM orders WHERE placed_at > now() - interval '1 day' LIMIT $1) AS o) AS day,
		  (SELECT count(*) FROM (SELECT FROM payment_issue WHERE resolved_at IS NULL LIMIT $1) AS i) AS issues,
		  (SELECT count(*) FROM (
		    SELECT FROM dispute
		    WHERE status <> ALL (ARRAY['won', 'lost', 'warning_closed']) LIMIT $1) AS d) AS disputes,
		  (SELECT count(*) FROM (SELECT FROM refund WHERE state = 'requested' LIMIT $1) AS q)
		    + (SELECT count(*) FROM (SELECT FROM refund WHERE state = 'pending' LIMIT $1) AS p) AS refunds`, limit)
}
