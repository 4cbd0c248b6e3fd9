package edge

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// erasePerson ends a person's sessions: here and, after the commit, on every edge.
func (s *server) erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	for _, id := range p.MemberIDs {
		s.changedMembers.add(id)
	}
	return eraseSessions(ctx, tx, p)
}
