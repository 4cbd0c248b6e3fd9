package checks

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// violations fails a test when the broker refuses anything.
type violations struct {
	*slog.TextHandler
	t *testing.T
}

func (v violations) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	fmt.Fprint(&line, r.Message)
	r.Attrs(func(a slog.Attr) bool { fmt.Fprint(&line, " ", a); return true })
	if strings.Contains(strings.ToLower(line.String()), "violation") {
		v.t.Errorf("%s", line.String())
	}
	return nil
}

func (v violations) WithAttrs([]slog.Attr) slog.Handler { return v }
func (v violations) WithGroup(string) slog.Handler      { return v }

// sentBy are the subjects that each service sends through its outbox.
var sentBy = map[string][]string{
	"webhook": {msg.StripeSubject("checkout.session.completed"), msg.StaffActedSubject("webhook")},
	"order": {msg.OrderPlacedSubject, msg.OrderStatusChangedSubject, msg.ReceiptAddressGivenSubject, msg.CatalogChanged,
		msg.ShopChanged, msg.OrderMoneySubject, msg.OrderGivenBackSubject,
		msg.MailSubject(msg.MailOrderVisitor), msg.StaffActedSubject("order")},
	"user": {msg.UserRegistered, msg.UserEmailVerified, msg.UserProfileChanged, msg.UserPreferencesChanged, msg.UserCredentialsChanged,
		msg.UserErased, msg.ProspectChanged, msg.MailSubject(msg.MailWelcome), msg.StaffActedSubject("user")},
	"mailer": {msg.MailSentSubject, msg.MailParkedSubject, msg.StaffActedSubject("mailer")},
	"events": {msg.StaffActedSubject("events")},
}

// traffic runs every service's bus with the rights that nats.conf gives it.
type traffic struct {
	t     *testing.T
	buses map[string]*bus.Bus
	pools map[string]*pgxpool.Pool
	mu    sync.Mutex
	seen  map[string]int // messages by durable consumer
}

func newTraffic(t *testing.T, url func(string) string) *traffic {
	t.Helper()
	var schemas []testenv.Schema
	for _, s := range services {
		schemas = append(schemas, testenv.Schema{Service: s, Sets: []pg.Set{bus.Tables()}})
	}
	database := testenv.Database(t, schemas...)
	w := &traffic{t: t, buses: map[string]*bus.Bus{}, pools: map[string]*pgxpool.Pool{}, seen: map[string]int{}}
	for _, s := range services {
		w.buses[s], w.pools[s] = connect(t, url, s), testenv.Open(t, database, s)
	}
	return w
}

// receive starts a durable consumer as its service.
func (w *traffic) receive(c msg.Consumer, outbox *bus.Outbox) {
	service, _, _ := strings.Cut(c.Name, "-")
	run(w.t, func(ctx context.Context) error {
		return w.buses[service].Consume(ctx, bus.Consumer{Name: c.Name, Stream: c.Stream, Pool: w.pools[service], Outbox: outbox,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				for _, d := range group {
					if strings.HasSuffix(d.Key, "bad") && len(group) == 1 {
						return bus.Permanent(fmt.Errorf("%s is bad", d.Key))
					} else if strings.HasSuffix(d.Key, "bad") {
						return fmt.Errorf("a bad one among %d", len(group))
					}
				}
				w.seen[c.Name] += len(group)
				return nil
			}})
	})
}

func (w *traffic) count(consumer string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[consumer]
}

// Every service can send all its messages, in batches and singly. Every consumer receives them, and
// its confirmation lets the sender delete the message. A parked message is copied to
// dead.<consumer>.
func TestBrokerRightsSuffice(t *testing.T) {
	t.Parallel()
	url := startBroker(t)
	w := newTraffic(t, url)
	outboxes := map[string]*bus.Outbox{}
	for _, s := range services {
		o := bus.NewOutbox(w.buses[s], w.pools[s])
		outboxes[s] = o
		run(t, o.Run)
	}
	for _, c := range msg.Consumers {
		service, _, _ := strings.Cut(c.Name, "-")
		w.receive(c, outboxes[service])
	}
	for service, subjects := range sentBy {
		var messages []msg.Message
		for _, subject := range subjects {
			messages = append(messages, msg.Message{Key: msg.KeyBegin(subject) + subject + "bad", Subject: subject,
				Payload: map[string]int{"n": -1}})
			for i := range 15 { // enough for an atomic batch
				messages = append(messages, msg.Message{Key: fmt.Sprint(msg.KeyBegin(subject), subject, i), Subject: subject,
					Payload: map[string]int{"n": i}})
			}
		}
		if err := outboxes[service].Tx(t.Context(),
			func(tx pgx.Tx) error { return bus.Enqueue(t.Context(), tx, messages...) }); err != nil {
			t.Fatal(err)
		}
	}
	analytics := w.buses["edge"].NewPublisher()
	run(t, analytics.Run)
	analytics.Publish("event.pageview", "e1", []byte("{}"))

	for _, c := range msg.Consumers {
		testenv.Eventually(t, 30*time.Second, c.Name+" gets its messages", func() bool { return w.count(c.Name) > 0 })
	}
	w.erasePerson(url, outboxes)
	for s, o := range outboxes {
		testenv.Eventually(t, 30*time.Second, "the outbox of "+s+" is empty: published and confirmed", func() bool {
			rows, _, err := o.Depth(t.Context())
			return err == nil && rows == 0
		})
	}
}

// A service that is broken into can make the broker send something under a subject that is not the
// service's own: by a request with that reply subject, or by having another service's stored
// message sent there. Receivers park both, act on neither, and the original message still arrives.
func TestWhatTheBrokerPutsIntoStreamsIsNoMessage(t *testing.T) {
	t.Parallel()
	url := startBroker(t)
	w := newTraffic(t, url)
	outboxes := map[string]*bus.Outbox{}
	for _, s := range services {
		outboxes[s] = bus.NewOutbox(w.buses[s], w.pools[s])
		run(t, outboxes[s].Run)
	}

	say := func(service, subject, key string, payload any) {
		t.Helper()
		m := msg.Message{Key: key, Subject: subject, Payload: payload}
		if err := outboxes[service].Tx(t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(t.Context(), tx, m) }); err != nil {
			t.Fatal(err)
		}
	}
	attack := func(user, request, reply string, body string) {
		t.Helper()
		nc, err := nats.Connect(url(user), nats.CustomInboxPrefix("_INBOX_"+user))
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if err := nc.PublishRequest(request, reply, []byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	// The broker's own replies, and user's message sent under another subject.
	say("user", msg.UserRegistered, "user.registered:7:1", map[string]string{"id": "evt_forged", "type": "checkout.session.completed"})
	say("webhook", "stripe.checkout.session.completed", "evt_1", map[string]string{"id": "evt_1"})

	staff, err := nats.Connect(url("staff"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(staff.Close)
	js, err := jetstream.New(staff)
	if err != nil {
		t.Fatal(err)
	}
	held := func(stream string, n uint64) {
		t.Helper()
		testenv.Eventually(t, 30*time.Second, fmt.Sprintf("%s holds %d messages", stream, n), func() bool {
			s, err := js.Stream(t.Context(), stream)
			return err == nil && s.CachedInfo().State.Msgs >= n
		})
	}
	held("USER", 1)
	held("STRIPE", 1)

	// A request with a foreign reply subject, and a stored message sent there.
	for _, reply := range []string{"stripe.checkout.session.completed", "order.placed", "mail.send.reset", "user.erased", "cfm.webhook"} {
		attack("events", "$JS.API.CONSUMER.INFO.EVENT.events-event", reply, "")
	}
	attack("mailer", "$JS.API.CONSUMER.MSG.NEXT.USER.mailer-user", "stripe.charge.refunded", `{"batch":1,"expires":5000000000}`)
	attack("order", "$JS.API.CONSUMER.MSG.NEXT.STRIPE.order-stripe", "stripe.checkout.session.expired", `{"batch":1,"expires":5000000000}`)
	held("ORDER", 1)
	held("USER", 2)
	held("MAIL", 1)

	// Receivers park what no one sent.
	for _, c := range msg.Consumers {
		service, _, _ := strings.Cut(c.Name, "-")
		w.receive(c, outboxes[service])
	}
	parked := func(service string) (n int) {
		if err := w.pools[service].QueryRow(t.Context(),
			`SELECT count(*) FROM parked WHERE key LIKE 'misfit:%' AND reason LIKE '%does not match its subject%'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for service, least := range map[string]int{"order": 2, "user": 1, "mailer": 2, "events": 2, "webhook": 1, "edge": 1} {
		testenv.Eventually(t, 30*time.Second, service+" parks what no one sent", func() bool { return parked(service) >= least })
	}

	// The original message still arrives, and no other.
	testenv.Eventually(t, 90*time.Second, "the real event arrives, also after it was handed out elsewhere",
		func() bool { return w.count("order-stripe") == 1 })
	if n := w.count("user-order") + w.count("mailer-mail") + w.count("webhook-user"); n != 0 {
		t.Errorf("%d messages were acted on that no one sent", n)
	}

	for _, s := range services {
		testenv.Eventually(t, 30*time.Second, "the outbox of "+s+" is empty", func() bool {
			rows, _, err := outboxes[s].Depth(t.Context())
			return err == nil && rows == 0
		})
	}
}

// erasePerson has the user provision delete messages about an erased person from the streams.
func (w *traffic) erasePerson(url func(string) string, outboxes map[string]*bus.Outbox) {
	w.t.Helper()
	send := func(service string, m msg.Message) {
		if err := outboxes[service].Tx(w.t.Context(), func(tx pgx.Tx) error { return bus.Enqueue(w.t.Context(), tx, m) }); err != nil {
			w.t.Fatal(err)
		}
	}

	provision := connect(w.t, url, "provision")
	run(w.t, func(ctx context.Context) error {
		erasure.SweepStreams(ctx, slog.New(slog.DiscardHandler), provision)
		return nil
	})

	nc, err := nats.Connect(url("staff"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		w.t.Fatal(err)
	}
	stream, err := js.Stream(w.t.Context(), "STRIPE")
	if err != nil {
		w.t.Fatal(err)
	}

	held := func() bool {
		_, err := stream.GetLastMsgForSubject(w.t.Context(), "stripe.customer.created")
		return err == nil
	}

	send("webhook", msg.Message{Key: "evt_gone", Subject: "stripe.customer.created",
		Payload: map[string]string{"email": "gone@shop.example"}})
	testenv.Eventually(w.t, 30*time.Second, "the stream holds the message", held)
	send("user", msg.Message{Key: "user.erased:1:0:1", Subject: msg.UserErased, Payload: msg.Erased{Emails: []string{"gone@shop.example"}}})
	testenv.Eventually(w.t, 60*time.Second, "the stream holds nothing of the person", func() bool { return !held() })
}

// Edge may use signals and counters; no other service needs both.
func TestBrokerRightsOfEdge(t *testing.T) {
	t.Parallel()
	url := startBroker(t)
	edge, order := connect(t, url, "edge"), connect(t, url, "order")
	heard := make(chan string, 4)
	for _, subject := range []string{msg.CatalogChanged, "session.revoked"} {
		if err := edge.Listen(subject, func(s string, _ []byte) { heard <- s }); err != nil {
			t.Fatal(err)
		}
	}

	n, err := edge.Count(t.Context(), "login", "somebody", time.Hour)
	if err != nil || n != 1 {
		t.Errorf("count: %d, %v", n, err)
	}
	if err := edge.Uncount("login", "somebody", time.Hour, time.Now()); err != nil {
		t.Error(err)
	}

	if err := edge.Signal("session.revoked", nil); err != nil {
		t.Fatal(err)
	}
	if err := order.Signal(msg.CatalogChanged, nil); err != nil {
		t.Fatal(err)
	}

	for range 2 {
		select {
		case <-heard:
		case <-time.After(30 * time.Second):
			t.Fatal("edge does not hear a signal")
		}
	}
}

// The broker refuses each user everything that is not in the user's rights.
func TestBrokerRefusesOtherRights(t *testing.T) {
	t.Parallel()
	url := startBroker(t)
	for _, c := range []struct {
		user, kind, subject string
		allowed             bool
	}{
		{user: "webhook", kind: "pub", subject: "stripe.checkout.session.completed", allowed: true},
		{user: "webhook", kind: "pub", subject: "order.placed"},
		{user: "webhook", kind: "pub", subject: "mail.send.welcome"},
		{user: "webhook", kind: "sub", subject: "order.>"},
		{user: "webhook", kind: "pub", subject: "cfm.order"},
		{user: "order", kind: "pub", subject: "order.placed", allowed: true},
		{user: "order", kind: "pub", subject: "catalog.changed", allowed: true},
		{user: "order", kind: "pub", subject: "stripe.checkout.session.completed"},
		{user: "order", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.STRIPE.order-stripe", allowed: true},
		{user: "order", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.MAIL.mailer-mail"},
		{user: "order", kind: "pub", subject: "$JS.API.STREAM.DELETE.STRIPE"},
		{user: "order", kind: "pub", subject: "$JS.API.STREAM.PURGE.ORDER"},
		{user: "order", kind: "pub", subject: "$JS.API.CONSUMER.DELETE.STRIPE.order-stripe"},
		{user: "order", kind: "pub", subject: "$JS.API.DIRECT.GET.USER"},
		{user: "order", kind: "sub", subject: "user.>"},
		{user: "order", kind: "sub", subject: "_INBOX_user.>"},
		{user: "order", kind: "pub", subject: "cfm.mailer"},
		{user: "user", kind: "pub", subject: "user.registered", allowed: true},
		{user: "user", kind: "pub", subject: "mail.send.welcome", allowed: true},
		{user: "user", kind: "pub", subject: "mail.sent"},
		{user: "user", kind: "pub", subject: "order.placed"},
		{user: "mailer", kind: "pub", subject: "mail.sent", allowed: true},
		{user: "mailer", kind: "pub", subject: "mail.send.welcome"},
		{user: "events", kind: "pub", subject: "event.pageview"},
		{user: "events", kind: "pub", subject: "$JS.ACK.EVENT.events-event.1.1.1.1.1", allowed: true},
		{user: "events", kind: "pub", subject: "$JS.ACK._.hash.EVENT.events-event.1.1.1.1.1.x", allowed: true},
		{user: "events", kind: "pub", subject: "$JS.ACK.STRIPE.order-stripe.1.1.1.1.1"},
		{user: "edge", kind: "pub", subject: "event.pageview", allowed: true},
		{user: "edge", kind: "pub", subject: "rl.login.x.1", allowed: true},
		{user: "order", kind: "pub", subject: "rl.stripe.x.1", allowed: true},
		{user: "order", kind: "pub", subject: "rl.login.x.1"},
		{user: "edge", kind: "pub", subject: "user.registered"},
		{user: "edge", kind: "sub", subject: "$SYS.>"},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.CREATE.NEW", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.DELETE.STRIPE"},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.PURGE.STRIPE"},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.MSG.DELETE.STRIPE", allowed: true},
		{user: "provision", kind: "pub", subject: "stripe.x"},
		{user: "provision", kind: "pub", subject: "$JS.API.DIRECT.GET.STRIPE", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.MSG.GET.STRIPE", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.API.STREAM.MSG.DELETE.STRIPE", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.USER.provision-erasure", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.ACK.USER.provision-erasure.1.1.1.1.1", allowed: true},
		{user: "provision", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.STRIPE.order-stripe"},
		{user: "webhook", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.USER.webhook-user", allowed: true},
		{user: "webhook", kind: "pub", subject: "$JS.ACK.USER.webhook-user.1.1.1.1.1", allowed: true},
		{user: "webhook", kind: "pub", subject: "cfm.user", allowed: true},
		{user: "order", kind: "pub", subject: "$JS.API.STREAM.MSG.DELETE.STRIPE"},
		{user: "order", kind: "pub", subject: "$JS.API.STREAM.MSG.DELETE.STRIPE"},
		{user: "order", kind: "pub", subject: "staff.acted.order", allowed: true},
		{user: "order", kind: "pub", subject: "staff.acted.user"},
		{user: "edge", kind: "pub", subject: "staff.acted.order"},
		{user: "admin", kind: "pub", subject: "staff.acted.order"},
		{user: "admin", kind: "pub", subject: "order.placed"},
		{user: "admin", kind: "sub", subject: "order.>", allowed: true},
		{user: "admin", kind: "sub", subject: "stripe.>"},
		{user: "admin", kind: "pub", subject: "$JS.API.CONSUMER.MSG.NEXT.STAFF.admin-staff", allowed: true},
		{user: "admin", kind: "pub", subject: "$JS.API.STREAM.PURGE.STAFF"},
		{user: "staff", kind: "pub", subject: "$JS.API.STREAM.PURGE.MAIL", allowed: true},
	} {
		t.Run(c.user+" "+c.kind+" "+c.subject, func(t *testing.T) {
			if got := allowed(t, url(c.user), c.user, c.kind, c.subject); got != c.allowed {
				t.Errorf("allowed: %t", got)
			}
		})
	}

	for _, bad := range []string{"nats://edge:wrong@", "nats://nobody:secretedge@", "nats://"} {
		at := url("edge")
		nc, err := nats.Connect(bad + at[strings.Index(at, "@")+1:])
		if err == nil {
			nc.Close()
			t.Errorf("%s… got in", bad)
		}
	}
}

// allowed reports whether the broker lets a user publish or subscribe.
func allowed(t *testing.T, url, user, kind, subject string) bool {
	t.Helper()
	nc, err := nats.Connect(url, nats.CustomInboxPrefix("_INBOX_"+user), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if kind == "sub" {
		_, err = nc.SubscribeSync(subject)
	} else {
		err = nc.Publish(subject, []byte("{}"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil { // the refusal comes before the answer to the flush
		t.Fatal(err)
	}
	return nc.LastError() == nil
}
