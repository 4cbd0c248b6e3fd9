package adminui

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Act is something that a person did, for the log that no one can change.
type Act struct {
	Action Action
	// These say what it was done to: Kind and Key, such as order and aB3dE5gH7j.
	Kind, Key string
	// Text says it in a line: "Refunded 12.00".
	Text string
	// Before and After are what changed, as JSON objects; nil if nothing changed.
	Before, After any
	// Whose is the address and code of the customer whose data Before and After hold: an erasure
	// finds them by these. It is empty if they hold no customer's data.
	Whose []string
}

// Record writes what the person of a request did into the service's outbox, in the transaction that
// does it: both are committed or neither is. services/admin keeps it.
func Record(r *http.Request, tx pgx.Tx, acts ...Act) error {
	return RecordAs(r.Context(), tx, Who(r), acts...)
}

// RecordAs is Record for the identity of an earlier request, or of a command that is not a request.
func RecordAs(ctx context.Context, tx pgx.Tx, who Identity, acts ...Act) error {
	var messages []msg.Message
	for i, a := range acts {
		subject := msg.StaffActedSubject(who.Service)
		messages = append(messages, msg.Message{
			Key:     fmt.Sprintf("%s:%s:%d", subject, who.Request, i),
			Subject: subject,
			Payload: msg.StaffActed{
				Person:  who.Person,
				Name:    who.Name,
				Token:   who.Token,
				From:    who.From,
				Service: who.Service,
				Action:  string(a.Action),
				Kind:    a.Kind,
				Key:     a.Key,
				Text:    a.Text,
				Before:  a.Before,
				After:   a.After,
				Whose:   a.Whose,
				At:      time.Now().UTC(),
			},
		})
	}
	return bus.Enqueue(ctx, tx, messages...)
}
