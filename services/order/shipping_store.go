package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// methodColumnsSQL are the columns of a shippingMethod, of the table shipping_method as m.
const methodColumnsSQL = `m.id, m.identifier, m.carrier, m.shipping_cost_cents, m.tracking_code_base_url,
	m.price_by, m.steps, m.free_above_cents`

// activeMethodsSQL are the methods that can be chosen, the most expensive first.
const activeMethodsSQL = `
	SELECT ` + methodColumnsSQL + ` FROM shipping_method m WHERE active ORDER BY shipping_cost_cents DESC, id`

func activeShippingMethods(ctx context.Context, db pg.DB) ([]shippingMethod, error) {
	return pg.List[shippingMethod](ctx, db, "list shipping methods", activeMethodsSQL)
}

// chooseShipping stores an active method on the cart of the shopper who sent the request, and reads
// the cart with it, and its lines, in one round trip. Without a cart, or without such a method,
// nothing changes; the cart's method is nil then.
func chooseShipping(ctx context.Context, db pg.DB, who web.Identity,
	identifier string) (c *cart, lines []line, err error) {
	where, owner := ownCart(who)
	if where == "" {
		return nil, nil, nil
	}
	batch := &pgx.Batch{}
	queueCart(batch, who, nil, "", &c)
	var chosen *shippingMethod
	queue(batch, func(m shippingMethod) { chosen = &m }, `
		WITH m AS (SELECT `+methodColumnsSQL+` FROM shipping_method m WHERE identifier = $2 AND active),
		     u AS (UPDATE cart c SET shipping_method_id = m.id, updated_at = now() FROM m WHERE `+where+`)
		SELECT * FROM m`, owner, identifier)
	queueLines(batch, who, &lines)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("choose a shipping method: %w", err)
	}
	if c != nil {
		c.Shipping = chosen
	}
	return c, lines, nil
}

// findCartAndMethods is findCart with the active methods, in the same round trip.
func findCartAndMethods(ctx context.Context, db pg.DB, who web.Identity) (c *cart, list []shippingMethod, err error) {
	batch := &pgx.Batch{}
	queueCart(batch, who, nil, "", &c)
	if batch.Len() == 0 {
		return nil, nil, nil
	}
	queue(batch, func(m shippingMethod) { list = append(list, m) }, activeMethodsSQL)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, nil, fmt.Errorf("find the cart: %w", err)
	}
	return c, list, noteView(ctx, db, c)
}

// withDefaultShipping gives a cart without a method the configured default, or the cheapest active
// one if the configured one is not active. If the shopper chooses a method at the same moment that
// one stays: the row is read again once it is locked.
func withDefaultShipping(ctx context.Context, db pg.DB, c *cart) error {
	if c == nil || c.Shipping != nil {
		return nil
	}
	for range 3 { // a method that the first statement saw may be gone for the second
		m, err := oneMethod(ctx, db, `
			WITH chosen AS (
			  SELECT `+methodColumnsSQL+` FROM shipping_method m WHERE active
			  ORDER BY
			    identifier = (SELECT value FROM configuration WHERE key = 'default_shipping_method') DESC NULLS LAST,
			    shipping_cost_cents, id LIMIT 1
			), updated AS (
			  UPDATE cart SET shipping_method_id = m.id FROM chosen m
			  WHERE cart.id = $1
			    AND (SELECT active FROM shipping_method s WHERE s.id = cart.shipping_method_id) IS NOT TRUE
			  RETURNING cart.id
			)
			SELECT m.* FROM chosen m, updated`, c.ID)

		if m == nil && err == nil {
			m, err = oneMethod(ctx, db, `
				SELECT `+methodColumnsSQL+`
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
