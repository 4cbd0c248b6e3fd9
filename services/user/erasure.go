package user

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// FindPerson says where a person is found that a command names by a member's id or by an address. What
// is known under a member's addresses counts as the member's, proved or not, so look first whether the
// person who asks is the one the address belongs to. An address that another member has proved stays
// that member's.
func FindPerson(ctx context.Context, pool *pgxpool.Pool, named erasure.Person) (p erasure.Person, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		p, err = findPerson(ctx, tx, named)
		return err
	})
	return p, err
}

// Export is everything that this service has of a person, as a JSON object with a list for each
// table; only secrets (password, hashes of codes) are left out.
func Export(ctx context.Context, pool *pgxpool.Pool, p erasure.Person) (json.RawMessage, error) {
	return exportPerson(ctx, pool, p)
}

// printPerson writes everything that this service has of a person.
func printPerson(ctx context.Context, pool *pgxpool.Pool, named erasure.Person, out io.Writer) error {
	p, err := FindPerson(ctx, pool, named)
	if err != nil {
		return err
	}
	raw, err := exportPerson(ctx, pool, p)
	if err != nil {
		return err
	}
	return erasure.Print(out, raw)
}

// Erase erases a person's rows here and, in the same transaction, tells the other services to do the
// same. Repeating it tells them again.
func Erase(ctx context.Context, pool *pgxpool.Pool, named erasure.Person, out io.Writer) error {
	var p erasure.Person
	err := pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		if p, err = findPerson(ctx, tx, named); err != nil {
			return err
		}
		if err := erasePerson(ctx, tx, p); err != nil {
			return err
		}
		told := erasures(named, p)
		for _, e := range told {
			if err := erasure.Forget(ctx, tx, e); err != nil {
				return err
			}
		}
		return bus.Enqueue(ctx, tx, erasureMessages(told)...)
	})
	if err != nil {
		return err
	}
	return say(out, "Erased here: %d accounts, %d prospects, known under %d addresses. The other services are told.", len(p.MemberIDs), len(p.ProspectIDs), len(p.Emails))
}

// erasures name every account and every prospect once, and all addresses and codes each time.
func erasures(named, p erasure.Person) (list []msg.Erased) {
	members, now := p.MemberIDs, time.Now().UTC()
	if len(members) == 0 {
		members = named.MemberIDs // whose account is gone already
	}
	for i := range max(len(members), len(p.ProspectIDs), 1) {
		e := msg.Erased{Emails: p.Emails, Codes: p.Codes, At: now}
		if i < len(members) {
			e.MemberID = members[i]
		}
		if i < len(p.ProspectIDs) {
			e.ProspectID = p.ProspectIDs[i]
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
