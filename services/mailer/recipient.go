package mailer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// recipient is a person who has an account or a prospect's record.
type recipient struct {
	kind                       string
	id                         int64
	email, firstName, lastName string
	code, token                string
	newsletter, unsubscribed   bool
	refused                    *bool // of a prospect: has unsubscribed, rather than never asked; nil: user has not told
	version                    int64
}

// onUser keeps the projection of who may be mailed. Messages may come twice and in any order.
func (s *server) onUser(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var err error
		switch d.Subject {
		case msg.UserErased:
			err = erasure.Receive(ctx, tx, d, s.erasePerson)
		case msg.ProspectChanged:
			err = bus.Apply(ctx, tx, d, upsertProspect)
		default:
			err = bus.Apply(ctx, tx, d, upsertMember)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func upsertMember(ctx context.Context, tx pgx.Tx, m msg.Member) error {
	return upsertRecipient(ctx, tx, recipient{
		kind: "member", id: m.ID, email: m.Email, firstName: m.FirstName, lastName: m.LastName, code: m.Code,
		token: m.UnsubscribeToken, newsletter: m.Newsletter, unsubscribed: m.Unsubscribed, version: m.Version,
	})
}

func upsertProspect(ctx context.Context, tx pgx.Tx, p msg.Prospect) error {
	return upsertRecipient(ctx, tx, recipient{
		kind: "prospect", id: p.ID, email: p.Email, firstName: p.FirstName, lastName: p.LastName, code: p.Code,
		token: p.UnsubscribeToken, unsubscribed: p.Unsubscribed, refused: p.Refused, version: p.Version,
	})
}
