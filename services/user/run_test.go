package user

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// running is the whole service with a real database and broker, as edge and the other services see
// it.
type running struct {
	*testenv.Client // with the identity of a visitor
	t               *testing.T
	broker          *testenv.Broker
	url             string // the database's
	stop            func() error
}

func start(t *testing.T) *running {
	t.Helper()
	r := &running{t: t, broker: testenv.NewBroker(t), url: testenv.Database(t, testenv.Schema{Service: "user", Sets: Migrations()})}
	r.startService()
	t.Cleanup(func() {
		if err := r.stop(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// startService starts the service, the first time or after a stop.
func (r *running) startService() {
	r.t.Helper()
	l, url := testenv.Listen(r.t)
	cfg := testConfig()
	cfg.DatabaseURL, cfg.NATSURL, cfg.Listener = r.url, r.broker.URL(), l
	r.Client = &testenv.Client{TB: r.t, URL: url, Key: cfg.Key("identity")}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, testenv.Log(r.t), cfg) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-ended:
			return err
		case <-time.After(30 * time.Second):
			return errors.New("the service does not stop")
		}
	})
}

// hear collects what is sent to a consumer of another service, in its place.
func (r *running) hear(consumer, stream string) func() []*bus.Delivery {
	r.t.Helper()
	pool := testenv.Open(r.t, r.url, "user")
	service, _, _ := strings.Cut(consumer, "-")
	conn := r.broker.Bus(service)

	var mu sync.Mutex
	var heard []*bus.Delivery

	ctx, cancel := context.WithCancel(context.WithoutCancel(r.t.Context()))
	var done sync.WaitGroup
	done.Go(func() {
		err := conn.Consume(ctx, bus.Consumer{Name: consumer, Stream: stream, Pool: pool,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				mu.Lock()
				defer mu.Unlock()
				heard = append(heard, group...)
				return nil
			}})
		if err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() { cancel(); done.Wait() })

	return func() []*bus.Delivery {
		mu.Lock()
		defer mu.Unlock()
		return append([]*bus.Delivery(nil), heard...)
	}
}

// The running service sends mails and messages, consumes orders, parks garbage and answers requests
// for mails.
func TestServiceWithBrokerAndDatabase(t *testing.T) {
	t.Parallel()
	r := start(t)
	mails, members := r.hear(msg.MailerMail, "MAIL"), r.hear(msg.MailerUser, "USER")
	r.Post("/user/create-account", form("ann_lee", "ann@mail.example.com")...).Want("true", "create_account")
	testenv.Eventually(t, 30*time.Second, "the welcome mail and the event have left",
		func() bool { return len(mails()) == 1 && len(members()) == 1 })
	if d := mails()[0]; d.Key != "welcome:1" || d.Subject != "mail.send.welcome" {
		t.Errorf("mail %s, %s", d.Key, d.Subject)
	}

	// A visitor's order comes twice, with garbage in between.
	publisher := r.broker.Bus("order").NewPublisher()
	ctx, cancel := context.WithCancel(t.Context())
	var publishing sync.WaitGroup
	publishing.Go(func() {
		if err := publisher.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	defer publishing.Wait()
	defer cancel()
	order, err := json.Marshal(msg.OrderPlaced{Identifier: "A1", Email: "carl@mail.example.com", ProspectCode: "code1"})
	if err != nil {
		t.Fatal(err)
	}
	publisher.Publish(msg.OrderPlacedSubject, "order-placed:A1", order)
	publisher.Publish(msg.OrderPlacedSubject, "order-placed:A0", []byte("garbage"))
	publisher.Publish(msg.OrderPlacedSubject, "order-placed:A1", order)
	testenv.Eventually(t, 30*time.Second, "the prospect is told of", func() bool { return len(members()) == 2 })
	if d := members()[1]; d.Subject != msg.ProspectChanged {
		t.Errorf("heard %s", d.Subject)
	}
	pool := testenv.Open(t, r.url, "user")
	testenv.Eventually(t, 30*time.Second, "the garbage is parked",
		func() bool { return testenv.DB{TB: t, Conn: pool}.Number(`SELECT count(*) FROM parked`) == 1 })

	// The worker answers a request by itself.
	r.Post("/user/forgot-username", "email_address", "ann@mail.example.com").OK()
	testenv.Eventually(t, 30*time.Second, "the user name mail has left", func() bool { return len(mails()) == 2 })
	if err := r.stop(); err != nil {
		t.Errorf("a clean stop: %v", err)
	}
}

// An account is completed although the broker is away when it is made and the process ends before
// the broker returns.
func TestRegistrationOutlivesBrokerAndProcess(t *testing.T) {
	t.Parallel()
	r := start(t)
	r.broker.Stop()
	r.Post("/user/create-account", form("ann_lee", "ann@mail.example.com")...).Want("true", "create_account")
	r.Post("/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", "true").Want("true", "login")
	if err := r.stop(); err != nil {
		t.Errorf("a stop without a broker: %v", err)
	}
	r.broker.Wipe()
	r.broker.Start()
	r.broker.Provision()
	r.startService()
	mails := r.hear(msg.MailerMail, "MAIL")
	testenv.Eventually(t, 30*time.Second, "the welcome mail has left", func() bool { return len(mails()) == 1 })
}

// Without its port or its database the service does not start.
func TestServiceDoesNotStart(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	taken := testConfig()
	taken.Addr = l.Addr().String()
	noDatabase := testConfig()
	noDatabase.Addr = "127.0.0.1:0"
	for _, cfg := range []Config{taken, noDatabase} {
		if err := Run(t.Context(), testenv.Log(t), cfg); err == nil {
			t.Errorf("ran with %+v", cfg)
		}
	}
}
