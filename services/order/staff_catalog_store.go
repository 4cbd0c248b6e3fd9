package order

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// productStateSQL is the state of product p; on_sale(p) is the equivalent for shoppers.
const productStateSQL = `CASE WHEN p.retired_at IS NOT NULL THEN 'retired'
	WHEN NOT p.published THEN 'draft'
	WHEN p.on_sale_until <= now() THEN 'ended'
	WHEN p.on_sale_from > now() THEN 'planned'
	ELSE 'on-sale' END`

// productsWanted is what the list for staff shows.
type productsWanted struct {
	State, Collection, Stock, Search string
	ByTitle, Down                    bool
	After                            *productPlace
	Rows                             int
}

// fewLeft is the count of pieces up to which a SKU has few left.
const fewLeft = 5

// notAvailableSQL are the SKUs of product p that cannot be bought.
const notAvailableSQL = `SELECT FROM sku_any k WHERE k.product_id = p.id AND inventory_identifier <> 'in-stock'`

// stockSQL are the conditions of stockFilters on product p.
var stockSQL = map[string]string{
	"available": " AND NOT EXISTS (" + notAvailableSQL + ")",
	"out":       " AND EXISTS (" + notAvailableSQL + ")",
	"low":       fmt.Sprintf(" AND EXISTS (SELECT FROM sku k WHERE k.product_id = p.id AND k.stock <= %d)", fewLeft),
}

// statement is the query of the list with its arguments.
func (w productsWanted) statement() (sql string, args []any) {
	args = []any{pgx.QueryExecModeCacheDescribe} // the plan depends on the search
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)-1) }
	var where strings.Builder
	if w.State != "" {
		where.WriteString(" AND " + productStateSQL + " = " + arg(w.State))
	}
	if w.Collection != "" {
		where.WriteString(" AND EXISTS (SELECT FROM product_collection k JOIN collection c ON c.id = k.collection_id " +
			"WHERE k.product_id = p.id AND c.address = " + arg(w.Collection) + ")")
	}

	where.WriteString(stockSQL[w.Stock])
	if w.Search != "" {
		like := arg("%" + pg.Like(strings.ToLower(w.Search)) + "%")
		where.WriteString(" AND (lower(p.title) LIKE " + like + " OR lower(p.title_url) LIKE " + like +
			" OR p.identifier = " + arg(w.Search) + ")")
	}
	direction, beyond := "ASC", ">"
	if w.Down {
		direction, beyond = "DESC", "<"
	}

	order := "p.id " + direction
	if w.ByTitle {
		order = "p.title " + direction + ", " + order
	}
	if w.After != nil {
		place, key := arg(w.After.ID), "(p.id)"
		if w.ByTitle {
			place, key = arg(w.After.Title)+", "+place, "(p.title, p.id)"
		}
		fmt.Fprintf(&where, " AND %s %s (%s)", key, beyond, place)
	}

	order += " LIMIT " + arg(w.Rows)
	return `
		SELECT p.id, p.identifier, p.title, p.title_url, ` + productStateSQL + ` AS state, k.skus, k.price_low,
		  k.price_high, k.out, k.pieces
		FROM product p CROSS JOIN LATERAL (
		  SELECT count(*) AS skus, min(price_cents) AS price_low, max(price_cents) AS price_high,
		    count(*) FILTER (WHERE inventory_identifier <> 'in-stock') AS out, sum(stock)::bigint AS pieces
		  FROM sku_any WHERE product_id = p.id) AS k
		WHERE true` + where.String() + ` ORDER BY ` + order, args
}

// listStaffProducts lists products for staff.
func listStaffProducts(ctx context.Context, db pg.DB, w productsWanted) ([]staffListed, error) {
	sql, args := w.statement()
	return pg.List[staffListed](ctx, db, "list products for staff", sql, args...)
}

// listStaffCollections lists all collections, in shop order, with the number of their products.
func listStaffCollections(ctx context.Context, db pg.DB) ([]staffCollection, error) {
	return pg.List[staffCollection](ctx, db, "list collections for staff", `
		SELECT id, address, title, text, position, version,
		  (SELECT count(*) FROM product_collection k WHERE k.collection_id = c.id) AS products
		FROM collection c ORDER BY position, id`)
}
