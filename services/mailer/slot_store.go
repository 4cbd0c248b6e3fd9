package mailer

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// lockSlot takes the lock of a slot for as long as conn lives, if it is free.
func lockSlot(ctx context.Context, conn *pgx.Conn, slot int) (free bool, err error) {
	return pg.Get[bool](ctx, conn, "lock slot $2", `SELECT pg_try_advisory_lock($1, $2)`, slotClass, slot)
}

func unlockSlot(ctx context.Context, conn *pgx.Conn, slot int) error {
	return pg.Exec(ctx, conn, "unlock slot $2", `SELECT pg_advisory_unlock($1, $2)`, slotClass, slot)
}
