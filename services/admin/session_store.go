package admin

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// newSession is what a session begins with.
type newSession struct {
	Hash    []byte
	Person  int64
	Life    time.Duration
	Fresh   time.Duration // how long the second factor that it began with is fresh; 0 without one
	Agent   string
	Address string
}

func insertSession(ctx context.Context, db pg.DB, n newSession) error {
	return pg.Exec(ctx, db, "open a session of person $2", `
		INSERT INTO session (hash, person_id, expires_at, fresh_until, agent, address)
		VALUES ($1, $2, now() + $3::interval, CASE WHEN $4::interval > '0' THEN now() + $4::interval END, $5, $6)`,
		n.Hash, n.Person, n.Life, n.Fresh, n.Agent, n.Address)
}

// useSession finds a session that has not ended, of a person who is not disabled, and notes once a
// minute that it is in use.
func useSession(ctx context.Context, db pg.DB, hash []byte, idle time.Duration) (session, bool, error) {
	return pg.One[session](ctx, db, "look for a session", `
		WITH found AS (
			SELECT s.hash, s.person_id, p.name, p.roles, s.fresh_until, s.seen_at FROM session s JOIN person p ON p.id = s.person_id
			WHERE s.hash = $1 AND s.expires_at > now() AND s.seen_at > now() - $2::interval AND p.disabled_at IS NULL
		), seen AS (
			UPDATE session SET seen_at = now() FROM found WHERE session.hash = found.hash AND found.seen_at < now() - interval '1 minute'
		)
		SELECT hash, person_id, name, roles, fresh_until FROM found`, hash, idle)
}

func endSession(ctx context.Context, db pg.DB, hash []byte) error {
	return pg.Exec(ctx, db, "end a session", `DELETE FROM session WHERE hash = $1`, hash)
}

// deleteOldSessions deletes what opens nothing any more: sessions and links.
func deleteOldSessions(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	n, err := pg.ExecRows(ctx, pool, "delete ended sessions",
		`DELETE FROM session WHERE expires_at < now() OR seen_at < now() - $1::interval`, idleLife)
	if err != nil {
		return n, err
	}
	m, err := pg.ExecRows(ctx, pool, "delete old links", `DELETE FROM link WHERE expires_at < now()`)
	return n + m, err
}
