package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// prospectCodes gives every address its pr_cd: the one that user told us, else one that we propose.
// The result is keyed by email.Key.
func prospectCodes(ctx context.Context, tx pgx.Tx, addresses []string) (map[string]string, error) {
	emails, proposals := make([]string, len(addresses)), make([]string, len(addresses))
	for i, a := range addresses {
		emails[i], proposals[i] = email.Key(a), random.Code(20)
	}
	type row struct{ Email, Code string }
	rows, err := pg.List[row](ctx, tx, "read prospect codes", `
		INSERT INTO prospect (email, code)
		SELECT DISTINCT ON (email) email, code FROM unnest($1::text[], $2::text[]) AS n (email, code) ORDER BY email
		ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email RETURNING email, code`, emails, proposals)
	if err != nil {
		return nil, err
	}
	codes := make(map[string]string, len(rows))
	for _, r := range rows {
		codes[r.Email] = r.Code
	}
	return codes, nil
}

// setReceiptAddress notes where a visitor wants the receipt; nil takes it back.
func setReceiptAddress(ctx context.Context, db pg.DB, anonymousID string, address *string) error {
	return pg.Exec(ctx, db, "set a receipt address", `
		UPDATE cart SET receipt_email = $2 WHERE anonymous_id = $1`, anonymousID, address)
}
