package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// readCatalogIndex reads the whole catalogue as files are compared with it: each table by itself, since a statement
// that was planned while the shop was small would look each price up by reading all of them once it is large.
func readCatalogIndex(ctx context.Context, db pg.DB) (*catalogIndex, error) {
	x := &catalogIndex{products: map[int64]*knownProduct{}, byName: map[string]*knownProduct{},
		byAddress: map[string]int64{}, skus: map[int64]*knownSKU{},
		byCode: map[string]*knownSKU{}, ofProduct: map[int64][]*knownSKU{},
		collection: map[string]bool{}, states: map[string]bool{}}
	batch := &pgx.Batch{}
	queue(batch, func(p knownProduct) {
		x.products[p.ID], x.byName[p.Identifier] = &p, &p
		if x.byAddress[p.TitleURL] == 0 {
			x.byAddress[p.TitleURL] = p.ID
		}
	}, `
		SELECT p.id, identifier, title, title_url, coalesce(headline, '') AS headline,
		  coalesce(description_part_1, '') AS part1, coalesce(description_part_2, '') AS part2, color_name, size_name,
		  published FROM product p ORDER BY id`)
	type shown struct {
		Product int64
		Word    string
	}
	queue(batch, func(s shown) {
		if p := x.products[s.Product]; p != nil { // else it was made after they were read
			p.Collections = append(p.Collections, s.Word)
		}
	}, `
		SELECT k.product_id AS product, c.address AS word
		FROM product_collection k JOIN collection c ON c.id = k.collection_id`)
	queue(batch, func(s shown) {
		if p := x.products[s.Product]; p != nil {
			p.Pictures = append(p.Pictures, s.Word)
		}
	}, `SELECT product_id AS product, image_url AS word FROM product_image`)
	queue(batch, func(s shown) {
		if p := x.products[s.Product]; p != nil {
			p.Fetched = append(p.Fetched, s.Word)
		}
	}, `SELECT product_id AS product, url AS word FROM picture_fetch WHERE state = 'fetched'`)
	queue(batch, func(a struct {
		Address string
		Product int64
	}) {
		x.byAddress[a.Address] = a.Product
	}, `SELECT address, product_id AS product FROM product_address`)
	x.queueSKUs(batch)
	type word struct{ Word string }
	queue(batch, func(c word) { x.collection[c.Word] = true }, `SELECT address AS word FROM collection`)
	queue(batch, func(c word) { x.states[c.Word] = true },
		`SELECT identifier AS word FROM sku_inventory WHERE identifier <> 'back-order'`)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("read the catalogue: %w", err)
	}
	return x, nil
}

// queueSKUs has a batch read SKUs and what they cost now.
func (x *catalogIndex) queueSKUs(batch *pgx.Batch) {
	queue(batch, func(k knownSKU) {
		x.skus[k.ID], x.ofProduct[k.Product] = &k, append(x.ofProduct[k.Product], &k)
		if k.Code != "" {
			x.byCode[k.Code] = &k
		}
	}, `
		SELECT s.id, s.product_id AS product, coalesce(s.code, '') AS code, coalesce(s.color, '') AS color,
		  coalesce(s.size, '') AS size, coalesce(s.description, '') AS text, i.identifier AS state,
		  s.stock, s.weight_grams AS grams, s.back_order
		FROM sku s JOIN sku_inventory i ON i.id = s.inventory_id WHERE s.product_id IS NOT NULL ORDER BY s.id`)
	queue(batch, func(p struct {
		SKU   int64 `db:"sku"`
		Price int64
	}) {
		if k := x.skus[p.SKU]; k != nil {
			k.Price = &p.Price
		}
	}, `
		SELECT DISTINCT ON (sku_id) sku_id AS sku, price_cents AS price FROM sku_price
		WHERE created_date_time <= now() ORDER BY sku_id, created_date_time DESC, id DESC`)
	queue(batch, func(p struct {
		SKU  int64 `db:"sku"`
		Sale int64
	}) {
		if k := x.skus[p.SKU]; k != nil {
			k.Sale = &p.Sale
		}
	}, `
		SELECT DISTINCT ON (sku_id) sku_id AS sku, price_cents AS sale FROM sku_sale
		WHERE starts_at <= now() AND (ends_at IS NULL OR ends_at > now()) ORDER BY sku_id, starts_at DESC, id DESC`)
}

// lockImports lets one file be applied, or taken back, at a time. Adding ten thousand products to what is searched
// takes longer than a statement for a shopper may.
func lockImports(ctx context.Context, tx pgx.Tx) error {
	if err := pg.Exec(ctx, tx, "take time for a file", `SET LOCAL statement_timeout TO '2min'`); err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "wait for other files", `SELECT pg_advisory_xact_lock(hashtext('catalog import'))`)
}

// storePlan stores what a file changes, but for SKUs that shoppers may be buying (changeSKUsOf); undo is what takes it
// back. Statements are few however long the file is.
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
		INSERT INTO product (id, identifier, title, title_url, headline, description_part_1, description_part_2, color_name,
		  size_name, published, edited_by)
		SELECT x.id, x.identifier, x.title, x.title_url, x.headline, x.part1, x.part2, coalesce(x.color_name, ''),
		  coalesce(x.size_name, ''), x.published, $3 FROM ` + productsOfPlan + ` WHERE x.new`},
	{"note addresses", `
		INSERT INTO product_address (address, product_id) SELECT x.title_url, x.id FROM ` + productsOfPlan + `
		WHERE x.title_url IS NOT NULL ON CONFLICT (address) DO NOTHING`},
	{"change products", `
		UPDATE product p SET title = coalesce(x.title, p.title), title_url = coalesce(x.title_url, p.title_url),
		  headline = coalesce(x.headline, p.headline), description_part_1 = coalesce(x.part1, p.description_part_1),
		  description_part_2 = coalesce(x.part2, p.description_part_2), color_name = coalesce(x.color_name, p.color_name),
		  size_name = coalesce(x.size_name, p.size_name), published = coalesce(x.published, p.published),
		  version = version + 1, media_version = media_version + 1, sku_version = sku_version + 1, edited_by = $3,
		  edited_at = now() FROM ` + productsOfPlan + ` WHERE p.id = x.id AND NOT x.new`},
	{"leave collections", `
		DELETE FROM product_collection k USING ` + productsOfPlan + `, collection c
		WHERE k.product_id = x.id AND x.collections IS NOT NULL AND c.id = k.collection_id AND c.address <> ALL
		  (x.collections)`},
	{"join collections", `
		INSERT INTO product_collection (collection_id, product_id, position)
		SELECT c.id, x.id, (SELECT coalesce(max(position), 0) FROM product_collection k WHERE k.collection_id = c.id)
		  + row_number() OVER (PARTITION BY c.id ORDER BY x.id)
		FROM ` + productsOfPlan + ` JOIN collection c ON c.address = ANY (x.collections) ON CONFLICT DO NOTHING`},
	{"add pictures", `
		INSERT INTO product_image (product_id, image_url, main_image, caption, alternative_text)
		SELECT x.id, i.url, i.n = 1 AND NOT EXISTS (SELECT FROM product_image m WHERE m.product_id = x.id AND
		  m.main_image), '',
		  i.alt
		FROM ` + productsOfPlan + ` CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(x.pictures) AS (url text, alt text))
		  WITH ORDINALITY AS i (url, alt, n) ORDER BY x.id, i.n`},
	{"add SKUs", `
		INSERT INTO sku (id, product_id, inventory_id, color, size, description, code, back_order, stock, weight_grams)
		SELECT x.id, x.product, coalesce(i.id, (SELECT id FROM sku_inventory ORDER BY identifier = 'in-stock' DESC, id
		  LIMIT 1)), x.color, x.size, x.text, nullif(x.code, ''), coalesce(x.back_order, false), x.stock,
		  x.grams
		FROM ` + skusOfPlan + ` LEFT JOIN sku_inventory i ON i.identifier = x.state WHERE x.new ORDER BY x.id`},
	{"count new SKUs", `
		INSERT INTO stock_change (sku_id, stock, reason, by_person, by_name)
		SELECT x.id, x.stock, 'import', $4, $3 FROM ` + skusOfPlan + ` WHERE x.new AND x.stock IS NOT NULL`},
	{"set prices", `
		INSERT INTO sku_price (sku_id, price_cents, by_name) SELECT x.id, x.price, $3 FROM ` + skusOfPlan + `
		WHERE x.price IS NOT NULL`},
	{"set sale prices", `
		INSERT INTO sku_sale (sku_id, price_cents, starts_at, by_name) SELECT x.id, x.sale, now(), $3 FROM ` + skusOfPlan + `
		WHERE x.sale IS NOT NULL`},
	{"count edits of SKUs", `
		UPDATE product p SET sku_version = sku_version + 1 WHERE id IN (SELECT x.product FROM ` + skusOfPlan + `)
		AND id NOT IN (SELECT x.id FROM ` + productsOfPlan + `)`},
}

// changeSKUsSQL changes SKUs that shoppers may be buying, and notes their counts. Purchases of the same SKUs wait from
// here until the commit, so it comes last; rows are locked in the order in which purchases lock them.
var changeSKUsSQL = `, x AS MATERIALIZED (
	  SELECT * FROM ` + skusOfPlan + ` WHERE NOT x.new AND num_nonnulls(x.code, x.color, x.size, x.text, x.state,
	    x.back_order, x.stock, x.grams) > 0
	), locked AS MATERIALIZED (
	  SELECT id FROM sku WHERE id IN (SELECT id FROM x) ORDER BY id FOR NO KEY UPDATE
	), changed AS (
	  UPDATE sku s SET color = coalesce(x.color, s.color), size = coalesce(x.size, s.size),
	    description = coalesce(x.text, s.description),
	    code = CASE WHEN x.code IS NULL THEN s.code ELSE nullif(x.code, '') END,
	    back_order = coalesce(x.back_order, s.back_order), inventory_id = coalesce(i.id, s.inventory_id),
	    stock = CASE WHEN x.change IS NOT NULL AND s.stock IS NOT NULL
	      THEN CASE WHEN coalesce(x.back_order, s.back_order) THEN s.stock + x.change
	        ELSE greatest(s.stock + x.change, 0) END
	      WHEN x.stock IS NOT NULL THEN x.stock
	      WHEN s.stock < 0 AND NOT coalesce(x.back_order, s.back_order) THEN 0 ELSE s.stock END,
	    ` + weighSQL("x.grams IS NOT NULL", "x.grams", "$3") + `
	  FROM x JOIN locked USING (id) LEFT JOIN sku_inventory i ON i.identifier = x.state
	  WHERE s.id = x.id RETURNING s.id, x.change, s.stock, x.stock IS NOT NULL AS counted
	)
	INSERT INTO stock_change (sku_id, change, stock, reason, by_person, by_name)
	SELECT id, change, stock, 'import', $4, $3 FROM changed WHERE counted`

// changeSKUsOf is the end of storing a plan.
func changeSKUsOf(ctx context.Context, tx pgx.Tx, p *importPlan, who adminui.Identity) error {
	if slices.ContainsFunc(p.skus, func(sku *importSKU) bool { return sku.Grams != nil }) {
		if err := lockWeights(ctx, tx); err != nil {
			return err
		}
	}
	return runPlan(ctx, tx, "change SKUs", changeSKUsSQL, []*importProduct{}, append([]*importSKU{}, p.skus...), who)
}

// productsOfPlan are $1, the products of a plan, as rows x; skusOfPlan are $2.
const (
	productsOfPlan = `jsonb_to_recordset($1::jsonb) AS x (id bigint, new boolean, identifier text, title text,
	  title_url text, headline text,
		part1 text, part2 text, color_name text, size_name text, published boolean, collections text[], pictures jsonb)`
	skusOfPlan = `jsonb_to_recordset($2::jsonb) AS x (id bigint, product bigint, code text, color text, size text, text
	  text,
		state text, back_order boolean, price bigint, sale bigint, stock int, change int, grams int, new boolean)`
)

// runPlan runs a step with all that steps may ask for: products, SKUs, a name, and a person.
func runPlan(ctx context.Context, tx pgx.Tx, what, sql string, products, skus any, who adminui.Identity) error {
	// PostgreSQL refuses parameters whose type it cannot tell, so each step names all of them.
	return pg.Exec(ctx, tx, what, `WITH given AS (SELECT $1::jsonb, $2::jsonb, $3::text, $4::bigint) `+sql, products, skus,
		who.Name, who.Person)
}

// numberPlan gives ids to products and SKUs that are new.
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

// undoSQL is what a plan ($1 products, $2 SKUs) is about to change, as it is before.
const undoSQL = `
	SELECT jsonb_build_object(
	  'products', coalesce((SELECT jsonb_agg(jsonb_build_object('id', x.id, 'new', p.id IS NULL, 'was', CASE WHEN p.id
	  IS NOT NULL THEN
	      jsonb_build_object('title', p.title, 'title_url', p.title_url, 'headline', p.headline, 'part1',
	  p.description_part_1,
	        'part2', p.description_part_2, 'color_name', p.color_name, 'size_name', p.size_name, 'published', p.published,
	        'collections', ARRAY(SELECT c.address FROM product_collection k JOIN collection c ON c.id = k.collection_id
	          WHERE k.product_id = p.id)) END, 'is', to_jsonb(x)))
	    FROM ` + productsOfPlan + ` LEFT JOIN product p ON p.id = x.id), '[]'),
	  'skus', coalesce((SELECT jsonb_agg(jsonb_build_object('id', x.id, 'new', s.id IS NULL, 'was', CASE WHEN s.id IS
	  NOT NULL THEN
	      jsonb_build_object('code', s.code, 'color', s.color, 'size', s.size, 'text', s.description, 'back_order',
	  s.back_order,
	        'inventory', s.inventory_id, 'price', ` + regularSQL + `, 'stock', s.stock, 'grams',
	  s.weight_grams) END, 'is', to_jsonb(x)))
	    FROM ` + skusOfPlan + ` LEFT JOIN sku s ON s.id = x.id), '[]'))`

// productRows are the products of what takes a plan back ($1), as rows x; skuRows are its SKUs.
const (
	productRows = `jsonb_to_recordset($1::jsonb -> 'products') AS x (id bigint, new boolean, was jsonb, "is" jsonb)`
	skuRows     = `jsonb_to_recordset($1::jsonb -> 'skus') AS x (id bigint, new boolean, was jsonb, "is" jsonb)`
)

// picturesOfRow are the pictures that a file added to product x, as rows e.
const picturesOfRow = `jsonb_array_elements(CASE jsonb_typeof(x.is -> 'pictures') WHEN 'array' THEN x.is -> 'pictures'
	ELSE '[]' END) AS e`

// backAgainSQL is whether a SKU s can be sold beyond its count once x is taken back. What the count comes to then
// depends on it, whatever it was before the file.
const backAgainSQL = `CASE WHEN x.is ->> 'back_order' = s.back_order::text AND (s.stock >= 0 OR s.stock IS NULL)
		    THEN (x.was ->> 'back_order')::boolean ELSE s.back_order END`

// weighedStill is whether a SKU s weighs what a file said.
const weighedStill = `(x.is ->> 'grams')::int IS NOT DISTINCT FROM s.weight_grams AND x.is ->> 'grams' IS NOT NULL`

// undoSteps take a plan back, in this order: purchases of the SKUs wait for the last three.
var undoSteps = []planStep{
	{"take back prices", `
		INSERT INTO sku_price (sku_id, price_cents, by_name)
		SELECT s.id, (x.was ->> 'price')::bigint, $2 FROM ` + skuRows + ` JOIN sku s ON s.id = x.id
		WHERE NOT x.new AND x.was ->> 'price' IS NOT NULL AND ` + regularSQL + ` = (x.is ->> 'price')::bigint`},
	{"take back sale prices", `
		UPDATE sku_sale l SET ends_at = greatest(l.starts_at, now()) FROM ` + skuRows + `
		WHERE l.sku_id = x.id AND l.price_cents = (x.is ->> 'sale')::bigint AND l.ends_at IS NULL
		AND l.id = (SELECT id FROM sku_sale n WHERE n.sku_id = x.id AND n.starts_at <= now()
		  ORDER BY n.starts_at DESC, n.id DESC LIMIT 1)`},
	{"take back new SKUs", `
		UPDATE sku s SET product_id = NULL, code = NULL, retired_at = coalesce(retired_at, now()) FROM ` + skuRows + `
		WHERE s.id = x.id AND x.new AND s.quoted_at IS NOT NULL
		AND s.product_id NOT IN (SELECT x.id FROM ` + productRows + ` WHERE x.new)`},
	{"delete new SKUs", `DELETE FROM sku s USING ` + skuRows + ` WHERE s.id = x.id AND x.new AND s.quoted_at IS NULL`},
	{"take back collections", `
		DELETE FROM product_collection k USING ` + productRows + `, collection c WHERE k.product_id = x.id AND NOT x.new
		AND c.id = k.collection_id AND x.is -> 'collections' ? c.address AND NOT x.was -> 'collections' ? c.address`},
	{"give back collections", `
		INSERT INTO product_collection (collection_id, product_id, position)
		SELECT c.id, x.id, 0 FROM ` + productRows + ` JOIN collection c ON x.was -> 'collections' ? c.address
		WHERE NOT x.new AND jsonb_typeof(x.is -> 'collections') = 'array' ON CONFLICT DO NOTHING`},
	{"wait for editors", `
		SELECT count(*) FROM (SELECT FROM product WHERE id IN (SELECT x.id FROM ` + productRows + `) ORDER BY id
		  FOR NO KEY UPDATE) AS locked`},
	{"take back pictures", `
		DELETE FROM product_image i USING ` + productRows + `, ` + picturesOfRow + `
		WHERE i.product_id = x.id AND NOT x.new AND i.image_url IN (e ->> 'url',
		  (SELECT f.address FROM picture_fetch f WHERE f.product_id = x.id AND f.url = e ->> 'url'))`},
	{"fetch no pictures of it", `
		DELETE FROM picture_fetch f USING ` + productRows + `, ` + picturesOfRow + `
		WHERE f.product_id = x.id AND NOT x.new AND f.url = e ->> 'url'`},
	{"take back products", `
		UPDATE product p SET ` + takeBack("title", "p.title", "title") + `,
		  ` + takeBack("title_url", "p.title_url", "title_url") + `,
		  ` + takeBack("headline", "p.headline", "headline") + `,
		  ` + takeBack("description_part_1", "p.description_part_1", "part1") + `,
		  ` + takeBack("description_part_2", "p.description_part_2", "part2") + `,
		  ` + takeBack("color_name", "p.color_name", "color_name") + `,
		  ` + takeBack("size_name", "p.size_name", "size_name") + `,
		  published = CASE WHEN x.is ->> 'published' = p.published::text THEN (x.was ->> 'published')::boolean ELSE
		  p.published END,
		  version = version + 1, media_version = media_version + 1, sku_version = sku_version + 1, edited_by = $2,
		  edited_at = now()
		FROM ` + productRows + ` WHERE p.id = x.id AND NOT x.new`},
	{"delete new products", `
		DELETE FROM product p USING ` + productRows + ` WHERE p.id = x.id AND x.new
		AND NOT EXISTS (SELECT FROM sku s WHERE s.product_id = p.id)`},
	{"retire new products that were sold", `
		UPDATE product p SET retired_at = now(), version = version + 1, edited_by = $2, edited_at = now()
		FROM ` + productRows + ` WHERE p.id = x.id AND x.new AND p.retired_at IS NULL`},
	{"wait for other weights", `SELECT pg_advisory_xact_lock(hashtext('weights')) FROM ` + skuRows + `
		WHERE x.is ->> 'grams' IS NOT NULL LIMIT 1`},
	{"wait for purchases", `
		SELECT count(*) FROM (SELECT FROM sku WHERE id IN (SELECT x.id FROM ` + skuRows + ` WHERE NOT x.new) ORDER BY id
		  FOR NO KEY UPDATE) AS locked`},
	{"take back counts", `
		INSERT INTO stock_change (sku_id, change, stock, reason, note, by_person, by_name)
		SELECT s.id, -(x.is ->> 'change')::int, CASE WHEN x.is ->> 'change' IS NOT NULL
		    THEN greatest(s.stock - (x.is ->> 'change')::int, CASE WHEN ` + backAgainSQL + ` THEN -2000000000 ELSE 0 END) END,
		  'import', 'taken back', $3, $2
		FROM ` + skuRows + ` JOIN sku s ON s.id = x.id WHERE NOT x.new AND x.is ->> 'stock' IS NOT NULL AND s.stock IS NOT
		  NULL`},
	{"take back SKUs", `
		UPDATE sku s SET ` + takeBack("color", "s.color", "color") + `, ` + takeBack("size", "s.size", "size") + `,
		  ` + takeBack("description", "s.description", "text") + `,
		  code = CASE WHEN EXISTS (SELECT FROM sku o WHERE o.code = x.was ->> 'code' AND o.id <> s.id) THEN s.code
		    ELSE ` + takeBackTo("s.code", "code") + ` END,
		  back_order = ` + backAgainSQL + `,
		  inventory_id = CASE WHEN (SELECT identifier FROM sku_inventory i WHERE i.id = s.inventory_id) = x.is ->> 'state'
		    THEN (x.was ->> 'inventory')::bigint ELSE s.inventory_id END,
		  stock = CASE WHEN x.is ->> 'stock' IS NULL OR s.stock IS NULL THEN s.stock
		    WHEN x.is ->> 'change' IS NULL THEN NULL
		    ELSE greatest(s.stock - (x.is ->> 'change')::int, CASE WHEN ` + backAgainSQL + ` THEN -2000000000
		      ELSE 0 END) END,
		  ` + weighSQL(weighedStill, "(x.was ->> 'grams')::int", "$2") + `
		FROM (SELECT * FROM ` + skuRows + ` ORDER BY x.id) x WHERE s.id = x.id AND NOT x.new`},
}

// undoPlan takes back what a file changed, but for what was changed again since. Products and SKUs that it added go;
// what was sold of them meanwhile, or is held by a payment page, is retired instead: a product with its SKUs, which stay
// to be found under their article numbers, or a SKU of a product that is older than the file.
func undoPlan(ctx context.Context, tx pgx.Tx, undo json.RawMessage, who adminui.Identity) error {
	for _, step := range undoSteps {
		if err := pg.Exec(ctx, tx, step.what, `WITH given AS (SELECT $1::jsonb, $2::text, $3::bigint)
		  `+step.sql, undo, who.Name,
			who.Person); err != nil {
			return err
		}
	}
	return nil
}

// takeBack sets a column to what it was before a file, where it still is what the file made it.
func takeBack(column, now, key string) string { return column + " = " + takeBackTo(now, key) }

func takeBackTo(now, key string) string {
	return `CASE WHEN x.is ->> '` + key + `' = coalesce(` + now + `, '') THEN x.was ->> '` + key + `' ELSE
	  ` + now + ` END`
}

// catalogImport is a file that someone brought.
type catalogImport struct {
	ID        int64           `json:"id"`
	File      string          `json:"file"`
	State     string          `json:"state"` // checked, applied or undone
	Summary   importSummary   `json:"summary"`
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	AppliedAt *time.Time      `json:"applied_at"`
	UndoneAt  *time.Time      `json:"undone_at"`
	CanUndo   bool            `json:"can_undo"`
	Fetches   *fileFetches    `json:"pictures,omitempty" db:"-"`
	Body      []byte          `json:"-"`
	Before    json.RawMessage `json:"-"`
}

// undoFor is how long a file can be taken back, and how long one that was only checked is kept.
const undoFor = 24 * time.Hour

const importColumns = `id, file, state, summary, by_name AS by, at, applied_at, undone_at,
	state = 'applied' AND before IS NOT NULL AND applied_at > now() - interval '1 day' AS can_undo`

func insertImport(ctx context.Context, db pg.DB, file string, body []byte, s importSummary,
	who adminui.Identity) (id int64, err error) {
	return pg.Get[int64](ctx, db, "keep a file", `
		INSERT INTO catalog_import (file, body, summary, by_person, by_name) VALUES ($1, $2, $3, $4, $5) RETURNING id`, file,
		body, s, who.Person, who.Name)
}

// appliedCounts are the SKUs of differences that a file applied already, with the time. A count that still is what it
// was when the file was made becomes what the file says, so there is nothing to refuse then.
func appliedCounts(ctx context.Context, db pg.DB, differs []importCount) (map[int64]time.Time, error) {
	skus, was, counts := splitCounts(differs)
	type applied struct {
		SKU int64 `db:"sku"`
		At  time.Time
	}
	list, err := pg.List[applied](ctx, db, "look for counts that were applied", `
		SELECT c.sku_id AS sku, max(i.applied_at) AS at
		FROM unnest($1::bigint[], $2::int[], $3::int[]) AS x (sku, was, count)
		JOIN catalog_import_count c ON c.sku_id = x.sku AND c.was = x.was AND c.count = x.count
		JOIN catalog_import i ON i.id = c.import_id AND i.state = 'applied'
		JOIN sku s ON s.id = x.sku AND s.stock <> x.was GROUP BY 1`, skus, was, counts)
	known := make(map[int64]time.Time, len(list))
	for _, one := range list {
		known[one.SKU] = one.At
	}
	return known, err
}

func splitCounts(differs []importCount) (skus []int64, was, counts []int32) {
	for _, one := range differs {
		skus, was, counts = append(skus, one.SKU), append(was, one.Was), append(counts, one.Count)
	}
	return skus, was, counts
}

// listImports are the last files, without what is in them.
func listImports(ctx context.Context, db pg.DB, most int) ([]catalogImport, error) {
	return pg.List[catalogImport](ctx, db, "list files", `
		SELECT `+importColumns+`, ''::bytea AS body, 'null'::jsonb AS before FROM catalog_import ORDER BY id DESC LIMIT
		  $1`, most)
}

// findImport is a file, locked where lock says so.
func findImport(ctx context.Context, db pg.DB, id int64, lock bool) (catalogImport, bool, error) {
	sql := `SELECT ` + importColumns + `, coalesce(body, '') AS body, coalesce(before, 'null') AS before
		FROM catalog_import WHERE id = $1`
	if lock {
		sql += ` FOR UPDATE`
	}
	return pg.One[catalogImport](ctx, db, "read file $1", sql, id)
}

func noteApplied(ctx context.Context, tx pgx.Tx, id int64, s importSummary, undo json.RawMessage,
	differs []importCount) error {
	skus, was, counts := splitCounts(differs)
	return pg.Exec(ctx, tx, "note that file $1 was applied", `
		WITH counted AS (INSERT INTO catalog_import_count (import_id, sku_id, was, count)
		  SELECT $1, x.sku, x.was, x.count FROM unnest($4::bigint[], $5::int[], $6::int[]) AS x (sku, was, count))
		UPDATE catalog_import SET state = 'applied', applied_at = now(), summary = $2, before = $3, body = NULL
		WHERE id = $1`, id, s, undo, skus, was, counts)
}

// noteUndone notes that a file was taken back, and how much of what it added is retired instead of deleted.
func noteUndone(ctx context.Context, tx pgx.Tx, id int64, undo json.RawMessage) (kept importKept, err error) {
	return pg.Get[importKept](ctx, tx, "note that file $2 was taken back", `
		WITH kept AS (SELECT
		  (SELECT count(*) FROM `+productRows+` JOIN product p ON p.id = x.id WHERE x.new) AS products,
		  (SELECT count(*) FROM `+skuRows+` JOIN sku s ON s.id = x.id WHERE x.new AND s.product_id IS NULL) AS skus)
		UPDATE catalog_import SET state = 'undone', undone_at = now(), before = NULL,
		  summary = summary || jsonb_build_object('retired', to_jsonb(kept))
		FROM kept WHERE id = $2 RETURNING products, skus`, undo, id)
}

// countsFor is how long differences of counts are known as applied.
const countsFor = 30 * 24 * time.Hour

// dropOldImports empties files whose time is over.
func dropOldImports(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	emptied, err := pg.InGroups(ctx, pool, "empty old files", `
		UPDATE catalog_import SET body = NULL, before = NULL WHERE id IN (
			SELECT id FROM catalog_import WHERE (body IS NOT NULL OR before IS NOT NULL)
			AND greatest(at, applied_at) < now() - $2::interval LIMIT $1)`, undoFor)
	if err != nil {
		return emptied, err
	}
	dropped, err := pg.InGroups(ctx, pool, "drop old counts of files", `
		DELETE FROM catalog_import_count WHERE (sku_id, import_id) IN (
			SELECT sku_id, import_id FROM catalog_import_count c JOIN catalog_import i ON i.id = c.import_id
			WHERE i.applied_at < now() - $2::interval LIMIT $1)`, countsFor)
	return emptied + dropped, err
}
