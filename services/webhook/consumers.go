package webhook

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of webhook.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{{Name: msg.WebhookUser, Stream: "USER", Pool: s.pool, Handle: onErased}}
}
