package order

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// discountColumnsSQL are the columns of a discount; staff may have written infinity where psql was
// used.
const discountColumnsSQL = `
	d.id, d.code, d.description, d.type_id, t.title AS type_title, t.applies_to, t.action, d.amount,
	greatest(d.start_date_time, '0001-01-01Z') AS starts,
	CASE WHEN d.end_date_time < '9999-12-31Z' THEN d.end_date_time ELSE '0001-01-01Z' END AS ends,
	d.order_minimum_cents AS order_minimum, d.combinable, d.max_uses, d.max_uses_per_customer AS max_per_person, d.uses,
	d.batch_id, coalesce(b.name, '') AS batch_name, d.scope_id IS NOT NULL AS restricted,
	ARRAY(SELECT collection_id FROM discount_scope_collection x
	  WHERE x.scope_id = d.scope_id ORDER BY 1) AS collections,
	ARRAY(SELECT sku_id FROM discount_scope_sku x WHERE x.scope_id = d.scope_id ORDER BY 1) AS skus,
	d.version, d.changed_at, d.changed_by
	FROM discount_code d JOIN discount_type t ON t.id = d.type_id LEFT JOIN discount_batch b ON b.id = d.batch_id`

// discountsWanted is what the list of codes shows.
type discountsWanted struct {
	State, Search string
	Batch, After  int64
	Rows          int
}

// listDiscounts lists codes, the newest first. The codes of batches are left out unless their batch
// or a text is searched for.
func listDiscounts(ctx context.Context, db pg.DB, w discountsWanted) ([]discount, error) {
	args := []any{w.Rows}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)) }
	where := []string{"true"}
	if w.Search != "" {
		where = append(where, "lower(d.code) LIKE "+arg(pg.Like(strings.ToLower(w.Search))+"%"))
	}
	switch {
	case w.Batch != 0:
		where = append(where, "d.batch_id = "+arg(w.Batch))
	case w.Search == "":
		where = append(where, "d.batch_id IS NULL")
	}

	if w.After != 0 {
		where = append(where, "d.id < "+arg(w.After))
	}
	const usedUp = "d.uses >= d.max_uses"
	switch w.State {
	case discountEnded:
		where = append(where, "d.end_date_time < now()")
	case discountUsedUp:
		where = append(where, "d.end_date_time >= now() AND "+usedUp)
	case discountScheduled:
		where = append(where, "d.end_date_time >= now() AND d.start_date_time > now() AND ("+usedUp+") IS NOT TRUE")
	case discountActive:
		where = append(where, "now() BETWEEN d.start_date_time AND d.end_date_time AND ("+usedUp+") IS NOT TRUE")
	}
	return pg.List[discount](ctx, db, "list discount codes", `
		SELECT `+discountColumnsSQL+` WHERE `+strings.Join(where, " AND ")+` ORDER BY d.id DESC LIMIT $1`, args...)
}

// findDiscount reads a code. lock is "" or FOR UPDATE OF d.
func findDiscount(ctx context.Context, db pg.DB, id int64, lock string) (discount, bool, error) {
	return pg.One[discount](ctx, db, "find discount code $1", `SELECT `+discountColumnsSQL+` WHERE d.id = $1 `+lock, id)
}

func discountTypes(ctx context.Context, db pg.DB) ([]discountType, error) {
	return pg.List[discountType](ctx, db, "list the types of discount codes", `
		SELECT id, title, description, applies_to, action FROM discount_type ORDER BY id`)
}

// collectionName is a collection that can be chosen.
type collectionName struct {
	ID    int64
	Title string
}

func collectionNames(ctx context.Context, db pg.DB) ([]collectionName, error) {
	return pg.List[collectionName](ctx, db, "list the names of collections", `
		SELECT id, title FROM collection ORDER BY position, title, id`)
}

// unknownOf are the collections and SKUs of a list that do not exist.
type unknownOf struct {
	Collections []int64
	SKUs        []int64 `db:"skus"`
}

func findUnknown(ctx context.Context, db pg.DB, collections, skus []int64) (unknownOf, error) {
	return pg.Get[unknownOf](ctx, db, "find what a discount code is for", `
		SELECT
		  ARRAY(SELECT x FROM unnest($1::bigint[]) AS x
		    WHERE NOT EXISTS (SELECT FROM collection WHERE id = x) ORDER BY 1) AS collections,
		  ARRAY(SELECT x FROM unnest($2::bigint[]) AS x
		    WHERE NOT EXISTS (SELECT FROM sku WHERE id = x AND product_id IS NOT NULL)
		    ORDER BY 1) AS skus`, collections, skus)
}

// storeScope stores what codes are for; nil for everything.
func storeScope(ctx context.Context, tx pgx.Tx, d discount) (*int64, error) {
	if !d.Restricted {
		return nil, nil
	}
	id, err := pg.Get[int64](ctx, tx, "store what a discount code is for", `
		WITH scope AS (
		  INSERT INTO discount_scope DEFAULT VALUES RETURNING id
		), collections AS (
		  INSERT INTO discount_scope_collection (scope_id, collection_id)
		  SELECT scope.id, x FROM scope, unnest($1::bigint[]) AS x
		), skus AS (
		  INSERT INTO discount_scope_sku (scope_id, sku_id) SELECT scope.id, x FROM scope, unnest($2::bigint[]) AS x
		)
		SELECT id FROM scope`, d.Collections, d.SKUs)
	return &id, err
}

// insertDiscounts inserts codes with the same terms, each with a text of its own, and returns the
// id of the first.
func insertDiscounts(ctx context.Context, tx pgx.Tx, d discount, codes []string, by string) (int64, error) {
	scope, err := storeScope(ctx, tx, d)
	if err != nil {
		return 0, err
	}
	return pg.Get[int64](ctx, tx, "insert discount codes", `
		WITH stored AS (
		  INSERT INTO discount_code (code, description, type_id, amount, start_date_time, end_date_time,
		    order_minimum_cents, combinable, max_uses, max_uses_per_customer, scope_id, batch_id, changed_by)
		  SELECT code, $2, $3, $4, $5, coalesce($6, 'infinity'::timestamptz), $7, $8, $9, $10, $11, $12, $13
		  FROM unnest($1::text[]) AS code RETURNING id)
		SELECT min(id) FROM stored`,
		codes, d.Description, d.TypeID, d.Amount, d.Starts, pg.TimeOrNull(d.Ends), d.OrderMinimum, d.Combinable,
		d.MaxUses, d.MaxPerPerson, scope, d.BatchID, by)
}

// updateDiscount changes a locked code. It deletes the code's former scope if no other code has it.
func updateDiscount(ctx context.Context, tx pgx.Tx, d discount, by string) error {
	scope, err := storeScope(ctx, tx, d)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, tx, "update discount code $1", `
		WITH old AS (
		  SELECT scope_id FROM discount_code WHERE id = $1
		), alone AS (
		  SELECT scope_id FROM old
		  WHERE NOT EXISTS (SELECT FROM discount_code x WHERE x.scope_id = old.scope_id AND x.id <> $1)
		), now AS (
		  UPDATE discount_code SET code = $2, description = $3, type_id = $4, amount = $5, start_date_time = $6,
		    end_date_time = coalesce($7, 'infinity'::timestamptz), order_minimum_cents = $8, combinable = $9,
		    max_uses = $10, max_uses_per_customer = $11, scope_id = $12, version = version + 1, changed_at = now(),
		    changed_by = $13
		  WHERE id = $1 RETURNING id
		)
		DELETE FROM discount_scope WHERE id IN (SELECT scope_id FROM alone) AND EXISTS (SELECT FROM now)`,
		d.ID, d.Code, d.Description, d.TypeID, d.Amount, d.Starts, pg.TimeOrNull(d.Ends), d.OrderMinimum, d.Combinable,
		d.MaxUses, d.MaxPerPerson, scope, by)
}

// endDiscount ends a code now.
func endDiscount(ctx context.Context, tx pgx.Tx, id int64, by string) error {
	return pg.Exec(ctx, tx, "end discount code $1", `
		UPDATE discount_code SET end_date_time = now(), start_date_time = least(start_date_time, now()),
		  version = version + 1, changed_at = now(), changed_by = $2
		WHERE id = $1 AND end_date_time > now()`, id, by)
}

// deleteDiscount deletes a code that no order and no checkout uses; false if one does.
func deleteDiscount(ctx context.Context, tx pgx.Tx, id int64) (bool, error) {
	return pg.ExecOne(ctx, tx, "delete discount code $1", `
		DELETE FROM discount_code d
		WHERE id = $1 AND NOT EXISTS (SELECT FROM code_use WHERE code_id = $1)
		  AND NOT EXISTS (SELECT FROM order_code WHERE code_id = $1)`, id)
}

// discountUse is an order with a code.
type discountUse struct {
	Order    string      `json:"order"`
	PlacedAt time.Time   `json:"placed_at"`
	Total    money.Cents `json:"total"`
	Applied  bool        `json:"applied"`
	Canceled bool        `json:"canceled"` // its use was given back
}

// discountUses are the newest orders with a code.
func discountUses(ctx context.Context, db pg.DB, id int64, limit int) ([]discountUse, error) {
	return pg.List[discountUse](ctx, db, "list the orders with discount code $1", `
		SELECT o.identifier AS order, c.applied, o.canceled_at IS NOT NULL AS canceled, o.total, o.placed_at
		FROM order_code c JOIN orders o ON o.id = c.order_id WHERE c.code_id = $1 ORDER BY o.id DESC LIMIT $2`,
		id, limit)
}

// insertBatch inserts a batch and returns its id; fresh is false if its form was already sent.
func insertBatch(ctx context.Context, tx pgx.Tx, name, once, by string) (id int64, fresh bool, err error) {
	row, err := pg.Get[struct {
		ID    int64
		Fresh bool
	}](ctx, tx, "insert a batch of discount codes", `
		WITH stored AS (INSERT INTO discount_batch (name, once, made_by) VALUES ($1, $2, $3)
		  ON CONFLICT (once) DO UPDATE SET once = excluded.once RETURNING id, xmax = 0 AS fresh)
		SELECT id, fresh FROM stored`, name, once, by)
	return row.ID, row.Fresh, err
}

// listBatches lists batches, the newest first.
func listBatches(ctx context.Context, db pg.DB, after int64, rows int) ([]discountBatch, error) {
	return pg.List[discountBatch](ctx, db, "list batches of discount codes", `
		SELECT b.id, b.name, b.made_at, b.made_by, c.codes, c.used
		FROM discount_batch b CROSS JOIN LATERAL (
		  SELECT count(*)::int AS codes, (count(*) FILTER (WHERE uses > 0))::int AS used
		  FROM discount_code d WHERE d.batch_id = b.id) AS c
		WHERE $1 = 0 OR b.id < $1 ORDER BY b.id DESC LIMIT $2`, after, rows)
}

// endBatch ends the codes of a batch now, and returns how many had not ended before. found is false
// if there is no such batch.
func endBatch(ctx context.Context, tx pgx.Tx, id int64, by string) (name string, ended int64, found bool, err error) {
	name, found, err = pg.One[string](ctx, tx, "lock batch $1", `
		SELECT name FROM discount_batch WHERE id = $1 FOR UPDATE`, id)
	if err != nil || !found {
		return "", 0, found, err
	}
	ended, err = pg.ExecRows(ctx, tx, "end the codes of batch $1", `
		UPDATE discount_code SET end_date_time = now(), start_date_time = least(start_date_time, now()),
		  version = version + 1, changed_at = now(), changed_by = $2
		WHERE batch_id = $1 AND end_date_time > now()`, id, by)
	return name, ended, true, err
}

// previewLine is a SKU of a cart that staff try a code on. InScope says that the code is for it.
type previewLine struct {
	SKU     int64       `json:"sku"`
	Title   string      `json:"product"`
	Price   money.Cents `json:"price"`
	Pieces  int         `json:"pieces" db:"-"`
	InScope bool        `json:"in_scope"`
	Grams   int         `json:"-"`
}

// previewLines reads the contents of a cart for trying out, at current prices. SKUs that are not
// sold are left out.
func previewLines(ctx context.Context, db pg.DB, codeID int64, skus []int64) ([]previewLine, error) {
	return pg.List[previewLine](ctx, db, "price a cart for discount code $1", `
		SELECT n.id AS sku, n.product_title AS title, n.price_cents AS price,
		  d.scope_id IS NULL OR n.id IN (`+scopeSQL+`) AS in_scope,
		  coalesce((SELECT weight_grams FROM sku WHERE sku.id = n.id), 0) AS grams
		FROM sku_now n, discount_code d WHERE d.id = $1 AND n.id = ANY($2) ORDER BY n.id`, codeID, skus)
}
