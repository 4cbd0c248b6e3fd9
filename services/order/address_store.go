package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// prospectCode is the pr_cd of an address. It is known once user has confirmed it.
type prospectCode struct {
	Email string
	Code  string
	Known bool
}

// prospectCodes gives every address its pr_cd: the one that user sent us, otherwise one that we
// propose. The result is keyed by email.Key.
func prospectCodes(ctx context.Context, tx pgx.Tx, addresses []string) (map[string]prospectCode, error) {
	emails, proposals := make([]string, len(addresses)), make([]string, len(addresses))
	for i, a := range addresses {
		emails[i], proposals[i] = email.Key(a), random.Code(prospectCodeLength)
	}
	rows, err := pg.List[prospectCode](ctx, tx, "find prospect codes", `
		INSERT INTO prospect (email, code)
		SELECT DISTINCT ON (email) email, code FROM unnest($1::text[], $2::text[]) AS n (email, code) ORDER BY email
		ON CONFLICT (email) DO UPDATE SET email = excluded.email RETURNING email, code, version > 0 AS known`,
		emails, proposals)
	if err != nil {
		return nil, err
	}
	codes := make(map[string]prospectCode, len(rows))
	for _, r := range rows {
		codes[r.Email] = r
	}
	return codes, nil
}

const prospectCodeLength = 20

// knownAddress is the pr_cd of an address, or "", and the setting of a key.
func knownAddress(ctx context.Context, db pg.DB, key, address string) (list *string, code string, err error) {
	row, err := pg.Get[struct {
		List *string
		Code string
	}](ctx, db, "look for the code of a prospect", `
		SELECT (SELECT value FROM configuration WHERE key = $1) AS list,
		  coalesce((SELECT code FROM prospect WHERE email = $2), '') AS code`, key, email.Key(address))
	return row.List, row.Code, err
}

// keepAddress stores a receipt address on a visitor's cart, if there is one, and notes that user
// must make a prospect of it, unless another code was proposed for the address in the meantime.
func keepAddress(ctx context.Context, outbox *bus.Outbox, cart, address string, given msg.ReceiptAddressGiven,
	known bool) (kept bool, err error) {
	return outbox.Change(ctx, "keep a receipt address", `
		noted AS (UPDATE cart SET receipt_email = $2 WHERE anonymous_id = nullif($1, '')),
		made AS (INSERT INTO prospect (email, code) SELECT $3, $4 WHERE NOT $5 ON CONFLICT (email) DO NOTHING
		  RETURNING code),
		done AS (SELECT WHERE $5 UNION ALL SELECT FROM made)`,
		[]any{cart, address, email.Key(address), given.ProspectCode, known},
		msg.Message{Key: receiptAddressKey(given.ProspectCode), Subject: msg.ReceiptAddressGivenSubject,
			Payload: given})
}

// setReceiptAddress stores where a visitor wants the receipt; nil clears it.
func setReceiptAddress(ctx context.Context, db pg.DB, anonymousID string, address *string) error {
	return pg.Exec(ctx, db, "update the receipt address of a cart", `
		UPDATE cart SET receipt_email = $2 WHERE anonymous_id = $1`, anonymousID, address)
}
