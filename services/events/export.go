package events

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Export is everything that this service has of a person, as a JSON object with a list for each
// table: what they did as a member, what followed from links in mails to them, what their browsers did
// before they logged in, their orders and mails in the funnel.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	identifiers, err := ordersOf(ctx, pool, p.MemberIDs, p.Codes)
	if err != nil {
		return nil, err
	}
	needles := msg.Erased{Emails: p.Emails, Codes: p.Codes}.Needles()
	for _, identifier := range identifiers {
		needles = append(needles, strings.ToLower(identifier))
	}
	const list = `(SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM `
	const visits = ` t WHERE user_id = ANY($1) OR anonymous_id IN (SELECT anonymous_id FROM b)
		OR url ~ '[?#]' AND EXISTS (SELECT FROM unnest($3::text[]) AS n (needle) WHERE position(needle IN lower(url)) > 0)`
	return pg.Get[json.RawMessage](ctx, pool, "export what a person did", `
		WITH b AS (
			SELECT anonymous_id FROM pageview WHERE user_id = ANY($1) UNION SELECT anonymous_id FROM ajax_error WHERE user_id = ANY($1)
			UNION SELECT anonymous_id FROM button_click WHERE user_id = ANY($1) UNION SELECT anonymous_id FROM link_event WHERE user_id = ANY($1) OR prospect_id = ANY($2)
		)
		SELECT jsonb_build_object(
			'member', `+list+`member t WHERE id = ANY($1)),
			'prospects', `+list+`prospect t WHERE id = ANY($2)), 'prospect_codes', `+list+`prospect_code t WHERE prospect_id = ANY($2)),
			'page_views', `+list+`pageview`+visits+` OR order_mark = ANY($5)), 'ajax_errors', `+list+`ajax_error`+visits+`), 'button_clicks', `+list+`button_click`+visits+`),
			'link_events', `+list+`link_event t WHERE user_id = ANY($1) OR prospect_id = ANY($2) OR anonymous_id IN (SELECT anonymous_id FROM b)),
			'orders_placed', `+list+`order_placed t WHERE identifier = ANY($6)),
			'mails_sent', `+list+`email_sent t WHERE member_id = ANY($1) OR prospect_id = ANY($2) OR pr_cd = ANY($4)))`,
		p.MemberIDs, p.ProspectIDs, needles, p.Codes, orderMarks(identifiers), identifiers)
}
