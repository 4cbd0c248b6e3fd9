package events

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// placedRow is an order as the funnel stores it; Key is the key of its message.
type placedRow struct {
	Key        string          `json:"key"`
	Identifier string          `json:"identifier"`
	Member     int64           `json:"member"`
	Code       string          `json:"code"` // the visitor's; "" for a member
	CodeHash   erasure.HexHash `json:"code_hash"`
	Currency   string          `json:"currency"`
	Total      int64           `json:"total"`
	Pieces     int             `json:"pieces"`
	At         time.Time       `json:"at"`
	Country    string          `json:"country"`
	Discount   int64           `json:"discount"`
	Tax        int64           `json:"tax"`
	Items      []itemRow       `json:"items"`
	Codes      []codeRow       `json:"codes"`
}

type itemRow struct {
	Seq         int                   `json:"seq"`
	Product     string                `json:"product"`
	Title       string                `json:"title"`
	Collections []msg.OrderCollection `json:"collections"`
	Pieces      int                   `json:"pieces"`
	Sales       int64                 `json:"sales"`
}

type codeRow struct {
	Code  string `json:"code"`
	Title string `json:"title"`
}

type statusRow struct {
	Key        string    `json:"key"`
	Identifier string    `json:"identifier"`
	Status     string    `json:"status"`
	At         time.Time `json:"at"`
}

func ordersEffect(placed []placedRow, changed []statusRow) *bus.Effect {
	return &bus.Effect{
		What: "store orders",
		Args: []any{placed, changed},
		SQL: `
		input AS (
		  SELECT n.* FROM jsonb_to_recordset($3::jsonb) AS n (
		    key text, identifier text, member bigint, code text, code_hash text, currency text, total bigint,
		    pieces int, at timestamptz, country text, discount bigint, tax bigint, items jsonb, codes jsonb)
		  JOIN fresh USING (key)
		), placed AS (
		  INSERT INTO order_placed (
		    identifier, member_id, visitor, pr_cd, currency, total, pieces, at, country, discount, tax)
		  SELECT identifier,
		    CASE WHEN EXISTS (SELECT FROM erased WHERE kind = 'member' AND id = n.member)
		      THEN NULL ELSE nullif(n.member, 0) END,
		    n.member = 0,
		    CASE WHEN NOT ` + erasure.ForgottenSince("n.code_hash", "n.at") + ` THEN nullif(n.code, '') END,
		    currency, total, pieces, at, nullif(country, ''), discount, tax
		  FROM input n ON CONFLICT (identifier) DO NOTHING RETURNING identifier, at
		), items AS (
		  INSERT INTO order_item (identifier, seq, product, title, collections, pieces, sales)
		  SELECT DISTINCT ON (identifier, i.seq) identifier, i.seq, i.product, i.title, i.collections, i.pieces, i.sales
		  FROM placed JOIN input n USING (identifier, at)
		  CROSS JOIN LATERAL jsonb_to_recordset(n.items)
		    AS i (seq int, product text, title text, collections jsonb, pieces bigint, sales bigint)
		), codes AS (
		  INSERT INTO order_code (identifier, code, title)
		  SELECT DISTINCT ON (identifier, c.code) identifier, c.code, c.title
		  FROM placed JOIN input n USING (identifier, at)
		  CROSS JOIN LATERAL jsonb_to_recordset(n.codes) AS c (code text, title text)
		), changed AS (
		  INSERT INTO order_status (identifier, status, at)
		  SELECT identifier, status, at
		  FROM jsonb_to_recordset($4::jsonb) AS n (key text, identifier text, status text, at timestamptz)
		  JOIN fresh USING (key)
		  ON CONFLICT DO NOTHING
		)`,
	}
}

// returnedRow is all that was given back of an order so far; Key is the key of its message.
type returnedRow struct {
	Key        string          `json:"key"`
	Identifier string          `json:"identifier"`
	Tax        int64           `json:"tax"` // contained in the order's total
	Version    int64           `json:"version"`
	Returns    []msg.GivenBack `json:"returns"`
	Days       []string        `json:"days"` // the days of Returns
}

// returnedEffect keeps the newest message about each order, in whatever order they come.
func returnedEffect(rows []returnedRow) *bus.Effect {
	return &bus.Effect{
		What: "store what was given back",
		Args: []any{rows},
		SQL: `
		input AS (
		  SELECT DISTINCT ON (identifier) n.*
		  FROM jsonb_to_recordset($3::jsonb) AS n (
		    key text, identifier text, tax bigint, version bigint, returns jsonb, days date[])
		  JOIN fresh USING (key)
		  ORDER BY identifier, version DESC
		), returned AS (
		  INSERT INTO order_returned AS r (identifier, version, returns, days)
		  SELECT identifier, version, returns, days
		  FROM input WHERE version > 0 OR returns <> '[]' ORDER BY identifier
		  ON CONFLICT (identifier) DO UPDATE
		  SET version = excluded.version, returns = excluded.returns, days = excluded.days
		  WHERE excluded.version > r.version
		), taxed AS (
		  UPDATE order_placed o SET tax = n.tax FROM input n
		  WHERE o.identifier = n.identifier AND coalesce(o.tax, 0) <> n.tax RETURNING o.at
		), marked AS (
		  INSERT INTO recount (day) SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM taxed
		)`,
	}
}

// sentRow is a mail that was sent; Key is the key of its message.
type sentRow struct {
	Key      string          `json:"key"`
	Mail     string          `json:"mail"`
	Template string          `json:"template"`
	Campaign int64           `json:"campaign"` // 0 for other mails
	Title    string          `json:"title"`    // the campaign's
	Member   int64           `json:"member"`
	Code     string          `json:"code"`
	CodeHash erasure.HexHash `json:"code_hash"`
	At       time.Time       `json:"at"`
}

// sentEffect stores mails. It adds the code of a new template, so that links with it are
// recognized, and the campaign that the template belongs to.
func sentEffect(rows []sentRow) *bus.Effect {
	return &bus.Effect{
		What: "store mails",
		Args: []any{rows},
		SQL: `
		input AS (
		  SELECT n.* FROM jsonb_to_recordset($3::jsonb) AS n (
		    key text, mail text, template text, campaign bigint, title text, member bigint, code text,
		    code_hash text, at timestamptz)
		  JOIN fresh USING (key)
		), known AS (
		  SELECT id, em_cd FROM email_code WHERE em_cd IN (SELECT template FROM input)
		), made AS (
		  INSERT INTO email_code (em_cd, title, campaign_id)
		  SELECT DISTINCT ON (template) template, title, nullif(campaign, 0) FROM input n
		  WHERE NOT EXISTS (SELECT FROM known WHERE em_cd = template) ORDER BY template, n.at DESC
		  ON CONFLICT (em_cd) DO UPDATE SET em_cd = excluded.em_cd RETURNING id, em_cd
		), named AS (
		  UPDATE email_code c SET title = n.title, campaign_id = n.campaign
		  FROM (SELECT DISTINCT ON (template) * FROM input WHERE campaign > 0 ORDER BY template, at DESC) n
		  WHERE c.em_cd = n.template AND (c.title <> n.title OR c.campaign_id IS DISTINCT FROM n.campaign)
		), sent AS (
		  INSERT INTO email_sent (key, member_id, prospect_id, pr_cd, email_id, at)
		  SELECT n.mail,
		    CASE WHEN EXISTS (SELECT FROM erased WHERE kind = 'member' AND id = n.member)
		      THEN NULL ELSE nullif(n.member, 0) END,
		    p.prospect_id, CASE WHEN p.prospect_id IS NULL THEN nullif(c.code, '') END, t.id, n.at
		  FROM input n JOIN (SELECT * FROM known UNION ALL SELECT * FROM made) t ON t.em_cd = n.template
		  CROSS JOIN LATERAL (
		    SELECT CASE WHEN NOT ` + erasure.ForgottenSince("n.code_hash", "n.at") + ` THEN n.code END AS code) c
		  LEFT JOIN prospect_code p ON p.pr_cd = c.code
		  ON CONFLICT (key) DO NOTHING
		)`,
	}
}
