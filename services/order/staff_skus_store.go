package order

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// regularSQL is the current price of SKU s, without a sale.
const regularSQL = `(SELECT price_cents FROM sku_price x WHERE x.sku_id = s.id AND x.created_date_time <= now()
	ORDER BY x.created_date_time DESC, x.id DESC LIMIT 1)`

// listSKURows are the SKUs of a product.
func listSKURows(ctx context.Context, db pg.DB, product int64) ([]skuRow, error) {
	return pg.List[skuRow](ctx, db, "list the SKUs of product $1", `
		SELECT s.id, coalesce(s.color, '') AS color, coalesce(s.size, '') AS size,
		  coalesce(s.description, '') AS description, coalesce(s.code, '') AS code, `+regularSQL+` AS price,
		  i.identifier AS state, s.stock, s.back_order,
		  (SELECT coalesce(sum(quantity), 0)::bigint FROM reservation r WHERE r.sku_id = s.id) AS held,
		  (SELECT price_cents FROM sku_any k WHERE k.id = s.id AND k.regular_cents IS NOT NULL) AS sale
		FROM sku s JOIN sku_inventory i ON i.id = s.inventory_id WHERE s.product_id = $1 ORDER BY s.id`, product)
}

// stockStates are the states that staff can give a SKU. "On back order" is derived, and not one of
// them.
func stockStates(ctx context.Context, db pg.DB) ([]adminui.Option, error) {
	return pg.List[adminui.Option](ctx, db, "list stock states",
		`SELECT identifier AS value, title AS text FROM sku_inventory WHERE identifier <> 'back-order' ORDER BY id`)
}

// counted is the current count of a locked SKU.
type counted struct {
	Stock     *int32
	BackOrder bool
}

// storeSKU stores a form's changes of a SKU, or inserts one, and says what was done. Counts of
// stock are changed by the difference to what the person saw.
func storeSKU(ctx context.Context, tx pgx.Tx, product int64, e skuEdit, in skusEdit,
	who adminui.Identity) (map[string]any, error) {
	id, now := e.row.ID, counted{}
	if e.row.New {
		var err error
		if id, err = insertSKU(ctx, tx, product); err != nil {
			return nil, err
		}
	} else {
		var found bool
		var err error
		if now, found, err = lockSKU(ctx, tx, product, id); err != nil {
			return nil, err
		} else if !found {
			return nil, adminui.ErrStale
		}
	}

	done := map[string]any{"sku": id}
	if e.retire {
		done["retired"] = true
		return done, retireSKU(ctx, tx, id)
	}
	after, err := e.after(now)
	if err != nil {
		return nil, err
	}
	if err := updateSKU(ctx, tx, id, e, after); err != nil {
		if pg.IsConflict(err) {
			return nil, adminui.FieldErrors{"": fmt.Sprintf("Another SKU has the article number %s.", *e.code)}
		}
		return nil, err
	}

	if e.price != nil {
		done["price"] = *e.price
		if err := insertPrice(ctx, tx, id, int64(*e.price), nil, who.Name); err != nil {
			return nil, err
		}
	}

	if !sameCount(now.Stock, after.Stock) {
		done["stock"] = after.Stock
		if err := noteStock(ctx, tx, id, now.Stock, after.Stock, in.reason, in.note, who); err != nil {
			return nil, err
		}
	}
	e.describe(done)
	return done, nil
}

// describe lists the texts that were changed.
func (e skuEdit) describe(done map[string]any) {
	for name, value := range map[string]*string{"color": e.color, "size": e.size, "description": e.description,
		"code": e.code, "state": e.state} {
		if value != nil {
			done[name] = *value
		}
	}
	if e.backOrder != nil {
		done["back_order"] = *e.backOrder
	}
}

func sameCount(a, b *int32) bool { return a == b || a != nil && b != nil && *a == *b }

// minStock and maxStock bound the counts that staff set, far from the limits of the column: a sale
// must always be able to subtract from a count.
const (
	minStock = -1_000_000
	maxStock = 1_000_000_000
)

// readStockCount reads a count.
func readStockCount(text string) (int32, bool) {
	n, err := strconv.ParseInt(text, 10, 32)
	return int32(n), err == nil && n >= minStock && n <= maxStock //nolint:gosec // parsed with 32 bits
}

// after is what the count becomes.
func (e skuEdit) after(now counted) (counted, error) {
	after := now
	if e.backOrder != nil {
		after.BackOrder = *e.backOrder
	}
	switch {
	case e.stopCounting:
		after.Stock = nil
	case e.count != nil:
		after.Stock = e.count
	case e.change != 0 && now.Stock == nil:
		return after, adminui.ErrStale
	case e.change != 0:
		n := int64(*now.Stock) + int64(e.change)
		if n > maxStock || n < minStock && e.change < 0 {
			return after, adminui.FieldErrors{"": fmt.Sprintf("The count of %s would be out of range.",
				e.row.Label())}
		}
		left := int32(n) //nolint:gosec // bounded above; below by minStock, or it is more than the stored count
		after.Stock = &left
	}

	if after.Stock != nil && *after.Stock < 0 && !after.BackOrder {
		return after, adminui.FieldErrors{"": fmt.Sprintf(
			"%s: %d pieces are oversold. Allow back orders, or count again.", e.row.Label(),
			-*after.Stock)}
	}
	return after, nil
}

func lockSKU(ctx context.Context, tx pgx.Tx, product, id int64) (counted, bool, error) {
	return pg.One[counted](ctx, tx, "lock SKU $2", `
		SELECT stock, back_order FROM sku WHERE product_id = $1 AND id = $2 FOR UPDATE`, product, id)
}

func insertSKU(ctx context.Context, tx pgx.Tx, product int64) (id int64, err error) {
	return pg.Get[int64](ctx, tx, "insert a SKU of product $1", `
		INSERT INTO sku (product_id, inventory_id)
		SELECT $1, id FROM sku_inventory ORDER BY identifier = 'in-stock' DESC, id LIMIT 1 RETURNING id`, product)
}

// updateSKU updates texts, state and count; nil fields stay.
func updateSKU(ctx context.Context, tx pgx.Tx, id int64, e skuEdit, after counted) error {
	return pg.Exec(ctx, tx, "update SKU $1", `
		UPDATE sku SET color = coalesce($2, color), size = coalesce($3, size), description = coalesce($4, description),
		  inventory_id = coalesce((SELECT id FROM sku_inventory WHERE identifier = $5), inventory_id),
		  code = CASE WHEN $6::text IS NULL THEN code ELSE nullif($6, '') END, stock = $7, back_order = $8
		WHERE id = $1`, id, e.color, e.size, e.description, e.state, e.code, after.Stock, after.BackOrder)
}

// retireSKU takes a SKU off the shop; rows that refer to it keep it.
func retireSKU(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "retire SKU $1", `
		UPDATE sku SET product_id = NULL, code = NULL, retired_at = coalesce(retired_at, now()) WHERE id = $1`, id)
}

// insertPrice sets a price from a time on; nil or a past time is now, so that it follows prices
// that were set before it.
func insertPrice(ctx context.Context, tx pgx.Tx, id, cents int64, from any, by string) error {
	return pg.Exec(ctx, tx, "insert a price of SKU $1", `
		INSERT INTO sku_price (sku_id, price_cents, created_date_time, by_name)
		VALUES ($1, $2, greatest($3::timestamptz, now()), $4)`, id, cents, from, by)
}

// noteStock records a change of a count.
func noteStock(ctx context.Context, tx pgx.Tx, id int64, before, after *int32, reason, note string,
	who adminui.Identity) error {
	return pg.Exec(ctx, tx, "note a change of the stock of SKU $1", `
		INSERT INTO stock_change (sku_id, change, stock, reason, note, by_person, by_name)
		VALUES ($1, $3::int - $2::int, $3, $4, $5, $6, $7)`, id, before, after, reason, note, who.Person, who.Name)
}

// nextSKUVersion counts an edit of a product's SKUs.
func nextSKUVersion(ctx context.Context, tx pgx.Tx, product int64, colorName, sizeName, by string) error {
	return pg.Exec(ctx, tx, "update the version of the SKUs of product $1", `
		UPDATE product SET sku_version = sku_version + 1, color_name = $2, size_name = $3, edited_by = $4,
		  edited_at = now()
		WHERE id = $1`, product, colorName, sizeName, by)
}
