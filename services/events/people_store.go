package events

import "github.com/startupwebapp/startupwebapp/pkg/bus"

// memberRow is a member's code; Key is the key of its message.
type memberRow struct {
	Key     string `json:"key"`
	ID      int64  `json:"id"`
	Code    string `json:"code"`
	Version int64  `json:"version"`
}

// prospectRow is a prospect's codes; Key is the key of their message.
type prospectRow struct {
	Key     string   `json:"key"`
	ID      int64    `json:"id"`
	Version int64    `json:"version"`
	Codes   []string `json:"codes"`
}

// peopleEffect stores members, and prospects with every code they go by, each in the newest version
// of a group. Codes are only added, since links with old ones are out. Mails that were recorded
// under a code before its prospect was known get their prospect now. People who were erased stay
// out.
func peopleEffect(members []memberRow, prospects []prospectRow) *bus.Effect {
	return &bus.Effect{
		What: "store people",
		Args: []any{members, prospects},
		SQL: `
		members AS (
		  INSERT INTO member (id, mb_cd, version)
		  SELECT DISTINCT ON (id) id, nullif(code, ''), version
		  FROM jsonb_to_recordset($3::jsonb) AS n (key text, id bigint, code text, version bigint)
		  JOIN fresh USING (key)
		  WHERE NOT EXISTS (SELECT FROM erased WHERE kind = 'member' AND erased.id = n.id)
		  ORDER BY id, version DESC
		  ON CONFLICT (id) DO UPDATE SET mb_cd = excluded.mb_cd, version = excluded.version
		  WHERE member.version < excluded.version
		), input AS (
		  SELECT DISTINCT ON (id) id, version, codes
		  FROM jsonb_to_recordset($4::jsonb) AS n (key text, id bigint, version bigint, codes jsonb)
		  JOIN fresh USING (key)
		  WHERE NOT EXISTS (SELECT FROM erased WHERE kind = 'prospect' AND erased.id = n.id)
		  ORDER BY id, version DESC
		), newer AS (
		  INSERT INTO prospect (id, version) SELECT id, version FROM input ORDER BY id
		  ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE prospect.version < excluded.version
		  RETURNING id
		), codes AS (
		  SELECT DISTINCT ON (code) code, n.id
		  FROM input n JOIN newer USING (id) CROSS JOIN LATERAL jsonb_array_elements_text(n.codes) AS code
		  ORDER BY code, n.id DESC
		), known AS (
		  INSERT INTO prospect_code (pr_cd, prospect_id) SELECT code, id FROM codes
		  ON CONFLICT (pr_cd) DO UPDATE SET prospect_id = excluded.prospect_id
		), found AS (
		  UPDATE email_sent SET prospect_id = codes.id, pr_cd = NULL FROM codes WHERE email_sent.pr_cd = codes.code
		)`,
	}
}
