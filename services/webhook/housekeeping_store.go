package webhook

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// deleteOldEvents deletes events that are older than eventTTL, unless they still wait for their
// receivers.
func deleteOldEvents(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old events", `
		DELETE FROM event WHERE id IN (
			SELECT id FROM event WHERE received < now() - $2::interval AND NOT `+bus.InOutbox("event.id")+`
			ORDER BY received LIMIT $1)`, eventTTL)
}
