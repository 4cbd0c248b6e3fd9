package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers is every subscription of this service.
func consumers(pool *pgxpool.Pool) []bus.Consumer {
	return []bus.Consumer{{Name: msg.WebhookUser, Stream: "USER", Pool: pool, Handle: onErased}}
}

// onErased empties the events that mention an erased person. Their rows stay: an event that comes
// again is still a repeat.
func onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		var e msg.Erased
		if err := json.Unmarshal(d.Data, &e); err != nil {
			return bus.Permanent(fmt.Errorf("read %s: %w", d.Subject, err))
		}
		emails := make([]string, 0, len(e.Emails))
		for _, a := range e.Emails {
			if a != "" {
				emails = append(emails, strings.ToLower(a))
			}
		}
		_, err := tx.Exec(ctx, `
			UPDATE event SET payload = '{}' WHERE EXISTS (SELECT FROM unnest($1::text[]) AS a WHERE position(a IN lower(encode(payload, 'escape'))) > 0)`, emails)
		if err != nil {
			return fmt.Errorf("empty the events of a person: %w", err)
		}
		if err := bus.ForgetPeople(ctx, tx, emails); err != nil {
			return err
		}
	}
	return nil
}
