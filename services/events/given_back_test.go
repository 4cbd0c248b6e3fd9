package events

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Reports deduct what was given back on the day when it was, with its tax, whatever the order of
// the messages. The newest message about an order counts, and an older order gets its tax later.
func TestReportsTakeOffWhatWasGivenBack(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	day := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	first := clips("A1", day.Add(time.Hour), 2033) // with included tax, and a code
	placed := first.Payload.(msg.OrderPlaced)      //nolint:forcetypeassert // clips makes it
	placed.TaxIncluded = 325
	first.Payload = placed

	given := func(identifier string, tax, version int64, returns ...msg.GivenBack) msg.Message {
		return msg.Message{Key: fmt.Sprintf("%s:%s:%d", msg.OrderGivenBackSubject, identifier, version), Subject: msg.OrderGivenBackSubject,
			Payload: msg.OrderGivenBack{Identifier: identifier, Tax: tax, Version: version, Returns: returns}}
	}
	back := func(days int, amount, tax int64) msg.GivenBack {
		return msg.GivenBack{At: day.AddDate(0, 0, days).Add(23*time.Hour + 59*time.Minute), Amount: amount, Tax: tax}
	}
	piece, second, dispute := back(1, 359, 57), back(2, 500, 80), back(1, 1674, 268)

	seen := func(want string) {
		t.Helper()
		e.awaitCounts()
		if got := e.Text(`SELECT string_agg(concat_ws(' ', day - $1::date, sales, tax, returned, returned_tax), ', ' ORDER BY day)
			FROM day_total`, day); got != want {
			t.Errorf("counted: %s\nwant     %s", got, want)
		}
		e.wantSameAfterRecount()
	}
	e.enqueue(given("A1", 325, 2, piece, second)) // before the order itself, and before version 1
	e.Becomes(1, `SELECT count(*) FROM order_returned`)
	e.enqueue(first, clips("A2", day.Add(2*time.Hour), 100), given("A1", 325, 1, piece))
	e.Becomes(2, `SELECT count(*) FROM order_placed`)
	e.Becomes(2, `SELECT count(*) FROM inbox WHERE consumer = $1`, msg.EventsGiven)
	seen("0 2133 325 0 0, 1 0 0 359 57, 2 0 0 500 80")

	e.enqueue(given("A1", 325, 3, piece)) // the second refund failed after all
	e.enqueue(given("A2", 7, 0))          // of an order whose own message had no tax
	e.Becomes(4, `SELECT count(*) FROM inbox WHERE consumer = $1`, msg.EventsGiven)
	seen("0 2133 332 0 0, 1 0 0 359 57, 2 0 0 0 0")
	e.enqueue(given("A1", 325, 4, piece, dispute))
	e.Becomes(5, `SELECT count(*) FROM inbox WHERE consumer = $1`, msg.EventsGiven)
	seen("0 2133 332 0 0, 1 0 0 2033 325, 2 0 0 0 0")

	who := e.staff(adminui.ReadOnly)
	days := func(from, to int) string {
		return fmt.Sprintf("?from=%s&to=%s", day.AddDate(0, 0, from).Format(time.DateOnly), day.AddDate(0, 0, to).Format(time.DateOnly))
	}
	a := who.Get("/staff/reports/sales" + days(0, 2))
	for name, want := range map[string]any{"sales": "21.33", "given_back": "20.33", "tax": "0.07", "net": "0.93"} {
		a.Want(want, "totals", name)
		a.Want("0.00", "before", name)
	}
	a = who.Get("/staff/reports/sales" + days(1, 1))
	for name, want := range map[string][2]any{"sales": {"0.00", "21.33"}, "given_back": {"20.33", "0.00"}, "tax": {"-3.25", "3.32"},
		"net": {"-17.08", "18.01"}} {
		a.Want(want[0], "totals", name)
		a.Want(want[1], "before", name)
	}
	who.Get("/staff/reports/sales.csv"+days(0, 1)).Has(200, "Sales,Given back,Tax,Net\n", ",0.00,20.33,-3.25,-17.08\n",
		",21.33,0.00,3.32,18.01\n")
	page := e.staff(adminui.Owner)
	page.Header = http.Header{"Accept": {"text/html"}}
	page.Get("/staff/reports"+days(0, 2)).Has(200, "Given back", "20.33", "Net", "0.93")
	page.Get("/staff/reports/sales"+days(1, 1)).Has(200, "Given back", "20.33", "-17.08", "18.01")
}
