package events

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// keyTTL is a day longer than the stream of client events keeps messages.
const keyTTL = 8 * 24 * time.Hour

// deleteEventKeys deletes the keys of client events that their stream no longer holds.
func deleteEventKeys(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return bus.PruneInbox(ctx, pool, msg.EventsEvent, keyTTL)
}

// createMonths creates the tables of this month and the next.
func createMonths(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.Get[int64](ctx, pool, "create the tables of months", `
		SELECT make_months((now() AT TIME ZONE 'UTC')::date, (now() AT TIME ZONE 'UTC' + interval '1 month')::date)`)
}

// clearClients clears the client's address and the browser's name in older page views.
func clearClients(ctx context.Context, pool *pgxpool.Pool, days int) (int64, error) {
	return pg.InGroups(ctx, pool, "clear clients", `
		UPDATE page_view SET remote_addr = NULL, user_agent = NULL
		WHERE id = ANY(ARRAY(
		  SELECT id FROM page_view
		  WHERE at < now() - $2 * interval '1 day' AND (remote_addr IS NOT NULL OR user_agent IS NOT NULL)
		  ORDER BY at LIMIT $1))`, days)
}

// movedColumns are the columns that the tables of old processes have.
var movedColumns = map[string]string{
	"page_view":  "event_id, user_id, anonymous_id, url, page_width, remote_addr, user_agent, order_mark, at",
	"call_error": "event_id, user_id, anonymous_id, url, error_id, at",
	"click":      "event_id, user_id, anonymous_id, url, button_id, at",
	"arrival":    "event_id, user_id, prospect_id, anonymous_id, email_id, ad_id, url, at",
}

// bringOver moves rows that old processes wrote, during an upgrade or before it, to the monthly
// tables.
func bringOver(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for _, t := range visitTables {
		if err := pg.Exec(ctx, pool, "create the tables of months", `
			SELECT make_months(greatest(min(at), now() - interval '10 years')::date, least(max(at), now())::date)
			FROM `+t.before+`
			HAVING min(at) IS NOT NULL`); err != nil {
			return total, err
		}
		columns := movedColumns[t.now]
		n, err := pg.InGroups(ctx, pool, "bring events over", `
			WITH gone AS (
			  DELETE FROM `+t.before+` WHERE id IN (
			    SELECT id FROM `+t.before+` ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
			  RETURNING `+columns+`)
			INSERT INTO `+t.now+` (`+columns+`) SELECT `+columns+` FROM gone ON CONFLICT (event_id, at) DO NOTHING`)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// dropOldEvents drops the months that ended so many days ago, and deletes rows of that age that lie
// outside of any month. Figures stay, except those by names that outsiders chose: pages, errors,
// searches.
func dropOldEvents(ctx context.Context, pool *pgxpool.Pool, days int) (total int64, err error) {
	if total, err = pg.Get[int64](ctx, pool, "drop old months",
		`SELECT drop_months(((now() - $1 * interval '1 day') AT TIME ZONE 'UTC')::date)`, days); err != nil {
		return total, err
	}
	for _, t := range visitTables {
		n, err := pg.InGroups(ctx, pool, "delete old events", fmt.Sprintf(`
			DELETE FROM %[1]s_rest WHERE id = ANY(ARRAY(
			  SELECT id FROM %[1]s_rest WHERE at < now() - $2 * interval '1 day' ORDER BY at LIMIT $1))`, t.now), days)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, pg.Exec(ctx, pool, "delete old figures", `
		WITH days AS (DELETE FROM pageview_day WHERE day < (now() - $1 * interval '1 day')::date)
		DELETE FROM day_part
		WHERE kind IN ('page', 'error', 'search') AND day < (now() - $1 * interval '1 day')::date`, days)
}
