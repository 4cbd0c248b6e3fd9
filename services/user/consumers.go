package user

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of user.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.UserOrder, Stream: "ORDER", Pool: s.pool, Outbox: s.outbox, Effect: s.onKnownOrder,
			Handle: s.onOrder},
		{Name: msg.UserMoney, Stream: "ORDER", Pool: s.pool, Outbox: s.outbox, Handle: onMoney},
	}
}

// visit is what an order or a receipt address tells about a visitor.
type visit struct {
	email, code, source string
	newsletter          bool
	at                  time.Time // when the consent was given
	seen                time.Time // when the visit happened
}

// tellsOfVisitor reports whether a message may tell something new about a visitor. A member's order
// does not, nor does the order of a prospect whom order knows from user already, unless it asks for
// newsletters.
func tellsOfVisitor(d *bus.Delivery) bool {
	if d.Subject != msg.OrderPlacedSubject {
		return true
	}
	o, err := bus.Decode[msg.OrderPlaced](d)
	return err != nil || o.MemberID == 0 && (!o.ProspectKnown || o.Newsletter)
}

// onOrder makes prospects of visitors who ordered or named an address for the receipt, and counts
// the orders.
func (s *server) onOrder(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	visits := make([]visit, 0, len(group))
	for _, d := range group {
		v, err := readVisit(d)
		if err != nil {
			return err
		}
		if v.email != "" {
			visits = append(visits, v)
		}
	}

	// Sorted by address, so that two groups with common ones cannot deadlock.
	slices.SortStableFunc(visits, func(a, b visit) int {
		return strings.Compare(email.Key(a.email), email.Key(b.email))
	})
	for _, v := range visits {
		if err := storeVisit(ctx, tx, v); err != nil {
			return err
		}
	}

	bought, err := readBought(group)
	if err != nil || len(bought) == 0 {
		return err
	}
	return countBought(bought).Apply(ctx, tx, bus.Keys(group)...)
}

// readVisit returns no address if a message does not concern prospects, as a member's order does
// not.
func readVisit(d *bus.Delivery) (visit, error) {
	var v visit
	if d.Subject == msg.ReceiptAddressGivenSubject {
		m, err := bus.Decode[msg.ReceiptAddressGiven](d)
		if err != nil {
			return visit{}, err
		}
		v = visit{email: m.Email, code: m.ProspectCode, source: "checkout address", seen: m.At}
	} else {
		m, err := bus.Decode[msg.OrderPlaced](d)
		if err != nil || m.MemberID != 0 {
			return visit{}, err
		}
		v = visit{
			email:      m.Email,
			code:       m.ProspectCode,
			source:     "order " + m.Identifier,
			newsletter: m.Newsletter,
			at:         m.ConsentAt,
			seen:       m.PlacedAt,
		}
		if v.at.IsZero() {
			v.at = m.PlacedAt
		}
	}

	v.email = normalEmail(v.email)
	if len(v.email) > maxEmail || len(v.code) > 50 || len(v.source) > 200 {
		return visit{}, bus.Permanent(fmt.Errorf("read %s: address, code or identifier is longer than any of ours",
			d.Key))
	}
	return v, nil
}

// storeVisit finds or adds the prospect, with the code of the visitor's mail links and the consent.
// If a member has proved the address the order is the member's, and order hands it over.
func storeVisit(ctx context.Context, tx pgx.Tx, v visit) error {
	known, err := readVisitor(ctx, tx, v)
	if err != nil || known.NotOurs || (known.Known && (v.code == "" || known.Taken) && !v.newsletter) {
		return err
	}

	n := newProspect{Email: v.email, Code: v.code, Note: "From " + v.source + ".", Source: sourceCheckout}
	if strings.HasPrefix(v.source, "order ") {
		n.Source = sourceOrder
	}
	if known.Taken {
		n.Code = "" // one visitor's code came with two addresses: the second gets its own
	}
	p, changed, err := findOrMakeProspect(ctx, tx, n)
	if err != nil {
		return err
	}

	if !changed && v.code != "" && !known.Taken {
		if p, err = insertAlias(ctx, tx, p, v.code); err != nil {
			return err
		}
		changed = true
	}

	if v.newsletter {
		if err := insertConsents(ctx, tx, consent{
			ProspectID: p.ID,
			What:       "newsletter",
			Given:      true,
			At:         v.at,
			Source:     v.source,
		}); err != nil {
			return err
		}
		subscribed, done, err := subscribeProspect(ctx, tx, p.ID, v.at)
		if err != nil {
			return err
		}
		if done {
			p, changed = subscribed, true
		}
	}

	if !changed {
		return nil
	}
	return bus.Enqueue(ctx, tx, p.event())
}
