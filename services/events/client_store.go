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
	if err := pg.Exec(ctx, tx, "turn off synchronous commit", `SET LOCAL synchronous_commit = off`); err != nil {
		return err
	}

	var c clientColumns
	for _, e := range list {
		c.add(e)
	}

	return pg.Exec(ctx, tx, "insert client events", `
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
		c.ids, c.kinds, c.browsers, c.urls, c.addresses, c.agents, c.whats, c.memberCodes, c.prospectCodes,
		c.emailCodes, c.adCodes, c.marks, c.referrers, c.searches, c.members, c.widths, c.times)
}

// clientColumns are events by column, as unnest takes them.
type clientColumns struct {
	ids, kinds, browsers, urls, addresses, agents, whats []string

	memberCodes, prospectCodes, emailCodes, adCodes []string

	marks, referrers, searches []string

	members []int64
	widths  []int32
	times   []time.Time
}

func (c *clientColumns) add(e msg.ClientEvent) {
	c.ids = append(c.ids, e.ID)
	c.kinds = append(c.kinds, e.Kind)
	c.browsers = append(c.browsers, e.AnonymousID)
	c.urls = append(c.urls, e.URL)
	c.addresses = append(c.addresses, e.RemoteAddr)
	c.agents = append(c.agents, e.UserAgent)
	c.whats = append(c.whats, e.What)

	c.memberCodes = append(c.memberCodes, e.MemberCode)
	c.prospectCodes = append(c.prospectCodes, e.ProspectCode)
	c.emailCodes = append(c.emailCodes, e.EmailCode)
	c.adCodes = append(c.adCodes, e.AdCode)

	c.marks = append(c.marks, e.Order)
	c.referrers = append(c.referrers, e.Referrer)
	c.searches = append(c.searches, searched(e))

	c.members = append(c.members, e.UserID)
	c.widths = append(c.widths, int32(e.PageWidth)) //nolint:gosec // readEvent bounds it
	c.times = append(c.times, e.At)
}
