package mailer

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of mailer.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.MailerMail, Stream: "MAIL", Pool: s.pool, Effect: s.onMail, Handle: s.onCountedMail,
			Committed: func([]*bus.Delivery) { s.wakeSender() }},
		{Name: msg.MailerOrder, Stream: "ORDER", Pool: s.pool, Effect: s.onShop,
			Committed: s.onShopStored},
		{Name: msg.MailerUser, Stream: "USER", Pool: s.pool, Effect: s.onUser, Handle: s.onErased},
	}
}
