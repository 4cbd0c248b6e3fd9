package admin

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of admin.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.AdminStaff, Stream: "STAFF", Pool: s.pool, Handle: onActed},
		{Name: msg.AdminUser, Stream: "USER", Pool: s.pool, Handle: onErased},
	}
}

// onActed stores the acts of staff at the owners.
func onActed(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := bus.Apply(ctx, tx, d, insertAudit); err != nil {
			return err
		}
	}
	return nil
}
