package order

import (
	"context"
	"slices"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// maxTrailRows is how many checkouts a trail has at most: an address may have many.
const maxTrailRows = 50

// step is a row about a checkout, as the trail shows it.
type step struct {
	At         time.Time
	Kind, Text string
	About      string
	State      string
	Tone       string
}

// way is a checkout with its order: the keys by which the parts of its trail are found.
type way struct {
	CheckoutID    string
	SessionID     string
	PaymentIntent string
	Identifier    string
	OrderID       int64
	Messages      []string // keys of the messages that acts on the order, and Stripe's reports about its money, led to
}

// keys are the keys by which others know it, and those of the messages about it.
func (w way) keys() []string {
	keys := []string{w.CheckoutID, w.SessionID, w.PaymentIntent, w.Identifier}
	for _, kind := range []string{"order-placed", "order-confirmation", msg.MailPaymentPending,
		msg.MailPaymentRefused} {
		keys = append(keys, kind+":"+w.CheckoutID)
	}
	return append(keys, w.Messages...)
}

// trail is what order knows about an order's identifier, a payment, a session, a cart or an
// address: its checkouts, orders, statuses, parcels, refunds, disputes and entries for staff.
func (s *server) trail(ctx context.Context, keys []string) (t adminui.Trail, err error) {
	ways, err := findWays(ctx, s.pool, keys, maxTrailRows)
	if err != nil || len(ways) == 0 {
		return t, err
	}
	for _, w := range ways {
		t.Keys = append(t.Keys, w.keys()...)
	}
	events, err := eventsOf(ctx, s.pool, ways)
	if err != nil {
		return t, err
	}

	t.Keys = append(t.Keys, events...)
	slices.Sort(t.Keys)
	t.Keys = slices.DeleteFunc(slices.Compact(t.Keys), func(key string) bool { return key == "" })
	steps, err := listSteps(ctx, s.pool, ways)
	if err != nil {
		return t, err
	}

	for _, st := range steps {
		hop := adminui.Hop{At: st.At, Step: st.Kind, Text: st.Text, About: st.About, State: st.State, Tone: st.Tone}
		switch st.Kind {
		case "entry":
			hop.To = "/payments/" + st.About
		case "order", "status", "parcel":
			hop.To = "/orders/" + st.About
		}
		t.Hops = append(t.Hops, hop)
	}
	return t, nil
}
