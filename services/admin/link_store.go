package admin

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// firstPerson is the person with a name, made as an owner if there is none; ok is false if an
// account can sign in.
func firstPerson(ctx context.Context, tx pgx.Tx, username string) (id int64, ok bool, err error) {
	others, err := pg.Get[bool](ctx, tx, "find people", `
		SELECT EXISTS (SELECT FROM person p
		  WHERE username <> $1 OR password IS NOT NULL
		    OR EXISTS (SELECT FROM passkey k WHERE k.person_id = p.id))`, username)
	if err != nil || others {
		return 0, false, err
	}
	id, err = pg.Get[int64](ctx, tx, "insert person $1", `
		INSERT INTO person (username, name, roles) VALUES ($1, initcap($1), ARRAY[$2])
		ON CONFLICT ((lower(username))) DO UPDATE SET username = excluded.username RETURNING id`,
		username, adminui.Owner)
	return id, err == nil, err
}

func insertLink(ctx context.Context, db pg.DB, hash []byte, person int64, life time.Duration) error {
	return pg.Exec(ctx, db, "insert a link for person $2",
		`INSERT INTO link (hash, person_id, expires_at) VALUES ($1, $2, now() + $3::interval)`, hash, person, life)
}

// ownerOfLink is the person whom a valid link signs in.
func ownerOfLink(ctx context.Context, db pg.DB, hash []byte) (int64, bool, error) {
	return pg.One[int64](ctx, db, "find a link",
		`SELECT person_id FROM link WHERE hash = $1 AND expires_at > now()`, hash)
}

// useLink uses up a link, and with it every other link of the person.
func useLink(ctx context.Context, tx pgx.Tx, hash []byte) (bool, error) {
	person, ok, err := pg.One[int64](ctx, tx, "use a link",
		`DELETE FROM link WHERE hash = $1 AND expires_at > now() RETURNING person_id`, hash)
	if err != nil || !ok {
		return ok, err
	}
	return true, deleteLinks(ctx, tx, person)
}

func deleteLinks(ctx context.Context, db pg.DB, person int64) error {
	return pg.Exec(ctx, db, "delete links of person $1", `DELETE FROM link WHERE person_id = $1`, person)
}
