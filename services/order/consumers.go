package order

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of this service.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.OrderStripe, Stream: "STRIPE", Pool: s.db, Prepare: s.readStripeEvent, Handle: s.onStripeEvents,
			Committed: s.outbox.Wake},
		{Name: msg.OrderUser, Stream: "USER", Pool: s.db, Handle: s.onUserEvents},
	}
}
