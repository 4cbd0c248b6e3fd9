package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// readCatalogIndex reads the whole catalog for the comparison with a file: each table by itself,
// since one statement that was planned while the shop was small would, once it is large, look up
// each price by reading all of them.
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
		  published
		FROM product p ORDER BY id`)

	type shown struct {
		Product int64
		Word    string
	}
	queue(batch, func(s shown) {
		if p := x.products[s.Product]; p != nil { // otherwise it was added after they were read
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
		return nil, fmt.Errorf("read the catalog: %w", err)
	}
	return x, nil
}

// queueSKUs adds reading SKUs and their current prices to a batch.
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
		FROM sku s JOIN sku_inventory i ON i.id = s.inventory_id
		WHERE s.product_id IS NOT NULL ORDER BY s.id`)

	type cost struct {
		SKU   int64 `db:"sku"`
		Cents int64
	}
	known := func(set func(k *knownSKU, cents *int64)) func(cost) {
		return func(c cost) {
			if k := x.skus[c.SKU]; k != nil {
				set(k, &c.Cents)
			}
		}
	}

	queue(batch, known(func(k *knownSKU, cents *int64) { k.Price = cents }), `
		SELECT DISTINCT ON (sku_id) sku_id AS sku, price_cents AS cents FROM sku_price
		WHERE created_date_time <= now() ORDER BY sku_id, created_date_time DESC, id DESC`)
	queue(batch, known(func(k *knownSKU, cents *int64) { k.Sale = cents }), `
		SELECT DISTINCT ON (sku_id) sku_id AS sku, price_cents AS cents FROM sku_sale
		WHERE starts_at <= now() AND (ends_at IS NULL OR ends_at > now()) ORDER BY sku_id, starts_at DESC, id DESC`)
}
