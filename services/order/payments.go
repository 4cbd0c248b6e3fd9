package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// stripeEvent is the envelope of an event of Stripe's.
type stripeEvent struct {
	ID         string          `json:"id"`
	Type       string          `json:"type"`
	APIVersion looseText       `json:"api_version"`
	Account    looseText       `json:"account"`
	Created    json.RawMessage `json:"created"`
	Data       struct {
		Object json.RawMessage `json:"object"`
	} `json:"data"`

	session stripe.Session // of checkout.session.*
	asked   bool           // the session was retrieved from Stripe, instead of taken from the event
	placed  result         // the outcome of its payment, once that is committed

	money moneyReport // refunds and disputes of events about them
}

// looseText is a text, or empty for any other JSON: an odd envelope must not cost the payment
// inside.
type looseText string

// UnmarshalJSON implements json.Unmarshaler.
func (t *looseText) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*t = looseText(pg.StorableText(text, stripe.MaxID))
	}
	return nil
}

const (
	completedEvent = "checkout.session.completed"
	delayedEvent   = "checkout.session.async_payment_succeeded"
)

// at is when Stripe made the event; the zero time if the event does not say.
func (e *stripeEvent) at() time.Time {
	return stripe.UnixTime(e.Created)
}

// knownVersion matches the API versions whose sessions we can read: dated ones from 2022-11-15 on,
// and the named releases acacia (2024), basil (2025), clover (2025) and dahlia (2026). An event of
// another version goes to staff, and its session is not read but retrieved, in our own version.
var knownVersion = regexp.MustCompile(`^(2022-1[12]-\d\d|202[34]-\d\d-\d\d|` +
	`202[4-6]-\d\d-\d\d\.(acacia|basil|clover|dahlia))$`)

// readStripeEvent reads an event before the transaction. If it contains too little for an order, or
// has a version that we do not know, the session is retrieved from Stripe.
func (s *server) readStripeEvent(ctx context.Context, d *bus.Delivery) error {
	var e stripeEvent
	if err := json.Unmarshal(d.Data, &e); err != nil {
		return bus.Permanent(fmt.Errorf("read a Stripe event: %w", err))
	}
	d.Value = &e
	switch {
	case len(e.Data.Object) == 0:
		return nil
	case !strings.HasPrefix(e.Type, "checkout.session."):
		return s.readMoneyEvent(ctx, &e)
	}

	var err error
	if e.session, err = stripe.ReadSession(e.Data.Object); err != nil {
		return bus.Permanent(err)
	}
	if e.Type == completedEvent {
		s.placings.begin(e.session.ID)
	}

	if s.otherShops(e.session) {
		return nil
	}
	reason := e.foreign(s.cfg.StripeAccount)
	if (e.Type != completedEvent && e.Type != delayedEvent) || reason == otherAccount ||
		(reason == "" && e.session.Complete()) {
		return nil
	}

	full, err := s.stripe.Session(ctx, e.session.ID)
	switch {
	case errors.Is(err, stripe.ErrNoSession), errors.Is(err, stripe.ErrNoKey),
		stripe.Status(err) == http.StatusUnauthorized, stripe.Status(err) == http.StatusForbidden:
		return nil // the event's own session has to do
	case err != nil:
		return err
	}
	e.session, e.asked = full, true
	return nil
}

// concernsOrders reports whether an event can change anything here: most events about a payment do
// not.
func (s *server) concernsOrders(d *bus.Delivery) bool {
	e, ok := d.Value.(*stripeEvent)
	return !ok || strings.HasPrefix(e.Type, "checkout.session.") || aboutMoney(e.Type) ||
		e.foreign(s.cfg.StripeAccount) == otherAccount
}

// aboutMoney reports whether events of a type are about refunds or disputes.
func aboutMoney(kind string) bool {
	return strings.HasPrefix(kind, "charge.dispute.") || strings.HasPrefix(kind, "charge.refund") ||
		strings.HasPrefix(kind, "refund.")
}

// otherShops reports whether a session was made by another shop on the same Stripe account, which
// handles it itself.
func (s *server) otherShops(p stripe.Session) bool { return p.Shop != "" && p.Shop != s.cfg.Shop() }

// foreign says why an event is not for us, or "".
func (e *stripeEvent) foreign(account string) string {
	switch {
	case e.Account != "" && string(e.Account) != account:
		return otherAccount
	case e.APIVersion != "" && !knownVersion.MatchString(string(e.APIVersion)):
		return unknownVersion
	}
	return ""
}

// foreignText tells staff of a foreign event.
func (e *stripeEvent) foreignText() string {
	return fmt.Sprintf("This event was not made for the shop's account and API version (account %s, version %s).",
		e.Account, e.APIVersion)
}

// onStripeEvents handles a group of events in one transaction: paid sessions become orders,
// together; ended ones give back their reservations; refunds and disputes are added to the order's
// history.
func (s *server) onStripeEvents(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	reported, err := lockMoney(ctx, tx, group)
	if err != nil {
		return err
	}

	var paid []payment
	var issues []issue
	var events []paymentEvent
	for _, d := range group {
		e, ok := d.Value.(*stripeEvent)
		if !ok {
			return fmt.Errorf("event %s was not prepared", d.Key)
		}
		if s.otherShops(e.session) {
			s.log.InfoContext(ctx, "an event is another shop's", "event", e.ID, "shop", e.session.Shop)
			continue
		}

		p := payment{Session: e.session, eventID: e.ID, raw: d.Data, at: e.at(), trace: d.Trace()}
		switch reason := e.foreign(s.cfg.StripeAccount); {
		case reason != "" && strings.HasPrefix(e.Type, "checkout.session."):
			issues = append(issues, newIssue(p, reason, e.foreignText()))
			if !e.asked {
				continue
			}
		case reason == otherAccount:
			return bus.Permanent(fmt.Errorf("event %s: %s", e.ID, reason))
		}

		switch {
		case (e.Type == completedEvent || e.Type == delayedEvent) && e.session.Paid():
			paid = append(paid, p)
		case e.Type == completedEvent || e.Type == delayedEvent:
			if err := markPendingIn(ctx, tx, e.session); err != nil {
				return err
			}
		case e.Type == "checkout.session.expired" || e.Type == "checkout.session.async_payment_failed":
			if err := s.endSession(ctx, tx, e.session, e.Type); err != nil {
				return err
			}
		case aboutMoney(e.Type):
			if pe, ok := readPaymentEvent(e); ok {
				events = append(events, pe)
			}
		}
	}

	if err := storeIssues(ctx, tx, issues); err != nil {
		return err
	}
	if err := storePaymentEvents(ctx, tx, events); err != nil {
		return err
	}
	if err := s.placePaid(ctx, tx, paid, group); err != nil {
		return err
	}
	return storeMoney(ctx, tx, reported)
}

// placePaid makes the orders of a group of events and notes the outcome with each event.
func (s *server) placePaid(ctx context.Context, tx pgx.Tx, paid []payment, group []*bus.Delivery) error {
	if len(paid) == 0 {
		return nil
	}
	results, err := s.place(ctx, tx, paid)
	if err != nil {
		return err
	}
	for _, d := range group {
		if e, ok := d.Value.(*stripeEvent); ok {
			e.placed = results[e.session.ID]
		}
	}
	return nil
}

// issue is a payment that made no order, for staff.
type issue struct {
	Reason, Explanation, SessionID string
	PaymentIntent, EventID         string
	Amount                         *money.Cents
	Currency                       string
	Payload                        json.RawMessage
}

// newIssue makes an entry that can be stored whatever the payment contains.
func newIssue(p payment, reason, explanation string) issue {
	return issue{
		Reason:        reason,
		Explanation:   pg.StorableText(explanation, stripe.MaxText),
		SessionID:     p.ID,
		PaymentIntent: p.PaymentIntent,
		EventID:       pg.StorableKey(p.eventID, stripe.MaxID),
		Amount:        p.AmountTotal,
		Currency:      p.Currency,
		Payload:       pg.StorableJSON(p.raw),
	}
}

// paymentEvent is an event about a refund or a dispute, for the history of the payment. It may come
// before its order; its effect on the order is up to storeMoney.
type paymentEvent struct {
	ID, Type, PaymentIntent string
	Amount                  *int64
	Currency                string
	Payload                 json.RawMessage
	At                      time.Time
}

func readPaymentEvent(e *stripeEvent) (paymentEvent, bool) {
	var o struct {
		PaymentIntent  json.RawMessage `json:"payment_intent"`
		Amount         *int64          `json:"amount"`
		AmountRefunded *int64          `json:"amount_refunded"`
		Currency       string          `json:"currency"`
	}
	if err := json.Unmarshal(e.Data.Object, &o); err != nil {
		return paymentEvent{}, false
	}

	pe := paymentEvent{
		ID:            e.ID,
		Type:          e.Type,
		PaymentIntent: pg.StorableKey(stripe.ObjectID(o.PaymentIntent), stripe.MaxID),
		Amount:        o.Amount,
		Currency:      pg.StorableText(o.Currency, stripe.MaxID),
		Payload:       pg.StorableJSON(e.Data.Object),
		At:            e.at(),
	}

	if e.Type == "charge.refunded" {
		pe.Amount = o.AmountRefunded
	}
	if pe.At.IsZero() {
		pe.At = time.Now().UTC()
	}
	return pe, true
}
