package order

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// readCatalogChanges reads which products have changed since a position, each with a mark of the
// transactions that changed it, and the position to go on from. That position is read first: a
// transaction that is still running then, or begins later, is not before it. shop is the shop's
// name and address.
func readCatalogChanges(ctx context.Context, db pg.DB, since uint64) (position uint64,
	shop, changes map[string]string, err error) {
	changes = map[string]string{}
	batch := &pgx.Batch{}
	batch.Queue(`SELECT pg_snapshot_xmin(pg_current_snapshot())::text::numeric,
		  coalesce((SELECT jsonb_object_agg(key, value) FROM configuration
		    WHERE key LIKE 'shop\_%' AND value <> ''), '{}')`).
		QueryRow(func(row pgx.Row) error { return row.Scan(&position, &shop) })
	if since > 0 {
		queue(batch, func(c catalogChange) { changes[c.Product] = c.Mark }, `
			SELECT product, md5(string_agg(xid::text, ',' ORDER BY xid)) AS mark FROM catalog_change
			WHERE xid >= $1::text::xid8 GROUP BY product`, strconv.FormatUint(since, 10))
	}
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return 0, nil, nil, fmt.Errorf("read changes of the catalog since %d: %w", since, err)
	}
	return position, shop, changes, nil
}

type catalogChange struct{ Product, Mark string }

// feedColumnsSQL are the columns of products on sale for the feed: products with a SKU that has a
// price. Except in a preview, the shop shows no others.
const feedColumnsSQL = `
	SELECT p.id, p.title, p.title_url, p.identifier, p.headline, p.description_part_1, p.description_part_2,
	  prices.low AS price_low, prices.high AS price_high,
	  (SELECT image_url FROM product_image i WHERE i.product_id = p.id AND picture_here(p.id, image_url)
	    ORDER BY main_image DESC, id LIMIT 1) AS product_image_url,
	  coalesce((SELECT jsonb_object_agg(c.address, k.position)
	    FROM product_collection k JOIN collection c ON c.id = k.collection_id
	    WHERE k.product_id = p.id), '{}') AS collections,
	  ARRAY(SELECT address FROM product_address a WHERE a.product_id = p.id AND a.address <> p.title_url
	    ORDER BY address) AS former
	FROM product p
	CROSS JOIN LATERAL (SELECT min(price_cents) AS low, max(price_cents) AS high FROM sku_now
	  WHERE product_id = p.id) prices
	WHERE on_sale(p) AND prices.low IS NOT NULL`

func listProducts(ctx context.Context, db pg.DB) ([]fedProduct, error) {
	return pg.List[fedProduct](ctx, db, "list products", feedColumnsSQL+` ORDER BY p.id`)
}

func listChangedProducts(ctx context.Context, db pg.DB, changes map[string]string) ([]fedProduct, error) {
	if len(changes) == 0 {
		return []fedProduct{}, nil
	}
	return pg.List[fedProduct](ctx, db, "list changed products", feedColumnsSQL+
		` AND p.identifier = ANY($1) ORDER BY p.id`, slices.Collect(maps.Keys(changes)))
}

func listCollections(ctx context.Context, db pg.DB) ([]collection, error) {
	return pg.List[collection](ctx, db, "list collections",
		`SELECT address, title, text FROM collection ORDER BY position, id`)
}

func deleteOldCatalogChanges(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.InGroups(ctx, pool, "delete old changes of the catalog", `
		DELETE FROM catalog_change WHERE (xid, product) IN (
		  SELECT xid, product FROM catalog_change WHERE at < now() - $2::interval LIMIT $1)`, catalogChangeTTL)
}
