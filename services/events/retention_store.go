package events

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// housekeepingGroup bounds one statement of housekeeping.
const housekeepingGroup = 5000

// forgetInbox drops keys of client events that are older than their stream keeps messages.
func forgetInbox(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return inGroups(ctx, pool, "forget inbox keys", `
		DELETE FROM inbox WHERE (consumer, key) IN
			(SELECT consumer, key FROM inbox WHERE consumer = $2 AND at < now() - interval '8 days' ORDER BY at LIMIT $1)`, msg.EventsEvent)
}

// forgetClients takes the client's address and the browser's name out of older page views.
func forgetClients(ctx context.Context, pool *pgxpool.Pool, days int) (int64, error) {
	return inGroups(ctx, pool, "forget clients", `
		UPDATE pageview SET remote_addr = NULL, user_agent = NULL WHERE id IN
			(SELECT id FROM pageview WHERE at < now() - $2 * interval '1 day' AND (remote_addr IS NOT NULL OR user_agent IS NOT NULL) ORDER BY at LIMIT $1)`, days)
}

// deleteOldReports deletes what browsers reported long ago.
func deleteOldReports(ctx context.Context, pool *pgxpool.Pool, days int) (total int64, err error) {
	for _, table := range []string{"pageview", "ajax_error", "button_click", "link_event"} {
		n, err := inGroups(ctx, pool, "delete old reports", `
			DELETE FROM `+table+` WHERE id IN (SELECT id FROM `+table+` WHERE at < now() - $2 * interval '1 day' ORDER BY at LIMIT $1)`, days)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, nil
}

// inGroups repeats a statement, whose $1 is the most rows that it may change, until there are fewer.
func inGroups(ctx context.Context, pool *pgxpool.Pool, what, sql string, args ...any) (total int64, err error) {
	for {
		tag, err := pool.Exec(ctx, sql, append([]any{housekeepingGroup}, args...)...)
		if err != nil {
			return total, fmt.Errorf("%s: %w", what, err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < housekeepingGroup {
			return total, nil
		}
	}
}
