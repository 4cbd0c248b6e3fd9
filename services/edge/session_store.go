package edge

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// session is a row of the table of that name.
type session struct {
	TokenHash []byte
	MemberID  int64
	Username  string
	FirstName string
	LastName  string
	Email     string
	Code      string
	Remember  bool
	Device    string
	Place     string
	CreatedAt time.Time
	SeenAt    time.Time
	ExpiresAt time.Time
}

// sessionColumnsSQL are the columns of session, and livingSessionSQL tells the living rows. It
// checks the times as well as expires_at, which an older edge may have set by older rules.
const (
	sessionColumnsSQL = `token_hash, member_id, username, first_name, last_name, email, code, remember,` +
		` device, place, created_at, seen_at, expires_at`
	livingSessionSQL = `(expires_at > now() AND (remember OR` +
		` seen_at > now() - interval '12 hours' AND created_at > now() - interval '24 hours'))`
)

// findSessions finds the living sessions among hashes with one query, however many there are.
func findSessions(ctx context.Context, pool *pgxpool.Pool, hashes [][]byte) ([]session, error) {
	return pg.List[session](ctx, pool, "find sessions", `
		SELECT `+sessionColumnsSQL+` FROM session WHERE token_hash = ANY($1) AND `+livingSessionSQL, hashes)
}

// sessionsOf lists a member's living sessions, the last used one first.
func sessionsOf(ctx context.Context, pool *pgxpool.Pool, memberID int64) ([]session, error) {
	return pg.List[session](ctx, pool, "list the sessions of member $1", `
		SELECT `+sessionColumnsSQL+` FROM session WHERE member_id = $1 AND `+livingSessionSQL+`
		ORDER BY seen_at DESC, created_at DESC, token_hash`, memberID)
}

// touchSession notes that a session is in use, and where.
func touchSession(ctx context.Context, pool *pgxpool.Pool, hash []byte, place string) error {
	return pg.Exec(ctx, pool, "touch a session", `
		UPDATE session SET seen_at = now(), place = $2 WHERE token_hash = $1`, hash, place)
}

// login is a login that user has checked, with the time and the browser.
type login struct {
	hash          []byte
	member        web.SessionMember
	remember      bool
	at            time.Time
	device, place string
}

// openSession inserts the session of a login, unless the member was erased or the password changed
// since. A member's sessions beyond maxSessions end, the oldest first; ended counts them. Logins of
// one member wait for each other, so that many at once do not exceed it either.
func openSession(ctx context.Context, pool *pgxpool.Pool, l login) (opened bool, ended int64, err error) {
	err = pg.Pipeline(ctx, pool, func(batch *pgx.Batch) {
		batch.Queue(`SELECT pg_advisory_xact_lock(hashtextextended('sessions of ' || $1::bigint, 0))`, l.member.ID)
		batch.Queue(`
			INSERT INTO session (
			  token_hash, member_id, username, first_name, last_name, email, code, remember, device, place,
			  created_at, expires_at)
			SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, now() + $12
			WHERE`+erasure.NotForgotten("$13")+`
			  AND NOT EXISTS (SELECT FROM credentials WHERE member_id = $2 AND changed_at >= $11)`,
			l.hash, l.member.ID, l.member.Username, l.member.FirstName, l.member.LastName, l.member.Email,
			l.member.Code, l.remember, l.device, l.place,
			l.at, ttl(l.remember), erasure.Hash(erasure.MemberKey(l.member.ID))).
			Exec(func(tag pgconn.CommandTag) error { opened = tag.RowsAffected() == 1; return nil })
		batch.Queue(`
			DELETE FROM session
			WHERE member_id = $1 AND EXISTS (SELECT FROM session WHERE token_hash = $2)
			  AND (NOT `+livingSessionSQL+` OR token_hash IN (
			    SELECT token_hash FROM session WHERE member_id = $1 AND `+livingSessionSQL+`
			    ORDER BY token_hash = $2 DESC, created_at DESC, token_hash OFFSET $3))`, l.member.ID, l.hash,
			maxSessions).
			Exec(func(tag pgconn.CommandTag) error { ended = tag.RowsAffected(); return nil })
	})
	if err != nil {
		return false, 0, fmt.Errorf("open a session of member %d: %w", l.member.ID, err)
	}

	return opened, ended, nil
}

// ttl is how long a session lasts from its login.
func ttl(remember bool) time.Duration {
	if remember {
		return sessionTTL
	}
	return visitTTL
}

// renewSession gives a session a new token after a password change and ends the member's others. It
// returns false if the session is gone.
func renewSession(ctx context.Context, pool *pgxpool.Pool, before, hash []byte, memberID int64,
	at time.Time) (renewed bool, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE session SET token_hash = $2, previous_hash = token_hash, created_at = $6, seen_at = now(),
			  expires_at = now() + CASE WHEN remember THEN $4::interval ELSE $5::interval END
			WHERE token_hash = $1 AND member_id = $3 AND `+livingSessionSQL,
			before, hash, memberID, sessionTTL, visitTTL, at)
		if err != nil {
			return err
		}
		renewed = tag.RowsAffected() == 1
		_, err = tx.Exec(ctx, `DELETE FROM session WHERE member_id = $1 AND token_hash <> $2`, memberID, hash)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("renew a session of member %d: %w", memberID, err)
	}
	return renewed, nil
}

// endSession deletes one session.
func endSession(ctx context.Context, pool *pgxpool.Pool, hash []byte) error {
	return pg.Exec(ctx, pool, "end a session", `DELETE FROM session WHERE token_hash = $1`, hash)
}

// endSessionOf deletes one session of a member; it returns false if there is none.
func endSessionOf(ctx context.Context, pool *pgxpool.Pool, memberID int64, hash []byte) (bool, error) {
	return pg.ExecOne(ctx, pool, "end a session of member $1", `
		DELETE FROM session WHERE member_id = $1 AND token_hash = $2`, memberID, hash)
}

// endOtherSessions deletes all sessions of a member but one.
func endOtherSessions(ctx context.Context, pool *pgxpool.Pool, memberID int64, keep []byte) error {
	return pg.Exec(ctx, pool, "end the other sessions of member $1", `
		DELETE FROM session WHERE member_id = $1 AND token_hash <> $2`, memberID, keep)
}

// endSessions deletes all sessions of a member.
func endSessions(ctx context.Context, d pg.DB, memberID int64) error {
	return pg.Exec(ctx, d, "end the sessions of member $1", `DELETE FROM session WHERE member_id = $1`, memberID)
}

// endSessionsBefore deletes a member's sessions that are older than a change of credentials, except
// the one whose hash was keep then, and keeps out earlier logins that are still in flight. A login
// after the change stays, however late this runs.
func endSessionsBefore(ctx context.Context, d pg.DB, memberID int64, keep []byte, at time.Time) error {
	err := pg.Exec(ctx, d, "note that the password of member $1 changed", `
		INSERT INTO credentials (member_id, changed_at) VALUES ($1, $2)
		ON CONFLICT (member_id) DO UPDATE SET changed_at = greatest(credentials.changed_at, excluded.changed_at)`,
		memberID, at)
	if err != nil {
		return err
	}
	return pg.Exec(ctx, d, "end the older sessions of member $1", `
		DELETE FROM session
		WHERE member_id = $1 AND created_at <= $3 AND token_hash IS DISTINCT FROM $2
		  AND previous_hash IS DISTINCT FROM coalesce($2, '')`, memberID, keep, at)
}

// updateSessions copies a member's changed data into the member's sessions.
func updateSessions(ctx context.Context, pool *pgxpool.Pool, m web.SessionMember) error {
	return pg.Exec(ctx, pool, "update the sessions of member $1", `
		UPDATE session SET username = $2, first_name = $3, last_name = $4, email = $5, code = $6 WHERE member_id = $1`,
		m.ID, m.Username, m.FirstName, m.LastName, m.Email, m.Code)
}

// updateSessionsTo is updateSessions for a message, which may be late: an older version changes
// nothing.
func updateSessionsTo(ctx context.Context, d pg.DB, m msg.Member) error {
	return pg.Exec(ctx, d, "update the sessions of member $1", `
		UPDATE session SET username = $2, first_name = $3, last_name = $4, email = $5, code = $6, profile_version = $7
		WHERE member_id = $1 AND profile_version < $7`,
		m.ID, m.Username, m.FirstName, m.LastName, m.Email, m.Code, m.Version)
}

// deleteExpiredSessions deletes expired sessions, and changes of credentials for which no earlier
// login can be in flight.
func deleteExpiredSessions(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	if _, err := pg.InGroups(ctx, pool, "delete old changes of credentials", `
		DELETE FROM credentials WHERE member_id IN (
		  SELECT member_id FROM credentials WHERE changed_at < now() - interval '1 hour' LIMIT $1)`); err != nil {
		return 0, err
	}
	return pg.InGroups(ctx, pool, "delete expired sessions", `
		DELETE FROM session WHERE token_hash IN (
		  SELECT token_hash FROM session WHERE NOT `+livingSessionSQL+` LIMIT $1)`)
}
