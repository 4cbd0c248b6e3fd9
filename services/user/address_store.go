package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// One address is one person, whatever the case: statements compare lower(email), which has
// an index in each table.

// addressClass keeps the advisory locks of addresses apart from others in the database ("addr").
const addressClass = 0x61646472

// lockAddress makes others that want to add a record of the address wait until tx ends. A unique
// constraint would not do: to it, two spellings of an address are two values.
func lockAddress(ctx context.Context, tx pgx.Tx, email string) error {
	return pg.Exec(ctx, tx, "lock an address", `
		SELECT pg_advisory_xact_lock($1, hashtext(lower($2)))`, addressClass, email)
}

// maxUnproved is how many accounts may wait for the proof of one address. Each brings mails to it,
// and most likely all but one of them are not its owner's.
const maxUnproved = 3

// addressFull reports whether maxUnproved accounts wait for the proof of an address, not counting
// the given one. Until tx ends no other can be added.
func addressFull(ctx context.Context, tx pgx.Tx, email string, but int64) (full bool, err error) {
	if err := lockAddress(ctx, tx, email); err != nil {
		return false, err
	}
	return pg.Get[bool](ctx, tx, "count the unproved accounts of an address", `
		SELECT count(*) >= $3 FROM account
		WHERE lower(email) = lower($1) AND NOT email_verified AND id <> $2 AND `+stillOpenSQL,
		email, but, maxUnproved)
}
