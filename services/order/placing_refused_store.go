package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// savepoint travels with the first statement of placeTogether, and is released by the commit: payments
// that nothing is wrong with pay no further round trip for it.
const savepoint = "SAVEPOINT place"

// undoPlacing goes back to the savepoint; undo drops what was enqueued since.
func undoPlacing(ctx context.Context, tx pgx.Tx, undo func()) error {
	undo()
	return pg.Exec(ctx, tx, "undo the placing of payments", "ROLLBACK TO "+savepoint)
}
