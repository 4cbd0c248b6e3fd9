package events

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// onUser keeps the projection of whom link codes stand for. Messages may come twice and in any order.
func (s *server) onUser(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var err error
		switch d.Subject {
		case msg.UserErased:
			err = erasure.Receive(ctx, tx, d, erasePerson)
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
