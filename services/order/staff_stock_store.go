package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listStockChanges lists the changes that staff made to the counts of a product's SKUs, the latest
// first.
func listStockChanges(ctx context.Context, db pg.DB, product int64, limit int) ([]stockRow, error) {
	return pg.List[stockRow](ctx, db, "list stock changes of product $1", `
		SELECT c.id, s.id AS sku,
		  coalesce(nullif(concat_ws(', ', nullif(color, ''), nullif(size, ''), nullif(description, '')), ''),
		    'SKU ' || s.id) AS name,
		  c.change, c.stock, c.reason, c.note, c.by_name AS by, c.at
		FROM stock_change c JOIN sku s ON s.id = c.sku_id WHERE s.product_id = $1
		ORDER BY c.id DESC LIMIT $2`, product, limit)
}

// listStockStates lists the stock states with the number of SKUs that have each.
func listStockStates(ctx context.Context, db pg.DB) ([]stockState, error) {
	return pg.List[stockState](ctx, db, "list stock states", `
		SELECT i.id, identifier, title, coalesce(description, '') AS description, version,
		  (SELECT count(*) FROM sku s WHERE s.inventory_id = i.id AND s.product_id IS NOT NULL) AS skus
		FROM sku_inventory i ORDER BY i.id`)
}

// updateStockState changes the texts of a state if it still has the version.
func updateStockState(ctx context.Context, tx pgx.Tx, id, version int64, title, text string) (changed bool, err error) {
	return pg.ExecOne(ctx, tx, "update stock state $1", `
		UPDATE sku_inventory SET title = $3, description = $4, version = version + 1 WHERE id = $1 AND version = $2`,
		id, version, title, text)
}
