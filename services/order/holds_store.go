package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// reserved reports whether a checkout took counted pieces, and uses of limited codes.
type reserved struct{ pieces, codes bool }

// heldPieces is what unpaid pages hold of the counted articles of a checkout, except articles that
// are sold beyond their count: no one can be kept from buying these. The articles' rows are locked,
// so nothing is reserved in the meantime.
func heldPieces(ctx context.Context, tx pgx.Tx, k checkout) ([]hold, error) {
	var skus []int64
	for _, l := range k.Quote.Lines {
		skus = append(skus, l.SKUID)
	}
	return pg.List[hold](ctx, tx, "list held pieces", `
		SELECT p.title AS name, s.stock + h.all AS left, h.all, h.client, h.person
		FROM sku s JOIN product p ON p.id = s.product_id
		CROSS JOIN LATERAL (
		  SELECT coalesce(sum(r.quantity), 0)::int AS all,
		    coalesce(sum(r.quantity) FILTER (WHERE k.client = $2), 0)::int AS client,
		    coalesce(sum(r.quantity) FILTER (WHERE k.person = $3), 0)::int AS person
		  FROM reservation r JOIN checkout k ON k.id = r.checkout_id AND k.state IN ('creating', 'open')
		  WHERE r.sku_id = s.id) AS h
		WHERE s.id = ANY($1) AND s.stock IS NOT NULL AND NOT s.back_order
		ORDER BY s.id`, skus, k.holder.client, k.person)
}

// heldCodes is what unpaid pages hold of the codes of a checkout that have a limit for all uses.
func heldCodes(ctx context.Context, tx pgx.Tx, k checkout) ([]hold, error) {
	var codes []int64
	for _, c := range k.Quote.Codes {
		if c.Applied {
			codes = append(codes, c.ID)
		}
	}
	return pg.List[hold](ctx, tx, "list held codes", `
		SELECT d.code AS name, d.max_uses - d.uses + h.all AS left, h.all, h.client, h.person
		FROM discount_code d CROSS JOIN LATERAL (
		  SELECT count(*)::int AS all, (count(*) FILTER (WHERE k.client = $2))::int AS client,
		    (count(*) FILTER (WHERE u.person = $3))::int AS person
		  FROM checkout k JOIN code_use u ON u.checkout_id = k.id AND u.code_id = d.id
		  WHERE k.state IN ('creating', 'open')) AS h
		WHERE d.id = ANY($1) AND d.max_uses IS NOT NULL ORDER BY d.id`, codes, k.holder.client, k.person)
}

// mostHeld is the largest share, in percent, that unpaid pages hold of what is left of an article.
func mostHeld(ctx context.Context, db pg.DB) (percent float64, err error) {
	return pg.Get[float64](ctx, db, "find the article of which most is held", `
		SELECT coalesce(max(100.0 * held / (stock + held)), 0)::float8
		FROM (
		  SELECT s.stock, sum(r.quantity) AS held FROM reservation r JOIN sku s ON s.id = r.sku_id
		  WHERE s.stock IS NOT NULL AND NOT s.back_order GROUP BY s.id) AS h`)
}
