package user

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const threadColumnsSQL = `id, name, email, state, last_at, version,
	coalesce((SELECT left(message, 120) FROM chat_message m
	  WHERE m.thread_id = chat_thread.id ORDER BY m.id DESC LIMIT 1), '') AS last`

// listThreads lists the threads in a state whose address begins with the searched text, last
// changed first. If more is set, the list goes on after a place.
func listThreads(ctx context.Context, db pg.DB, state, search string, after threadPlace, more bool,
	rows int) ([]thread, error) {
	return pg.List[thread](ctx, db, "list chats", `
		SELECT `+threadColumnsSQL+` FROM chat_thread
		WHERE state = $1 AND ($2 = '' OR lower(email) LIKE $3) AND (NOT $4 OR (last_at, id) < ($5, $6))
		ORDER BY last_at DESC, id DESC LIMIT $7`, state, search, begins(search), more, after.At, after.ID, rows)
}

func findThread(ctx context.Context, db pg.DB, id int64) (thread, bool, error) {
	return pg.One[thread](ctx, db, "find chat $1", `SELECT `+threadColumnsSQL+` FROM chat_thread WHERE id = $1`, id)
}

// threadOfAddress finds the thread of an address, in whatever case.
func threadOfAddress(ctx context.Context, db pg.DB, email string) (int64, bool, error) {
	return pg.One[int64](ctx, db, "find a chat", `SELECT id FROM chat_thread WHERE lower(email) = lower($1)`, email)
}

// countOpenThreads counts the threads that wait for an answer, up to a limit.
func countOpenThreads(ctx context.Context, db pg.DB, limit int) (int64, error) {
	return pg.Get[int64](ctx, db, "count open chats", `
		SELECT count(*) FROM (SELECT FROM chat_thread WHERE state = 'open' LIMIT $1) t`, limit)
}

// maxEntries is how many entries of a thread its page shows.
const maxEntries = 200

// entriesOf lists the newest messages and answers of a thread, oldest first.
func entriesOf(ctx context.Context, db pg.DB, id int64) ([]threadEntry, error) {
	return pg.List[threadEntry](ctx, db, "read chat $1", `
		SELECT at, text, by FROM (
		  (SELECT created AS at, message AS text, '' AS by FROM chat_message
		    WHERE thread_id = $1 ORDER BY created DESC LIMIT $2)
		  UNION ALL
		  (SELECT at, text, written_by FROM chat_answer WHERE thread_id = $1 ORDER BY at DESC LIMIT $2)
		  ORDER BY at DESC LIMIT $2) e ORDER BY at`, id, maxEntries)
}

// customersOf lists the members and prospects who have an address.
func customersOf(ctx context.Context, db pg.DB, email string) ([]customer, error) {
	return pg.List[customer](ctx, db, "list who has an address", `
		SELECT 'member' AS kind, id, first_name || ' ' || last_name AS name, email, username, email_verified AS proved,
		  `+memberNewsSQL+` AS newsletter, 'registration' AS source,
		  tags, orders::bigint AS orders, spent, joined AS since
		FROM account WHERE lower(email) = lower($1) AND `+stillOpenSQL+`
		UNION ALL
		SELECT 'prospect', id, `+prospectNameSQL+`, email, '', false,
		  `+prospectNewsSQL+`, source, tags, orders::bigint, spent, created
		FROM prospect WHERE lower(email) = lower($1) ORDER BY 1, 2 LIMIT 20`, email)
}

// setThreadState sets the state of a thread that still has this version.
func setThreadState(ctx context.Context, tx pgx.Tx, id, version int64, state string) (bool, error) {
	return pg.ExecOne(ctx, tx, "set the state of chat $1", `
		UPDATE chat_thread SET state = $3, version = version + 1, last_at = now() WHERE id = $1 AND version = $2`,
		id, version, state)
}

func insertAnswer(ctx context.Context, tx pgx.Tx, thread int64, by, text string) (int64, error) {
	return pg.Get[int64](ctx, tx, "insert an answer to chat $1", `
		INSERT INTO chat_answer (thread_id, written_by, text) VALUES ($1, $2, $3) RETURNING id`, thread, by, text)
}

func listCannedAnswers(ctx context.Context, db pg.DB) ([]cannedAnswer, error) {
	return pg.List[cannedAnswer](ctx, db, "list canned answers", `
		SELECT id, title, text, version FROM canned_answer ORDER BY title LIMIT 200`)
}

func findCannedAnswer(ctx context.Context, db pg.DB, id int64) (cannedAnswer, bool, error) {
	return pg.One[cannedAnswer](ctx, db, "find canned answer $1", `
		SELECT id, title, text, version FROM canned_answer WHERE id = $1`, id)
}

func insertCannedAnswer(ctx context.Context, tx pgx.Tx, c cannedAnswer) (int64, error) {
	return pg.Get[int64](ctx, tx, "insert a canned answer", `
		INSERT INTO canned_answer (title, text) VALUES ($1, $2) RETURNING id`, c.Title, c.Text)
}

// updateCannedAnswer changes a canned answer that still has this version.
func updateCannedAnswer(ctx context.Context, tx pgx.Tx, c cannedAnswer) (bool, error) {
	return pg.ExecOne(ctx, tx, "update canned answer $1", `
		UPDATE canned_answer SET title = $3, text = $4, version = version + 1 WHERE id = $1 AND version = $2`,
		c.ID, c.Version, c.Title, c.Text)
}

func deleteCannedAnswer(ctx context.Context, tx pgx.Tx, id int64) error {
	return pg.Exec(ctx, tx, "delete canned answer $1", `DELETE FROM canned_answer WHERE id = $1`, id)
}

// answersBefore lists earlier answers of a thread: the first, which stays the root of the thread in
// mail programs, and the last ten before the given one.
func answersBefore(ctx context.Context, db pg.DB, thread, id int64) ([]int64, error) {
	return pg.List[int64](ctx, db, "list the answers before $2", `
		SELECT min(id) AS id FROM chat_answer WHERE thread_id = $1 AND id < $2 HAVING count(*) > 0
		UNION
		(SELECT id FROM chat_answer WHERE thread_id = $1 AND id < $2 ORDER BY id DESC LIMIT 10)
		ORDER BY 1`, thread, id)
}
