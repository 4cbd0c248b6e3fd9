package events

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// dropKeys drops the keys of client events that are older than their stream keeps messages.
func dropKeys(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return bus.PruneInbox(ctx, pool, msg.EventsEvent, 8*24*time.Hour)
}

// dropClients takes the client's address and the browser's name out of older page views.
func dropClients(ctx context.Context, pool *pgxpool.Pool, days int) (int64, error) {
	return pg.InGroups(ctx, pool, "drop clients", `
		UPDATE pageview SET remote_addr = NULL, user_agent = NULL WHERE id IN
			(SELECT id FROM pageview WHERE at < now() - $2 * interval '1 day'
			  AND (remote_addr IS NOT NULL OR user_agent IS NOT NULL) ORDER BY at LIMIT $1)`, days)
}

// deleteOldReports deletes what browsers reported long ago.
func deleteOldReports(ctx context.Context, pool *pgxpool.Pool, days int) (total int64, err error) {
	for _, table := range []string{"pageview", "ajax_error", "button_click", "link_event"} {
		n, err := pg.InGroups(ctx, pool, "delete old reports", `
			DELETE FROM `+table+` WHERE id IN (SELECT id FROM `+table+` WHERE at < now() - $2 * interval '1 day'
			  ORDER BY at LIMIT $1)`, days)
		if total += n; err != nil {
			return total, err
		}
	}
	return total, pg.Exec(ctx, pool, "delete the counts of old days",
		`DELETE FROM pageview_day WHERE day < (now() - $1 * interval '1 day')::date`, days)
}
