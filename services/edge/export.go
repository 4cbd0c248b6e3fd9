package edge

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Export is everything that this service has of a person: their sessions, without what would open
// one.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	return pg.Get[json.RawMessage](ctx, pool, "export a person's sessions", `
		SELECT jsonb_build_object('sessions', (
			SELECT coalesce(jsonb_agg(to_jsonb(t) - 'token_hash' - 'previous_hash' ORDER BY created_at), '[]') FROM session t WHERE member_id = ANY($1)))`,
		p.MemberIDs)
}
