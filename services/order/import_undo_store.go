package order

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// undoSQL is the current state of what a plan ($1 products, $2 SKUs) is about to change.
const undoSQL = `
	SELECT jsonb_build_object(
	  'products', coalesce((
	    SELECT jsonb_agg(jsonb_build_object('id', x.id, 'new', p.id IS NULL, 'was', CASE
	      WHEN p.id IS NOT NULL
	      THEN jsonb_build_object(
	        'title', p.title, 'title_url', p.title_url, 'headline', p.headline,
	        'part1', p.description_part_1, 'part2', p.description_part_2,
	        'color_name', p.color_name, 'size_name', p.size_name, 'published', p.published,
	        'collections', ARRAY(
	          SELECT c.address FROM product_collection k JOIN collection c ON c.id = k.collection_id
	          WHERE k.product_id = p.id))
	      END, 'is', to_jsonb(x)))
	    FROM ` + productsOfPlanSQL + ` LEFT JOIN product p ON p.id = x.id), '[]'),
	  'skus', coalesce((
	    SELECT jsonb_agg(jsonb_build_object('id', x.id, 'new', s.id IS NULL, 'was', CASE
	      WHEN s.id IS NOT NULL
	      THEN jsonb_build_object(
	        'code', s.code, 'color', s.color, 'size', s.size, 'text', s.description,
	        'back_order', s.back_order, 'inventory', s.inventory_id,
	        'price', ` + regularSQL + `,
	        'stock', s.stock, 'grams', s.weight_grams)
	      END, 'is', to_jsonb(x)))
	    FROM ` + skusOfPlanSQL + ` LEFT JOIN sku s ON s.id = x.id), '[]'))`

// productRowsSQL are the products in the data for taking a plan back ($1), as rows x; skuRowsSQL
// are its SKUs.
const (
	productRowsSQL = `jsonb_to_recordset($1::jsonb -> 'products') AS x (id bigint, new boolean, was jsonb, "is" jsonb)`
	skuRowsSQL     = `jsonb_to_recordset($1::jsonb -> 'skus') AS x (id bigint, new boolean, was jsonb, "is" jsonb)`
)

// picturesOfRowSQL are the pictures that a file added to product x, as rows e.
const picturesOfRowSQL = `jsonb_array_elements(
	CASE jsonb_typeof(x.is -> 'pictures') WHEN 'array' THEN x.is -> 'pictures' ELSE '[]' END) AS e`

// backAgainSQL is whether a SKU s can be sold beyond its count once x is taken back. What the count
// comes to then depends on it, whatever it was before the file.
const backAgainSQL = `CASE
	WHEN x.is ->> 'back_order' = s.back_order::text AND (s.stock >= 0 OR s.stock IS NULL)
	THEN (x.was ->> 'back_order')::boolean ELSE s.back_order END`

// weighedStillSQL is whether a SKU s still has the weight from the file.
const weighedStillSQL = `(x.is ->> 'grams')::int IS NOT DISTINCT FROM s.weight_grams AND x.is ->> 'grams' IS NOT NULL`

// undoSteps take a plan back, in this order: purchases of the SKUs wait for the last three.
var undoSteps = []planStep{
	{"take back prices", `
		INSERT INTO sku_price (sku_id, price_cents, by_name)
		SELECT s.id, (x.was ->> 'price')::bigint, $2
		FROM ` + skuRowsSQL + ` JOIN sku s ON s.id = x.id
		WHERE NOT x.new AND x.was ->> 'price' IS NOT NULL
		  AND ` + regularSQL + ` = (x.is ->> 'price')::bigint`},
	{"take back sale prices", `
		UPDATE sku_sale l SET ends_at = greatest(l.starts_at, now())
		FROM ` + skuRowsSQL + `
		WHERE l.sku_id = x.id AND l.price_cents = (x.is ->> 'sale')::bigint AND l.ends_at IS NULL
		  AND l.id = (
		    SELECT id FROM sku_sale n WHERE n.sku_id = x.id AND n.starts_at <= now()
		    ORDER BY n.starts_at DESC, n.id DESC LIMIT 1)`},
	{"take back new SKUs", `
		UPDATE sku s SET product_id = NULL, code = NULL, retired_at = coalesce(retired_at, now())
		FROM ` + skuRowsSQL + `
		WHERE s.id = x.id AND x.new AND s.quoted_at IS NOT NULL
		  AND s.product_id NOT IN (SELECT x.id FROM ` + productRowsSQL + ` WHERE x.new)`},
	{"delete new SKUs", `
		DELETE FROM sku s USING ` + skuRowsSQL + `
		WHERE s.id = x.id AND x.new AND s.quoted_at IS NULL`},
	{"take back collections", `
		DELETE FROM product_collection k USING ` + productRowsSQL + `, collection c
		WHERE k.product_id = x.id AND NOT x.new AND c.id = k.collection_id
		  AND x.is -> 'collections' ? c.address AND NOT x.was -> 'collections' ? c.address`},
	{"give back collections", `
		INSERT INTO product_collection (collection_id, product_id, position)
		SELECT c.id, x.id, 0 FROM ` + productRowsSQL + ` JOIN collection c ON x.was -> 'collections' ? c.address
		WHERE NOT x.new AND jsonb_typeof(x.is -> 'collections') = 'array'
		ON CONFLICT DO NOTHING`},
	{"wait for editors", `
		SELECT count(*) FROM (
		  SELECT FROM product WHERE id IN (SELECT x.id FROM ` + productRowsSQL + `)
		  ORDER BY id FOR NO KEY UPDATE) AS locked`},
	{"take back pictures", `
		DELETE FROM product_image i USING ` + productRowsSQL + `, ` + picturesOfRowSQL + `
		WHERE i.product_id = x.id AND NOT x.new
		  AND i.image_url IN (
		    e ->> 'url', (SELECT f.address FROM picture_fetch f WHERE f.product_id = x.id AND f.url = e ->> 'url'))`},
	{"fetch no pictures of it", `
		DELETE FROM picture_fetch f USING ` + productRowsSQL + `, ` + picturesOfRowSQL + `
		WHERE f.product_id = x.id AND NOT x.new AND f.url = e ->> 'url'`},
	{"take back products", `
		UPDATE product p SET ` + takeBack("title", "p.title", "title") + `,
		  ` + takeBack("title_url", "p.title_url", "title_url") + `,
		  ` + takeBack("headline", "p.headline", "headline") + `,
		  ` + takeBack("description_part_1", "p.description_part_1", "part1") + `,
		  ` + takeBack("description_part_2", "p.description_part_2", "part2") + `,
		  ` + takeBack("color_name", "p.color_name", "color_name") + `,
		  ` + takeBack("size_name", "p.size_name", "size_name") + `,
		  published = CASE
		    WHEN x.is ->> 'published' = p.published::text THEN (x.was ->> 'published')::boolean
		    ELSE p.published END,
		  version = version + 1, media_version = media_version + 1, sku_version = sku_version + 1,
		  edited_by = $2, edited_at = now()
		FROM ` + productRowsSQL + ` WHERE p.id = x.id AND NOT x.new`},
	{"delete new products", `
		DELETE FROM product p USING ` + productRowsSQL + `
		WHERE p.id = x.id AND x.new AND NOT EXISTS (SELECT FROM sku s WHERE s.product_id = p.id)`},
	{"retire new products that were sold", `
		UPDATE product p SET retired_at = now(), version = version + 1, edited_by = $2, edited_at = now()
		FROM ` + productRowsSQL + ` WHERE p.id = x.id AND x.new AND p.retired_at IS NULL`},
	{"lock weights", `
		SELECT pg_advisory_xact_lock(hashtext('weights')) FROM ` + skuRowsSQL + `
		WHERE x.is ->> 'grams' IS NOT NULL LIMIT 1`},
	{"wait for purchases", `
		SELECT count(*) FROM (
		  SELECT FROM sku WHERE id IN (SELECT x.id FROM ` + skuRowsSQL + ` WHERE NOT x.new)
		  ORDER BY id FOR NO KEY UPDATE) AS locked`},
	{"take back counts", `
		INSERT INTO stock_change (sku_id, change, stock, reason, note, by_person, by_name)
		SELECT s.id, -(x.is ->> 'change')::int,
		  CASE
		    WHEN x.is ->> 'change' IS NOT NULL
		    THEN greatest(s.stock - (x.is ->> 'change')::int,
		      CASE WHEN ` + backAgainSQL + ` THEN -2000000000 ELSE 0 END) END,
		  'import', 'taken back', $3, $2
		FROM ` + skuRowsSQL + ` JOIN sku s ON s.id = x.id
		WHERE NOT x.new AND x.is ->> 'stock' IS NOT NULL AND s.stock IS NOT NULL`},
	{"take back SKUs", `
		UPDATE sku s SET ` + takeBack("color", "s.color", "color") + `, ` + takeBack("size", "s.size", "size") + `,
		  ` + takeBack("description", "s.description", "text") + `,
		  code = CASE
		    WHEN EXISTS (SELECT FROM sku o WHERE o.code = x.was ->> 'code' AND o.id <> s.id) THEN s.code
		    ELSE ` + takeBackTo("s.code", "code") + ` END,
		  back_order = ` + backAgainSQL + `,
		  inventory_id = CASE
		    WHEN (SELECT identifier FROM sku_inventory i WHERE i.id = s.inventory_id) = x.is ->> 'state'
		    THEN (x.was ->> 'inventory')::bigint ELSE s.inventory_id END,
		  stock = CASE
		    WHEN x.is ->> 'stock' IS NULL OR s.stock IS NULL THEN s.stock
		    WHEN x.is ->> 'change' IS NULL THEN NULL
		    ELSE greatest(s.stock - (x.is ->> 'change')::int,
		      CASE WHEN ` + backAgainSQL + ` THEN -2000000000 ELSE 0 END) END,
		  ` + weighSQL(weighedStillSQL, "(x.was ->> 'grams')::int", "$2") + `
		FROM (SELECT * FROM ` + skuRowsSQL + ` ORDER BY x.id) AS x
		WHERE s.id = x.id AND NOT x.new`},
}

// undoPlan takes back the changes of a file, except those that were overwritten since. Products and
// SKUs that it added are deleted; if they were sold in the meantime, or are held by a payment page,
// they are retired instead: a product with its SKUs, which can still be found by their article
// numbers, or a SKU of a product that is older than the file.
func undoPlan(ctx context.Context, tx pgx.Tx, undo json.RawMessage, who adminui.Identity) error {
	for _, step := range undoSteps {
		if err := pg.Exec(ctx, tx, step.what, `WITH given AS (SELECT $1::jsonb, $2::text, $3::bigint) `+step.sql,
			undo, who.Name, who.Person); err != nil {
			return err
		}
	}
	return nil
}

// takeBack restores the former value of a column if it still has the file's.
func takeBack(column, now, key string) string { return column + " = " + takeBackTo(now, key) }

func takeBackTo(now, key string) string {
	return `CASE WHEN x.is ->> '` + key + `' = coalesce(` + now + `, '') THEN x.was ->> '` + key + `'
	ELSE ` + now + ` END`
}
