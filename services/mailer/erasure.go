package mailer

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// Export is everything that this service has of a person, as a JSON object with a list for each
// table: who they are to mailer, and the mails to them with what they were filled with. The ledger
// knows receivers by keyed hashes; the addresses are found in what the mails were filled with, for as
// long as that is kept.
func Export(ctx context.Context, pool *pgxpool.Pool, p erasure.Person) (json.RawMessage, error) {
	return exportMails(ctx, pool, p)
}

// erasePerson erases who a person is, what was sent to them and what waits to be sent.
func (s *server) erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	hashes := make([]string, 0, len(p.Emails))
	for _, address := range p.Emails {
		hashes = append(hashes, s.hash(strings.TrimSpace(address)))
	}
	return eraseMails(ctx, tx, p, hashes)
}

// dropErased leaves out mails to people who were erased while the command was under way.
func dropErased(ctx context.Context, tx pgx.Tx, fresh []newDelivery) ([]newDelivery, error) {
	var keys []string
	for _, n := range fresh {
		keys = append(append(keys, erasure.MemberKey(n.memberID)), n.addresses...)
	}
	forgotten, err := erasure.Forgotten(ctx, tx, keys...)
	if err != nil || len(forgotten) == 0 {
		return fresh, err
	}
	return slices.DeleteFunc(fresh, func(n newDelivery) bool {
		if n.memberID != 0 { // another person may have the address, too
			_, gone := forgotten[erasure.MemberKey(n.memberID)]
			return gone
		}
		return slices.ContainsFunc(n.addresses, func(address string) bool {
			at, gone := forgotten[address]
			return gone && !n.createdAt.After(at)
		})
	}), nil
}
