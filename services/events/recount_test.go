package events

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// figures is everything that reports read, as text.
func figures(db testenv.DB) string {
	return db.Text(`SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT 'day ' || row_to_json(t) AS line FROM day_total t
		UNION ALL SELECT 'hour ' || row_to_json(t) FROM hour_total t
		UNION ALL SELECT 'part ' || row_to_json(t) FROM day_part t) AS l`)
}

// twoDays are what browsers do, by the minutes since the first day began.
var twoDays = []struct {
	minute int
	data   string
}{
	// ann comes by an ad, looks, and returns an hour later to buy
	{600, `"kind":"pageview","anonymous_id":"ann","url":"https://shop.example/?ad_cd=-","referrer":"search.example"`},
	{600, `"kind":"linkevent","anonymous_id":"ann","url":"https://shop.example/","ad_cd":"AD1"`},
	{610, `"kind":"pageview","anonymous_id":"ann","url":"https://shop.example/product/P1?x=1"`},
	{700, `"kind":"pageview","anonymous_id":"ann","url":"/cart"`},
	{705, `"kind":"pageview","anonymous_id":"ann","url":"/checkout/confirm"`},
	{711, `"kind":"pageview","anonymous_id":"ann","url":"/checkout/success","referrer":"pay.example"`},
	{712, `"kind":"pageview","anonymous_id":"ann","url":"/account/order?identifier=-","order":"` + msg.OrderMark("A1") + `"`},
	// ben comes from a blog, and searches for something that is not there
	{615, `"kind":"pageview","anonymous_id":"ben","url":"/product/P1","referrer":"blog.example"`},
	{616, `"kind":"buttonclick","anonymous_id":"ben","url":"/search?q=Paper++Clips","what":"search-empty"`},
	{617, `"kind":"ajaxerror","anonymous_id":"ben","url":"/search?q=x","what":"script-error"`},
	// one without a browser's id, and one on the following day
	{620, `"kind":"pageview","url":"/product/P1"`},
	{24*60 + 1, `"kind":"pageview","anonymous_id":"ben","url":"/?utm_source=Letter"`},
}

// firstDay is the figures by names of the first day: visits, times, orders, pieces and cents.
const firstDay = `code SPRING  Spring 0 0 1 3 650
collection paper  Paper 0 0 1 2 600
country DE   0 0 1 3 650
error /search script-error  0 1 0 0 0
page /   1 1 0 0 0
page /account/order   1 1 0 0 0
page /cart   1 1 0 0 0
page /checkout/confirm   1 1 0 0 0
page /checkout/success   1 1 0 0 0
page /product/P1   2 3 0 0 0
product P1  Clips 0 0 1 2 600
product Pens  Pens 0 0 1 1 100
search paper clips   0 1 0 0 0
source ad:AD1   1 0 1 3 650
source direct   1 0 0 0 0
source site:blog.example   1 0 0 0 0`

// clips is the message of an order of two products.
func clips(identifier string, at time.Time, total int64) msg.Message {
	return msg.Message{Key: "order-placed:" + identifier, Subject: msg.OrderPlacedSubject, Payload: msg.OrderPlaced{
		Identifier: identifier, ProspectCode: "PR1", PlacedAt: at, Currency: "usd", Country: "de",
		OrderAmounts: msg.OrderAmounts{Total: total, ItemDiscount: 50},
		Codes:        []msg.OrderCode{{Code: "SPRING", Description: "Spring", Applied: true}, {Code: "OLD"}},
		Lines: []msg.OrderLine{{Product: "Clips", PriceEach: 300, Quantity: 2, ProductIdentifier: "P1",
			Collections: []msg.OrderCollection{{Address: "paper", Title: "Paper"}}}, {Product: "Pens", PriceEach: 100, Quantity: 1}},
	}}
}

// The figures of two days, whose events come in any order and some of them twice, are those that
// were counted by hand.
func TestFiguresOfTwoDays(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO ad (type_id, status_id, ad_cd) VALUES (1, 3, 'AD1')`)
	day := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	at := func(minute int) string { return day.Add(time.Duration(minute) * time.Minute).Format(time.RFC3339) }
	events := map[string]string{}
	for i, event := range twoDays {
		id := fmt.Sprint("e", i)
		events[id] = fmt.Sprintf(`{"id":%q,"at":%q,%s}`, id, at(event.minute), event.data)
	}

	e.enqueue(clips("A1", day.Add(710*time.Minute), 650), clips("A2", day.Add((24*60+5)*time.Minute), 100))
	for id, data := range events { // in any order
		e.report(id, data)
		if rand.IntN(2) == 0 {
			e.report("again "+id, data)
		}
	}

	e.Becomes(len(events), `SELECT (SELECT count(*) FROM page_view) + (SELECT count(*) FROM arrival) +
		(SELECT count(*) FROM click) + (SELECT count(*) FROM call_error)`)
	e.Becomes(1, `SELECT count(*) FROM order_placed WHERE source = 'ad:AD1'`)
	e.awaitCounts()

	var got []map[string]any
	rows := e.Text(`SELECT jsonb_agg(to_jsonb(t) - 'day' ORDER BY day)::text FROM day_total t`)
	if err := json.Unmarshal([]byte(rows), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"visitors": 2., "visits": 3., "views": 8., "to_product": 3., "to_cart": 1., "to_checkout": 1., "to_order": 1., "errors": 1.,
			"empty_searches": 1., "orders": 1., "pieces": 3., "sales": 650., "discount": 50., "tax": 0., "returned": 0.,
			"returned_tax": 0., "again_orders": 0., "again_sales": 0.},
		{"visitors": 1., "visits": 1., "views": 1., "to_product": 0., "to_cart": 0., "to_checkout": 0., "to_order": 0., "errors": 0.,
			"empty_searches": 0., "orders": 1., "pieces": 3., "sales": 100., "discount": 50., "tax": 0., "returned": 0.,
			"returned_tax": 0., "again_orders": 1., "again_sales": 100.},
	}

	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	parts := e.Text(`SELECT string_agg(
		  concat_ws(' ', kind, name, detail, title, visits, views, orders, pieces, sales), E'\n' ORDER BY kind, name)
		FROM day_part WHERE day = $1::date`, day)
	if diff := cmp.Diff(firstDay, parts); diff != "" {
		t.Error(diff)
	}

	e.wantSameAfterRecount()

	// A person who is erased stays in the figures, although the day is counted again, but can no
	// longer be found in it.
	before := figures(e.DB)
	e.enqueue(msg.Message{Key: "user-erased:1", Subject: msg.UserErased, Payload: msg.Erased{Codes: []string{"PR1"}, At: time.Now()}})
	e.Becomes(0, `SELECT count(*) FROM page_view WHERE anonymous_id = 'ann' OR order_mark IS NOT NULL`)
	e.Exec(`UPDATE day_total SET to_order = 7`)
	e.Exec(`INSERT INTO recount (day) SELECT day FROM day_total`)
	e.awaitCounts()
	after := figures(e.DB)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Error(diff)
	}
}

// wantSameAfterRecount counts everything again and compares.
func (e *env) wantSameAfterRecount() {
	e.t.Helper()
	before := figures(e.DB)
	e.Exec(`UPDATE day_total SET views = views + 100`)
	e.Exec(`INSERT INTO recount (day) SELECT day FROM day_total`)
	e.awaitCounts()
	if diff := cmp.Diff(before, figures(e.DB)); diff != "" {
		e.t.Error(diff)
	}
}

// Nothing is left out when two processes count while events come in, and while another transaction
// that marks the day is not committed yet.
func TestCountingMissesNothing(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "events", Migrations()...)
	db := testenv.DB{TB: t, Conn: pool}

	open, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { open.Rollback(context.WithoutCancel(t.Context())) }) //nolint:errcheck // it is committed, unless the test failed

	insert := func(conn testenv.DB, id string) {
		conn.Exec(`INSERT INTO page_view (event_id, anonymous_id, url, at) VALUES ($1, 'browser', '/', now())`, id)
	}
	insert(testenv.DB{TB: t, Conn: open}, "late")
	insert(db, "early")

	count := func() {
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := recount(t.Context(), pool, 400); err != nil {
					t.Error(err)
				}
			})
		}
		both.Wait()
	}

	count()
	db.Becomes(1, `SELECT coalesce(sum(views), 0)::int FROM day_total`)

	if err := open.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	count()
	db.Becomes(2, `SELECT sum(views)::int FROM day_total`)
}

// Rows that old processes wrote are brought over once, each month has a table of its own, and old
// months are dropped.
func TestMonthsAreFilledAndDropped(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "events", Migrations()...)
	db := testenv.DB{TB: t, Conn: pool}

	db.Exec(`INSERT INTO pageview (event_id, url, at) SELECT 'v' || n, '/', now() - n * interval '20 days'
		FROM generate_series(0, 30) AS n`)
	db.Exec(`INSERT INTO page_view (event_id, url, at) SELECT event_id, url, at FROM pageview WHERE event_id = 'v3'`)
	db.Exec(`INSERT INTO link_event (event_id, url, at) VALUES ('l', '/', now() - interval '500 days')`)

	// Bringing over twice leaves each row once, in the table of its month.
	for range 2 {
		if _, err := bringOver(t.Context(), pool); err != nil {
			t.Fatal(err)
		}
	}
	if n := db.Number(`SELECT count(*) FROM page_view`); n != 31 || db.Number(`SELECT count(*) FROM page_view_rest`) != 0 ||
		db.Number(`SELECT count(*) FROM pageview`) != 0 {
		t.Errorf("%d page views came over", n)
	}

	// Months that ended 400 days ago are dropped.
	tables := func() int {
		return db.Number(`SELECT count(*) FROM pg_inherits WHERE inhparent = 'page_view'::regclass`)
	}
	before := tables()
	if n, err := dropOldEvents(t.Context(), pool, 400); err != nil || n == 0 || tables() >= before {
		t.Errorf("dropped %d, %v; %d of %d tables are left", n, err, tables(), before)
	}
	if n := db.Number(`SELECT count(*) FROM page_view WHERE at >= now() - interval '400 days'`); n != 20 {
		t.Errorf("%d page views of the last 400 days are left", n)
	}
	if n := db.Number(`SELECT (SELECT count(*) FROM page_view WHERE at < now() - interval '432 days')
		+ (SELECT count(*) FROM arrival)`); n != 0 {
		t.Errorf("%d older ones are left", n)
	}
}

// Counting a day may take longer than the 8 seconds that a request may: a large shop's days do.
func TestCountingMayTakeLong(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "events", Migrations()...)
	ctx := pg.Patient(t.Context(), time.Minute)
	if err := pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		if err := pg.Exec(ctx, tx, "allow it", `SET LOCAL statement_timeout = 60000`); err != nil {
			return err
		}
		return pg.Exec(ctx, tx, "take long", `SELECT pg_sleep(8.5)`)
	}); err != nil {
		t.Error(err)
	}
}
