package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// exportCatalog lists all products with their SKUs; each product once if skus is false.
func exportCatalog(ctx context.Context, db pg.DB, skus bool) ([]productfile.Item, error) {
	return pg.List[productfile.Item](ctx, db, "export the catalog", `
		SELECT p.identifier AS product, p.title, p.title_url AS address, coalesce(p.headline, '') AS headline,
		  coalesce(p.description_part_1, '') AS text, coalesce(p.description_part_2, '') AS more_text,
		  CASE WHEN p.published THEN 'published' ELSE 'draft' END AS state,
		  array_to_string(ARRAY(
		    SELECT c.address FROM product_collection k JOIN collection c ON c.id = k.collection_id
		    WHERE k.product_id = p.id ORDER BY c.address), ' ') AS collections,
		  s.id AS sku, coalesce(s.code, '') AS code, coalesce(s.color, '') AS color, coalesce(s.size, '') AS size,
		  coalesce(s.description, '') AS sku_text, coalesce(i.identifier, '') AS stock_state,
		  `+regularSQL+` AS price, s.stock, coalesce(s.back_order, false) AS back_order,
		  s.weight_grams AS grams
		FROM product p
		  LEFT JOIN sku s ON s.product_id = p.id AND $1
		  LEFT JOIN sku_inventory i ON i.id = s.inventory_id
		WHERE p.retired_at IS NULL AND (s.id IS NOT NULL OR NOT $1)
		ORDER BY p.id, s.id`, skus)
}
