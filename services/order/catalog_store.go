package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// findProduct reads a product and its parts: five queries however many parts there are, in one
// round trip. Shoppers see what is on sale; any is for previews.
func findProduct(ctx context.Context, db pg.DB, identifier string, any bool) (p productDetail, found bool,
	err error) {
	p.Images, p.Videos, p.SKUs = web.Object{}, web.Object{}, web.Object{}
	images := map[int64]web.Object{}
	batch := &pgx.Batch{}
	batch.Queue(`
		SELECT id, title, title_url, identifier, headline, description_part_1, description_part_2, color_name, size_name
		FROM `+
		`product p WHERE identifier = $1 AND ($2 OR on_sale(p))`, identifier, any).
		QueryRow(func(row pgx.Row) error {
			var names optionNames
			err := row.Scan(&p.ID, &p.Title, &p.TitleURL, &p.Identifier, &p.Headline, &p.DescriptionPart1,
				&p.DescriptionPart2, &names.Color, &names.Size)
			if found = err == nil; names != (optionNames{}) {
				p.OptionNames = &names
			}
			if errors.Is(err, pgx.ErrNoRows) {
				return nil
			}
			return err
		})

	queue(batch, func(i productPicture) { p.Images = append(p.Images, web.Field{Key: web.ID(i.ID), Value: i}) }, `
		SELECT i.id, p.id AS owner, image_url, main_image, caption, alternative_text FROM product_image i
		  JOIN product p ON p.id = i.product_id
		WHERE p.identifier = $1 AND picture_here(p.id, image_url) ORDER BY main_image DESC, i.id`, identifier)
	queue(batch, func(v video) { p.Videos = append(p.Videos, web.Field{Key: web.ID(v.ID), Value: v}) }, `
		SELECT v.id, video_url, video_thumbnail_url, caption FROM product_video v JOIN product p ON p.id = v.product_id
		WHERE p.identifier = $1 ORDER BY v.id DESC`, identifier)

	queue(batch, func(i productPicture) {
		images[i.Owner] = append(images[i.Owner], web.Field{Key: web.ID(i.ID), Value: i})
	}, `
		SELECT i.id, s.id AS owner, image_url, main_image, caption, alternative_text FROM sku_image i
		  JOIN sku s ON s.id = i.sku_id
		  JOIN product p ON p.id = s.product_id
		WHERE p.identifier = $1 AND picture_here(p.id, image_url) ORDER BY main_image DESC, i.id`, identifier)

	queue(batch, func(k productSKU) {
		k.Images = images[k.ID]
		if k.Images == nil {
			k.Images = web.Object{}
		}
		p.SKUs = append(p.SKUs, web.Field{Key: web.ID(k.ID), Value: k})
	}, `
		SELECT id, color, size, description, price_cents, regular_cents, inventory_identifier, inventory_title,
		  inventory_description
		FROM sku_any WHERE product_identifier = $1 AND ($2 OR on_sale) ORDER BY id`, identifier, any)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return productDetail{}, false, fmt.Errorf("read product %s: %w", identifier, err)
	}
	return p, found, nil
}
