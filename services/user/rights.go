package user

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Person is whom a command for staff is about: a member, or whoever is known under an address.
// What is known under a member's addresses counts as the member's, proved or not, so look first
// whether the person who asks is the one the address belongs to. An address that another member has
// proved stays that member's.
type Person struct {
	MemberID int64
	Email    string // normalEmail
}

// holdings is where a person is found in this service.
type holdings struct {
	Members   []int64
	Prospects []int64
	Emails    []string
}

// exportPerson writes everything that this service has of a person.
func exportPerson(ctx context.Context, pool *pgxpool.Pool, p Person, out io.Writer) error {
	raw, err := ExportPerson(ctx, pool, p)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return fmt.Errorf("indent an export: %w", err)
	}
	return say(out, "%s", pretty.Bytes())
}

// ExportPerson is everything that this service has of a person, as a JSON object with a list for
// each table; only secrets (password, hashes of codes) are left out.
func ExportPerson(ctx context.Context, pool *pgxpool.Pool, p Person) (json.RawMessage, error) {
	var raw json.RawMessage
	err := pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		h, err := findPerson(ctx, tx, p)
		if err != nil {
			return err
		}
		raw, err = readPersonRows(ctx, tx, h)
		return err
	})
	return raw, err
}

// ErasePerson erases a person's rows here and, in the same transaction, tells the other services to
// do the same. Repeating it tells them again.
func ErasePerson(ctx context.Context, pool *pgxpool.Pool, p Person, out io.Writer) error {
	var h holdings
	err := pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		if h, err = findPerson(ctx, tx, p); err != nil {
			return err
		}
		if err := deletePersonRows(ctx, tx, h); err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, erasures(p, h)...)
	})
	if err != nil {
		return err
	}
	return say(out, "Erased here: %d accounts, %d prospects, known under %d addresses. The other services are told.", len(h.Members), len(h.Prospects), len(h.Emails))
}

// erasures are the messages that name every account and every prospect once, and all addresses each
// time. They outlive the rows, so that a repeated command still reaches the other services.
func erasures(p Person, h holdings) []msg.Message {
	members, now := h.Members, time.Now().UTC()
	if len(members) == 0 {
		members = []int64{p.MemberID} // 0 for somebody who never had an account
	}
	var messages []msg.Message
	for i := range max(len(members), len(h.Prospects)) {
		e := msg.Erased{Emails: h.Emails, At: now}
		if i < len(members) {
			e.MemberID = members[i]
		}
		if i < len(h.Prospects) {
			e.ProspectID = h.Prospects[i]
		}
		// Each run of the command is an effect of its own, hence the time in the key.
		key := fmt.Sprintf("%s:%d:%d:%d", msg.UserErased, e.MemberID, e.ProspectID, now.UnixNano())
		messages = append(messages, msg.Message{Key: key, Subject: msg.UserErased, Payload: e})
	}
	return messages
}
