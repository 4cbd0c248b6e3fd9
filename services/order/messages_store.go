package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// adoptOrders gives a visitor's orders to the member who has proved to own their address.
func adoptOrders(ctx context.Context, tx pgx.Tx, m msg.Member) error {
	return pg.Exec(ctx, tx, "give visitor orders to member $1", `
		UPDATE orders SET member_id = $1 WHERE member_id IS NULL AND lower(email) = $2`, m.ID, email.Key(m.Email))
}

// learnProspect keeps the code of a prospect; an older message never undoes a newer one.
func learnProspect(ctx context.Context, tx pgx.Tx, p msg.Prospect) error {
	// The record may have been erased while the message was under way; its id never comes back.
	forgotten, err := erasure.Forgotten(ctx, tx, erasure.ProspectKey(p.ID))
	if err != nil || len(forgotten) > 0 {
		return err
	}
	return pg.Exec(ctx, tx, "note the code of a prospect", `
		INSERT INTO prospect (email, code, version) VALUES ($1, $2, $3)
		ON CONFLICT (email) DO UPDATE SET code = EXCLUDED.code, version = EXCLUDED.version
		WHERE prospect.version < EXCLUDED.version`,
		email.Key(p.Email), p.Code, p.Version)
}
