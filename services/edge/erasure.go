package edge

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// Export is everything that this service has of a person: their sessions, without what would open
// one.
func Export(ctx context.Context, pool *pgxpool.Pool, p erasure.Person) (json.RawMessage, error) {
	return exportSessions(ctx, pool, p)
}

// erasePerson ends a person's sessions: here and, after the commit, on every edge.
func (e *server) erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	for _, id := range p.MemberIDs {
		e.changed.add(id)
	}
	return eraseSessions(ctx, tx, p)
}
