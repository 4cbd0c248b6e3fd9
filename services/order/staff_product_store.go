package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// staffProductSQL is a product as its page for staff shows it.
const staffProductSQL = `
	SELECT p.id, p.identifier, p.version, p.media_version, p.sku_version, p.color_name, p.size_name,
	  ` + productStateSQL + ` AS state, p.title, p.title_url,
	  coalesce(p.headline, '') AS headline, coalesce(p.description_part_1, '') AS part1,
	  coalesce(p.description_part_2, '') AS part2, p.published, p.on_sale_from, p.on_sale_until, p.retired_at,
	  ARRAY(SELECT c.address FROM product_collection k JOIN collection c ON c.id = k.collection_id
	    WHERE k.product_id = p.id ORDER BY c.address) AS collections,
	  ARRAY(SELECT address FROM product_address a WHERE a.product_id = p.id AND a.address <> p.title_url
	    ORDER BY address) AS former,
	  p.edited_by, p.edited_at,
	  coalesce((SELECT image_url FROM product_image i WHERE i.product_id = p.id AND picture_here(p.id, image_url)
	    ORDER BY main_image DESC, id LIMIT 1), '') AS image,
	  (SELECT count(*) FROM sku k WHERE k.product_id = p.id) AS skus
	FROM product p WHERE `

func findStaffProduct(ctx context.Context, db pg.DB, identifier string) (staffProduct, bool, error) {
	return pg.One[staffProduct](ctx, db, "find product $1 for staff", staffProductSQL+`p.identifier = $1`, identifier)
}

// lockProduct reads a product; no one else edits it until the transaction ends.
func lockProduct(ctx context.Context, tx pgx.Tx, id int64) (p staffProduct, found bool, err error) {
	if err := pg.Exec(ctx, tx, "lock product $1", `SELECT FROM product WHERE id = $1 FOR NO KEY UPDATE`,
		id); err != nil {
		return p, false, err
	}
	return pg.One[staffProduct](ctx, tx, "find product $1 for staff", staffProductSQL+`p.id = $1`, id)
}

// takeAddress gives a product an address, unless another product has or had it.
func takeAddress(ctx context.Context, tx pgx.Tx, id int64, address string) (free bool, err error) {
	return pg.ExecOne(ctx, tx, "give product $1 an address", `
		INSERT INTO product_address (address, product_id)
		SELECT $2, $1 WHERE NOT EXISTS (SELECT FROM product WHERE title_url = $2 AND id <> $1)
		ON CONFLICT (address) DO UPDATE SET product_id = $1 WHERE product_address.product_id = $1`, id, address)
}

// insertProduct stores a draft.
func insertProduct(ctx context.Context, tx pgx.Tx, identifier, title, titleURL, by string) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "insert product $1", `
		INSERT INTO product (identifier, title, title_url, published, edited_by) VALUES ($1, $2, $3, false, $4)
		RETURNING id`, identifier, title, titleURL, by)
}

// updateProduct stores an edit. The former address is kept.
func updateProduct(ctx context.Context, tx pgx.Tx, id int64, e productEdit, by string) error {
	return pg.Exec(ctx, tx, "update product $1", `
		UPDATE product SET title = $2, title_url = $3, headline = $4, description_part_1 = $5,
		  description_part_2 = $6, published = $7, on_sale_from = $8, on_sale_until = $9,
		  version = version + 1, edited_by = $10, edited_at = now()
		WHERE id = $1`, id, e.Title, e.TitleURL, e.Headline, e.Part1, e.Part2, e.Published,
		e.OnSaleFrom, e.OnSaleUntil, by)
}

// setCollections adds a product to collections, behind their products; all is false if one of them
// is unknown.
func setCollections(ctx context.Context, tx pgx.Tx, id int64, addresses []string) (all bool, err error) {
	if err := pg.Exec(ctx, tx, "take product $1 out of collections", `
		DELETE FROM product_collection k USING collection c
		WHERE k.product_id = $1 AND c.id = k.collection_id AND c.address <> ALL ($2)`, id, addresses); err != nil {
		return false, err
	}
	if err := pg.Exec(ctx, tx, "put product $1 into collections", `
		INSERT INTO product_collection (collection_id, product_id, position)
		SELECT c.id, $1, coalesce((SELECT max(position) + 1 FROM product_collection k WHERE k.collection_id = c.id), 1)
		FROM collection c WHERE c.address = ANY ($2) ON CONFLICT DO NOTHING`, id, addresses); err != nil {
		return false, err
	}
	return pg.Get[bool](ctx, tx, "count the collections of product $1", `
		SELECT count(DISTINCT address) = (SELECT count(*) FROM product_collection WHERE product_id = $1)
		FROM unnest($2::text[]) AS address`, id, addresses)
}

// retireProduct retires a product or brings it back as a draft; changed is false if it was so
// already.
func retireProduct(ctx context.Context, tx pgx.Tx, id int64, retire bool, by string) (changed bool, err error) {
	return pg.ExecOne(ctx, tx, "retire product $1", `
		UPDATE product SET retired_at = CASE WHEN $2 THEN now() END, published = published AND $2,
		  version = version + 1, edited_by = $3, edited_at = now()
		WHERE id = $1 AND (retired_at IS NULL) = $2`, id, retire, by)
}
