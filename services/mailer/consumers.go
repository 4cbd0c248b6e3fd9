package mailer

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of mailer.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.MailerMail, Stream: "MAIL", Pool: s.pool, Handle: s.onMail, Committed: s.wakeSender},
		{Name: msg.MailerUser, Stream: "USER", Pool: s.pool, Handle: s.onUser},
	}
}
