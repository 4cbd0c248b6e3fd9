package order

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of order.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.OrderStripe, Stream: "STRIPE", Pool: s.pool, Outbox: s.outbox, Prepare: s.readStripeEvent,
			Concerns: s.concernsOrders, Handle: s.onStripeEvents, Committed: s.placings.notify},
		{Name: msg.OrderUser, Stream: "USER", Pool: s.pool, Effect: s.onProspects, Handle: s.onUserEvents},
	}
}
