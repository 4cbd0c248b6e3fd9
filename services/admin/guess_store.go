package admin

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// countGuess notes an attempt and says how many there were since the first one within a time, this one
// included. Attempts at once wait for one another at the row.
func countGuess(ctx context.Context, db pg.DB, subject []byte, within time.Duration) (int, error) {
	return pg.Get[int](ctx, db, "count an attempt", `
		INSERT INTO guess AS g (subject, n) VALUES ($1, 1)
		ON CONFLICT (subject) DO UPDATE
		SET n = CASE WHEN g.since > now() - $2::interval THEN g.n + 1 ELSE 1 END,
		  since = CASE WHEN g.since > now() - $2::interval THEN g.since ELSE now() END
		RETURNING n`, subject, within)
}

// forgiveGuesses drops the attempts of a subject that has succeeded.
func forgiveGuesses(ctx context.Context, db pg.DB, subjects [][]byte) error {
	return pg.Exec(ctx, db, "forget attempts", `DELETE FROM guess WHERE subject = ANY($1)`, subjects)
}
