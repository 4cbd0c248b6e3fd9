package admin

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// firstPerson is the person with a name, made as an owner where there is none; ok is false when there
// are others.
func firstPerson(ctx context.Context, tx pgx.Tx, username string) (id int64, ok bool, err error) {
	others, err := pg.Get[int](ctx, tx, "count people", `SELECT count(*) FROM person WHERE username <> $1`, username)
	if err != nil || others > 0 {
		return 0, false, err
	}
	id, err = pg.Get[int64](ctx, tx, "make person $1", `
		INSERT INTO person (username, name, roles) VALUES ($1, initcap($1), ARRAY[$2])
		ON CONFLICT ((lower(username))) DO UPDATE SET username = excluded.username RETURNING id`, username, adminui.Owner)
	return id, err == nil, err
}

func insertLink(ctx context.Context, db pg.DB, hash []byte, person int64, life time.Duration) error {
	return pg.Exec(ctx, db, "make a link for person $2",
		`INSERT INTO link (hash, person_id, expires_at) VALUES ($1, $2, now() + $3::interval)`, hash, person, life)
}

// takeLink uses a link up, and with it every other link of the person.
func takeLink(ctx context.Context, tx pgx.Tx, hash []byte) (person int64, ok bool, err error) {
	person, ok, err = pg.One[int64](ctx, tx, "use a link", `
		DELETE FROM link USING person p WHERE hash = $1 AND expires_at > now() AND p.id = person_id AND p.disabled_at IS NULL
		RETURNING person_id`, hash)
	if err != nil || !ok {
		return person, ok, err
	}
	return person, true, pg.Exec(ctx, tx, "end links of person $1", `DELETE FROM link WHERE person_id = $1`, person)
}
