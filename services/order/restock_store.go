package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertWish stores a wish for a SKU that is on sale and out of stock, unless the address has
// declined or waits for many SKUs already. state is the SKU's: it reveals nothing about the
// address.
func insertWish(ctx context.Context, db pg.DB, sku int64, address, hash string) (state string, err error) {
	return pg.Get[string](ctx, db, "insert a wish for SKU $1", `
		WITH wished AS MATERIALIZED (
		  SELECT id, inventory_identifier = 'in-stock' AS there FROM sku_any WHERE id = $1 AND on_sale
		), noted AS (
		  INSERT INTO restock_wish (sku_id, email, address)
		  SELECT id, $2, $3 FROM wished
		  WHERE NOT there
		    AND NOT EXISTS (SELECT FROM restock_declined WHERE address = $3)
		    AND (SELECT count(*) FROM restock_wish WHERE address = $3) < $4
		  ON CONFLICT (sku_id, address) DO NOTHING
		)
		SELECT coalesce((SELECT CASE WHEN there THEN $5 ELSE $6 END FROM wished), $7)`,
		sku, address, hash, maxWishes, wishInStock, wishNoted, wishGone)
}

// storeRefusal ends the wishes of an address permanently.
func storeRefusal(ctx context.Context, tx pgx.Tx, hash string) error {
	return pg.Exec(ctx, tx, "store the refusal of an address", `
		WITH gone AS (DELETE FROM restock_wish WHERE address = $1),
		     told AS (DELETE FROM restock_told WHERE address = $1)
		INSERT INTO restock_declined (address) VALUES ($1) ON CONFLICT DO NOTHING`, hash)
}

// restockWanted reports whether the mail of a wish may leave: its reader, hashed, has not declined,
// and the SKU is still in stock. If the SKU is sold out again the wish is stored once more, and
// this mail is held permanently: the next one is a new mail. About mails that are older than
// automaticTTL, or were enqueued by an older process, only a refusal is known.
func restockWanted(ctx context.Context, db pg.DB, wish int64, hash string) (bool, error) {
	return pg.Get[bool](ctx, db, "find wish $1", `
		WITH told AS MATERIALIZED (
		  SELECT t.*, EXISTS (SELECT FROM sku_any s
		    WHERE s.id = t.sku_id AND s.on_sale AND s.inventory_identifier = 'in-stock') AS there
		  FROM restock_told t WHERE t.id = $1 FOR UPDATE
		), held AS (
		  UPDATE restock_told t SET held = true FROM told
		  WHERE t.id = told.id AND NOT told.there AND NOT told.held
		  RETURNING t.sku_id, t.email, t.address, t.at
		), waiting AS (
		  INSERT INTO restock_wish (sku_id, email, address, at) SELECT * FROM held
		  ON CONFLICT (sku_id, address) DO NOTHING
		)
		SELECT NOT EXISTS (SELECT FROM restock_declined WHERE address = $2)
		  AND NOT EXISTS (SELECT FROM told WHERE held OR NOT there)`, wish, hash)
}

// restockWish is a customer who is mailed now.
type restockWish struct {
	ID          int64
	SKU         int64 `db:"sku"`
	Email       string
	Address     string // hashed
	Title       string
	Product     string // its identifier
	Color, Size string
	Price       int64
}

// claimWishes takes the wishes for SKUs in stock, the oldest first.
func claimWishes(ctx context.Context, tx pgx.Tx) ([]restockWish, error) {
	return pg.List[restockWish](ctx, tx, "claim wishes for SKUs that are in stock again", `
		WITH found AS (
		  SELECT w.id, s.product_title, s.product_identifier, coalesce(s.color, '') AS color,
		    coalesce(s.size, '') AS size, s.price_cents
		  FROM restock_wish w JOIN sku_any s ON s.id = w.sku_id
		  WHERE s.on_sale AND s.inventory_identifier = 'in-stock' ORDER BY w.id LIMIT $1
		), gone AS (
		  DELETE FROM restock_wish w USING found f WHERE w.id = f.id RETURNING w.*
		), told AS (
		  INSERT INTO restock_told (id, sku_id, email, address, at) SELECT id, sku_id, email, address, at FROM gone
		)
		SELECT gone.id, gone.sku_id AS sku, gone.email, gone.address, f.product_title AS title,
		  f.product_identifier AS product, f.color, f.size, f.price_cents AS price
		FROM gone JOIN found f USING (id) ORDER BY id`, automaticBatchSize)
}
