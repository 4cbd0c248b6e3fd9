package mailer

import (
	"context"
	"fmt"
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

// quick are the pauses of tests.
var quick = timing{
	firstPause: 100 * time.Millisecond, longPause: 400 * time.Millisecond, patience: time.Minute, slowPause: time.Second,
	delays: []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, time.Minute},
}

// world is mailer as it runs, the user service's outbox as the sender of commands, and a mail server.
type world struct {
	t      *testing.T
	cfg    Config
	pool   *pgxpool.Pool // mailer's tables
	sender *pgxpool.Pool
	outbox *bus.Outbox
	stops  []func()
}

func newWorld(t *testing.T, port int, more func(*Config)) *world {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "mailer", Sets: Migrations()}, testenv.Schema{Service: "user", Sets: []pg.Set{bus.Tables()}})
	broker := testenv.NewBroker(t)
	w := &world{t: t, pool: testenv.Open(t, database, "mailer"), sender: testenv.Open(t, database, "user")}
	w.cfg = Config{
		Common: boot.Common{DatabaseURL: database, NATSURL: broker.URL()}, Public: boot.Public{PublicURL: "https://shop.example/"},
		SMTPHost: "127.0.0.1", SMTPPort: port, SMTPTLS: "none", MailFrom: `Paper & Co <shop@shop.example>`, MailStaff: "staff@shop.example", CurrencySign: "$",
	}
	if more != nil {
		more(&w.cfg)
	}
	w.outbox = bus.NewOutbox(broker.Bus("user"), w.sender)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.outbox.Run(ctx) }()
	t.Cleanup(func() { w.stop(); cancel(); <-done })
	return w
}

// start runs one more mailer.
func (w *world) start() {
	w.t.Helper()
	l, err := web.Listen(nil, "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	cfg := w.cfg
	cfg.Listener = l
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runWith(ctx, testenv.Log(w.t), cfg, quick) }()
	w.stops = append(w.stops, func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("mailer ended with %v", err)
		}
	})
}

func (w *world) stop() {
	for _, stop := range w.stops {
		stop()
	}
	w.stops = nil
}

// send commands a mail, as another service would.
func (w *world) send(key string, m msg.SendMail) {
	w.t.Helper()
	if m.CreatedAt.IsZero() {
		m.CreatedAt = time.Now().UTC().Truncate(time.Second)
	}
	if m.Deadline.IsZero() {
		m.Deadline = m.CreatedAt.Add(time.Hour)
	}
	w.enqueue(msg.Message{Key: key, Subject: msg.MailSubject(m.Kind), Payload: m})
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

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	testenv.Eventually(w.t, 30*time.Second, what, ok)
}

// sent waits until n mails are marked sent.
func (w *world) sent(n int) {
	w.t.Helper()
	w.eventually(fmt.Sprint(n, " mails sent"), func() bool { return w.count(`SELECT count(*) FROM delivery WHERE state = 'sent'`) == n })
}

func welcome(to string) msg.SendMail {
	return msg.SendMail{Kind: msg.MailWelcome, To: []string{to}, MemberID: 7, Data: map[string]string{"first_name": "Ada", "last_name": "Byron", "username": "ada", "email": to, "code": "abc:DEF-_.1"}}
}

func order() *msg.OrderMail {
	return &msg.OrderMail{
		Identifier: "aB3dE5gH7j", PlacedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), CustomerName: "Ada <b>Byron</b>", EmailCode: memberConfirmation,
		Lines: []msg.OrderLine{
			{SKUID: 1, Product: "Paper Clips", Text: "Left & right", Colour: "Silver", Size: "Medium", PriceEach: 350, Quantity: 3},
			{SKUID: 7, Product: "Rubber {em_cd} Bands", PriceEach: 1499, Quantity: 1},
		},
		Codes: []msg.OrderCode{
			{ID: 1, Code: "WELCOME10", Description: "{}% off everything", Applied: true, Amount: 1000},
			{ID: 2, Code: "SHIPFREE", Description: "Free shipping", Combinable: true, Amount: 0},
		},
		ShippingMethod: "USPS Retail Ground", ItemSubtotal: 2549, ItemDiscount: 255, ShippingSubtotal: 956, Total: 3250,
		ShippingAddress: msg.Address{Name: "Ada Byron", Line1: "1 Analytical Way", Line2: "Apt 5B", City: "London", State: "CA", Zip: "90001", Country: "US", CountryCode: "US"},
		BillingAddress:  msg.Address{Name: "Charles Babbage", Line1: "2 Engine Row", City: "Bath", State: "NY", Zip: "10001", Country: "US", CountryCode: "US"},
	}
}

func holds(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s does not hold %q:\n%s", what, p, text)
		}
	}
}
