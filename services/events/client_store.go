package events

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// insertEvents stores events in one statement, each once. Unknown users and codes become NULL. The
// commit does not wait for the disk: a crash of the database may cost the last fraction of a
// second, which is acceptable for page views.
func insertEvents(ctx context.Context, tx pgx.Tx, list []msg.ClientEvent) error {
	if err := pg.Exec(ctx, tx, "speed the commit up", `SET LOCAL synchronous_commit = off`); err != nil {
		return err
	}

	n := len(list)
	users, widths, times := make([]int64, n), make([]int32, n), make([]time.Time, n)
	texts := make([][]string, 14)
	for i := range texts {
		texts[i] = make([]string, n)
	}
	for i, e := range list {
		users[i], widths[i], times[i] = e.UserID, int32(e.PageWidth), e.At //nolint:gosec // readEvent bounds it
		for c, text := range []string{e.ID, e.Kind, e.AnonymousID, e.URL, e.RemoteAddr, e.UserAgent, e.What,
			e.MemberCode, e.ProspectCode, e.EmailCode, e.AdCode, e.Order, e.Referrer, searched(e)} {
			texts[c][i] = text
		}
	}

	return pg.Exec(ctx, tx, "store client events", `
		WITH reported AS (
		  SELECT DISTINCT ON (event_id) event_id, kind, m.id AS user_id, nullif(anonymous_id, '') AS anonymous_id,
		    url, nullif(width, 0) AS page_width, nullif(referrer, '') AS referrer, nullif(search, '') AS search,
		    nullif(addr, '') AS remote_addr, nullif(agent, '') AS user_agent, what, n.mb_cd, pr_cd, em_cd, ad_cd,
		    nullif(mark, '') AS order_mark, at
		  FROM unnest(
		    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
		    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], $16::int[],
		    $17::timestamptz[]
		  ) AS n (
		    event_id, kind, anonymous_id, url, addr, agent, what, mb_cd, pr_cd,
		    em_cd, ad_cd, mark, referrer, search, member, width, at)
		  LEFT JOIN member m ON m.id = n.member
		  ORDER BY event_id
		), page_views AS (
		  INSERT INTO page_view (
		    event_id, user_id, anonymous_id, url, referrer, page_width, remote_addr, user_agent, order_mark, at)
		  SELECT event_id, user_id, anonymous_id, url, referrer, page_width, remote_addr, user_agent, order_mark, at
		  FROM reported WHERE kind = 'pageview'
		  ON CONFLICT (event_id, at) DO NOTHING
		), call_errors AS (
		  INSERT INTO call_error (event_id, user_id, anonymous_id, url, error_id, at)
		  SELECT event_id, user_id, anonymous_id, url, what, at FROM reported WHERE kind = 'ajaxerror'
		  ON CONFLICT (event_id, at) DO NOTHING
		), clicks AS (
		  INSERT INTO click (event_id, user_id, anonymous_id, url, button_id, search, at)
		  SELECT event_id, user_id, anonymous_id, url, what, search, at FROM reported WHERE kind = 'buttonclick'
		  ON CONFLICT (event_id, at) DO NOTHING
		)
		INSERT INTO arrival (event_id, user_id, prospect_id, anonymous_id, email_id, ad_id, url, at)
		SELECT event_id,
		  (SELECT id FROM member WHERE mb_cd = reported.mb_cd),
		  (SELECT prospect_id FROM prospect_code c WHERE c.pr_cd = reported.pr_cd), anonymous_id,
		  (SELECT id FROM email_code c WHERE c.em_cd = reported.em_cd),
		  (SELECT id FROM ad WHERE ad.ad_cd = reported.ad_cd), url, at
		FROM reported WHERE kind = 'linkevent'
		ON CONFLICT (event_id, at) DO NOTHING`,
		texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], texts[8], texts[9], texts[10],
		texts[11], texts[12], texts[13], users, widths, times)
}
