package edge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// db is a pool or a transaction.
type db interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

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
	SeenAt    time.Time
	ExpiresAt time.Time
}

// findSession is the living session of a token, or nil.
func findSession(ctx context.Context, pool *pgxpool.Pool, hash []byte) (*session, error) {
	rows, err := pool.Query(ctx, `
		SELECT token_hash, member_id, username, first_name, last_name, email, code, remember, seen_at, expires_at
		FROM session WHERE token_hash = $1 AND expires_at > now()`, hash)
	if err != nil {
		return nil, fmt.Errorf("find a session: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[session])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find a session: %w", err)
	}
	return s, nil
}

// touchSession notes that a session is in use.
func touchSession(ctx context.Context, pool *pgxpool.Pool, hash []byte) error {
	if _, err := pool.Exec(ctx, `UPDATE session SET seen_at = now() WHERE token_hash = $1`, hash); err != nil {
		return fmt.Errorf("touch a session: %w", err)
	}
	return nil
}

// openSession stores a session of a login that user checked at a moment, unless the member was erased
// or the password changed since.
func openSession(ctx context.Context, pool *pgxpool.Pool, hash []byte, m web.SessionMember, remember bool, at time.Time) (opened bool, err error) {
	tag, err := pool.Exec(ctx, `
		INSERT INTO session (token_hash, member_id, username, first_name, last_name, email, code, remember, created_at, expires_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10 WHERE NOT EXISTS (SELECT FROM forgotten WHERE hash = $11)
			AND NOT EXISTS (SELECT FROM credentials WHERE member_id = $2 AND changed_at >= $9)`,
		hash, m.ID, m.Username, m.FirstName, m.LastName, m.Email, m.Code, remember, at, sessionLife, bus.ForgottenHash(bus.MemberKey(m.ID)))
	if err != nil {
		return false, fmt.Errorf("open a session of member %d: %w", m.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// renewSession gives a session a new token after a password change and ends the member's others. It
// is false when the session is gone.
func renewSession(ctx context.Context, pool *pgxpool.Pool, before, hash []byte, memberID int64, at time.Time) (renewed bool, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE session SET token_hash = $2, previous_hash = token_hash, created_at = $5, seen_at = now(), expires_at = now() + $4
			WHERE token_hash = $1 AND member_id = $3 AND expires_at > now()`, before, hash, memberID, sessionLife, at)
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
	if _, err := pool.Exec(ctx, `DELETE FROM session WHERE token_hash = $1`, hash); err != nil {
		return fmt.Errorf("end a session: %w", err)
	}
	return nil
}

// endSessions deletes all sessions of a member.
func endSessions(ctx context.Context, d db, memberID int64) error {
	if _, err := d.Exec(ctx, `DELETE FROM session WHERE member_id = $1`, memberID); err != nil {
		return fmt.Errorf("end the sessions of member %d: %w", memberID, err)
	}
	return nil
}

// endSessionsBefore deletes a member's sessions that are older than a change of credentials, except
// the one whose hash was keep then, and keeps out logins from before that are still on their way. A
// login after the change stays, however late this runs.
func endSessionsBefore(ctx context.Context, d db, memberID int64, keep []byte, at time.Time) error {
	_, err := d.Exec(ctx, `
		INSERT INTO credentials (member_id, changed_at) VALUES ($1, $2)
		ON CONFLICT (member_id) DO UPDATE SET changed_at = greatest(credentials.changed_at, excluded.changed_at)`, memberID, at)
	if err != nil {
		return fmt.Errorf("note that the password of member %d changed: %w", memberID, err)
	}
	_, err = d.Exec(ctx, `
		DELETE FROM session WHERE member_id = $1 AND created_at <= $3
		AND token_hash IS DISTINCT FROM $2 AND previous_hash IS DISTINCT FROM coalesce($2, '')`, memberID, keep, at)
	if err != nil {
		return fmt.Errorf("end the older sessions of member %d: %w", memberID, err)
	}
	return nil
}

// updateSessions writes what is new about a member into the member's sessions.
func updateSessions(ctx context.Context, pool *pgxpool.Pool, m web.SessionMember) error {
	_, err := pool.Exec(ctx, `
		UPDATE session SET username = $2, first_name = $3, last_name = $4, email = $5, code = $6 WHERE member_id = $1`,
		m.ID, m.Username, m.FirstName, m.LastName, m.Email, m.Code)
	if err != nil {
		return fmt.Errorf("update the sessions of member %d: %w", m.ID, err)
	}
	return nil
}

// updateSessionsTo is updateSessions by a message, which may be late: an older version changes
// nothing.
func updateSessionsTo(ctx context.Context, d db, m msg.Member) error {
	_, err := d.Exec(ctx, `
		UPDATE session SET username = $2, first_name = $3, last_name = $4, email = $5, code = $6, profile_version = $7
		WHERE member_id = $1 AND profile_version < $7`,
		m.ID, m.Username, m.FirstName, m.LastName, m.Email, m.Code, m.Version)
	if err != nil {
		return fmt.Errorf("update the sessions of member %d: %w", m.ID, err)
	}
	return nil
}

// dropExpiredSessions deletes what nobody can use any more, and what no login is on its way for.
func dropExpiredSessions(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	if _, err := pool.Exec(ctx, `DELETE FROM credentials WHERE changed_at < now() - interval '1 hour'`); err != nil {
		return 0, fmt.Errorf("drop old changes of credentials: %w", err)
	}
	tag, err := pool.Exec(ctx, `DELETE FROM session WHERE expires_at <= now()`)
	if err != nil {
		return 0, fmt.Errorf("drop expired sessions: %w", err)
	}
	return tag.RowsAffected(), nil
}
