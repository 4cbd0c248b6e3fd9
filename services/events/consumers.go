package events

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// gather is how long a message waits for others, so that a busy shop's messages share statements
// and commits. Reports need not be more current than that.
const gather = 100 * time.Millisecond

// consumers are the durable subscriptions of events.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.EventsEvent, Gather: gather, Stream: "EVENT", Pool: s.pool, Handle: s.onEvent},
		{Name: msg.EventsUser, Gather: gather, Stream: "USER", Pool: s.pool, Effect: s.onUser, Handle: s.onErased},
		{Name: msg.EventsOrder, Gather: gather, Stream: "ORDER", Pool: s.pool, Effect: s.onOrder},
		{Name: msg.EventsGiven, Gather: gather, Stream: "ORDER", Pool: s.pool, Effect: s.onGivenBack},
		{Name: msg.EventsMail, Gather: gather, Stream: "MAIL", Pool: s.pool, Effect: s.onMail},
	}
}
