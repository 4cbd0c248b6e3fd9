package events

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of events.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.EventsEvent, Stream: "EVENT", Pool: s.pool, Handle: s.onEvent, Committed: s.outbox.Wake},
		{Name: msg.EventsUser, Stream: "USER", Pool: s.pool, Handle: s.onUser, Committed: s.outbox.Wake},
		{Name: msg.EventsOrder, Stream: "ORDER", Pool: s.pool, Handle: s.onOrder, Committed: s.outbox.Wake},
		{Name: msg.EventsMail, Stream: "MAIL", Pool: s.pool, Handle: s.onMail, Committed: s.outbox.Wake},
	}
}
