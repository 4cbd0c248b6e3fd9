package events

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// onOrder notes orders and their states for reports, without the person.
func (s *server) onOrder(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var err error
		if d.Subject == msg.OrderStatusChangedSubject {
			err = bus.Apply(ctx, tx, d, insertStatus)
		} else {
			err = bus.Apply(ctx, tx, d, insertOrder)
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
		if err := bus.Apply(ctx, tx, d, insertSent); err != nil {
			return err
		}
	}
	return nil
}
