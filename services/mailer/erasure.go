package mailer

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
)

// onErased erases the people of the group's erasures, after storing the other messages.
func (s *server) onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	return erasure.ReceiveAmong(ctx, tx, group, s.onUser, s.erasePerson)
}

// erasePerson erases a person, the mails that were sent to them and those that wait.
func (s *server) erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	hashes := make([]string, 0, len(p.Emails))
	for _, address := range p.Emails {
		hashes = append(hashes, s.hash(strings.TrimSpace(address)))
	}
	return eraseMails(ctx, tx, p, hashes)
}
