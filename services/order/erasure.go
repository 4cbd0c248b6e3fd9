package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// eraseBuyers removes the person from orders whose buyer was erased while Stripe's event was under
// way. A person who pays after the erasure is a new customer.
func eraseBuyers(ctx context.Context, tx pgx.Tx, orders []order) error {
	var keys []string
	for _, o := range orders {
		if !o.eventAt.IsZero() {
			keys = append(keys, o.Email)
		}
	}
	forgotten, err := erasure.Forgotten(ctx, tx, keys...)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	for i := range orders {
		o := &orders[i]
		if at, gone := forgotten[o.Email]; gone && !o.eventAt.IsZero() && !o.eventAt.After(at) {
			o.MemberID, o.Email, o.CustomerName = nil, "", ""
			o.ShippingAddress, o.BillingAddress = msg.Address{}, msg.Address{}
			c := *o.checkout
			c.Newsletter, c.MemberCode = false, nil
			o.checkout = &c
		}
	}
	return nil
}
