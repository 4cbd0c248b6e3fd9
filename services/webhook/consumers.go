package webhook

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of this service.
func consumers(pool *pgxpool.Pool) []bus.Consumer {
	return []bus.Consumer{{Name: msg.WebhookUser, Stream: "USER", Pool: pool, Handle: onErased}}
}
