package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// savepoint is sent along with the first statement of placeTogether, and is released by the commit:
// valid payments cost no further round trip for it.
const savepoint = "SAVEPOINT place"

// undoPlacing returns to the savepoint; undo discards what was enqueued since.
func undoPlacing(ctx context.Context, tx pgx.Tx, undo func()) error {
	undo()
	return pg.Exec(ctx, tx, "undo the placing of payments", "ROLLBACK TO "+savepoint)
}
