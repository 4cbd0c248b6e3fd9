package events

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// world is events as it runs, edge's publisher, the order service's outbox, and a database that can
// be cut off.
type world struct {
	t       *testing.T
	pool    *pgxpool.Pool // beside the cut
	cut     *testenv.Cut
	broker  *testenv.Broker
	browser *bus.Publisher
	outbox  *bus.Outbox
	cfg     Config
	url     string
	stop    func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()}, testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	w := &world{t: t, pool: testenv.Open(t, database, "events"), cut: testenv.NewCut(t, database), broker: testenv.NewBroker(t)}
	w.browser = w.broker.Bus("edge").NewPublisher()
	w.outbox = bus.NewOutbox(w.broker.Bus("order"), testenv.Open(t, database, "order"))
	w.cfg = Config{Common: boot.Common{DatabaseURL: w.cut.URL, NATSURL: w.broker.URL()}, PageViewDays: 400}
	run(t, w.browser.Run)
	run(t, w.outbox.Run)
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// run runs a loop for the length of the test, or until it is stopped.
func run(t *testing.T, loop func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- loop(ctx); close(done) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("a loop ended with %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

func (w *world) start() {
	w.t.Helper()
	l, err := web.Listen(nil, "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String()
	cfg := w.cfg
	cfg.Listener = l
	w.stop = run(w.t, func(ctx context.Context) error { return Run(ctx, testenv.Log(w.t), cfg) })
}

// report publishes a client event, as edge does.
func (w *world) report(id, data string) {
	w.t.Helper()
	if !w.browser.Publish("event.pageview", id, []byte(data)) {
		w.t.Fatal("the publisher has no room")
	}
}

func (w *world) enqueue(messages ...msg.Message) {
	w.t.Helper()
	for i, m := range messages {
		if begin := msg.KeyBegin(m.Subject); !strings.HasPrefix(m.Key, begin) {
			messages[i].Key = begin + m.Key // tests name them briefly
		}
	}
	err := w.outbox.Tx(w.t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(w.t.Context(), tx, messages...) })
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) count(sql string) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// becomes waits until a count is n.
func (w *world) becomes(n int, sql string) {
	w.t.Helper()
	testenv.Eventually(w.t, 40*time.Second, sql, func() bool { return w.count(sql) == n })
}

// get asks, as edge does when sign is set.
func (w *world) get(path string, sign bool) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.url+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if sign {
		if err := web.SignIdentity(r, w.cfg.Key("identity"), web.Identity{}); err != nil {
			w.t.Fatal(err)
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}
