package events

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of events.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.EventsEvent, Stream: "EVENT", Pool: s.pool, Handle: s.onEvent},
		{Name: msg.EventsUser, Stream: "USER", Pool: s.pool, Effect: s.onUser, Handle: s.onErased},
		{Name: msg.EventsOrder, Stream: "ORDER", Pool: s.pool, Effect: s.onOrder},
		{Name: msg.EventsMail, Stream: "MAIL", Pool: s.pool, Effect: s.onMail},
	}
}
