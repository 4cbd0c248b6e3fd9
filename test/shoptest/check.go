package shoptest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
)

// Ledger is what Stripe knows of all sessions. Orders are compared with it.
func (s *Shop) Ledger() []stripestandin.Ledger {
	s.tb.Helper()
	var list struct{ Sessions []stripestandin.Ledger }
	s.ask(http.MethodGet, s.StandIn+"/_/sessions", nil, &list)
	return list.Sessions
}

// Session is what Stripe knows of one session.
func (s *Shop) Session(id string) stripestandin.Ledger {
	s.tb.Helper()
	for _, one := range s.Ledger() {
		if one.ID == id {
			return one
		}
	}
	s.tb.Fatalf("Stripe does not know session %s", id)
	return stripestandin.Ledger{}
}

// secret reads one of the secrets of the shop's data folder.
func (s *Shop) secret(name string) string {
	s.tb.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, name)) //nolint:gosec // the test's own folder
	if err != nil {
		s.tb.Fatal(err)
	}
	return string(text)
}

// Staff is a client for a service's pages, signed as the back office signs for a person who may do
// everything.
func (s *Shop) Staff(service string) *testenv.Client {
	s.tb.Helper()
	c := (&testenv.Client{TB: s.tb, URL: s.Listener(strings.ToUpper(service) + "_ADDR")}).AsStaff(service,
		adminui.Owner)
	c.Staff.Key = boot.Keys{ShopSecret: s.secret("secret")}.StaffSigner()
	return c
}

// Event is Stripe's raw event of a type about a session.
func (s *Shop) Event(eventType, session string) []byte {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet,
		s.StandIn+"/v1/events?limit=100&type="+url.QueryEscape(eventType), nil)
	if err != nil {
		s.tb.Fatal(err)
	}

	r.Header.Set("Authorization", "Bearer sk_test_"+s.secret("standin-key"))
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read

	var list struct{ Data []json.RawMessage }
	if err := json.NewDecoder(w.Body).Decode(&list); err != nil {
		s.tb.Fatalf("Stripe's events: %d %v", w.StatusCode, err)
	}
	for _, raw := range list.Data {
		if bytes.Contains(raw, []byte(`"`+session+`"`)) {
			return raw
		}
	}
	s.tb.Fatalf("Stripe has no %s about %s", eventType, session)
	return nil
}

// PostEvent sends an event to the shop's webhook, signed as Stripe would, and returns the status.
func (s *Shop) PostEvent(body []byte) (status int, err error) { return s.PostEventTo(s, body) }

// PostEventTo sends an event, signed with this shop's secret, to any shop.
func (s *Shop) PostEventTo(shop *Shop, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, shop.URL+"/order/stripe-webhook", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Stripe-Signature", stripestandin.Sign(body, "whsec_"+s.secret("standin-webhook-secret"), time.Now()))
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	_, err = io.Copy(io.Discard, w.Body)
	return w.StatusCode, err
}

// Order holds the columns of an order that are about money.
type Order struct {
	Identifier, SessionID, Email string
	Total                        money.Cents
}

// Orders are all orders of the shop.
func (s *Shop) Orders() []Order {
	s.tb.Helper()
	rows, err := s.Database("order").Query(context.Background(),
		`SELECT identifier, session_id, coalesce(email, '') AS email, total FROM orders ORDER BY id`)
	if err != nil {
		s.tb.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Order])
	if err != nil {
		s.tb.Fatal(err)
	}
	return all
}

// Quiet waits until nothing is in flight: no outbox holds a row, no mail is queued.
func (s *Shop) Quiet(limit time.Duration) {
	s.tb.Helper()
	var left string
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if left = s.underWay(); left == "" {
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("after %s still under way: %s", limit, left)
		}
		<-tick.C
	}
}

func (s *Shop) underWay() string {
	s.tb.Helper()
	var left []string
	for _, one := range allinone.Schemas() {
		if n := s.Count(one.Service, `SELECT count(*) FROM outbox`); n > 0 {
			left = append(left, fmt.Sprintf("%d messages of %s", n, one.Service))
		}
	}
	if n := s.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'queued'`); n > 0 {
		left = append(left, fmt.Sprintf("%d mails", n))
	}
	return strings.Join(left, ", ")
}

// Check waits until the shop is quiet and every payment is an order. It then compares Stripe's
// ledger, the orders and the inbox: each paid session is exactly one order, each order has exactly
// one mail, and the three amounts are equal. Nothing may be parked. Sessions in except made no
// order on purpose.
func (s *Shop) Check(limit time.Duration, except ...string) {
	s.tb.Helper()
	paid := map[string]stripestandin.Ledger{}
	for _, one := range s.Ledger() {
		if one.Status == "complete" && one.Paid() && !slices.Contains(except, one.ID) {
			paid[one.ID] = one
		}
	}

	s.Eventually(limit, fmt.Sprintf("%d orders for as many payments", len(paid)),
		func() bool { return len(s.Orders()) >= len(paid) })
	s.Quiet(limit)

	orders := s.Orders()
	if len(orders) != len(paid) {
		s.tb.Errorf("%d payments are %d orders", len(paid), len(orders))
	}
	for _, o := range orders {
		session, ok := paid[o.SessionID]
		switch {
		case !ok:
			s.tb.Errorf("order %s of session %s was not paid", o.Identifier, o.SessionID)
		case session.AmountTotal != int64(o.Total):
			s.tb.Errorf("session %s was paid with %d, its order says %d", session.ID, session.AmountTotal, o.Total)
		}
		s.checkMail(o)
	}

	for _, one := range allinone.Schemas() {
		if n := s.Count(one.Service, `SELECT count(*) FROM parked`); n > 0 {
			s.tb.Errorf("%s has parked %d messages", one.Service, n)
		}
	}
}

// checkMail wants one confirmation of an order. Later mails about it don't count.
func (s *Shop) checkMail(o Order) {
	s.tb.Helper()
	var mine []Mail
	for _, m := range s.Mails(o.Email) {
		later := strings.HasPrefix(m.Subject, "Refund for order "+o.Identifier) ||
			strings.HasPrefix(m.Subject, "Order "+o.Identifier)
		if strings.Contains(m.Text, o.Identifier) && !later {
			mine = append(mine, m)
		}
	}
	if len(mine) != 1 {
		s.tb.Errorf("order %s for %s has %d confirmations", o.Identifier, o.Email, len(mine))
		return
	}
	if want := "$" + o.Total.String(); !strings.Contains(mine[0].Text, want) || !strings.Contains(mine[0].HTML, want) {
		s.tb.Errorf("the mail of order %s does not say %s:\n%s", o.Identifier, want, mine[0].Text)
	}
}
