package mailer

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// recipientRow is a person in a message of user; key is the message's.
type recipientRow struct {
	Key          string `json:"key"`
	Kind         string `json:"kind"`
	ID           int64  `json:"id"`
	Email        string `json:"email"`
	FirstName    string `json:"first_name"`
	LastName     string `json:"last_name"`
	Code         string `json:"code"`
	Token        string `json:"token"`
	Newsletter   bool   `json:"newsletter"`
	Unsubscribed bool   `json:"unsubscribed"`
	// for a prospect: has unsubscribed, rather than never asked; nil: user has not said
	Refused *bool `json:"refused"`
	Version int64 `json:"version"`
}

// recipientsEffect stores the newest version of each person in a group, unless the person was
// erased.
func recipientsEffect(rows []recipientRow) *bus.Effect {
	return &bus.Effect{What: "store people", Args: []any{rows}, SQL: `
		people AS (
		  INSERT INTO recipient (
		    kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version, refused)
		  SELECT DISTINCT ON (kind, id)
		    kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version, refused
		  FROM jsonb_to_recordset($3::jsonb) AS n (
		    key text, kind text, id bigint, email text, first_name text, last_name text, code text,
		    newsletter boolean, unsubscribed boolean, token text, version bigint, refused boolean)
		  JOIN fresh USING (key)
		  WHERE NOT EXISTS (SELECT FROM erased WHERE erased.kind = n.kind AND erased.id = n.id)
		  ORDER BY kind, id, version DESC
		  ON CONFLICT (kind, id) DO UPDATE SET email = excluded.email, first_name = excluded.first_name,
		    last_name = excluded.last_name, code = excluded.code, newsletter = excluded.newsletter,
		    unsubscribed = excluded.unsubscribed, token = excluded.token, version = excluded.version,
		    refused = excluded.refused
		  WHERE recipient.version < excluded.version
		  RETURNING kind, id, code, unsubscribed OR kind = 'member' AND NOT newsletter AS quit
		),` + countUnsubscribedSQL}
}

// refusesNewslettersSQL is a condition on o: it keeps newsletters from receivers of kind $1 with
// the same address, in any spelling. A prospect of whom user has told only "unsubscribed" decides
// only for other prospects.
const refusesNewslettersSQL = `(o.kind = 'member' AND o.unsubscribed
	OR o.kind = 'prospect' AND coalesce(o.refused, o.unsubscribed AND $1 = 'prospect'))`

// wantsNewslettersSQL is a condition on r: of kind $1, members who asked for newsletters, or
// prospects who have not unsubscribed.
const wantsNewslettersSQL = `r.kind = $1 AND NOT r.unsubscribed AND (r.newsletter OR r.kind = 'prospect')`

// listReceivers lists the people of a kind who want newsletters, each address once.
func listReceivers(ctx context.Context, d pg.DB, kind string) ([]recipient, error) {
	return queryReceivers(ctx, d, `
		SELECT * FROM (
		  SELECT DISTINCT ON (lower(email)) kind, id, email, first_name, code, token FROM recipient r
		  WHERE `+wantsNewslettersSQL+` AND lower(r.email) NOT IN (
		    SELECT lower(o.email) FROM recipient o WHERE `+refusesNewslettersSQL+`)
		  ORDER BY lower(email), id) AS once
		ORDER BY id`, kind)
}

// findReceiver finds one receiver, if that person still wants newsletters; address is where the
// mail goes, even if the person has another address by now.
func findReceiver(ctx context.Context, d pg.DB, kind string, id int64, address string) (r recipient, wanted bool,
	err error) {
	list, err := queryReceivers(ctx, d, `
		SELECT kind, id, email, first_name, code, token FROM recipient r
		WHERE r.id = $3 AND `+wantsNewslettersSQL+` AND NOT EXISTS (
		  SELECT FROM recipient o
		  WHERE lower(o.email) = ANY (ARRAY[lower(r.email), lower($2)]) AND `+refusesNewslettersSQL+`)`,
		kind, address, id)
	if err != nil || len(list) == 0 {
		return recipient{}, false, err
	}
	return list[0], true, nil
}

// findNewsReader finds the member with an id, otherwise the prospect with an address, if that
// person wants news; asked says that a visitor asked for news at a checkout, which makes them no
// receiver of newsletters before it is paid.
func findNewsReader(ctx context.Context, d pg.DB, member int64, address string,
	asked bool) (r recipient, wanted bool, err error) {
	list, err := queryReceivers(ctx, d, `
		SELECT kind, id, email, first_name, code, token FROM recipient r
		WHERE CASE WHEN $1::bigint <> 0 THEN r.kind = 'member' AND r.id = $1
		    ELSE r.kind = 'prospect' AND lower(r.email) = lower($2) END
		  AND CASE WHEN r.kind = 'member' THEN r.newsletter AND NOT r.unsubscribed
		    ELSE NOT r.unsubscribed OR $3 AND r.refused IS FALSE END
		  AND NOT EXISTS (SELECT FROM recipient o
		    WHERE lower(o.email) = ANY (ARRAY[lower(r.email), lower($2)])
		      AND (o.kind = 'member' AND o.unsubscribed
		        OR o.kind = 'prospect' AND coalesce(o.refused, o.unsubscribed AND r.kind = 'prospect')))
		ORDER BY id LIMIT 1`, member, address, asked)
	if err != nil || len(list) == 0 {
		return recipient{}, false, err
	}
	return list[0], true, nil
}

// readerByAddress finds a person of some kinds by address, a member before a prospect.
func readerByAddress(ctx context.Context, d pg.DB, kinds []string, address string) (recipient, bool, error) {
	list, err := queryReceivers(ctx, d, `
		SELECT kind, id, email, first_name, code, token FROM recipient
		WHERE lower(email) = lower($2) AND kind = ANY($1) ORDER BY kind, id LIMIT 1`, kinds, address)
	if err != nil || len(list) == 0 {
		return recipient{}, false, err
	}
	return list[0], true, nil
}

func queryReceivers(ctx context.Context, d pg.DB, sql string, args ...any) ([]recipient, error) {
	rows, err := d.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look for the receivers of newsletters: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r recipient, err error) {
		err = row.Scan(&r.kind, &r.id, &r.email, &r.firstName, &r.code, &r.token)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for the receivers of newsletters: %w", err)
	}
	return list, nil
}
