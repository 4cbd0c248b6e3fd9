package events

import (
	"context"
	"encoding/json"
	"errors"

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
			var p msg.Prospect
			if json.Unmarshal(d.Data, &p) != nil || p.ID == 0 {
				return bus.Permanent(errors.New("the prospect is not readable"))
			}
			err = upsertProspect(ctx, tx, p)
		default:
			var m msg.Member
			if json.Unmarshal(d.Data, &m) != nil || m.ID == 0 {
				return bus.Permanent(errors.New("the member is not readable"))
			}
			err = upsertMember(ctx, tx, m)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
