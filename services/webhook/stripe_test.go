package webhook

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// An event is stored byte for byte, with its marks, and published to its receivers.
func TestAnEventIsStoredAsItCame(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.Secrets = []string{" whsec_other", secret} })
	sent := body("evt_1") + "\n"
	if a := e.send(sent); a.Status != 200 || a.Body != `{"received":true}` {
		t.Fatalf("answered %d %s", a.Status, a.Body)
	}

	var kind, version, subject string
	var created time.Time
	var payload, message []byte
	var pending []string

	err := e.pool.QueryRow(t.Context(), `
		SELECT e.type, e.api_version, e.created, e.payload, o.subject, o.payload, o.pending
		FROM event e JOIN outbox o ON o.key = e.id WHERE e.id = 'evt_1'`).
		Scan(&kind, &version, &created, &payload, &subject, &message, &pending)
	if err != nil {
		t.Fatal(err)
	}

	if kind != "checkout.session.completed" || version != "2023-10-16" || created.Unix() != 1_790_000_000 ||
		subject != "stripe.checkout.session.completed" {
		t.Errorf("stored %s %s %s, subject %s", kind, version, created, subject)
	}
	if string(payload) != sent || string(message) != sent {
		t.Errorf("stored\n%s\nand sent\n%s\ninstead of\n%s", payload, message, sent)
	}
	if n := e.Number(`SELECT count(*) FROM event WHERE marks = $1`, erasure.Fingerprints([]byte(sent))); n != 1 {
		t.Error("an event that came alone has not the marks that a person is found by")
	}
	if fmt.Sprint(pending) != fmt.Sprint([]string{msg.OrderStripe}) {
		t.Errorf("waits for %v", pending)
	}

	testenv.Eventually(t, time.Minute, "published", func() bool { return e.Number(`SELECT count(*) FROM outbox WHERE attempts > 0`) == 1 })
}

// Bodies that are no events, bad signatures and bodies that are too large are refused and store
// nothing.
func TestRefusedDeliveriesStoreNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for name, text := range map[string]string{
		"empty": "", "no JSON": "hello", "half": `{"id":"evt_1"`, "a number": "42", "null": "null", "a list": `[{"id":"evt_1","type":"a"}]`,
		"a text": `"evt_1"`,
		"no id":  `{"type":"a.b"}`, "an id that is a number": `{"id":1,"type":"a.b"}`, "an empty id": `{"id":"","type":"a.b"}`,
		"an id with a blank": `{"id":"evt 1","type":"a.b"}`, "an id with a line break": `{"id":"evt_1\r\nNats-Msg-Id: x","type":"a.b"}`,
		"an id with a NUL": `{"id":"evt_\u0000","type":"a.b"}`,
		"a long id":        `{"id":"` + strings.Repeat("e", 256) + `","type":"a.b"}`,
		"no type":          `{"id":"evt_1"}`, "a type that is an object": `{"id":"evt_1","type":{}}`,
		"a type with a wildcard": `{"id":"evt_1","type":"a.*"}`, "a type with >": `{"id":"evt_1","type":"a.>"}`,
		"a type with a blank": `{"id":"evt_1","type":"a b"}`, "a type with an empty token": `{"id":"evt_1","type":"a..b"}`,
		"a type that ends with a dot": `{"id":"evt_1","type":"a."}`,
		"an upper case type":          `{"id":"evt_1","type":"A"}`, "two values": `{"id":"evt_1","type":"a"}{"id":"evt_2","type":"a"}`,
		"bytes":           "\xff\xfe\x00",
		"too many levels": `{"id":"evt_1","type":"a.b","x":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`,
		"deep":            strings.Repeat("[", 20_000),
	} {
		if a := e.send(text); a.Status != 400 || a.Body != `{"error":"invalid-payload"}` {
			t.Errorf("%s: answered %d %s", name, a.Status, a.Body)
		}
	}

	for name, signature := range map[string]string{"none": "", "garbage": ",=;t=1,v1=\xff",
		"old": sign(time.Now().Add(-time.Hour), body("evt_1"), secret), "another secret": sign(time.Now(), body("evt_1"), "x")} {
		if a := e.post(body("evt_1"), signature); a.Status != 400 || a.Body != `{"error":"invalid-signature"}` {
			t.Errorf("signature %s: answered %d %s", name, a.Status, a.Body)
		}
	}

	for _, size := range []int{maxBody + 1, 10 << 20} {
		if a := e.send(body("evt_1") + strings.Repeat(" ", size-len(body("evt_1")))); a.Status != 413 ||
			a.Body != `{"error":"body-too-large"}` {
			t.Errorf("%d bytes: answered %d %s", size, a.Status, a.Body)
		}
	}

	if n := e.Number(`SELECT (SELECT count(*) FROM event) + (SELECT count(*) FROM outbox)`); n != 0 {
		t.Errorf("%d rows were written for refused requests", n)
	}

	// The largest body that is accepted.
	if a := e.send(body("evt_1") + strings.Repeat(" ", maxBody-len(body("evt_1")))); a.Status != 200 {
		t.Errorf("exactly %d bytes: answered %d %s", maxBody, a.Status, a.Body)
	}
}

// A client that reads the answer only after it has sent everything gets it, too.
func TestRefusalOfABodyThatIsSentToItsEnd(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(e.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the test is over
	const size = 10 << 20
	if _, err := fmt.Fprintf(conn, "POST /order/stripe-webhook HTTP/1.1\r\nHost: shop\r\nContent-Length: %d\r\n\r\n%s", size,
		strings.Repeat("a", size)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d, %v", answer.StatusCode, err)
	}
}

// Only POST is allowed.
func TestOnlyPostIsAllowed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
		if a := e.Ask(method, intake); a.Status != 405 || a.Body != `{"error":"method-not-allowed"}` {
			t.Errorf("%s: answered %d %s", method, a.Status, a.Body)
		}
	}
}

// Without a secret every delivery is refused.
func TestDeliveriesNeedASecret(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.Secrets = []string{"", " "} })
	if a := e.post(body("evt_1"), sign(time.Now(), body("evt_1"), "")); a.Status != 500 || a.Body != `{"error":"webhook-not-configured"}` {
		t.Errorf("answered %d %s", a.Status, a.Body)
	}
}

// An event is stored without fields that are unusable, as long as its id and type are good.
func TestEventsWithUnusableFieldsAreStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i, rest := range []string{`"created":"yesterday"`, `"created":-5`, `"created":1e99`, `"created":99999999999999`, `"api_version":7`,
		`"api_version":"\u0000"`, `"api_version":null`, `"created":null`} {
		text := fmt.Sprintf(`{"id":"evt_%d","type":"a.b_2",%s}`, i, rest)
		if a := e.send(text); a.Status != 200 {
			t.Errorf("%s: answered %d %s", text, a.Status, a.Body)
		}
	}
	if n := e.Number(`SELECT count(*) FROM event WHERE created IS NULL AND api_version IS NULL`); n != 8 {
		t.Errorf("%d events are stored without the odd values, want 8", n)
	}
}

// An event that comes a hundred times at once is one row and one message.
func TestAHundredRepeatsAreOneEvent(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { e.sendUntilStored(body("evt_1")) })
	}
	all.Wait()
	if events, messages := e.Number(`SELECT count(*) FROM event`), e.Number(`SELECT count(*) FROM outbox`); events != 1 || messages != 1 {
		t.Errorf("%d events, %d messages", events, messages)
	}
}

// Of five hundred events that come at once each is stored, with its message.
func TestFiveHundredEventsAtOnceAreStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var all sync.WaitGroup
	for i := range 500 {
		all.Go(func() { e.sendUntilStored(body(fmt.Sprint("evt_", i))) })
	}
	all.Wait()
	if events, messages := e.Number(`SELECT count(*) FROM event`), e.Number(`SELECT count(*) FROM outbox`); events != 500 ||
		messages != 500 {
		t.Errorf("%d events, %d messages", events, messages)
	}
}

// Deliveries are answered 503 soon while the database is unavailable, and stored once it is back.
func TestUnavailableDatabaseIsAnswered503(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sendUntilStored(body("evt_1"))
	e.cut.Set(true)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			began := time.Now()
			a := e.send(body(fmt.Sprint("evt_2_", i)))
			if a.Status != 503 || a.Body != `{"error":"unavailable"}` || time.Since(began) > 20*time.Second {
				t.Errorf("without the database: %d %s after %s", a.Status, a.Body, time.Since(began))
			}
		})
	}
	all.Wait()
	e.cut.Set(false)
	e.sendUntilStored(body("evt_2_0"))
	// The others, answered 503 and not repeated, may be stored or not.
	if n := e.Number(`SELECT count(*) FROM event WHERE id IN ('evt_1', 'evt_2_0')`); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}

// An event that PostgreSQL refuses is refused alone; the rest of its group is stored.
func TestOneBadEventDoesNotSpoilItsGroup(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	s := newStore(bus.NewOutbox(nil, pool))
	var group []*job
	for i := range 50 {
		j := &job{event: event{id: fmt.Sprint("evt_", i), kind: "a", body: []byte("{}")}, done: make(chan error, 1)}
		if i == 17 {
			j.id = "evt_\x00" // parseEvent lets none through; PostgreSQL rejects it
		}
		group = append(group, j)
	}

	s.commit(t.Context(), group)
	for i, j := range group {
		if err := <-j.done; errors.Is(err, errRefused) != (i == 17) || (err != nil) != (i == 17) {
			t.Errorf("%d: %v", i, err)
		}
	}

	if n := (testenv.DB{TB: t, Conn: pool}).Number(`SELECT count(*) FROM event JOIN outbox ON key = id`); n != 49 {
		t.Errorf("%d rows", n)
	}
}

// Of groups that overlap each event is stored once, with its body unchanged in the row and in the
// message.
func TestAGroupStoresEachBodyOnceAndUnchanged(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	s := newStore(bus.NewOutbox(nil, pool))
	bodies := map[string]string{}

	commit := func(ids ...string) {
		t.Helper()
		var group []*job
		for _, id := range ids {
			if bodies[id] == "" {
				// From a few bytes to far beyond a page, compressible and not.
				noise := make([]byte, 1<<rand.IntN(17))
				for i := range noise {
					noise[i] = byte(rand.IntN(1 + rand.IntN(256)))
				}
				bodies[id] = id + string(noise)
			}
			group = append(group, &job{event: event{id: id, kind: "a.b", body: []byte(bodies[id])}, trace: id,
				done: make(chan error, 1)})
		}
		s.commit(t.Context(), group)
		for i, j := range group {
			if err := <-j.done; err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
	}

	for i := range 20 {
		id := func(n int) string { return fmt.Sprint("evt_", i+n) } // overlaps with the groups before
		commit(id(9), id(3), id(7), id(3), id(0), id(1), id(5))
		commit(id(2), id(2), id(10)) // few enough for one statement
	}

	rows, err := pool.Query(t.Context(), `SELECT id, event.payload, outbox.payload, headers->>'traceparent', pending FROM event FULL `+
		`JOIN outbox ON key = id`)
	if err != nil {
		t.Fatal(err)
	}

	type row struct {
		ID              string
		Stored, Message []byte
		Trace           string
		Pending         []string
	}
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(got) != len(bodies) {
		t.Fatalf("%d rows of %d, error %v", len(got), len(bodies), err)
	}

	for _, r := range got {
		if want := bodies[r.ID]; string(r.Stored) != want || string(r.Message) != want || r.Trace != r.ID || len(r.Pending) != 1 {
			t.Errorf("%s: %d bytes stored, %d in the message, of %d; trace %s, pending %s", r.ID, len(r.Stored), len(r.Message), len(want),
				r.Trace, r.Pending)
		}
	}
}

// A writer whose context has ended stores what is queued before it returns.
func TestStoppedWriterStoresItsQueue(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	s := newStore(bus.NewOutbox(nil, pool))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	var waiting []*job
	for i := range 10 {
		j := &job{event: event{id: fmt.Sprint("evt_", i), kind: "a", body: []byte("{}")}, done: make(chan error, 1)}
		s.queue <- j
		waiting = append(waiting, j)
	}

	s.write(ctx)
	for i, j := range waiting {
		if err := <-j.done; err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}

	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(t.Context(), `SELECT count(*) FROM event`).Scan(&n); err != nil || n != 10 {
			t.Errorf("%d rows, error %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
