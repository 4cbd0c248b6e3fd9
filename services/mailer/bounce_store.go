package mailer

import (
	"context"

	"github.com/emersion/go-imap/v2"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// upsertBounced ends newsletters to addresses that a mail server refused permanently.
func upsertBounced(ctx context.Context, pool *pgxpool.Pool, hashes []string, code int) error {
	return pg.Exec(ctx, pool, "upsert refused addresses", `
		INSERT INTO bounced (hash, code) SELECT unnest($1::text[]), $2
		ON CONFLICT (hash) DO UPDATE SET code = excluded.code, at = now()`, hashes, code)
}

// bouncedAmong returns those of the hashes whose address was refused permanently; with nil, all
// such hashes.
func bouncedAmong(ctx context.Context, db pg.DB, hashes []string) (map[string]bool, error) {
	list, err := pg.List[string](ctx, db, "find refused addresses", `
		SELECT hash FROM bounced WHERE $1::text[] IS NULL OR hash = ANY($1)`, hashes)
	gone := map[string]bool{}
	for _, hash := range list {
		gone[hash] = true
	}
	return gone, err
}

// noteReport notes that the mail with a Message-ID did not reach one of its addresses, and ends
// newsletters to that address. hashes stand for the names that the report gives it. A report about
// a mail that did not go to that address, and a repeated one, change nothing.
func noteReport(ctx context.Context, tx pgx.Tx, messageID string, hashes []string, status string) (bool, error) {
	done, _, err := pg.One[bool](ctx, tx, "note a bounce", `
		WITH done AS (
		  UPDATE delivery d SET bounced = d.bounced || h.hash, bounce_status = $3
		  FROM (
		    SELECT m.id, u.hash FROM delivery m, unnest($2::text[]) AS u (hash)
		    WHERE m.message_id = $1 AND u.hash = ANY(m.to_hashes) LIMIT 1) AS h
		  WHERE d.id = h.id AND d.attempts > 0 AND NOT h.hash = ANY(d.bounced) AND NOT h.hash = ANY(d.left_out)
		  RETURNING d.id, d.newsletter_id, d.state, h.hash
		), gone AS (
		  INSERT INTO bounced (hash, code, late) SELECT hash, 0, true FROM done
		  ON CONFLICT (hash) DO UPDATE SET code = excluded.code, late = true, at = now()
		), counted AS (`+countingSQL(`
		  SELECT id, newsletter_id, what, n FROM done, (VALUES ('accepted', -1), ('bounced', 1)) AS v (what, n)
		  WHERE state <> 'parked'`)+`)
		SELECT true FROM done`, messageID, hashes, status)
	return done, err
}

// mailboxPosition is the UID of the last mail that was read, or 0 if none was read under this
// UIDVALIDITY.
func mailboxPosition(ctx context.Context, db pg.DB, name string, validity uint32) (imap.UID, error) {
	return pg.Get[imap.UID](ctx, db, "read the position in a mailbox", `
		SELECT coalesce((SELECT uid FROM bounce_mailbox WHERE name = $1 AND validity = $2), 0)`, name, int64(validity))
}

// moveMailbox advances the position in a mailbox, if it is still where the caller found it.
func moveMailbox(ctx context.Context, tx pgx.Tx, name string, validity uint32, from, to imap.UID) (bool, error) {
	return pg.ExecOne(ctx, tx, "move the position in a mailbox", `
		INSERT INTO bounce_mailbox AS b (name, validity, uid) VALUES ($1, $2, $4)
		ON CONFLICT (name) DO UPDATE SET validity = excluded.validity, uid = excluded.uid, at = now()
		WHERE CASE WHEN b.validity = excluded.validity THEN b.uid ELSE 0 END = $3`, name, int64(validity), int64(from),
		int64(to))
}

// liftBounces lets newsletters go to the addresses of a mail again.
func liftBounces(ctx context.Context, tx pgx.Tx, mail int64) (bool, error) {
	rows, err := pg.ExecRows(ctx, tx, "lift the bounces of mail $1", `
		DELETE FROM bounced WHERE hash IN (SELECT unnest(to_hashes) FROM delivery WHERE id = $1)`, mail)
	return rows > 0, err
}
