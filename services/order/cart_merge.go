package order

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cartMerge hands a visitor's cart to the member who just logged in or registered. Edge calls it
// before the shopper sees the answer. Called again it finds no visitor's cart and changes nothing.
func (s *server) cartMerge(w http.ResponseWriter, r *http.Request) error {
	who := web.Who(r)
	if !who.Member() {
		return web.BadRequest("identity")
	}
	if who.Cart != "" {
		var visitor int64
		var err error
		for range 3 { // the member's first cart may be made at this very moment
			err = pg.Tx(r.Context(), s.db, func(tx pgx.Tx) (err error) {
				visitor, err = mergeCarts(r.Context(), tx, who)
				return err
			})
			if !pg.IsConflict(err) {
				break
			}
		}
		if err != nil {
			return err
		}
		if visitor != 0 {
			s.closeEnded(r.Context(), visitor)
		}
	}
	return answer(w, struct {
		Merged bool `json:"merged"`
	}{true})
}

// mergeCarts follows the contract's rules: without a cart of their own the member takes the
// visitor's over; else the member's cart gets the SKUs and codes that it lacks, and the visitor's
// shipping method if it has none. Where both hold a SKU the member's quantity stays; the visitor's
// is kept in the history. The id of the visitor's cart is 0 when there was none.
func mergeCarts(ctx context.Context, tx pgx.Tx, who web.Identity) (visitor int64, err error) {
	var member int64
	err = tx.QueryRow(ctx, `SELECT id FROM cart WHERE anonymous_id = $1 FOR UPDATE`, who.Cart).Scan(&visitor)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the visitor's cart: %w", err)
	}
	err = tx.QueryRow(ctx, `SELECT id FROM cart WHERE member_id = $1 FOR UPDATE`, who.MemberID).Scan(&member)
	if errors.Is(err, pgx.ErrNoRows) {
		if _, err := tx.Exec(ctx, `UPDATE cart SET member_id = $2, anonymous_id = NULL, receipt_email = NULL, updated_at = now() WHERE id = $1`, visitor, who.MemberID); err != nil {
			return 0, fmt.Errorf("hand cart %d to member %d: %w", visitor, who.MemberID, err)
		}
		return visitor, nil
	}
	if err != nil {
		return 0, fmt.Errorf("find the member's cart: %w", err)
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO cart_merge (from_cart_id, to_cart_id, member_id, visitor, before)
		  SELECT $1, $2, $3, jsonb_build_object('lines', coalesce((SELECT jsonb_agg(jsonb_build_object('sku_id', sku_id, 'quantity', quantity) ORDER BY seq) FROM cart_line WHERE cart_id = $1), '[]'),
		                                        'codes', coalesce((SELECT jsonb_agg(code_id ORDER BY seq) FROM cart_code WHERE cart_id = $1), '[]')),
		                     jsonb_build_object('lines', coalesce((SELECT jsonb_agg(jsonb_build_object('sku_id', sku_id, 'quantity', quantity) ORDER BY seq) FROM cart_line WHERE cart_id = $2), '[]'))`,
			[]any{visitor, member, who.MemberID}},
		{`INSERT INTO cart_line (cart_id, sku_id, quantity) SELECT $2, sku_id, quantity FROM cart_line WHERE cart_id = $1 ORDER BY seq ON CONFLICT DO NOTHING`, []any{visitor, member}},
		{`INSERT INTO cart_code (cart_id, code_id) SELECT $2, code_id FROM cart_code WHERE cart_id = $1 ORDER BY seq ON CONFLICT DO NOTHING`, []any{visitor, member}},
		{`UPDATE cart SET shipping_method_id = coalesce(shipping_method_id, (SELECT shipping_method_id FROM cart WHERE id = $1)), updated_at = now() WHERE id = $2`, []any{visitor, member}},
		{`DELETE FROM cart WHERE id = $1`, []any{visitor}},
	} {
		if _, err := tx.Exec(ctx, step.sql, step.args...); err != nil {
			return 0, fmt.Errorf("merge cart %d into %d: %w", visitor, member, err)
		}
	}
	return visitor, nil
}
