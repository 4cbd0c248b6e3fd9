package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// One address is one person, whatever letters are capital: statements compare lower(email), which has
// an index in each table.

// addressClass keeps the advisory locks of addresses apart from others in the database ("addr").
const addressClass = 0x61646472

// lockAddress makes whatever else looks at an address in order to add a record of it wait until tx
// ends: two spellings of an address are two values to a unique constraint.
func lockAddress(ctx context.Context, tx pgx.Tx, email string) error {
	return pg.Exec(ctx, tx, "lock an address", `
		SELECT pg_advisory_xact_lock($1, hashtext(lower($2)))`, addressClass, email)
}

// maxUnproved is how many accounts may wait for the proof of one address: each brings mails to it,
// and all but one of them, most likely, are not its owner's.
const maxUnproved = 3

// addressFull reports whether as many accounts as may wait for the proof of an address do, not counting
// the given one; until tx ends no other can be added.
func addressFull(ctx context.Context, tx pgx.Tx, email string, but int64) (full bool, err error) {
	if err := lockAddress(ctx, tx, email); err != nil {
		return false, err
	}
	return pg.Get[bool](ctx, tx, "count the unproved accounts of an address", `
		SELECT count(*) >= $3 FROM account
		WHERE lower(email) = lower($1) AND NOT email_verified AND id <> $2`+stillOpen,
		email, but, maxUnproved)
}
