package edge

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Export is everything that this service has of a person: their sessions, without what would open
// one.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	err = pool.QueryRow(ctx, `
		SELECT jsonb_build_object('sessions', (
			SELECT coalesce(jsonb_agg(to_jsonb(t) - 'token_hash' - 'previous_hash' ORDER BY created_at), '[]') FROM session t WHERE member_id = ANY($1)))`,
		p.MemberIDs).Scan(&raw)
	if err != nil {
		return nil, fmt.Errorf("export a person's sessions: %w", err)
	}
	return raw, nil
}
