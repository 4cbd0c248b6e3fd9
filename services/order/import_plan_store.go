package order

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// lockImports lets one file at a time be applied or taken back. Adding ten thousand products to the
// search index takes longer than the timeout of statements for shoppers.
func lockImports(ctx context.Context, tx pgx.Tx) error {
	if err := pg.Exec(ctx, tx, "raise the limit of an import", `SET LOCAL statement_timeout TO '2min'`); err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "lock imports", `SELECT pg_advisory_xact_lock(hashtext('catalog import'))`)
}

// storePlan stores the changes of a file, except to SKUs that shoppers may be buying
// (changeSKUsOf); undo is the data for taking it back. The number of statements does not depend on
// the length of the file.
func storePlan(ctx context.Context, tx pgx.Tx, p *importPlan, who adminui.Identity) (undo json.RawMessage, err error) {
	if err := numberPlan(ctx, tx, p); err != nil {
		return nil, err
	}
	products, skus := []*importProduct{}, []*importSKU{}
	products, skus = append(products, p.products...), append(skus, p.skus...)
	undo, err = pg.Get[json.RawMessage](ctx, tx, "note what a file changes", undoSQL, products, skus)
	if err != nil {
		return nil, err
	}
	for _, step := range planSteps {
		if err := runPlan(ctx, tx, step.what, step.sql, products, skus, who); err != nil {
			return nil, err
		}
	}
	return undo, nil
}

// planStep is a statement and what it does.
type planStep struct{ what, sql string }

// planSteps store a plan, in this order.
var planSteps = []planStep{
	{"add products", `
		INSERT INTO product (
		  id, identifier, title, title_url, headline, description_part_1, description_part_2,
		  color_name, size_name, published, edited_by)
		SELECT x.id, x.identifier, x.title, x.title_url, x.headline, x.part1, x.part2,
		  coalesce(x.color_name, ''), coalesce(x.size_name, ''), x.published, $3
		FROM ` + productsOfPlanSQL + ` WHERE x.new`},
	{"note addresses", `
		INSERT INTO product_address (address, product_id)
		SELECT x.title_url, x.id FROM ` + productsOfPlanSQL + ` WHERE x.title_url IS NOT NULL
		ON CONFLICT (address) DO NOTHING`},
	{"change products", `
		UPDATE product p SET title = coalesce(x.title, p.title), title_url = coalesce(x.title_url, p.title_url),
		  headline = coalesce(x.headline, p.headline),
		  description_part_1 = coalesce(x.part1, p.description_part_1),
		  description_part_2 = coalesce(x.part2, p.description_part_2),
		  color_name = coalesce(x.color_name, p.color_name), size_name = coalesce(x.size_name, p.size_name),
		  published = coalesce(x.published, p.published),
		  version = version + 1, media_version = media_version + 1, sku_version = sku_version + 1,
		  edited_by = $3, edited_at = now()
		FROM ` + productsOfPlanSQL + ` WHERE p.id = x.id AND NOT x.new`},
	{"leave collections", `
		DELETE FROM product_collection k USING ` + productsOfPlanSQL + `, collection c
		WHERE k.product_id = x.id AND x.collections IS NOT NULL AND c.id = k.collection_id
		  AND c.address <> ALL (x.collections)`},
	{"join collections", `
		INSERT INTO product_collection (collection_id, product_id, position)
		SELECT c.id, x.id,
		  (SELECT coalesce(max(position), 0) FROM product_collection k WHERE k.collection_id = c.id)
		    + row_number() OVER (PARTITION BY c.id ORDER BY x.id)
		FROM ` + productsOfPlanSQL + ` JOIN collection c ON c.address = ANY (x.collections)
		ON CONFLICT DO NOTHING`},
	{"add pictures", `
		INSERT INTO product_image (product_id, image_url, main_image, caption, alternative_text)
		SELECT x.id, i.url,
		  i.n = 1 AND NOT EXISTS (SELECT FROM product_image m WHERE m.product_id = x.id AND m.main_image), '', i.alt
		FROM ` + productsOfPlanSQL + `
		  CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(x.pictures) AS (url text, alt text)) WITH ORDINALITY
		    AS i (url, alt, n)
		ORDER BY x.id, i.n`},
	{"add SKUs", `
		INSERT INTO sku (id, product_id, inventory_id, color, size, description, code, back_order, stock, weight_grams)
		SELECT x.id, x.product,
		  coalesce(i.id, (SELECT id FROM sku_inventory ORDER BY identifier = 'in-stock' DESC, id LIMIT 1)),
		  x.color, x.size, x.text, nullif(x.code, ''), coalesce(x.back_order, false), x.stock, x.grams
		FROM ` + skusOfPlanSQL + ` LEFT JOIN sku_inventory i ON i.identifier = x.state
		WHERE x.new ORDER BY x.id`},
	{"count new SKUs", `
		INSERT INTO stock_change (sku_id, stock, reason, by_person, by_name)
		SELECT x.id, x.stock, 'import', $4, $3 FROM ` + skusOfPlanSQL + ` WHERE x.new AND x.stock IS NOT NULL`},
	{"set prices", `
		INSERT INTO sku_price (sku_id, price_cents, by_name)
		SELECT x.id, x.price, $3 FROM ` + skusOfPlanSQL + ` WHERE x.price IS NOT NULL`},
	{"set sale prices", `
		INSERT INTO sku_sale (sku_id, price_cents, starts_at, by_name)
		SELECT x.id, x.sale, now(), $3 FROM ` + skusOfPlanSQL + ` WHERE x.sale IS NOT NULL`},
	{"count edits of SKUs", `
		UPDATE product p SET sku_version = sku_version + 1
		WHERE id IN (SELECT x.product FROM ` + skusOfPlanSQL + `)
		  AND id NOT IN (SELECT x.id FROM ` + productsOfPlanSQL + `)`},
}

// changeSKUsSQL changes SKUs that shoppers may be buying, and records their counts. Purchases of
// the same SKUs wait from here until the commit, so it comes last; rows are locked in the same
// order as by purchases.
var changeSKUsSQL = `, x AS MATERIALIZED (
	  SELECT * FROM ` + skusOfPlanSQL + `
	  WHERE NOT x.new
	    AND num_nonnulls(x.code, x.color, x.size, x.text, x.state, x.back_order, x.stock, x.grams) > 0
	), locked AS MATERIALIZED (
	  SELECT id FROM sku WHERE id IN (SELECT id FROM x) ORDER BY id FOR NO KEY UPDATE
	), changed AS (
	  UPDATE sku s SET color = coalesce(x.color, s.color), size = coalesce(x.size, s.size),
	    description = coalesce(x.text, s.description),
	    code = CASE WHEN x.code IS NULL THEN s.code ELSE nullif(x.code, '') END,
	    back_order = coalesce(x.back_order, s.back_order), inventory_id = coalesce(i.id, s.inventory_id),
	    stock = CASE
	      WHEN x.change IS NOT NULL AND s.stock IS NOT NULL
	      THEN CASE WHEN coalesce(x.back_order, s.back_order) THEN s.stock + x.change
	        ELSE greatest(s.stock + x.change, 0) END
	      WHEN x.stock IS NOT NULL THEN x.stock
	      WHEN s.stock < 0 AND NOT coalesce(x.back_order, s.back_order) THEN 0
	      ELSE s.stock END,
	    ` + weighSQL("x.grams IS NOT NULL", "x.grams", "$3") + `
	  FROM x JOIN locked USING (id) LEFT JOIN sku_inventory i ON i.identifier = x.state
	  WHERE s.id = x.id
	  RETURNING s.id, x.change, s.stock, x.stock IS NOT NULL AS counted
	)
	INSERT INTO stock_change (sku_id, change, stock, reason, by_person, by_name)
	SELECT id, change, stock, 'import', $4, $3 FROM changed WHERE counted`

// changeSKUsOf is the last step of storing a plan.
func changeSKUsOf(ctx context.Context, tx pgx.Tx, p *importPlan, who adminui.Identity) error {
	if slices.ContainsFunc(p.skus, func(sku *importSKU) bool { return sku.Grams != nil }) {
		if err := lockWeights(ctx, tx); err != nil {
			return err
		}
	}
	return runPlan(ctx, tx, "change SKUs", changeSKUsSQL, []*importProduct{}, append([]*importSKU{}, p.skus...), who)
}

// productsOfPlanSQL are $1, the products of a plan, as rows x; skusOfPlanSQL are $2, its SKUs.
const (
	productsOfPlanSQL = `jsonb_to_recordset($1::jsonb) AS x (
		  id bigint, new boolean, identifier text, title text, title_url text, headline text, part1 text, part2 text,
		  color_name text, size_name text, published boolean, collections text[], pictures jsonb)`
	skusOfPlanSQL = `jsonb_to_recordset($2::jsonb) AS x (
		  id bigint, product bigint, code text, color text, size text, text text, state text, back_order boolean,
		  price bigint, sale bigint, stock int, change int, grams int, new boolean)`
)

// runPlan runs a step with all parameters that a step can have: products, SKUs, a name, and a
// person.
func runPlan(ctx context.Context, tx pgx.Tx, what, sql string, products, skus any, who adminui.Identity) error {
	// PostgreSQL refuses parameters of unknown type, so each step mentions all of them.
	return pg.Exec(ctx, tx, what, `WITH given AS (SELECT $1::jsonb, $2::jsonb, $3::text, $4::bigint) `+sql, products,
		skus, who.Name, who.Person)
}

// numberPlan gives ids to new products and SKUs.
func numberPlan(ctx context.Context, tx pgx.Tx, p *importPlan) error {
	var products []*importProduct
	for _, product := range p.products {
		if product.known == nil {
			products = append(products, product)
		}
	}

	ids, err := nextIDs(ctx, tx, "product", len(products))
	if err != nil {
		return err
	}

	for i, product := range products {
		product.ID = ids[i]
	}
	var skus []*importSKU
	for _, sku := range p.skus {
		if sku.Product, sku.New = sku.of.ID, sku.known == nil; sku.New {
			skus = append(skus, sku)
		}
	}

	if ids, err = nextIDs(ctx, tx, "sku", len(skus)); err != nil {
		return err
	}
	for i, sku := range skus {
		sku.ID = ids[i]
	}
	return nil
}

func nextIDs(ctx context.Context, tx pgx.Tx, table string, n int) ([]int64, error) {
	return pg.List[int64](ctx, tx, "number new rows of $1",
		`SELECT nextval(pg_get_serial_sequence($1, 'id')) FROM generate_series(1, $2)`, table, n)
}
