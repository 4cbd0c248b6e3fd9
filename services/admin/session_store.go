package admin

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// newSession is a session to be stored.
type newSession struct {
	Hash    []byte
	Person  int64
	TTL     time.Duration
	Stage   string
	Fresh   time.Duration // how long the second factor given with it is fresh; 0 without one
	Agent   string
	Address string
}

func insertSession(ctx context.Context, db pg.DB, n newSession) error {
	return pg.Exec(ctx, db, "insert a session of person $2", `
		INSERT INTO session (hash, person_id, expires_at, fresh_until, agent, address, stage)
		VALUES ($1, $2, now() + $3::interval, CASE WHEN $4::interval > '0' THEN now() + $4::interval END, $5, $6, $7)`,
		n.Hash, n.Person, n.TTL, n.Fresh, n.Agent, n.Address, n.Stage)
}

// useSession finds a session that has not ended, of a person who is not disabled. If the person
// used it, it notes that once a minute.
func useSession(ctx context.Context, db pg.DB, hash []byte, idle time.Duration, used bool) (session, bool, error) {
	return pg.One[session](ctx, db, "use a session", `
		WITH found AS (
		  SELECT s.hash, s.person_id, p.name, p.roles, s.fresh_until, s.seen_at, s.stage,
		    p.totp_secret IS NOT NULL OR EXISTS (SELECT FROM passkey k WHERE k.person_id = p.id) AS has_second
		  FROM session s JOIN person p ON p.id = s.person_id
		  WHERE s.hash = $1 AND s.expires_at > now() AND s.seen_at > now() - $2::interval AND p.disabled_at IS NULL
		), seen AS (
		  UPDATE session SET seen_at = now() FROM found
		  WHERE session.hash = found.hash AND found.seen_at < now() - interval '1 minute' AND $3
		)
		SELECT hash, person_id, name, roles, fresh_until, stage, has_second FROM found`, hash, idle, used)
}

func endSession(ctx context.Context, db pg.DB, hash []byte) error {
	return pg.Exec(ctx, db, "end a session", `DELETE FROM session WHERE hash = $1`, hash)
}

// setFresh notes that the session's person has just given the second factor.
func setFresh(ctx context.Context, db pg.DB, hash []byte, fresh time.Duration) error {
	return pg.Exec(ctx, db, "note a second factor",
		`UPDATE session SET fresh_until = now() + $2::interval WHERE hash = $1`, hash, fresh)
}

// setPendingTOTP stores the secret that is being set up in a session.
func setPendingTOTP(ctx context.Context, db pg.DB, hash, sealed []byte) error {
	return pg.Exec(ctx, db, "set a secret that is being set up",
		`UPDATE session SET pending_totp = $2 WHERE hash = $1`, hash, sealed)
}

func pendingTOTP(ctx context.Context, db pg.DB, hash []byte) ([]byte, error) {
	return pg.Get[[]byte](ctx, db, "read a secret that is being set up",
		`SELECT pending_totp FROM session WHERE hash = $1`, hash)
}

// endSessions ends the sessions of a person but one.
func endSessions(ctx context.Context, db pg.DB, person int64, but []byte) error {
	return pg.Exec(ctx, db, "end sessions of person $1",
		`DELETE FROM session WHERE person_id = $1 AND hash IS DISTINCT FROM $2`,
		person, but)
}

// deleteOldSessions deletes expired sessions, links and ceremonies, and attempts that no longer
// count.
func deleteOldSessions(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var all int64
	for _, sql := range []string{
		`DELETE FROM session WHERE expires_at < now() OR seen_at < now() - $1::interval`,
		`DELETE FROM link WHERE expires_at < now() AND $1::interval IS NOT NULL`,
		`DELETE FROM ceremony WHERE expires_at < now() AND $1::interval IS NOT NULL`,
		`DELETE FROM guess WHERE since < now() - interval '2 hours' AND $1::interval IS NOT NULL`,
	} {
		n, err := pg.ExecRows(ctx, pool, "delete what has ended", sql, idleTTL)
		if all += n; err != nil {
			return all, err
		}
	}
	return all, nil
}
