package mailer

import (
	"context"
	"slices"
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
