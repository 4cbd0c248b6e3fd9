package mailer

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// erasePerson erases who a person is, what was sent to them and what waits to be sent.
func (s *server) erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	hashes := make([]string, 0, len(p.Emails))
	for _, address := range p.Emails {
		hashes = append(hashes, s.hash(strings.TrimSpace(address)))
	}
	return eraseMails(ctx, tx, p, hashes)
}
