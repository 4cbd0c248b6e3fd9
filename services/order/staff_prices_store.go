package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listPrices are the prices and sales of a product's SKUs, the latest first.
func listPrices(ctx context.Context, db pg.DB, product int64, limit int) ([]priceRow, error) {
	return pg.List[priceRow](ctx, db, "list the prices of product $1", `
		WITH skus AS (
		  SELECT s.id, coalesce(
		    nullif(concat_ws(', ', nullif(color, ''), nullif(size, ''), nullif(description, '')), ''),
		    'SKU ' || s.id) AS name
		  FROM sku s WHERE product_id = $1
		)
		SELECT * FROM (
		  SELECT 'price' AS kind, x.id, k.id AS sku, k.name, price_cents AS price, created_date_time AS from,
		    NULL::timestamptz AS until, by_name AS by, noted_at, created_date_time > now() AS planned,
		    x.id = (SELECT y.id FROM sku_price y WHERE y.sku_id = k.id AND y.created_date_time <= now()
		      ORDER BY y.created_date_time DESC, y.id DESC LIMIT 1) AS now
		  FROM skus k JOIN sku_price x ON x.sku_id = k.id
		  UNION ALL
		  SELECT 'sale', x.id, k.id, k.name, price_cents, starts_at, ends_at, by_name, noted_at,
		    starts_at > now() AND (ends_at IS NULL OR ends_at > starts_at),
		    starts_at <= now() AND (ends_at IS NULL OR ends_at > now())
		  FROM skus k JOIN sku_sale x ON x.sku_id = k.id) AS rows
		ORDER BY "from" DESC, kind, id DESC LIMIT $2`, product, limit)
}

// insertSale sets a lower price for a time; without a beginning it begins now, without an end it
// runs until it is ended.
func insertSale(ctx context.Context, tx pgx.Tx, id, cents int64, from, until *time.Time, by string) error {
	return pg.Exec(ctx, tx, "insert a sale price of SKU $1", `
		INSERT INTO sku_sale (sku_id, price_cents, starts_at, ends_at, by_name)
		VALUES ($1, $2, coalesce($3::timestamptz, now()), $4, $5)`, id, cents, from, until, by)
}

// endPrice deletes a planned price, or ends a sale; ended is false if there is none to end.
func endPrice(ctx context.Context, tx pgx.Tx, product int64, kind string, row int64) (ended bool, err error) {
	if kind == kindPrice {
		return pg.ExecOne(ctx, tx, "end planned price $2", `
			DELETE FROM sku_price x USING sku s
			WHERE s.product_id = $1 AND x.sku_id = s.id AND x.id = $2 AND x.created_date_time > now()`, product, row)
	}
	return pg.ExecOne(ctx, tx, "end sale $2", `
		UPDATE sku_sale x SET ends_at = greatest(x.starts_at, now()) FROM sku s
		WHERE s.product_id = $1 AND x.sku_id = s.id AND x.id = $2 AND (x.ends_at IS NULL OR x.ends_at > now())`,
		product, row)
}
