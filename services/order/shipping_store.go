package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// methodColumns are the columns of a shippingMethod, of the table shipping_method as m.
const methodColumns = `m.id, m.identifier, m.carrier, m.shipping_cost_cents, m.tracking_code_base_url, m.price_by, ` +
	`m.steps, m.free_above_cents`

func activeShippingMethods(ctx context.Context, db pg.DB) ([]shippingMethod, error) {
	return pg.List[shippingMethod](ctx, db, "read shipping methods", `
		SELECT `+methodColumns+` FROM shipping_method m WHERE active ORDER BY shipping_cost_cents DESC, id`)
}

// setShipping stores an active method on a cart and returns it; nil when there is no such method.
func setShipping(ctx context.Context, db pg.DB, cartID int64, identifier string) (*shippingMethod, error) {
	return oneMethod(ctx, db, `
		WITH m AS (SELECT `+methodColumns+` FROM shipping_method m WHERE identifier = $2 AND active),
		     u AS (UPDATE cart SET shipping_method_id = m.id, updated_at = now() FROM m WHERE cart.id = $1)
		SELECT * FROM m`, cartID, identifier)
}

// withDefaultShipping gives a cart without a method the configured default, or the cheapest active
// one when the configured one is not active. A method that the shopper chooses at the same moment
// stays: the row is looked at again once it is locked.
func withDefaultShipping(ctx context.Context, db pg.DB, c *cart) error {
	if c == nil || c.Shipping != nil {
		return nil
	}
	for range 3 { // a method that was there for the first statement may be gone for the second
		m, err := oneMethod(ctx, db, `
			WITH m AS (
			  SELECT `+methodColumns+` FROM shipping_method m WHERE active
			  ORDER BY identifier = (SELECT value FROM configuration
			    WHERE key = 'default_shipping_method') DESC NULLS LAST, shipping_cost_cents, id LIMIT 1
			), u AS (
			  UPDATE cart SET shipping_method_id = m.id FROM m
			  WHERE cart.id = $1 AND (SELECT active FROM shipping_method s
			    WHERE s.id = cart.shipping_method_id) IS NOT TRUE RETURNING cart.id
			)
			SELECT m.* FROM m, u`, c.ID)
		if m == nil && err == nil {
			m, err = oneMethod(ctx, db, `
				SELECT `+methodColumns+`
				FROM cart c JOIN shipping_method m ON m.id = c.shipping_method_id AND m.active WHERE c.id = $1`, c.ID)
		}
		if err != nil {
			return err
		}
		if c.Shipping = m; m != nil {
			break
		}
	}
	return nil
}

func oneMethod(ctx context.Context, db pg.DB, sql string, args ...any) (*shippingMethod, error) {
	m, found, err := pg.One[shippingMethod](ctx, db, "choose a shipping method", sql, args...)
	if err != nil || !found {
		return nil, err
	}
	return &m, nil
}
