package events

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// configuration is the settings that pages follow.
type configuration struct {
	LogClientEvents bool  `json:"log_client_events"`
	Version         int64 `json:"-"`
}

func readConfiguration(ctx context.Context, pool *pgxpool.Pool) (c configuration, err error) {
	return pg.Get[configuration](ctx, pool, "read the configuration", `
		SELECT log_client_events, version FROM configuration WHERE id = 1`)
}

// summaryReport covers today and the days before it, in UTC. Days without anything are left out.
type summaryReport struct {
	Days      int          `json:"days"`
	PageViews []dayCount   `json:"page_views"`
	Orders    []dayOrders  `json:"orders"`
	TopURLs   []namedCount `json:"top_urls"`
	Errors    []namedCount `json:"failed_calls"`
	Mails     []namedCount `json:"visits_from_mails"`
	Ads       []namedCount `json:"visits_from_ads"`
}

type dayCount struct {
	Day   string `json:"day"`
	Count int64  `json:"count"`
}

type dayOrders struct {
	Day    string      `json:"day"`
	Count  int64       `json:"count"`
	Pieces int64       `json:"pieces"`
	Total  money.Cents `json:"total"`
}

type namedCount struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// sinceSQL selects the rows of a report of $1 days, and sinceDaySQL those of tables that are
// counted by day.
const (
	sinceSQL    = `WHERE at >= date_trunc('day', now()) - ($1 - 1) * interval '1 day'`
	sinceDaySQL = `WHERE day > current_date - $1::int`
)

func readSummary(ctx context.Context, pool *pgxpool.Pool, days int) (s summaryReport, err error) {
	s.Days = days
	s.PageViews, err = pg.List[dayCount](ctx, pool, "read a report", `
		SELECT to_char(day, 'YYYY-MM-DD') AS day, views AS count FROM day_total `+sinceDaySQL+` AND views > 0
		ORDER BY 1`, days)
	if err != nil {
		return s, err
	}

	s.Orders, err = pg.List[dayOrders](ctx, pool, "read a report", `
		SELECT to_char(day, 'YYYY-MM-DD') AS day, orders AS count, pieces, sales AS total
		FROM day_total `+sinceDaySQL+` AND orders > 0
		ORDER BY day`, days)
	if err != nil {
		return s, err
	}

	for _, q := range []struct {
		into *[]namedCount
		sql  string
	}{
		{&s.TopURLs, `SELECT name, sum(views)::bigint AS count FROM day_part ` + sinceDaySQL + ` AND kind = 'page'`},
		{&s.Errors, `SELECT error_id AS name, count(*) FROM call_error ` + sinceSQL},
		{&s.Mails, `SELECT em_cd AS name, count(*) FROM arrival JOIN email_code c ON c.id = email_id ` + sinceSQL},
		{&s.Ads, `SELECT coalesce(ad_cd, '') AS name, count(*) FROM arrival JOIN ad ON ad.id = ad_id ` + sinceSQL},
	} {
		q.sql += ` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20`
		if *q.into, err = pg.List[namedCount](ctx, pool, "read a report", q.sql, days); err != nil {
			return s, err
		}
	}

	return s, nil
}
