package events

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// onOrder notes orders and their states for reports, without the person.
func (s *server) onOrder(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var err error
		if d.Subject == msg.OrderStatusChangedSubject {
			var c msg.OrderStatusChanged
			if json.Unmarshal(d.Data, &c) != nil || c.Identifier == "" {
				return bus.Permanent(errors.New("the change of an order's status is not readable"))
			}
			err = insertStatus(ctx, tx, c)
		} else {
			var o msg.OrderPlaced
			if json.Unmarshal(d.Data, &o) != nil || o.Identifier == "" {
				return bus.Permanent(errors.New("the order is not readable"))
			}
			err = insertOrder(ctx, tx, o)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// onMail notes who got which template when.
func (s *server) onMail(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var m msg.MailDone
		if json.Unmarshal(d.Data, &m) != nil || m.Key == "" {
			return bus.Permanent(errors.New("the report of a mail is not readable"))
		}
		if m.EmailCode == "" {
			continue // a mail without a template: nothing links back
		}
		if err := insertSent(ctx, tx, m); err != nil {
			return err
		}
	}
	return nil
}
