package events

import (
	"context"
	"net/http"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// env is events as it runs, edge's publisher, the order service's outbox, and a database that can
// be cut off.
type env struct {
	*testenv.Client // with edge's identity
	testenv.DB      // not affected by cut
	t               *testing.T
	pool            *pgxpool.Pool
	cut             *testenv.Cut
	broker          *testenv.Broker
	browser         *bus.Publisher
	outbox          *bus.Outbox
	cfg             Config
	stop            func()
}

func newEnv(t *testing.T) *env {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "events", Sets: Migrations()},
		testenv.Schema{Service: "order", Sets: []pg.Set{bus.Tables()}})
	e := &env{t: t, pool: testenv.Open(t, database, "events"), cut: testenv.NewCut(t, database), broker: testenv.NewBroker(t)}
	e.DB = testenv.DB{TB: t, Conn: e.pool}

	e.browser = e.broker.Bus("edge").NewPublisher()
	e.outbox = bus.NewOutbox(e.broker.Bus("order"), testenv.Open(t, database, "order"))
	e.cfg = Config{Common: boot.Common{DatabaseURL: e.cut.URL, NATSURL: e.broker.URL()}, PageViewDays: 400}
	testenv.Run(t, e.browser.Run)
	testenv.Run(t, e.outbox.Run)
	e.start()
	return e
}

func (e *env) start() {
	e.t.Helper()
	l, url := testenv.Listen(e.t)
	cfg := e.cfg
	cfg.Listener = l
	e.Client = &testenv.Client{TB: e.t, URL: url, Key: cfg.Key("identity")}
	e.stop = testenv.Run(e.t, func(ctx context.Context) error { return Run(ctx, testenv.Log(e.t), cfg) })
}

// stranger is a client without an identity.
func (e *env) stranger() *testenv.Client { return &testenv.Client{TB: e.t, URL: e.URL} }

// staff is a client with these roles that asks for JSON.
func (e *env) staff(roles ...adminui.Role) *testenv.Client {
	c := e.stranger().AsStaff("events", roles...)
	c.Header = http.Header{"Accept": {"application/json"}}
	return c
}

// report publishes a client event, as edge does.
func (e *env) report(id, data string) {
	e.t.Helper()
	if !e.browser.Publish("event.pageview", id, []byte(data)) {
		e.t.Fatal("the publisher has no room")
	}
}

// awaitCounts waits until the figures are up to date.
func (e *env) awaitCounts() {
	e.t.Helper()
	e.Becomes(0, `SELECT count(*) FROM recount`)
}

func (e *env) enqueue(messages ...msg.Message) {
	e.t.Helper()
	testenv.Enqueue(e.t, e.outbox, messages...)
}
