package service

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// running is a service of parts that a test chooses, under order's name, with a real database and
// broker. The user service is its neighbor.
type running struct {
	t        *testing.T
	broker   *testenv.Broker
	database string
	listener net.Listener
	ended    chan error
}

func newRunning(t *testing.T) *running {
	t.Helper()
	tables := []pg.Set{bus.Tables()}
	r := &running{t: t, broker: testenv.NewBroker(t), ended: make(chan error, 1)}
	r.database = testenv.Database(t, testenv.Schema{Service: "order", Sets: tables}, testenv.Schema{Service: "user", Sets: tables})
	l, err := web.Listen(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.listener = l
	return r
}

// run starts the service. It ends at the end of the test, if nothing ends it before.
func (r *running) run(build func(*Core) (Parts, error)) (stop func()) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	set := Settings{Name: "order", Common: boot.Common{DatabaseURL: r.database, NATSURL: r.broker.URL()}, Listener: r.listener,
		StaffKey: staffKey()}
	go func() {
		defer close(done)
		r.ended <- Run(ctx, testenv.Log(r.t), set, build)
	}()
	r.t.Cleanup(func() { stop(); <-done })
	return stop
}

// wait returns what the service ended with.
func (r *running) wait() error {
	r.t.Helper()
	return receive(r.t, r.ended, "the end of the service")
}

// ask makes a request and returns the answer's status, 0 without an answer.
func (r *running) ask() (status int) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.listener.Addr().String(), nil)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Error(err)
		return 0
	}
	res.Body.Close()
	return res.StatusCode
}

// heard runs user's consumer of ORDER and returns the keys that it was sent so far.
func (r *running) heard() func() string {
	pool, b := testenv.Open(r.t, r.database, "user"), r.broker.Bus("user")
	var mu sync.Mutex
	var keys []string
	note := func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		for _, d := range group {
			keys = append(keys, d.Key)
		}
		return nil
	}
	r.loop(func(ctx context.Context) error {
		return b.Consume(ctx, bus.Consumer{Name: msg.UserOrder, Stream: "ORDER", Pool: pool, Handle: note})
	})
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(keys, " ")
	}
}

// loop runs for the length of the test.
func (r *running) loop(run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	r.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
}

func receive[T any](t *testing.T, c <-chan T, what string) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
	}
	return v
}

// enqueue leaves a message to the relay without waking it, so that a last round publishes it.
func (c *Core) enqueue(ctx context.Context, identifier string) error {
	ctx = context.WithoutCancel(ctx)
	return pg.Tx(ctx, c.Pool, func(tx pgx.Tx) error { return bus.Enqueue(ctx, tx, placed(identifier)) })
}

func placed(identifier string) msg.Message {
	return msg.Message{Key: "order-placed:" + identifier, Subject: msg.OrderPlacedSubject, Payload: msg.OrderPlaced{Identifier: identifier}}
}

// A stop waits for a request in flight, then for a message and a worker, and publishes what all of
// them left.
func TestStopFinishesWhatWasBegun(t *testing.T) {
	t.Parallel()
	r := newRunning(t)
	neighbor := bus.NewOutbox(r.broker.Bus("user"), testenv.Open(t, r.database, "user"))
	r.loop(neighbor.Run)

	var requested, received, goOn, commit = make(chan bool, 1), make(chan bool, 1), make(chan bool), make(chan bool)
	told := make(chan bool, 1) // receives once the worker was told to end
	handle := func(ctx context.Context, tx pgx.Tx, _ []*bus.Delivery) error {
		received <- true
		<-commit
		return bus.Enqueue(ctx, tx, placed("message"))
	}

	stop := r.run(func(c *Core) (Parts, error) {
		return Parts{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				requested <- true
				<-goOn
				if err := c.enqueue(req.Context(), "request"); err != nil {
					t.Error(err)
				}
				io.WriteString(w, "done")
			}),
			Consumers: []bus.Consumer{{Name: msg.OrderUser, Stream: "USER", Pool: c.Pool, Handle: handle}},
			Workers: []Worker{{"worker", func(ctx context.Context) error {
				<-ctx.Done()
				told <- true
				return c.enqueue(ctx, "worker")
			}}},
		}, nil
	})

	err := neighbor.Tx(t.Context(), func(tx pgx.Tx) error {
		m := msg.Message{Key: "user.erased:1:0:1", Subject: msg.UserErased, Payload: msg.Erased{MemberID: 1}}
		return bus.Enqueue(t.Context(), tx, m)
	})
	if err != nil {
		t.Fatal(err)
	}

	status := make(chan int, 1)
	go func() { status <- r.ask() }()
	receive(t, requested, "the request")
	receive(t, received, "the message")

	stop()
	testenv.Eventually(t, 30*time.Second, "new connections refused", func() bool {
		conn, err := net.Dial("tcp", r.listener.Addr().String())
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	if len(told) > 0 || len(r.ended) > 0 {
		t.Error("the worker or the service ended while a request was in flight")
	}

	goOn <- true
	if got := receive(t, status, "the answer"); got != http.StatusOK {
		t.Errorf("the request in flight was answered %d", got)
	}

	receive(t, told, "the worker's end")
	if len(r.ended) > 0 {
		t.Error("the service ended with a message in its consumer")
	}

	commit <- true
	if err := r.wait(); err != nil {
		t.Errorf("a clean stop: %v", err)
	}

	heard := r.heard()
	for _, what := range []string{"request", "message", "worker"} {
		testenv.Eventually(t, 30*time.Second, "what the "+what+" left is published", func() bool {
			return strings.Contains(heard(), "order-placed:"+what)
		})
	}
}

// A part that ends too early ends the service under its name, and what the others left is
// published.
func TestAPartThatEndsEndsTheService(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, c := range map[string]struct {
		spoil func(*running, *Core, *Parts)
		want  string
		relay bool // whether the relay ends as well
	}{
		"a worker that fails": {
			spoil: func(_ *running, _ *Core, p *Parts) {
				p.Workers = append(p.Workers, Worker{"mail requests", func(context.Context) error { return broken }})
			},
			want: "mail requests: broken",
		},
		"a worker that returns": {
			spoil: func(_ *running, _ *Core, p *Parts) {
				p.Workers = append(p.Workers, Worker{"writer", func(context.Context) error { return nil }})
			},
			want: "writer: ended by itself",
		},
		"the relay": {
			spoil: func(_ *running, c *Core, _ *Parts) { c.Bus.Close() },
			want:  "outbox: listen for confirmations", relay: true,
		},
		"the listener": {
			spoil: func(r *running, _ *Core, _ *Parts) { r.listener.Close() },
			want:  "http: serve on",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunning(t)
			r.run(func(core *Core) (Parts, error) {
				testenv.Eventually(t, 30*time.Second, "connected", core.Bus.Connected)
				p := Parts{Handler: http.NotFoundHandler(), Workers: []Worker{{"other", func(ctx context.Context) error {
					<-ctx.Done()
					return core.enqueue(ctx, "other")
				}}}}
				c.spoil(r, core, &p)
				return p, nil
			})

			if err := r.wait(); err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("ended with %v, want %s", err, c.want)
			}
			if c.relay {
				return
			}

			heard := r.heard()
			testenv.Eventually(t, 30*time.Second, "the other worker's message", func() bool { return heard() == "order-placed:other" })
		})
	}
}

// Errors that the end of the service causes are not failures of a part; real failures at that time
// are reported.
func TestErrorsCausedByAStopAreNoFailures(t *testing.T) {
	t.Parallel()
	lost := errors.New("3 events were not published")
	for _, c := range []struct{ at, want error }{{nil, nil}, {context.Canceled, nil}, {lost, lost}} {
		r := newRunning(t)
		began := make(chan bool, 1)
		stop := r.run(func(*Core) (Parts, error) {
			return Parts{Handler: http.NotFoundHandler(), Workers: []Worker{{"publisher", func(ctx context.Context) error {
				began <- true
				<-ctx.Done()
				return c.at
			}}}}, nil
		})
		receive(t, began, "the worker")
		stop()
		if err := r.wait(); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("a worker that ends with %v: %v", c.at, err)
		}
	}
}

// A service that cannot start ends with an error that says why, and closes its listener.
func TestRunRefuses(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	none := func(*Core) (Parts, error) { return Parts{Handler: http.NotFoundHandler()}, nil }
	for _, c := range []struct {
		name, want string
		change     func(*Settings)
		build      func(*Core) (Parts, error)
	}{
		{name: "no database", want: "DATABASE_URL", change: func(s *Settings) { s.DatabaseURL = "" }, build: none},
		{name: "an address in use", want: "in use", build: none, change: func(s *Settings) {
			s.Listener, s.Addr = nil, s.Listener.Addr().String()
		}},
		{name: "a certificate that is missing", want: "TLS_CERT", build: none, change: func(s *Settings) {
			s.TLS.Cert, s.TLS.Key = "none", "none"
		}},
		{name: "no address of a broker", want: "NATS", change: func(s *Settings) { s.NATSCA = "none" }, build: none},
		{name: "parts that cannot be made", want: "broken", build: func(*Core) (Parts, error) { return Parts{}, broken }},
		{name: "parts that cannot be prepared", want: "broken", build: func(*Core) (Parts, error) {
			return Parts{Prepare: func(context.Context) error { return broken }}, nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l, err := web.Listen(nil, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			away := boot.Common{DatabaseURL: "postgres://127.0.0.1:1/none", NATSURL: "nats://127.0.0.1:1"}
			set := Settings{Name: "order", Listener: l, Common: away}
			if c.change != nil {
				c.change(&set)
			}
			if err := Run(t.Context(), testenv.Log(t), set, c.build); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}

			if err := l.Close(); set.Listener != nil && c.change == nil && !errors.Is(err, net.ErrClosed) {
				t.Error("the listener stayed open")
			}
		})
	}
}
