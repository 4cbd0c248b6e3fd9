package admin

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// countGuess counts an attempt and returns how many there were since the first one in the window,
// including this one. Concurrent attempts wait for each other at the row.
func countGuess(ctx context.Context, db pg.DB, subject []byte, window time.Duration) (int, error) {
	return pg.Get[int](ctx, db, "count an attempt", `
		INSERT INTO guess AS g (subject, n) VALUES ($1, 1)
		ON CONFLICT (subject) DO UPDATE
		SET n = CASE WHEN g.since > now() - $2::interval THEN g.n + 1 ELSE 1 END,
		  since = CASE WHEN g.since > now() - $2::interval THEN g.since ELSE now() END
		RETURNING n`, subject, window)
}

// deleteGuesses deletes the attempts of subjects that have succeeded.
func deleteGuesses(ctx context.Context, db pg.DB, subjects [][]byte) error {
	return pg.Exec(ctx, db, "delete guesses", `DELETE FROM guess WHERE subject = ANY($1)`, subjects)
}
