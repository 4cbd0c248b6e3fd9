package user

import (
	"context"
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

// printPerson prints everything that user has about a person.
func printPerson(ctx context.Context, pool *pgxpool.Pool, named erasure.Person, out io.Writer) error {
	p, err := FindPerson(ctx, pool, named)
	if err != nil {
		return err
	}
	raw, err := ExportPerson(ctx, pool, p)
	if err != nil {
		return err
	}
	return erasure.Print(out, raw)
}

// Erase erases a person's rows here and, in the same transaction, tells the other services to do
// the same. Repeating it tells them again.
func Erase(ctx context.Context, pool *pgxpool.Pool, named erasure.Person, out io.Writer) error {
	var found erasure.Person
	err := pg.Tx(ctx, pool, func(tx pgx.Tx) (err error) {
		found, err = eraseIn(ctx, tx, named)
		return err
	})
	if err != nil {
		return err
	}
	return say(out, "Erased here: %d accounts, %d prospects, known under %d addresses. The other services are told.",
		len(found.MemberIDs), len(found.ProspectIDs), len(found.Emails))
}

// eraseIn is Erase within a transaction.
func eraseIn(ctx context.Context, tx pgx.Tx, named erasure.Person) (found erasure.Person, err error) {
	if found, err = FindPerson(ctx, tx, named); err != nil {
		return found, err
	}
	if err := erasePerson(ctx, tx, found); err != nil {
		return found, err
	}
	p, now := found, time.Now().UTC()
	if len(p.MemberIDs) == 0 {
		p.MemberIDs = named.MemberIDs // the account is gone already
	}
	if err := erasure.Forget(ctx, tx, p, now); err != nil {
		return found, err
	}
	return found, bus.Enqueue(ctx, tx, erasureMessages(p, now)...)
}

// erasureMessages name every account and every prospect once, and all addresses and codes in each
// message. They do not need the rows, so a repeated command still reaches the other services.
func erasureMessages(p erasure.Person, at time.Time) (list []msg.Message) {
	for i := range max(len(p.MemberIDs), len(p.ProspectIDs), 1) {
		e := msg.Erased{Emails: p.Emails, Codes: p.Codes, At: at}
		if i < len(p.MemberIDs) {
			e.MemberID = p.MemberIDs[i]
		}
		if i < len(p.ProspectIDs) {
			e.ProspectID = p.ProspectIDs[i]
		}
		// Each run of the command must have an effect of its own, hence the time in the key.
		key := fmt.Sprintf("%s:%d:%d:%d", msg.UserErased, e.MemberID, e.ProspectID, at.UnixNano())
		list = append(list, msg.Message{Key: key, Subject: msg.UserErased, Payload: e})
	}
	return list
}
