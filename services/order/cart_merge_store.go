package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// mergeCarts follows the contract's rules: a member without a cart takes the visitor's over;
// otherwise the member's cart gets the SKUs and codes that it lacks, and the visitor's shipping
// method if it has none. If both have a SKU the member's quantity stays; the visitor's is kept in
// the history. The id of the visitor's cart is 0 if there was none.
func mergeCarts(ctx context.Context, tx pgx.Tx, who web.Identity) (visitor int64, err error) {
	visitor, found, err := pg.One[int64](ctx, tx, "find the visitor's cart", `
		SELECT id FROM cart WHERE anonymous_id = $1 FOR UPDATE`, who.Cart)
	if err != nil || !found {
		return 0, err
	}
	return visitor, handOver(ctx, tx, visitor, who.MemberID)
}

// handOver gives a locked cart to a member, or its contents to the cart that the member has.
func handOver(ctx context.Context, tx pgx.Tx, visitor, memberID int64) error {
	member, found, err := pg.One[int64](ctx, tx, "find the cart of member $1", `
		SELECT id FROM cart WHERE member_id = $1 FOR UPDATE`, memberID)
	if err != nil {
		return err
	}
	if !found {
		return pg.Exec(ctx, tx, "give cart $1 to member $2", `
			UPDATE cart SET member_id = $2, anonymous_id = NULL, receipt_email = NULL, updated_at = now()
			WHERE id = $1`, visitor, memberID)
	}

	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO cart_merge (from_cart_id, to_cart_id, member_id, visitor, before)
		  SELECT $1, $2, $3,
		    jsonb_build_object(
		      'lines', coalesce((
		        SELECT jsonb_agg(jsonb_build_object('sku_id', sku_id, 'quantity', quantity) ORDER BY seq)
		        FROM cart_line WHERE cart_id = $1), '[]'),
		      'codes', coalesce((SELECT jsonb_agg(code_id ORDER BY seq) FROM cart_code WHERE cart_id = $1), '[]')),
		    jsonb_build_object(
		      'lines', coalesce((
		        SELECT jsonb_agg(jsonb_build_object('sku_id', sku_id, 'quantity', quantity) ORDER BY seq)
		        FROM cart_line WHERE cart_id = $2), '[]'))`,
			[]any{visitor, member, memberID}},
		{`INSERT INTO cart_line (cart_id, sku_id, quantity) SELECT $2, sku_id, quantity FROM cart_line WHERE ` +
			`cart_id = $1 ORDER BY seq ON CONFLICT DO NOTHING`, []any{visitor, member}},
		{`INSERT INTO cart_code (cart_id, code_id) SELECT $2, code_id FROM cart_code WHERE cart_id = $1 ORDER BY ` +
			`seq ON CONFLICT DO NOTHING`, []any{visitor, member}},
		{`UPDATE cart SET shipping_method_id = coalesce(shipping_method_id, (SELECT shipping_method_id FROM cart ` +
			`WHERE id = $1)), updated_at = now() WHERE id = $2`, []any{visitor, member}},
		{`DELETE FROM cart WHERE id = $1`, []any{visitor}},
	} {
		if err := pg.Exec(ctx, tx, "merge carts", step.sql, step.args...); err != nil {
			return err
		}
	}
	return nil
}
