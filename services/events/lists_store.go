package events

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// eventRow is a row of what browsers reported; what its table does not have is empty.
type eventRow struct {
	ID       int64     `json:"id"`
	At       time.Time `json:"at"`
	URL      string    `json:"url"`
	Member   int64     `json:"member,omitempty"`
	Prospect int64     `json:"prospect,omitempty"`
	Browser  string    `json:"anonymous_id,omitempty"`
	What     string    `json:"what,omitempty"` // the error's or button's id
	Mail     string    `json:"em_cd,omitempty"`
	Ad       string    `json:"ad_cd,omitempty"`
	AdID     int64     `json:"-"`
	Referrer string    `json:"referrer,omitempty"`
	Width    int       `json:"page_width,omitempty"`
	Address  string    `json:"remote_addr,omitempty"`
	Agent    string    `json:"user_agent,omitempty"`
}

// eventTable is how a list reads its table; every list has the columns id, at, url, user_id and
// anonymous_id.
type eventTable struct {
	from    string            // the FROM clause, in which the table is v
	more    map[string]string // columns of eventRow by name
	filters map[string]string // condition by the name of the filter; %s is the value
}

var (
	pageViewsTable = eventTable{
		from: `page_view v`,
		more: map[string]string{
			"referrer": "v.referrer", "width": "v.page_width", "address": "v.remote_addr", "agent": "v.user_agent",
		},
		filters: map[string]string{"remote_addr": "v.remote_addr = %s"},
	}
	callErrorsTable = eventTable{
		from:    `call_error v`,
		more:    map[string]string{"what": "v.error_id"},
		filters: map[string]string{"error_id": "v.error_id = %s"},
	}
	clicksTable = eventTable{
		from:    `click v`,
		more:    map[string]string{"what": "v.button_id"},
		filters: map[string]string{"button_id": "v.button_id = %s"},
	}
	arrivalsTable = eventTable{
		from: `arrival v LEFT JOIN ad ON ad.id = v.ad_id LEFT JOIN email_code c ON c.id = v.email_id`,
		more: map[string]string{"prospect": "v.prospect_id", "mail": "c.em_cd", "ad": "ad.ad_cd", "ad_id": "v.ad_id"},
		filters: map[string]string{
			"prospect": "v.prospect_id::text = %s",
			"em_cd":    "v.email_id = (SELECT id FROM email_code WHERE em_cd = %s)",
			"ad_cd":    "v.ad_id = (SELECT id FROM ad WHERE ad_cd = %s)",
		},
	}
)

// sharedFilters are the filters of every list.
var sharedFilters = map[string]string{
	"member": "v.user_id = %s::bigint", "anonymous_id": "v.anonymous_id = %s",
	"url": "position(lower(%s) IN lower(v.url)) > 0",
}

// eventColumns are the columns of eventRow that not every table has, each with the value it has
// without one.
var eventColumns = []struct{ name, none string }{
	{"prospect", "0"}, {"what", "''"}, {"mail", "''"}, {"ad", "''"}, {"ad_id", "0"}, {"referrer", "''"}, {"width", "0"},
	{"address", "''"}, {"agent", "''"},
}

// eventsWanted selects the rows of a list, newest first.
type eventsWanted struct {
	From, Until time.Time
	Chosen      map[string]string // values of the filters, by name
	After       *eventPlace
	Rows        int
}

// eventPlace is a row's place in a list.
type eventPlace struct {
	At time.Time `json:"a"`
	ID int64     `json:"i"`
}

func listEvents(ctx context.Context, db pg.DB, t eventTable, w eventsWanted) ([]eventRow, error) {
	args := []any{pgx.QueryExecModeCacheDescribe} // the plan depends on the chosen filters
	arg := func(v any) string { args = append(args, v); return fmt.Sprintf("$%d", len(args)-1) }
	var columns, where strings.Builder
	for _, c := range eventColumns {
		value := t.more[c.name]
		if value == "" {
			value = c.none
		}
		fmt.Fprintf(&columns, ", coalesce(%s, %s) AS %s", value, c.none, c.name)
	}

	fmt.Fprintf(&where, "v.at >= %s AND v.at < %s", arg(w.From), arg(w.Until))
	for _, filters := range []map[string]string{sharedFilters, t.filters} {
		for name, condition := range filters {
			if value := w.Chosen[name]; value != "" {
				where.WriteString(" AND " + fmt.Sprintf(condition, arg(value)))
			}
		}
	}
	if w.After != nil {
		fmt.Fprintf(&where, " AND (v.at, v.id) < (%s, %s)", arg(w.After.At), arg(w.After.ID))
	}

	return pg.List[eventRow](ctx, db, "list what browsers reported", `
		SELECT v.id, v.at, v.url, coalesce(v.user_id, 0) AS member, coalesce(v.anonymous_id, '') AS browser`+
		columns.String()+` FROM `+t.from+` WHERE `+where.String()+`
		ORDER BY v.at DESC, v.id DESC LIMIT `+arg(w.Rows), args...)
}
