package service

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// parking runs order with three parked messages, whose consumer fails until it is mended.
func parking(t *testing.T) (staff *testenv.Client, db testenv.DB, mend func()) {
	t.Helper()
	r := newRunning(t)
	var mended atomic.Bool
	r.run(func(c *Core) (Parts, error) {
		return Parts{Handler: http.NotFoundHandler(),
			Work: func(context.Context, int) ([]adminui.WorkKind, error) {
				return []adminui.WorkKind{{Name: "payments", Title: "Payments", Count: 2}}, nil
			},
			Consumers: []bus.Consumer{{Name: msg.OrderUser, Stream: "USER", Pool: c.Pool,
				Handle: func(context.Context, pgx.Tx, []*bus.Delivery) error {
					if mended.Load() {
						return nil
					}
					return bus.Permanent(errors.New("the <b>version</b> is behind"))
				}}}}, nil
	})
	db = testenv.DB{TB: t, Conn: testenv.OpenOwner(t, r.database, "order")}
	db.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts)
		SELECT 'order-user', 'user.erased:' || n, 'user.erased', '{"emails":["<script>"]}', 'at first', 1 FROM generate_series(1, 4) AS n`)
	client := &testenv.Client{TB: t, URL: "http://" + r.listener.Addr().String()}
	return client.AsStaff("order", adminui.Manager), db, func() { mended.Store(true) }
}

// Staff see a parked message with its reason and content, replay it, or drop it with a note; each
// act is on record in the same commit.
func TestParkedPages(t *testing.T) {
	t.Parallel()
	staff, db, mend := parking(t)
	staff.Get("/staff/parked/order").Has(200, "at first",
		`href="/parked/order/1">Erasure of a person</a><span class="hint sub">user.erased at order-user</span>`)
	staff.Get("/staff/parked/order/1").Has(200, "<h1>Erasure of a person</h1>", "user.erased at order-user", "at first",
		"&lt;script&gt;", `action="/parked/order/1/drop"`, "parked-messages.md")
	staff.Post("/staff/parked/order/1/replay").Has(422, "It failed again", "the &lt;b&gt;version&lt;/b&gt; is behind")
	mend()

	for path, want := range map[string]int{"/1/replay": 303, "/2/drop?note=x": 422, "/9/replay": 404, "/x/replay": 404, "/replay": 422} {
		if a := staff.Post("/staff/parked/order" + path); a.Status != want {
			t.Errorf("%s: %s", path, a)
		}
	}

	staff.Post("/staff/parked/order/1/replay").Has(409, "was replayed or dropped")
	if a := staff.Post("/staff/parked/order/2/drop", "note", "Tested."); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	staff.Get("/staff/parked/order/2").Has(200, "dropped", "Tested.")
	if n := db.Number(`SELECT count(*) FROM outbox WHERE convert_from(payload, 'UTF8') LIKE '%Tested.%'`); n != 0 {
		t.Error("a note about people who may be erased is in the log of acts")
	}
	if got := db.Text(acts, "user.erased:1"); got != "Replayed Erasure of a person (user.erased at order-user) <nil>, "+
		"Tried to replay Erasure of a person (user.erased at order-user): it failed again at first" {
		t.Errorf("the log of a message that failed once: %s", got)
	}

	if a := staff.Post("/staff/parked/order/replay", "consumer", "order-user", "subject", "user.erased"); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	staff.Get("/staff/parked/order").Has(200, "No messages are waiting.")
	staff.Post("/staff/parked/order/replay", "consumer", "order-user", "subject", "user.erased").Has(409, "is waiting any longer")
	staff.Post("/staff/parked/order/replay").Has(422, "Choose rows first")
	for _, id := range []string{"x", "99", "99999999999999999999"} {
		staff.Post("/staff/parked/order/replay", "id", "3", "id", id).Has(422, "Nothing was replayed")
	}
	if n := db.Number(`SELECT count(DISTINCT convert_from(payload, 'UTF8')::jsonb ->> 'key') FROM outbox WHERE subject = 'staff.acted.order'
		AND convert_from(payload, 'UTF8')::jsonb ->> 'action' = 'work.act'`); n != 4 {
		t.Errorf("%d of 4 acts are on record", n)
	}
}

// acts are the entries of the log about a message, with the earlier reasons.
const acts = `SELECT string_agg(act ->> 'text' || ' ' || coalesce(act #>> '{before,reason}', '<nil>'), ', ' ORDER BY act ->> 'text')
	FROM (SELECT convert_from(payload, 'UTF8')::jsonb AS act FROM outbox) AS o WHERE act ->> 'key' = 'order-user ' || $1`

// Why a message was dropped is in the log of acts, with the addresses in the message: an erasure
// finds the note by them.
func TestReasonOfADropIsLogged(t *testing.T) {
	t.Parallel()
	staff, db, _ := parking(t)
	db.Exec(`UPDATE parked SET subject = 'user.merged', payload = '{"email":"Ann@mail.example.com","id":7}' WHERE id = 1`)
	if a := staff.Post("/staff/parked/order/1/drop", "note", "She asked twice."); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	if got := db.Text(`SELECT act ->> 'after' || (act ->> 'whose') FROM (SELECT convert_from(payload, 'UTF8')::jsonb AS act FROM outbox
		WHERE subject = 'staff.acted.order') AS o`); got != `{"note": "She asked twice.", "tries": 1, "reason": "at first", `+
		`"customer": "Ann@mail.example.com"}["Ann@mail.example.com"]` {
		t.Error(got)
	}
}

// The pages about parked messages are JSON as their structs say, of which pages.txt keeps the
// shape, and HTML, and a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	tables := []pg.Set{bus.Tables()}
	database := testenv.Database(t, testenv.Schema{Service: "order", Sets: tables})
	core := &Core{Log: testenv.Log(t), Pool: testenv.Open(t, database, "order")}
	testenv.DB{TB: t, Conn: core.Pool}.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts)
		VALUES ('order-user', 'user.erased:1', 'user.erased', '{}', '=1+1', 1)`)
	pages := adminui.Pages{Routes: parkedPages{Core: core, name: "order"}.routes()}
	(&testenv.Client{TB: t}).AsStaff("order", adminui.Owner).Faces("pages.txt", pages, map[string]string{"id": "1"})
}

// The parts of a parked message that open an account or unsubscribe a person are on no face of its
// page. Text that no column takes is refused.
func TestParkedSecretsStayHidden(t *testing.T) {
	t.Parallel()
	staff, db, _ := parking(t)
	db.Exec(`UPDATE parked SET subject = 'mail.send.reset', payload = '{"kind":"reset","data":{"code":"S3cret","first_name":"Ann"}}'
		WHERE id = 1`)
	db.Exec(`UPDATE parked SET payload = '{"email":"Ann","unsubscribe_token":"S3cret"}' WHERE id = 2`)

	reader := staff.AsStaff("order", adminui.Support)
	for _, face := range []string{"text/html", "application/json"} {
		reader.Header = http.Header{"Accept": {face}}
		for _, path := range []string{"/1", "/2", "", ".csv"} {
			a := reader.Get("/staff/parked/order" + path)
			if a.Status != 200 || strings.Contains(a.Body, "S3cret") || strings.HasPrefix(path, "/") && !strings.Contains(a.Body, "Ann") {
				t.Error(a, a.Body)
			}
		}
	}

	if a := staff.Post("/staff/parked/order/1/replay"); a.Status != 422 || strings.Contains(a.Body, "S3cret") {
		t.Error(a)
	}
	reader.Get("/staff/parked/order").Has(200, `"messages"`)
	reader.Header = http.Header{"Accept": {"text/html"}}
	reader.Get("/staff/parked/order").Has(200, `data-live="order mail dead staff"`)
	pages := adminui.Pages{Routes: parkedPages{name: "order"}.routes()}
	staff.Garbage(pages, map[string]string{"id": "3"}, "id", "note")

	for _, text := range []string{"a\x00", "\xff"} {
		for _, pairs := range [][]string{{"consumer", text, "subject", "user.erased"}, {"consumer", "order-user", "subject", text}} {
			if a := staff.Post("/staff/parked/order/replay", pairs...); a.Status != http.StatusBadRequest {
				t.Errorf("%q: %s", text, a)
			}
		}
	}
}

// The work list is the parked messages and what the service adds, as JSON and as a metric; who may
// only look cannot act.
func TestWorkList(t *testing.T) {
	t.Parallel()
	staff, db, _ := parking(t)
	staff.Header = http.Header{"Accept": {"application/json"}}
	a := staff.Get("/staff/work-list")
	a.Want("payments", "kinds", "0", "name")
	a.Want("parked-messages", "kinds", "1", "name")
	a.Want(4, "kinds", "1", "count")
	a.Want("/parked/order/1/replay", "kinds", "1", "items", "0", "commands", "0", "to")
	a.Want("Erasure of a person", "kinds", "1", "items", "0", "title")
	a.Want("user.erased at order-user", "kinds", "1", "items", "0", "name")
	staff.Get("/staff/parked/order/1").Want(true, "waits")
	if a := staff.Get("/staff/parked/order.csv"); strings.Count(a.Body, "\n") != 5 {
		t.Error(a)
	}

	reader := staff.AsStaff("order", adminui.ReadOnly)
	for _, path := range []string{"/1/replay", "/1/drop", "/replay"} {
		if a := reader.Post("/staff/parked/order"+path, "note", "x", "id", "1"); a.Status != http.StatusForbidden {
			t.Errorf("%s: %s", path, a)
		}
	}

	if a := staff.AsStaff("order", adminui.Marketing).Get("/staff/work-list"); a.Status != http.StatusForbidden {
		t.Error(a)
	}
	testenv.Eventually(t, 30*time.Second, "all still wait", func() bool {
		return db.Number(`SELECT count(*) FROM parked WHERE resolved_at IS NULL`) == 4
	})
}

// staffKey is the key with which the services of these tests believe an identity.
func staffKey() []byte { return boot.Staff{}.StaffVerifier(boot.Keys{}) }
