package mailer

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// quick holds the pauses for tests.
var quick = timing{
	firstPause: 100 * time.Millisecond, longPause: 400 * time.Millisecond, patience: time.Minute, slowPause: time.Second,
	delays:      []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, time.Minute},
	bounceEvery: 100 * time.Millisecond, slotIdle: 2 * time.Second,
}

// env is a running mailer with a mail server, and the user service's outbox, which sends it
// commands.
type env struct {
	testenv.DB
	t      *testing.T
	cfg    Config
	pool   *pgxpool.Pool
	outbox *bus.Outbox
	broker *testenv.Broker
	stops  []func()
}

func newEnv(t *testing.T, port int, more func(*Config)) *env {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "mailer", Sets: Migrations()},
		testenv.Schema{Service: "user", Sets: []pg.Set{bus.Tables()}})
	broker := testenv.NewBroker(t)
	e := &env{t: t, broker: broker, pool: testenv.Open(t, database, "mailer")}
	e.DB = testenv.DB{TB: t, Conn: e.pool}
	e.cfg = Config{
		Common: boot.Common{DatabaseURL: database, NATSURL: broker.URL()}, Public: boot.Public{PublicURL: "https://shop.example/"},
		SMTPHost: "127.0.0.1", SMTPPort: port, SMTPTLS: "none", MailFrom: `Paper & Co <shop@shop.example>`, MailStaff: "staff@shop.example",
		CurrencySign: "$", UserURL: "http://127.0.0.1:9", OrderURL: "http://127.0.0.1:9", // they are not called
	}
	if more != nil {
		more(&e.cfg)
	}
	e.outbox = bus.NewOutbox(broker.Bus("user"), testenv.Open(t, database, "user"))
	testenv.Run(t, e.outbox.Run)
	return e
}

// start runs another mailer.
func (e *env) start() {
	e.t.Helper()
	cfg := e.cfg
	cfg.Listener, _ = testenv.Listen(e.t)
	e.stops = append(e.stops, testenv.Run(e.t, func(ctx context.Context) error { return runWith(ctx, testenv.Log(e.t), cfg, quick) }))
}

func (e *env) stop() {
	for _, stop := range e.stops {
		stop()
	}
	e.stops = nil
}

// server is a mailer that is not running.
func (e *env) server() *server {
	e.t.Helper()
	s, err := newServer(&service.Core{Log: testenv.Log(e.t), Pool: e.pool, Outbox: e.outbox}, e.cfg, quick)
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

// send commands a mail as another service would.
func (e *env) send(key string, m msg.SendMail) {
	e.t.Helper()
	if m.CreatedAt.IsZero() {
		m.CreatedAt = time.Now().UTC().Truncate(time.Second)
	}
	if m.Deadline.IsZero() {
		m.Deadline = m.CreatedAt.Add(time.Hour)
	}
	e.enqueue(msg.Message{Key: key, Subject: msg.MailSubject(m.Kind), Payload: m})
}

func (e *env) enqueue(messages ...msg.Message) {
	e.t.Helper()
	testenv.Enqueue(e.t, e.outbox, messages...)
}

func (e *env) eventually(what string, ok func() bool) {
	e.t.Helper()
	testenv.Eventually(e.t, 30*time.Second, what, ok)
}

// awaitSent waits until n mails are marked sent.
func (e *env) awaitSent(n int) {
	e.t.Helper()
	e.eventually(fmt.Sprint(n, " mails sent"), func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state = 'sent'`) == n })
}

func welcome(to string) msg.SendMail {
	return msg.SendMail{Kind: msg.MailWelcome, To: []string{to}, MemberID: 7,
		Data: map[string]string{"first_name": "Ada", "last_name": "Byron", "username": "ada", "email": to, "code": "abc:DEF-_.1"}}
}

func order() *msg.OrderMail {
	return &msg.OrderMail{
		Identifier: "aB3dE5gH7j", PlacedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), CustomerName: "Ada <b>Byron</b>",
		EmailCode: memberConfirmation,
		Lines: []msg.OrderLine{
			{SKUID: 1, Product: "Paper Clips", Text: "Left & right", Color: "Silver", Size: "Medium", PriceEach: 350, Quantity: 3},
			{SKUID: 7, Product: "Rubber {em_cd} Bands", PriceEach: 1499, Quantity: 1},
		},
		Codes: []msg.OrderCode{
			{ID: 1, Code: "WELCOME10", Description: "{}% off everything", Applied: true, Amount: 1000},
			{ID: 2, Code: "SHIPFREE", Description: "Free shipping", Combinable: true, Amount: 0},
		},
		ShippingMethod: "USPS Retail Ground", OrderAmounts: msg.OrderAmounts{ItemSubtotal: 2549, ItemDiscount: 255,
			ShippingSubtotal: 956, Total: 3250},
		ShippingAddress: msg.Address{Name: "Ada Byron", Line1: "1 Analytical Way", Line2: "Apt 5B", City: "London", State: "CA",
			Zip: "90001", Country: "US", CountryCode: "US"},
		BillingAddress: msg.Address{Name: "Charles Babbage", Line1: "2 Engine Row", City: "Bath", State: "NY", Zip: "10001", Country: "US",
			CountryCode: "US"},
	}
}

func wantContains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s does not hold %q:\n%s", what, p, text)
		}
	}
}
