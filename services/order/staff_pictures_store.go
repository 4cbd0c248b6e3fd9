package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// listMedia lists pictures and videos of a product in their order: the product's own pictures, then
// those of its SKUs.
func listMedia(ctx context.Context, db pg.DB, id int64) (pictures, videos []mediaRow, err error) {
	pictures, err = pg.List[mediaRow](ctx, db, "list pictures of product $1", `
		SELECT id, sku, url, '' AS thumbnail, caption, alt FROM (
		  SELECT id, 0::bigint AS sku, image_url AS url, coalesce(caption, '') AS caption, alternative_text AS alt,
		    main_image FROM product_image WHERE product_id = $1
		  UNION ALL
		  SELECT i.id, i.sku_id, image_url, coalesce(caption, ''), alternative_text, main_image
		  FROM sku_image i JOIN sku s ON s.id = i.sku_id WHERE s.product_id = $1) AS m
		ORDER BY sku, main_image DESC, id`, id)
	if err != nil {
		return nil, nil, err
	}
	videos, err = pg.List[mediaRow](ctx, db, "list videos of product $1", `
		SELECT id, 0::bigint AS sku, video_url AS url, video_thumbnail_url AS thumbnail,
		  coalesce(caption, '') AS caption, '' AS alt
		FROM product_video WHERE product_id = $1 ORDER BY id`, id)
	return pictures, videos, err
}

// listSKUNames are the SKUs of a product.
func listSKUNames(ctx context.Context, db pg.DB, id int64) ([]skuName, error) {
	return pg.List[skuName](ctx, db, "list the names of the SKUs of product $1", `
		SELECT id, coalesce(nullif(concat_ws(', ', nullif(color, ''), nullif(size, ''), nullif(description, '')), ''),
		  'SKU ' || id) AS name
		FROM sku WHERE product_id = $1 ORDER BY id`, id)
}

// storeMedia replaces pictures and videos. They get new ids, ascending in their order: clients of
// the API read an object whose keys are ids, and JavaScript walks such keys in ascending order. The
// first picture of a product, or of a SKU, is its main one.
func storeMedia(ctx context.Context, tx pgx.Tx, id int64, pictures, videos []mediaRow, by string) error {
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM product_image WHERE product_id = $1`, id)
	batch.Queue(`DELETE FROM sku_image WHERE sku_id IN (SELECT id FROM sku WHERE product_id = $1)`, id)
	batch.Queue(`DELETE FROM product_video WHERE product_id = $1`, id)
	main := map[int64]bool{}
	for _, m := range pictures {
		if m.SKU == 0 {
			batch.Queue(`
				INSERT INTO product_image (product_id, image_url, main_image, caption, alternative_text)
				VALUES ($1, $2, $3, $4, $5)`, id, m.URL, !main[0], m.Caption, m.Alt)
		} else {
			batch.Queue(`
				INSERT INTO sku_image (sku_id, image_url, main_image, caption, alternative_text)
				SELECT id, $3, $4, $5, $6 FROM sku WHERE id = $2 AND product_id = $1`, id, m.SKU, m.URL, !main[m.SKU],
				m.Caption, m.Alt)
		}
		main[m.SKU] = true
	}

	for _, m := range videos {
		batch.Queue(`
			INSERT INTO product_video (product_id, video_url, video_thumbnail_url, caption) VALUES ($1, $2, $3, $4)`,
			id, m.URL, m.Thumbnail, m.Caption)
	}

	batch.Queue(`UPDATE product SET media_version = media_version + 1, edited_by = $2, edited_at = now() WHERE id = $1`,
		id, by)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store the media of product %d: %w", id, err)
	}
	return nil
}

// appendPictures adds pictures behind those of a product; all is false if it would then have more
// than limit.
func appendPictures(ctx context.Context, tx pgx.Tx, id int64, addresses []string, limit int, by string) (all bool,
	err error) {
	n, err := pg.Get[int](ctx, tx, "append pictures to product $1", `
		WITH new AS (
		  INSERT INTO product_image (product_id, image_url, main_image, caption)
		  SELECT $1, address, n = 1 AND NOT EXISTS (SELECT FROM product_image WHERE product_id = $1 AND main_image), ''
		  FROM unnest($2::text[]) WITH ORDINALITY AS a (address, n) ORDER BY n RETURNING id
		), edited AS (
		  UPDATE product SET media_version = media_version + 1, edited_by = $3, edited_at = now() WHERE id = $1
		)
		SELECT (SELECT count(*) FROM new)
		  + (SELECT count(*) FROM product_image WHERE product_id = $1)`, id, addresses, by)
	return n <= limit, err
}
