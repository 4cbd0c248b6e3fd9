package events

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// totals are the figures of a day or of several; amounts are cents. A visitor is a browser on a
// day.
type totals struct {
	Visitors      int64       `json:"visitors"`
	Visits        int64       `json:"visits"`
	Views         int64       `json:"page_views"`
	ToProduct     int64       `json:"visits_to_product"`
	ToCart        int64       `json:"visits_to_cart"`
	ToCheckout    int64       `json:"visits_to_checkout"`
	ToOrder       int64       `json:"visits_to_order"`
	Errors        int64       `json:"errors"`
	EmptySearches int64       `json:"empty_searches"`
	Orders        int64       `json:"orders"`
	Pieces        int64       `json:"pieces"`
	Sales         money.Cents `json:"sales"`
	Discount      money.Cents `json:"discount"`
	GivenBack     money.Cents `json:"given_back"` // on the day of the return, whatever the day of the order
	Tax           money.Cents `json:"tax"`        // contained in Sales, less that in GivenBack
	Net           money.Cents `json:"net"`        // Sales without GivenBack and Tax
	AgainOrders   int64       `json:"orders_of_returning"`
	AgainSales    money.Cents `json:"sales_to_returning"`
}

// dayTotals is one day of a report.
type dayTotals struct {
	Day time.Time `json:"day"`
	totals
}

func (t *totals) add(o totals) {
	t.Visitors += o.Visitors
	t.Visits += o.Visits
	t.Views += o.Views
	t.ToProduct += o.ToProduct
	t.ToCart += o.ToCart
	t.ToCheckout += o.ToCheckout
	t.ToOrder += o.ToOrder
	t.Errors += o.Errors
	t.EmptySearches += o.EmptySearches
	t.Orders += o.Orders
	t.Pieces += o.Pieces
	t.Sales += o.Sales
	t.Discount += o.Discount
	t.GivenBack += o.GivenBack
	t.Tax += o.Tax
	t.Net += o.Net
	t.AgainOrders += o.AgainOrders
	t.AgainSales += o.AgainSales
}

// readDayTotals reads the figures of each day from one to another, empty days included.
func readDayTotals(ctx context.Context, db pg.DB, from, to time.Time) ([]dayTotals, error) {
	return pg.List[dayTotals](ctx, db, "read the figures of days", `
		SELECT n.day::timestamptz AS day, coalesce(visitors, 0) AS visitors, coalesce(visits, 0) AS visits,
		  coalesce(views, 0) AS views, coalesce(to_product, 0) AS to_product, coalesce(to_cart, 0) AS to_cart,
		  coalesce(to_checkout, 0) AS to_checkout, coalesce(to_order, 0) AS to_order, coalesce(errors, 0) AS errors,
		  coalesce(empty_searches, 0) AS empty_searches, coalesce(orders, 0) AS orders, coalesce(pieces, 0) AS pieces,
		  coalesce(sales, 0) AS sales, coalesce(discount, 0) AS discount,
		  coalesce(returned, 0) AS given_back, coalesce(tax - returned_tax, 0) AS tax,
		  coalesce(sales - returned - (tax - returned_tax), 0) AS net,
		  coalesce(again_orders, 0) AS again_orders, coalesce(again_sales, 0) AS again_sales
		FROM (SELECT $1::date + i AS day FROM generate_series(0, $2::date - $1::date) AS i) n
		  LEFT JOIN day_total USING (day)
		ORDER BY n.day`, from, to)
}

// hourTotals is one hour of a report.
type hourTotals struct {
	Hour   int         `json:"hour"`
	Visits int64       `json:"visits"`
	Views  int64       `json:"page_views"`
	Orders int64       `json:"orders"`
	Sales  money.Cents `json:"sales"`
}

// readHours reads the figures of each hour of a day, in UTC.
func readHours(ctx context.Context, db pg.DB, day time.Time) ([]hourTotals, error) {
	return pg.List[hourTotals](ctx, db, "read the figures of hours", `
		SELECT i AS hour, coalesce(visits, 0) AS visits, coalesce(views, 0) AS views, coalesce(orders, 0) AS orders,
		  coalesce(sales, 0) AS sales
		FROM generate_series(0, 23) AS i LEFT JOIN hour_total ON hour = `+dayBeginsSQL+` + i * interval '1 hour'
		ORDER BY i`, day)
}

// part is the figures of one name in a period: a page, a product, a source.
type part struct {
	Name   string      `json:"name"`
	Detail string      `json:"detail,omitempty"`
	Title  string      `json:"title,omitempty"`
	To     string      `json:"to,omitempty" db:"-"` // path of the page about it
	Visits int64       `json:"visits"`
	Views  int64       `json:"count"`
	Orders int64       `json:"orders"`
	Pieces int64       `json:"pieces"`
	Sales  money.Cents `json:"sales"`
	// Before is the sorted measure in the period before.
	Before int64 `json:"before"`
}

// partMeasures are the columns by which parts can be ordered.
var partMeasures = map[string]string{"visits": "visits", "views": "views", "orders": "orders", "pieces": "pieces",
	"sales": "sales"}

// partsWanted selects the parts of a kind in some days, sorted by a measure, and the days before to
// compare that measure with.
type partsWanted struct {
	Kind       string
	Measure    string // a key of partMeasures
	Up         bool   // smallest first
	From, To   time.Time
	BeforeFrom time.Time
	Rows       int
}

func readParts(ctx context.Context, db pg.DB, w partsWanted) ([]part, error) {
	by, direction := partMeasures[w.Measure], "DESC"
	if w.Up {
		direction = "ASC"
	}
	return pg.List[part](ctx, db, "read figures by "+w.Kind, `
		SELECT name, detail, title, visits, views, orders, pieces, sales, before FROM (
		  SELECT name, detail, substring(max(day::text || title) FROM 11) AS title, bool_or(day >= $2) AS now,
		    coalesce(sum(visits) FILTER (WHERE day >= $2), 0)::bigint AS visits,
		    coalesce(sum(views) FILTER (WHERE day >= $2), 0)::bigint AS views,
		    coalesce(sum(orders) FILTER (WHERE day >= $2), 0)::bigint AS orders,
		    coalesce(sum(pieces) FILTER (WHERE day >= $2), 0)::bigint AS pieces,
		    coalesce(sum(sales) FILTER (WHERE day >= $2), 0)::bigint AS sales,
		    coalesce(sum(`+by+`) FILTER (WHERE day < $2), 0)::bigint AS before
		  FROM day_part WHERE kind = $1 AND day BETWEEN $4 AND $3 GROUP BY name, detail
		) p WHERE now AND visits + views + orders > 0 ORDER BY `+by+` `+direction+`, name, detail LIMIT $5`,
		w.Kind, w.From, w.To, w.BeforeFrom, w.Rows)
}

// readMailFigures sums what the links with a mail's code brought, up to 400 days back.
func readMailFigures(ctx context.Context, db pg.DB, code string) (mailFigures, error) {
	return pg.Get[mailFigures](ctx, db, "sum what a mail brought", `
		SELECT
		  (SELECT count(*) FROM arrival
		    WHERE email_id = (SELECT id FROM email_code WHERE em_cd = $1)
		      AND at > now() - interval '400 days') AS clicks,
		  coalesce(sum(visits), 0)::bigint AS visits, coalesce(sum(orders), 0)::bigint AS orders,
		  coalesce(sum(sales), 0)::bigint AS sales
		FROM day_part WHERE kind = 'source' AND day > current_date - 400 AND name = 'mail:' || $1`, code)
}

// sourceTitle is what people call an ad or a mail.
type sourceTitle struct {
	Source, Title string
	ID            int64 // id of the ad or the campaign; 0 if there is none
}

// readSourceTitles reads the titles of the ads and mails among sources.
func readSourceTitles(ctx context.Context, db pg.DB, sources []string) ([]sourceTitle, error) {
	return pg.List[sourceTitle](ctx, db, "read the titles of sources", `
		SELECT 'ad:' || ad_cd AS source, coalesce(nullif(title, ''), headline_1, ad_cd) AS title, id
		FROM ad WHERE ad_cd = ANY(ARRAY(SELECT substring(s FROM 4) FROM unnest($1::text[]) AS s WHERE s LIKE 'ad:%'))
		UNION ALL
		SELECT 'mail:' || em_cd, coalesce(nullif(title, ''), em_cd), coalesce(campaign_id, 0)
		FROM email_code
		WHERE em_cd = ANY(ARRAY(SELECT substring(s FROM 6) FROM unnest($1::text[]) AS s WHERE s LIKE 'mail:%'))`,
		sources)
}

// nowFigures are the figures of this moment.
type nowFigures struct {
	Visitors int64 `json:"visitors"`  // browsers with a page view in the last 5 minutes
	Half     int64 `json:"half_hour"` // browsers with one in the last 30 minutes
	Carts    int64 `json:"carts"`     // of these, those who got as far as their cart
	Checkout int64 `json:"checkout"`  // of these, those who got as far as the checkout
	Orders   int64 `json:"orders"`    // placed in the last 30 minutes
}

// nowLimit is how many page views of the last half hour are read at most.
const nowLimit = 200_000

// recentSQL is the CTE of the page views of the last half hour.
var recentSQL = `recent AS MATERIALIZED (
	  SELECT anonymous_id, page_of(url) AS page, order_mark, at FROM page_view
	  WHERE at > now() - interval '30 minutes' ORDER BY at DESC LIMIT ` + limitText(nowLimit) + `)`

func readNow(ctx context.Context, db pg.DB) (nowFigures, error) {
	return pg.Get[nowFigures](ctx, db, "read what happens now", `
		WITH `+recentSQL+`, browser AS (
		  SELECT anonymous_id, max(at) AS at, max(step_of(page)) AS step, bool_or(order_mark IS NOT NULL) AS bought
		  FROM recent WHERE anonymous_id IS NOT NULL GROUP BY 1)
		SELECT count(*) FILTER (WHERE at > now() - interval '5 minutes') AS visitors, count(*) AS half,
		  count(*) FILTER (WHERE step = 2 AND NOT bought) AS carts,
		  count(*) FILTER (WHERE step = 3 AND NOT bought) AS checkout,
		  (SELECT count(*) FROM order_placed WHERE at > now() - interval '30 minutes') AS orders
		FROM browser`)
}

// readNowPages counts the visitors of each page that is being looked at.
func readNowPages(ctx context.Context, db pg.DB) ([]namedCount, error) {
	return pg.List[namedCount](ctx, db, "read what is looked at now", `
		WITH `+recentSQL+`, last AS (
		  SELECT DISTINCT ON (anonymous_id) page FROM recent
		  WHERE anonymous_id IS NOT NULL AND at > now() - interval '5 minutes' ORDER BY anonymous_id, at DESC)
		SELECT page AS name, count(*) FROM last GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 8`)
}

// readNowMinutes counts the page views of each of the last 30 minutes, oldest first.
func readNowMinutes(ctx context.Context, db pg.DB) ([]int64, error) {
	return pg.List[int64](ctx, db, "read the last minutes", `
		WITH `+recentSQL+`
		SELECT count(at)
		FROM generate_series(29, 0, -1) AS i LEFT JOIN recent ON floor(extract(epoch FROM now() - at) / 60) = i
		GROUP BY i ORDER BY i DESC`)
}

// lastOrder is an order as the live view shows it.
type lastOrder struct {
	Identifier string      `json:"identifier"`
	At         time.Time   `json:"at"`
	Pieces     int64       `json:"pieces"`
	Total      money.Cents `json:"total"`
	Country    string      `json:"country"`
}

func readLastOrders(ctx context.Context, db pg.DB) ([]lastOrder, error) {
	return pg.List[lastOrder](ctx, db, "read the last orders", `
		SELECT identifier, at, pieces, total, coalesce(country, '') AS country
		FROM order_placed ORDER BY at DESC LIMIT 10`)
}

// updateLogging sets whether pages report, if the row still has the version that was seen.
func updateLogging(ctx context.Context, db pg.DB, version int64, log bool) (stored bool, err error) {
	return pg.ExecOne(ctx, db, "update what is recorded", `
		UPDATE configuration SET log_client_events = $2, version = version + 1 WHERE id = 1 AND version = $1`,
		version, log)
}
