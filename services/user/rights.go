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
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Person is whom a command for staff is about: a member, or whoever is known under an address.
// What is known under a member's addresses counts as the member's, proved or not, so look first
// whether the person who asks is the one the address belongs to. An address that another member has
// proved stays that member's.
type Person struct {
	MemberID int64
	Email    string // normalEmail
}

// FindPerson says where a person is found.
func FindPerson(ctx context.Context, pool *pgxpool.Pool, p Person) (known msg.Person, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		known, err = findPerson(ctx, tx, p)
		return err
	})
	return known, err
}

// exportPerson writes everything that this service has of a person.
func exportPerson(ctx context.Context, pool *pgxpool.Pool, p Person, out io.Writer) error {
	known, err := FindPerson(ctx, pool, p)
	if err != nil {
		return err
	}
	raw, err := Export(ctx, pool, known)
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, raw, "", "  "); err != nil {
		return fmt.Errorf("indent an export: %w", err)
	}
	return say(out, "%s", printout.JSON(pretty.Bytes()))
}

// Export is everything that this service has of a person, as a JSON object with a list for each
// table; only secrets (password, hashes of codes) are left out.
func Export(ctx context.Context, pool *pgxpool.Pool, known msg.Person) (raw json.RawMessage, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		raw, err = readPersonRows(ctx, tx, known)
		return err
	})
	return raw, err
}

// ErasePerson erases a person's rows here and, in the same transaction, tells the other services to
// do the same. Repeating it tells them again.
func ErasePerson(ctx context.Context, pool *pgxpool.Pool, p Person, out io.Writer) error {
	var h msg.Person
	err := pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		if h, err = findPerson(ctx, tx, p); err != nil {
			return err
		}
		if err := deletePersonRows(ctx, tx, h); err != nil {
			return err
		}
		told := erasures(p, h)
		for _, e := range told {
			if err := bus.ForgetPeople(ctx, tx, e); err != nil {
				return err
			}
		}
		return bus.Enqueue(ctx, tx, erasureMessages(told)...)
	})
	if err != nil {
		return err
	}
	return say(out, "Erased here: %d accounts, %d prospects, known under %d addresses. The other services are told.", len(h.MemberIDs), len(h.ProspectIDs), len(h.Emails))
}

// erasures name every account and every prospect once, and all addresses and codes each time.
func erasures(p Person, h msg.Person) (list []msg.Erased) {
	members, now := h.MemberIDs, time.Now().UTC()
	if len(members) == 0 {
		members = []int64{p.MemberID} // 0 for somebody who never had an account
	}
	for i := range max(len(members), len(h.ProspectIDs)) {
		e := msg.Erased{Emails: h.Emails, Codes: h.Codes, At: now}
		if i < len(members) {
			e.MemberID = members[i]
		}
		if i < len(h.ProspectIDs) {
			e.ProspectID = h.ProspectIDs[i]
		}
		list = append(list, e)
	}
	return list
}

// erasureMessages outlive the rows, so that a repeated command still reaches the other services.
func erasureMessages(list []msg.Erased) []msg.Message {
	messages := make([]msg.Message, len(list))
	for i, e := range list {
		// Each run of the command is an effect of its own, hence the time in the key.
		key := fmt.Sprintf("%s:%d:%d:%d", msg.UserErased, e.MemberID, e.ProspectID, e.At.UnixNano())
		messages[i] = msg.Message{Key: key, Subject: msg.UserErased, Payload: e}
	}
	return messages
}
