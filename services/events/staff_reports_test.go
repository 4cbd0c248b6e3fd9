package events

import (
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var (
	sizedViews  = flag.Int("views", 2000, "page views of TestReportsOfALargeShop: 10000000 for the figures in docs/performance.md")
	sizedOrders = flag.Int("orders", 200, "orders of TestReportsOfALargeShop: 1000000 for the figures in docs/performance.md")
)

// shopOf adds a year of a shop: visits with several pages each, some from an ad or another site,
// and orders.
func shopOf(db testenv.DB, views, orders, days int) {
	db.Exec(`SELECT make_months(current_date - 366, current_date)`)
	db.Exec(`INSERT INTO ad (type_id, status_id, ad_cd, title) VALUES (1, 3, 'AD1', 'Clips in spring')`)
	db.Exec(`INSERT INTO page_view (event_id, anonymous_id, url, referrer, at)
		SELECT 'v' || i, 'b' || i / 6,
		  'https://shop.example' ||
		    (ARRAY['/', '/products', '/product/P' || i % 200, '/product/P' || i % 7, '/cart', '/checkout/confirm'])
		    [1 + i % (1 + i / 6 % 6)],
		  CASE WHEN i % 6 = 0 AND i % 4 = 0 THEN 'site' || i % 50 || '.example' END,
		  now() - ($2::int * interval '1 day' * ((i / 6) * 6::float8 / $1::int)) - interval '1 hour' + i % 6 * interval '2 minutes'
		FROM generate_series(0, $1::int - 1) AS i`, views, days)
	db.Exec(`INSERT INTO arrival (event_id, anonymous_id, ad_id, url, at) SELECT event_id, anonymous_id, 1, url, at FROM page_view
		WHERE url = 'https://shop.example/' AND abs(hashtext(anonymous_id)) % 20 = 0`)
	db.Exec(`INSERT INTO order_placed (identifier, member_id, visitor, currency, total, pieces, at, country, discount, source)
		SELECT 'o' || i, nullif(i % 3, 0) * (i % 1000), i % 3 = 0, 'usd', 1000 + i % 5000, 2,
		  now() - $2::int * interval '1 day' * (i::float8 / $1::int),
		  (ARRAY['DE', 'US', 'FR', 'AT'])[1 + i % 4], i % 200, (ARRAY['ad:AD1', 'direct', 'site:blog.example', NULL])[1 + i % 4]
		FROM generate_series(0, $1::int - 1) AS i`, orders, days)
	db.Exec(`INSERT INTO order_item (identifier, seq, product, title, collections, pieces, sales)
		SELECT 'o' || i, s, 'P' || (i + s) % 200, 'Product ' || (i + s) % 200, '[{"address": "desk", "title": "Desk"}]', 1, 500
		FROM generate_series(0, $1::int - 1) AS i, generate_series(0, 1) AS s`, orders)
	db.Exec(`INSERT INTO order_code (identifier, code, title)
		SELECT 'o' || i, '=SPRING' || i % 3, 'Spring' FROM generate_series(0, $1::int - 1, 5) AS i`, orders)
	db.Exec(`INSERT INTO click (event_id, url, button_id, search, at) SELECT 's' || i, '/search', 'search-empty', '<b>lamp ' || i % 5, now()
		FROM generate_series(1, 20) AS i`)
	db.Exec(`INSERT INTO call_error (event_id, url, error_id, at) VALUES ('e', '/cart?x', 'script-error', now())`)
	db.Exec(`ANALYZE`)
}

// Every report is requested as a page and as a file, and the log says how long each took. With
// -args -views 10000000 -orders 1000000 this shows that each answers within a second.
func TestReportsOfALargeShop(t *testing.T) {
	t.Parallel()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()})
	pool, days := testenv.Open(t, database, "events"), 20
	if *sizedViews > 100_000 {
		days = 364
	}
	db := testenv.DB{TB: t, Conn: testenv.OpenOwner(t, database, "events")} // the owner's statements may take long

	shopOf(db, *sizedViews, *sizedOrders, days)

	began := time.Now()
	if err := recount(t.Context(), pool, 400); err != nil {
		t.Fatal(err)
	}
	t.Logf("all days were counted in %s", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	db.Exec(`INSERT INTO recount (day) VALUES (current_date - 100)`)
	if err := recount(t.Context(), pool, 400); err != nil {
		t.Fatal(err)
	}
	t.Logf("one day was counted in %s", time.Since(began).Round(time.Millisecond))

	s := &server{pool: pool}
	c := &testenv.Client{TB: t, Handler: testenv.Mount(t, "events", s.staff(), http.NotFoundHandler())}
	c = c.AsStaff("events", adminui.Marketing)
	c.Header = http.Header{"Accept": {"text/html"}}

	year := "?from=" + time.Now().UTC().AddDate(-1, 0, 1).Format(time.DateOnly) + "&to=" + time.Now().UTC().Format(time.DateOnly)

	for _, tab := range reportTabs {
		for _, address := range []string{"/staff" + tab.path + year, "/staff" + tab.path + ".csv" + year} {
			if strings.Contains(address, ".csv") && (tab.path == "/reports") {
				continue
			}
			began := time.Now()
			a := c.Get(address)
			took := time.Since(began)
			if a.Status != 200 || took > time.Second && *sizedViews > 100_000 {
				t.Errorf("%s: %d after %s: %.300s", address, a.Status, took, a.Body)
			}
			if strings.Contains(a.Body, "<b>lamp") && !strings.Contains(address, ".csv") || strings.Contains(a.Body, "\n=SPRING") {
				t.Errorf("%s shows what outsiders wrote as it is", address)
			}
			t.Logf("%s %s", strings.TrimSuffix(address, year), took.Round(time.Millisecond))
		}
	}
}

// Reports say what was counted, compared with the days before, to those who may see them.
func TestReportsForStaff(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO day_total (day, visitors, visits, views, to_product, to_cart, to_checkout, to_order,
		  orders, pieces, sales, again_orders, again_sales) VALUES
		('2026-03-01', 80, 100, 300, 60, 30, 20, 10, 10, 15, 123456, 4, 50000),
		('2026-02-28', 1, 50, 60, 5, 4, 3, 2, 2, 2, 61728, 0, 0)`)
	e.Exec(`INSERT INTO hour_total (hour, visits, views, orders, sales) VALUES ('2026-03-01 13:00Z', 100, 300, 10, 123456)`)
	e.Exec(`INSERT INTO day_part (day, kind, name, title, orders, pieces, sales) VALUES
		('2026-03-01', 'product', 'P1', 'Clips', 9, 14, 120000),
		('2026-03-01', 'code', 'WELCOME10', '10% off, to say hello', 3, 4, 900), ('2026-03-01', 'code', 'BARE', '', 1, 1, 100),
		('2026-03-01', 'product', 'P2', '=Pens', 1, 1, 3456), ('2026-02-28', 'product', 'P1', 'Old clips', 2, 2, 60000)`)
	const day = "?from=2026-03-01&to=2026-03-01"

	// Sales and products, as JSON and as files.
	who := e.staff(adminui.ReadOnly)
	a := who.Get("/staff/reports/sales" + day)
	a.Want("1234.56", "totals", "sales")
	a.Want("617.28", "before", "sales")
	a.Want("2026-02-28T00:00:00Z", "period", "before_from")
	a.Want(10, "hours", "13", "orders")
	who.Get("/staff/reports/products"+day).Want("Clips", "rows", "0", "title")
	who.Get("/staff/reports/products"+day).Want(60000, "rows", "0", "before")
	who.Get("/staff/reports/products"+day+"&sort=orders").Want("=Pens", "rows", "0", "title")
	who.Get("/staff/reports/products.csv"+day).Has(200, "Clips,1200.00,14,9,600.00,↑ 100 %", "'=Pens,34.56,1,1,0.00,")
	who.Get("/staff/reports/sales.csv?from=2026-02-28&to=2026-03-01").Has(200, "1 Mar 2026,10,15,0.00,1234.56,0.00,0.00,1234.56\n",
		"28 Feb 2026,2,2")

	page := e.staff(adminui.Owner)
	page.Header = http.Header{"Accept": {"text/html"}}

	// A newsletter has the name of its campaign, and a link to it.
	e.Exec(`INSERT INTO email_code (em_cd, title, campaign_id) VALUES ('letter', 'Spring sale', 3)`)
	e.Exec(`INSERT INTO day_part (day, kind, name, visits) VALUES ('2026-03-01', 'source', 'mail:letter', 5)`)
	who.Get("/staff/reports/sources"+day).Want("Mail: Spring sale", "rows", "0", "title")
	who.Get("/staff/reports/sources"+day).Want("/campaigns/3", "rows", "0", "to")
	page.Get("/staff/reports/sources"+day).Has(200, `href="/campaigns/3"`, "Mail: Spring sale")

	// People know a code by itself, so its description has a column of its own.
	who.Get("/staff/reports/codes"+day).Want("WELCOME10", "rows", "0", "title")
	who.Get("/staff/reports/codes.csv"+day).Has(200, "Code,Description,Orders", "WELCOME10,\"10% off, to say hello\",3,9.00,",
		"BARE,,1,1.00,")

	// The pages.
	page.Get("/staff/reports/funnel"+day).Has(200, "Went to the checkout", "10 %", "66.7 % of the step before", "before: 4 %")
	page.Get("/staff/reports"+day).Has(200, "1,234.56", "↑ 100 %", "Sales, by hour (UTC)", "13:00: 1,234.56",
		`<td>13:00</td><td class="number">1,234.56</td>`)
	page.Get("/staff/reports/sales?from=2026-02-28&to=2026-03-01").Has(200, "As a table", `<td>28 Feb</td><td class="number">617.28</td>`)
	page.Get("/staff/reports/searches").Has(200, "No searches without results on these days.")

	// If the days are the wrong way round they are swapped, which the page and the data say once.
	const turned = "The last day was before the first one, so the range was reversed."
	for _, path := range []string{"/reports", "/reports/sales", "/reports/products", "/ads", "/records"} {
		a := page.Get("/staff" + path + "?from=2026-03-02&to=2026-03-01")
		a.Has(200, turned, `name="from" value="2026-03-01"`, `name="to" value="2026-03-02"`)
		if strings.Count(a.Body, turned) != 1 {
			t.Errorf("%s says it %d times", path, strings.Count(a.Body, turned))
		}
	}
	who.Get("/staff/reports?from=2026-03-02&to=2026-03-01").Want("2026-03-01T00:00:00Z", "period", "from")
	who.Get("/staff/reports?from=2026-03-02&to=2026-03-01").Want(turned, "problems", "0")

	// One day alone is completed to the usual period; days that make no sense are refused.
	page.Get("/staff/reports/sales?from=2999-01-01").Has(200, `name="to" value="2999-01-01"`)
	page.Get("/staff/reports/sales?to=2020-01-31").Has(200, `name="from" value="2020-01-02"`)
	for _, path := range []string{"?from=x", "?to=2026-13-01", "?from=1000-01-01", "?from=2020-01-01",
		"?from=%00", "?from=%ff", "?sort=%27", "?from=99999999999999999999-01-01"} {
		if got := page.Get("/staff/reports/products" + path); got.Status != 400 {
			t.Errorf("%s: %d", path, got.Status)
		}
	}

	// Each role sees the reports if it has the right.
	for _, role := range adminui.Roles {
		want := 200
		if !adminui.Allowed([]adminui.Role{role}, adminui.ReportsView) {
			want = 403
		}
		if got := e.staff(role).Get("/staff/reports"); got.Status != want {
			t.Errorf("%s: %s", role, got)
		}
	}
	if got := e.stranger().Get("/staff/reports"); got.Status != 401 {
		t.Errorf("without an identity: %s", got)
	}
	if got := e.stranger().Get("/staff/reports/summary"); got.Status != 404 {
		t.Errorf("the report of before: %s", got)
	}
}

// The setting of whether pages report takes effect at once, is put on record, and is changed by one
// of two people.
func TestRecordingIsSwitched(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	who := e.staff(adminui.Manager)
	who.Get("/staff/records/settings").Want(1, "version")
	if a := who.Post("/staff/records/settings", "version", "1"); a.Status != 200 {
		t.Fatal(a)
	}
	if a := e.Get("/internal/configuration"); a.Body != `{"log_client_events":false}` {
		t.Error(a)
	}
	if a := who.Post("/staff/records/settings", "version", "1", "log_client_events", "on"); a.Status != 409 {
		t.Error(a)
	}
	for _, fields := range [][]string{{}, {"version", "2", "log_client_events", "maybe"}, {"version", "99999999999999999999"}} {
		if a := who.Post("/staff/records/settings", fields...); a.Status != 400 {
			t.Errorf("%q: %s", fields, a)
		}
	}
	if a := e.staff(adminui.Marketing).Post("/staff/records/settings", "version", "2"); a.Status != 403 {
		t.Error(a)
	}
	e.Becomes(1, `SELECT count(*) FROM outbox WHERE subject = 'staff.acted.events'
		AND convert_from(payload, 'UTF8')::jsonb->'after' = '{"log_client_events": false}'`)
}

// A campaign's page shows what the links of its mail brought.
func TestStaffSeeWhatAMailBrought(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const code = "gvREoqen93ffZsmBIc8zl"
	e.Exec(`INSERT INTO arrival (event_id, anonymous_id, email_id, url, at)
		SELECT 'a' || n, 'ann', (SELECT id FROM email_code WHERE em_cd = $1), '/', now() FROM generate_series(1, 3) AS n`, code)
	e.Exec(`INSERT INTO day_part (day, kind, name, visits, orders, sales) VALUES
		(current_date, 'source', 'mail:' || $1, 2, 1, 1999),
		(current_date - 1, 'source', 'mail:' || $1, 1, 1, 1), (current_date, 'source', 'mail:other', 7, 7, 7)`, code)
	who := e.staff(adminui.Marketing)
	a := who.Get("/staff/reports/mail/" + code)
	for name, want := range map[string]string{"clicks": "3", "visits": "3", "orders": "2", "sales": "20.00"} {
		if got := fmt.Sprint(a.At(name)); got != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
	who.Get("/staff/reports/mail/nothing").Has(200, `"orders":0`)
	e.staff(adminui.Fulfilment).Get("/staff/reports/mail/" + code).Has(403)
}
