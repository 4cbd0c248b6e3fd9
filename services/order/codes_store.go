package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// applied is what applyCode found and did.
type applied struct{ Cart, Found, Active, Added bool }

// applyCode puts a code on a cart in one statement, unless it is unknown, outside its window, used
// up, or there already. The text is compared exactly.
func applyCode(ctx context.Context, db pg.DB, c *cart, text string, now time.Time) (a applied, err error) {
	return pg.Get[applied](ctx, db, "apply a discount code to cart $1", `
		WITH code AS (
		  SELECT id, $3 BETWEEN start_date_time AND end_date_time
		    AND (max_uses IS NULL OR uses < max_uses OR EXISTS (
		      SELECT FROM code_use u JOIN checkout k ON k.id = u.checkout_id
		      WHERE u.code_id = discount_code.id AND k.cart_id = $1 AND k.state IN ('creating', 'open'))) AS active
		  FROM discount_code WHERE code = $2
		), target AS (
		  SELECT id FROM cart WHERE id = $1 FOR KEY SHARE -- it may be deleted at this moment
		), added AS (
		  INSERT INTO cart_code (cart_id, code_id) SELECT target.id, code.id FROM target, code WHERE code.active
		  ON CONFLICT DO NOTHING RETURNING code_id
		)
		SELECT EXISTS (SELECT FROM target) AS cart, EXISTS (SELECT FROM code) AS found,
		  EXISTS (SELECT FROM code WHERE active) AS active, EXISTS (SELECT FROM added) AS added`, c.ID, text, now)
}

// removeCode takes a code off a cart. A known code that is not on the cart is fine.
func removeCode(ctx context.Context, db pg.DB, cartID, code int64) (known bool, err error) {
	return pg.Get[bool](ctx, db, "remove a discount code from cart $1", `
		WITH gone AS (DELETE FROM cart_code WHERE cart_id = $1 AND code_id = $2)
		SELECT EXISTS (SELECT FROM discount_code WHERE id = $2)`, cartID, code)
}
