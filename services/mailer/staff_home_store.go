package mailer

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// everSent reports whether the mail server has ever taken a mail. Nearly all rows are sent, so the
// first few tell.
func everSent(ctx context.Context, db pg.DB) (bool, error) {
	return pg.Get[bool](ctx, db, "find a mail that was sent", `
		SELECT EXISTS (SELECT FROM delivery WHERE state = 'sent' LIMIT 1)`)
}
