package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// largeBody is an event of some 3.5 kB, as Stripe's are.
func largeBody(id string) string {
	var fields strings.Builder
	for i := range 60 {
		fmt.Fprintf(&fields, `,"field_%d":{"amount":%d,"currency":"usd","livemode":false}`, i, i*731)
	}
	return strings.Replace(body(id), `"note":`, `"id2":"x"`+fields.String()+`,"note":`, 1)
}

// BenchmarkIntake measures what webhook does for one request, without its database: docs/adr/0019
// says what is compared.
func BenchmarkIntake(b *testing.B) {
	text := []byte(largeBody("evt_1"))
	header := sign(time.Now(), string(text), secret)
	pooled := func() (*bytes.Buffer, func()) {
		buf := buffers.Get().(*bytes.Buffer)
		return buf, func() { buf.Reset(); buffers.Put(buf) }
	}
	fresh := func() (*bytes.Buffer, func()) { return new(bytes.Buffer), func() {} }

	for _, c := range []struct {
		name  string
		body  func() (*bytes.Buffer, func())
		parse func([]byte) (event, error)
	}{
		{"as it is", pooled, parseEvent},
		{"fresh buffers", fresh, parseEvent},
		{"encoding json", pooled, decodeEvent},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			defer testenv.CPUTime(b, 1)()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/order/stripe-webhook", bytes.NewReader(text))
				w := httptest.NewRecorder()
				buf, done := c.body()
				if err := readBody(buf, w, r); err != nil {
					b.Fatal(err)
				}
				if err := verify([]string{secret}, header, buf.Bytes()); err != nil {
					b.Fatal(err)
				}
				if _, err := c.parse(buf.Bytes()); err != nil {
					b.Fatal(err)
				}
				done()
				if err := web.RawJSON(w, http.StatusOK, received); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// decodeEvent is parseEvent with encoding/json.
func decodeEvent(body []byte) (event, error) {
	var e struct {
		ID         string
		Type       string
		APIVersion *string `json:"api_version"`
		Created    int64
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return event{}, err
	}
	if !usableID(e.ID) || !usableType(e.Type) {
		return event{}, errors.New("unusable")
	}
	at := time.Unix(e.Created, 0).UTC()
	return event{id: e.ID, kind: e.Type, apiVersion: e.APIVersion, created: &at, body: body}, nil
}

// group is n events that are not stored yet.
func group(n int) []*job {
	list := make([]*job, n)
	for i := range list {
		id := fmt.Sprintf("evt_%06d", i)
		list[i] = &job{event: event{id: id, kind: "checkout.session.completed", body: []byte(largeBody(id))}}
	}
	return list
}

// BenchmarkStore measures what the database does for a group of 64 events.
func BenchmarkStore(b *testing.B) {
	pool := testenv.Pool(b, "webhook", Migrations()...)
	jobs := group(64)
	for _, c := range []struct {
		name    string
		insert  func(context.Context, pgx.Tx, []*job) ([]*job, error)
		enqueue func(context.Context, pgx.Tx, []*job) error
	}{
		{"as it is", insertEvents, enqueue},
		{"array of bodies", insertArray, enqueue},
		{"fresh scratch", insertFresh, enqueue},
		{"bodies sent twice", insertEvents, enqueueBodies},
	} {
		b.Run(c.name, func(b *testing.B) {
			defer testenv.CPUTime(b, len(jobs))()
			for b.Loop() {
				err := pg.Tx(b.Context(), pool, func(tx pgx.Tx) error {
					added, err := c.insert(b.Context(), tx, jobs)
					if err != nil || len(added) != len(jobs) {
						return fmt.Errorf("%d added: %w", len(added), err)
					}
					if err := c.enqueue(b.Context(), tx, added); err != nil {
						return err
					}
					return errUndo
				})
				if !errors.Is(err, errUndo) {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(jobs)), "us/thing")
		})
	}
}

var errUndo = errors.New("the next round inserts the same events")

// insertFresh is insertEvents with new memory for each group.
func insertFresh(ctx context.Context, tx pgx.Tx, group []*job) (added []*job, err error) {
	scratches = sync.Pool{New: func() any { return new([]byte) }}
	return insertEvents(ctx, tx, group)
}

// insertArray is insertEvents with an array of bodies.
func insertArray(ctx context.Context, tx pgx.Tx, group []*job) (added []*job, err error) {
	n := len(group)
	ids, types, versions, created := make([]string, n), make([]string, n), make([]*string, n), make([]*time.Time, n)
	bodies := make([][]byte, n)
	for i, j := range group {
		ids[i], types[i], versions[i], created[i], bodies[i] = j.id, j.kind, j.apiVersion, j.created, j.body
	}
	stored, err := pg.List[string](ctx, tx, "insert events", `
		INSERT INTO event (id, type, api_version, created, payload)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[])
		ON CONFLICT (id) DO NOTHING RETURNING id`, ids, types, versions, created, bodies)
	for _, id := range stored {
		i, _ := slices.BinarySearchFunc(group, id, func(j *job, id string) int { return strings.Compare(j.id, id) })
		added = append(added, group[i])
	}
	return added, err
}

// enqueueBodies is enqueue as all other messages are enqueued.
func enqueueBodies(ctx context.Context, tx pgx.Tx, added []*job) error {
	messages := make([]msg.Message, len(added))
	for i, j := range added {
		messages[i] = msg.Message{Key: j.id, Subject: msg.StripeSubject(j.kind), Payload: msg.Raw(j.body)}
	}
	return bus.Enqueue(ctx, tx, messages...)
}

// BenchmarkCommit measures storing events, 64 in a transaction or each in one of its own.
func BenchmarkCommit(b *testing.B) {
	for _, size := range []int{64, 1} {
		b.Run(fmt.Sprintf("%d in a transaction", size), func(b *testing.B) {
			pool := testenv.Pool(b, "webhook", Migrations()...)
			s := newStore(bus.NewOutbox(nil, pool))
			n := 0
			for b.Loop() {
				jobs := group(size)
				for _, j := range jobs {
					n++
					j.id = fmt.Sprintf("evt_%09d", n)
				}
				if err := s.insert(b.Context(), jobs); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*size), "us/thing")
		})
	}
}
