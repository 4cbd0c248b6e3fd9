package order

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// ordersWanted is what the list for staff shows.
type ordersWanted struct {
	Status      string
	Only        string // onlyLate, onlyRefunds or ""
	Late        lateOnly
	From, Until time.Time // zero: unbounded
	Search      string
	Codes, SKUs []int64  // named by Search
	Payments    []string // payments whose refund, dispute or event Search names
	ByTotal     bool     // sorted by total; otherwise by the time of placing
	Down        bool
	After       *orderPlace
	Rows        int
}

// The filters of the list in addition to statuses and days.
const (
	onlyLate    = "late"
	onlyRefunds = "refunds"
)

// lateOnly says when an order is late: it has had one of the statuses before "shipped" for more
// than this many days.
type lateOnly struct {
	Statuses []string
	Days     int
}

// refundsUnderWaySQL are the payments of which Stripe still has to give something back; each half
// has an index of just these rows.
const refundsUnderWaySQL = `SELECT payment_intent FROM refund WHERE state = 'requested'
	UNION ALL
	SELECT payment_intent FROM refund WHERE state = 'pending'`

// nearLength is the shortest text that is searched for in the middle of names, in characters: a
// shorter one has no trigram, and matches too much.
const nearLength = 3

// matches are the conditions of which a searched text meets one. Each uses an index of its own, so
// each is a query of its own.
func (w ordersWanted) matches(arg func(any) string) []string {
	if w.Search == "" {
		return []string{"true"}
	}
	begins, lower := pg.Like(w.Search)+"%", strings.ToLower(w.Search)
	all := []string{
		"o.identifier LIKE " + arg(begins),
		"o.session_id = " + arg(w.Search), "o.payment_intent = " + arg(w.Search), "o.checkout_id = " + arg(w.Search),
		"o.tracking_number IS NOT NULL AND lower(o.tracking_number) LIKE " + arg(pg.Like(lower)+"%"),
		"o.id IN (SELECT order_id FROM shipment WHERE tracking_number <> '' AND lower(tracking_number) LIKE " +
			arg(pg.Like(lower)+"%") + ")",
		"lower(o.email) LIKE " + arg(pg.Like(lower)+"%"),
	}

	if len(w.Payments) > 0 {
		all = append(all, "o.payment_intent = ANY("+arg(w.Payments)+")")
	}
	if strings.HasPrefix(w.Search, "evt_") {
		all = append(all, "o.event_id = "+arg(w.Search))
	}
	if len([]rune(w.Search)) >= nearLength {
		all = append(all, "lower(o.customer_name) LIKE "+arg("%"+pg.Like(lower)+"%"))
	}

	if len(w.Codes) > 0 {
		all = append(all, "o.id IN (SELECT order_id FROM order_code WHERE code_id = ANY("+arg(w.Codes)+"))")
	}
	if len(w.SKUs) > 0 {
		all = append(all, "o.id IN (SELECT order_id FROM order_line WHERE sku_id = ANY("+arg(w.SKUs)+"))")
	}
	return all
}

// statement is the query of the list with its arguments.
func (w ordersWanted) statement() (sql string, args []any) {
	// The plan depends on the search: a rare name is found by its index, a frequent one by reading
	// the newest orders. So PostgreSQL plans with the actual values, and no plan is cached.
	args = []any{pgx.QueryExecModeCacheDescribe}
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)-1) }
	key, kind, direction, beyond := "placed_at", "timestamptz", "ASC", ">"
	if w.ByTotal {
		key, kind = "total", "bigint"
	}

	if w.Down {
		direction, beyond = "DESC", "<"
	}
	order := fmt.Sprintf("ORDER BY o.%s %s, o.id %s LIMIT %s", key, direction, direction, arg(w.Rows))
	var where strings.Builder
	if w.Status != "" {
		where.WriteString(" AND o.current_status = " + arg(w.Status))
	}

	switch w.Only {
	case onlyLate:
		fmt.Fprintf(&where, " AND o.current_status = ANY(%s) AND o.placed_at < now() - %s * interval '1 day'",
			arg(w.Late.Statuses), arg(w.Late.Days))
	case onlyRefunds:
		where.WriteString(" AND o.payment_intent IN (" + refundsUnderWaySQL + ")")
	}

	if !w.From.IsZero() {
		where.WriteString(" AND o.placed_at >= " + arg(w.From))
	}
	if !w.Until.IsZero() {
		where.WriteString(" AND o.placed_at < " + arg(w.Until))
	}
	if w.After != nil {
		var at any = w.After.At
		if w.ByTotal {
			at = w.After.Total
		}
		fmt.Fprintf(&where, " AND (o.%s, o.id) %s (%s::%s, %s)", key, beyond, arg(at), kind, arg(w.After.ID))
	}

	var found []string
	for _, match := range w.matches(arg) {
		found = append(found, "(SELECT o.id FROM orders o WHERE "+match+where.String()+" "+order+")")
	}
	return `
		SELECT o.id, o.identifier, o.placed_at, coalesce(o.customer_name, '') AS customer,
		  coalesce(o.email, '') AS email, o.total, coalesce(o.tracking_number, '') AS tracking_number,
		  coalesce(o.current_status, '') AS status, coalesce(s.title, '') AS status_title,
		  coalesce((SELECT sum(quantity) FROM order_line l WHERE l.order_id = o.id), 0)::int AS pieces,
		  coalesce((SELECT sum(quantity) FROM shipment_line l WHERE l.order_id = o.id), 0)::int AS sent,
		  ARRAY(SELECT h.tracking_number FROM shipment h WHERE h.order_id = o.id AND h.tracking_number <> ''
		    ORDER BY h.shipped_at, h.id) AS tracking
		FROM (` + strings.Join(found, " UNION ") + `) AS f JOIN orders o ON o.id = f.id
		  LEFT JOIN status s ON s.identifier = o.current_status ` + order, args
}

// listStaffOrders lists orders for staff.
func listStaffOrders(ctx context.Context, db pg.DB, w ordersWanted) ([]staffOrder, error) {
	sql, args := w.statement()
	return pg.List[staffOrder](ctx, db, "list orders for staff", sql, args...)
}

// namedThings are what a searched text names in addition to orders.
type namedThings struct {
	Codes    []int64
	SKUs     []int64 `db:"skus"`
	Payments []string
}

// namedBySearch finds discount codes, the SKUs of a number or of a product's identifier, and the
// payments of a refund, a dispute or an event.
func namedBySearch(ctx context.Context, db pg.DB, search string) (namedThings, error) {
	digits := search
	if len(search) > len("SKU ") && strings.EqualFold(search[:len("SKU ")], "SKU ") { // as pages write it
		digits = strings.TrimSpace(search[len("SKU "):])
	}
	number, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		number = 0 // no SKU has this number
	}

	return pg.Get[namedThings](ctx, db, "find what a search names", `
		SELECT
		  ARRAY(SELECT id FROM discount_code WHERE code IN ($1, upper($1)) ORDER BY id) AS codes,
		  ARRAY(
		    SELECT s.id FROM sku s WHERE s.id = $2
		    UNION
		    SELECT s.id FROM product p JOIN sku s ON s.product_id = p.id WHERE p.identifier = $1
		    ORDER BY 1) AS skus,
		  ARRAY(
		    SELECT payment_intent FROM refund WHERE stripe_id = $1
		    UNION
		    SELECT payment_intent FROM refund WHERE id = $1
		    UNION
		    SELECT payment_intent FROM dispute WHERE id = $1
		    UNION
		    SELECT payment_intent FROM payment_event WHERE event_id = $1
		    ORDER BY 1) AS payments`, search, number)
}

// countedTo is where counting the orders of a status stops: a tab then says 1000+.
const countedTo = 1000

// staffTab is a status with the number of its orders, or a view that a person has saved.
type staffTab struct {
	Kind, Key, Text, Query string
	Count                  int64
}

// staffTabs are the statuses, and the views of a person.
func staffTabs(ctx context.Context, db pg.DB, person int64) ([]staffTab, error) {
	return pg.List[staffTab](ctx, db, "list the tabs of the staff's orders", `
		(SELECT 'status' AS kind, s.identifier AS key, s.title AS text, '' AS query,
		  (SELECT count(*) FROM (SELECT FROM orders o WHERE o.current_status = s.identifier LIMIT $2 + 1) AS c) AS count
		FROM status s ORDER BY s.position, s.identifier)
		UNION ALL
		(SELECT 'view', id::text, name, query, 0 FROM staff_view WHERE person_id = $1 ORDER BY name)`,
		person, countedTo)
}

// ordersKnown reports whether all of some identifiers belong to orders.
func ordersKnown(ctx context.Context, db pg.DB, identifiers []string) (bool, error) {
	return pg.Get[bool](ctx, db, "find orders", `
		SELECT NOT EXISTS (SELECT FROM unnest($1::text[]) AS chosen (id)
		  WHERE NOT EXISTS (SELECT FROM orders WHERE identifier = chosen.id))`, identifiers)
}

// maxViews is how many views a person can save.
const maxViews = 30

// upsertView stores a view under a name. A view that has the name already stays unless it is to be
// replaced; kept is false then, and if there are too many.
func upsertView(ctx context.Context, db pg.DB, person int64, name, query string, replace bool) (kept bool, err error) {
	return pg.ExecOne(ctx, db, "upsert a view", `
		INSERT INTO staff_view (person_id, name, query) SELECT $1, $2, $3
		WHERE (SELECT count(*) FROM staff_view WHERE person_id = $1 AND name <> $2) < $4
		ON CONFLICT (person_id, name) DO UPDATE SET query = excluded.query
		WHERE $5 OR staff_view.query = excluded.query`, person, name, query, maxViews, replace)
}

// hasView reports whether a person has a view with this name.
func hasView(ctx context.Context, db pg.DB, person int64, name string) (bool, error) {
	return pg.Get[bool](ctx, db, "find a view", `
		SELECT EXISTS (SELECT FROM staff_view WHERE person_id = $1 AND name = $2)`, person, name)
}

// deleteView deletes a view of a person.
func deleteView(ctx context.Context, db pg.DB, person, id int64) error {
	return pg.Exec(ctx, db, "delete view $2", `DELETE FROM staff_view WHERE person_id = $1 AND id = $2`, person, id)
}
