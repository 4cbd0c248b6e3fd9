package events

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// recountTimeout bounds counting one day.
	recountTimeout = 2 * time.Minute
	// recountLock is held by the one process that counts.
	recountLock = 20261129
	// maxNames is how many names of a kind a day keeps, since visitors choose what stands in an
	// address.
	maxNames = 1000
)

// findSources notes how the buyers of new orders came to the shop. The first browser that looks at
// an order is the buyer's, and the last link that led it here in the 30 days before the order
// counts. An order that no browser looks at within the 8 days for which the stream keeps events
// gets no source.
func findSources(ctx context.Context, db pg.DB) error {
	return pg.Exec(ctx, db, "find the sources of orders", `
		WITH found AS (
		  SELECT o.identifier, coalesce(t.source, 'direct') AS source
		  FROM order_placed o
		  CROSS JOIN LATERAL (
		    SELECT anonymous_id FROM page_view v
		    WHERE v.order_mark = order_mark(o.identifier) AND anonymous_id IS NOT NULL ORDER BY v.at LIMIT 1) b
		  LEFT JOIN LATERAL (
		    SELECT source FROM (
		      SELECT source_of(url, referrer) AS source, v.at FROM page_view v
		      WHERE v.anonymous_id = b.anonymous_id AND v.at BETWEEN o.at - interval '30 days' AND o.at
		      -- an arrival is reported right after its page view, which names the site, too
		      UNION ALL
		      SELECT coalesce('ad:' || ad_cd, 'mail:' || em_cd), a.at + interval '1 minute'
		      FROM arrival a LEFT JOIN ad ON ad.id = ad_id LEFT JOIN email_code c ON c.id = email_id
		      WHERE a.anonymous_id = b.anonymous_id AND a.at BETWEEN o.at - interval '30 days' AND o.at
		    ) AS s WHERE source IS NOT NULL ORDER BY s.at DESC LIMIT 1
		  ) t ON TRUE
		  WHERE o.source IS NULL AND o.at > now() - interval '8 days'
		), noted AS (
		  UPDATE order_placed o SET source = found.source FROM found WHERE o.identifier = found.identifier
		  RETURNING o.at
		)
		INSERT INTO recount (day) SELECT DISTINCT (at AT TIME ZONE 'UTC')::date FROM noted`)
}

// recountOne counts the newest marked day. It deletes the marks first, so each later statement sees
// all that was committed with them.
func recountOne(ctx context.Context, pool *pgxpool.Pool, pageViewDays int) (counted bool, err error) {
	err = pg.Tx(ctx, pool, func(tx pgx.Tx) error {
		free, err := pg.Get[bool](ctx, tx, "lock the counting", `SELECT pg_try_advisory_xact_lock($1)`,
			recountLock)
		if err != nil || !free {
			return err
		}

		day, found, err := pg.One[time.Time](ctx, tx, "find a day to count",
			`SELECT day FROM recount ORDER BY day DESC LIMIT 1`)
		if err != nil || !found {
			return err
		}

		counted = true
		if err := pg.Exec(ctx, tx, "raise the statement timeout",
			`SET LOCAL statement_timeout = `+strconv.FormatInt(recountTimeout.Milliseconds(), 10)); err != nil {
			return err
		}
		if err := pg.Exec(ctx, tx, "delete the marks of a day", `DELETE FROM recount WHERE day = $1`, day); err != nil {
			return err
		}
		return recountDay(pg.Patient(ctx, recountTimeout), tx, day, pageViewDays)
	})
	return counted, err
}

// recountDay replaces a day's figures. If the day's page views may be gone, only its orders are
// counted again.
func recountDay(ctx context.Context, tx pgx.Tx, day time.Time, pageViewDays int) error {
	type step struct{ what, sql string }
	steps := []step{
		{"find returning buyers", againSQL},
		{"clear the figures of orders", `
			WITH parts AS (
			       DELETE FROM day_part WHERE kind IN ('product', 'collection', 'code', 'country') AND day = $1),
			     sources AS (UPDATE day_part SET orders = 0, sales = 0 WHERE kind = 'source' AND day = $1),
			     hours AS (UPDATE hour_total SET orders = 0, sales = 0
			       WHERE hour >= ` + dayBeginsSQL + ` AND hour < ` + dayEndsSQL + `)
			INSERT INTO day_total (day) VALUES ($1) ON CONFLICT (day) DO NOTHING`},
	}

	if day.AddDate(0, 0, pageViewDays).After(time.Now()) {
		steps = append(steps,
			step{"clear the figures of visits", `
				WITH parts AS (DELETE FROM day_part WHERE kind IN ('page', 'source', 'error', 'search') AND day = $1)
				DELETE FROM hour_total WHERE hour >= ` + dayBeginsSQL + ` AND hour < ` + dayEndsSQL},
			step{"count visits", visitsSQL}, step{"count errors", errorsSQL})
	}
	steps = append(steps, step{"count orders", ordersSQL}, step{"count what was given back", returnsSQL})

	for _, s := range steps {
		if err := pg.Exec(ctx, tx, s.what, s.sql, day); err != nil {
			return err
		}
	}
	return nil
}

// The bounds of day $1, in UTC.
const (
	dayBeginsSQL = `($1::date::timestamp AT TIME ZONE 'UTC')`
	dayEndsSQL   = `(($1::date + 1)::timestamp AT TIME ZONE 'UTC')`
	ofDaySQL     = `at BETWEEN ` + dayBeginsSQL + ` AND ` + dayEndsSQL + ` - interval '1 microsecond'`
)

// againSQL notes for a day's orders whether their buyers, members or visitors by any of their
// codes, had ordered before. It is noted once, so that it stays when a person is erased.
const againSQL = `
	UPDATE order_placed o SET again = EXISTS (
	    SELECT FROM order_placed e WHERE e.member_id = o.member_id AND e.at < o.at
	    UNION ALL
	    SELECT FROM order_placed e WHERE e.pr_cd = o.pr_cd AND e.at < o.at
	    UNION ALL
	    SELECT FROM prospect_code mine JOIN prospect_code c USING (prospect_id) JOIN order_placed e ON e.pr_cd = c.pr_cd
	    WHERE mine.pr_cd = o.pr_cd AND e.at < o.at)
	WHERE o.` + ofDaySQL + ` AND o.again IS NULL`

// visitsSQL counts visits. A browser's page views and arrivals are taken in order of time; one that
// comes half an hour or more after the one before begins a visit.
var visitsSQL = `
	WITH paid AS (
	  SELECT order_mark(identifier) AS mark, at FROM order_placed
	  WHERE at >= ` + dayBeginsSQL + ` - interval '1 hour' AND at < ` + dayEndsSQL + `
	), view AS MATERIALIZED (
	  SELECT coalesce(v.anonymous_id, v.stand_in) AS browser, v.at, page,
	    CASE WHEN v.bought OR paid.mark IS NOT NULL THEN 4 ELSE step_of(page) END AS step,
	    source_of(v.url, v.referrer) AS source
	  FROM (SELECT *, page_of(url) AS page FROM page_view WHERE ` + ofDaySQL + ` OFFSET 0) v
	  LEFT JOIN paid ON paid.mark = v.order_mark
	    AND v.at BETWEEN paid.at - interval '10 minutes' AND paid.at + interval '1 hour'
	), hit AS (
	  SELECT browser, at, page, step, source, 1 AS rank FROM view WHERE browser IS NOT NULL
	  UNION ALL
	  SELECT coalesce(anonymous_id, stand_in), at, NULL, 0, coalesce('ad:' || ad_cd, 'mail:' || em_cd), 0
	  FROM arrival LEFT JOIN ad ON ad.id = ad_id LEFT JOIN email_code c ON c.id = email_id
	  WHERE ` + ofDaySQL + ` AND coalesce(anonymous_id, stand_in) IS NOT NULL AND coalesce(ad_id, email_id) IS NOT NULL
	), begun AS (
	  SELECT *, (at - lag(at) OVER (PARTITION BY browser ORDER BY at) < interval '30 minutes') IS NOT TRUE AS begins
	  FROM hit
	), numbered AS (
	  SELECT *, count(*) FILTER (WHERE begins) OVER (PARTITION BY browser ORDER BY at) AS number FROM begun
	), visit AS MATERIALIZED (
	  SELECT browser, number, date_trunc('hour', min(at), 'UTC') AS hour, max(step) AS step,
	    coalesce((array_agg(source ORDER BY rank, at) FILTER (WHERE source IS NOT NULL))[1], 'direct') AS source
	  FROM numbered GROUP BY 1, 2
	), page AS (
	  SELECT page, views, visits, row_number() OVER (ORDER BY views DESC, page) AS place FROM (
	    SELECT v.page, count(*) AS views, coalesce(max(n.visits), 0) AS visits
	    FROM view v LEFT JOIN (
	      SELECT page, count(DISTINCT (browser, number)) AS visits FROM numbered GROUP BY page) n ON n.page = v.page
	    GROUP BY v.page) AS p
	), source AS (
	  SELECT source, count(*) AS visits, row_number() OVER (ORDER BY count(*) DESC, source) AS place
	  FROM visit GROUP BY source
	), parts AS (
	  INSERT INTO day_part (day, kind, name, views, visits)
	  SELECT $1, 'page', ` + amongSQL("page") + `, sum(views), sum(visits) FROM page GROUP BY 3
	  UNION ALL
	  SELECT $1, 'source', ` + amongSQL("source") + `, 0, sum(visits) FROM source GROUP BY 3
	), hours AS (
	  INSERT INTO hour_total (hour, visits, views)
	  SELECT coalesce(v.hour, n.hour), coalesce(n.visits, 0), coalesce(v.views, 0)
	  FROM (SELECT date_trunc('hour', at, 'UTC') AS hour, count(*) AS views FROM view GROUP BY 1) v
	    FULL JOIN (SELECT hour, count(*) AS visits FROM visit GROUP BY 1) n ON n.hour = v.hour
	)
	UPDATE day_total SET views = (SELECT count(*) FROM view), visits = n.visits, visitors = n.visitors,
	  to_product = n.p, to_cart = n.c, to_checkout = n.k, to_order = n.o
	FROM (
	  SELECT count(*) AS visits, count(DISTINCT browser) AS visitors,
	    count(*) FILTER (WHERE step >= 1) AS p, count(*) FILTER (WHERE step >= 2) AS c,
	    count(*) FILTER (WHERE step >= 3) AS k, count(*) FILTER (WHERE step >= 4) AS o
	  FROM visit) n
	WHERE day = $1`

// amongSQL is a name if it is among the most frequent, otherwise otherNames.
func amongSQL(name string) string {
	return `CASE WHEN place <= ` + strconv.Itoa(maxNames) + ` THEN ` + name + ` ELSE '` + otherNames + `' END`
}

// otherNames stands for the names beyond maxNames.
const otherNames = "…"

// errorsSQL counts failed calls by page, and searches that found nothing.
var errorsSQL = `
	WITH failed AS (
	  SELECT page_of(url) AS page, error_id, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC) AS place
	  FROM call_error WHERE ` + ofDaySQL + ` GROUP BY 1, 2
	), searches AS (
	  SELECT search, count(*) AS n, row_number() OVER (ORDER BY count(*) DESC) AS place
	  FROM click WHERE ` + ofDaySQL + ` AND search IS NOT NULL GROUP BY 1
	), parts AS (
	  INSERT INTO day_part (day, kind, name, detail, views)
	  SELECT $1, 'error', ` + amongSQL("page") + `,
	    CASE WHEN place <= ` + strconv.Itoa(maxNames) + ` THEN error_id ELSE '' END, sum(n)
	  FROM failed GROUP BY 3, 4
	  UNION ALL
	  SELECT $1, 'search', ` + amongSQL("search") + `, '', sum(n) FROM searches GROUP BY 3
	)
	UPDATE day_total SET errors = coalesce((SELECT sum(n) FROM failed), 0),
	  empty_searches = coalesce((SELECT sum(n) FROM searches), 0)
	WHERE day = $1`

// ordersSQL counts orders and what was sold.
const ordersSQL = `
	WITH placed AS MATERIALIZED (
	  SELECT identifier, at, pieces, total, coalesce(discount, 0) AS discount,
	    coalesce(tax, 0) AS tax, coalesce(country, '') AS country,
	    coalesce(source, 'unknown') AS source, coalesce(again, FALSE) AS again
	  FROM order_placed WHERE ` + ofDaySQL + `
	), parts AS (
	  INSERT INTO day_part (day, kind, name, title, orders, pieces, sales)
	  SELECT $1, 'source', source, '', count(*), sum(pieces), sum(total) FROM placed GROUP BY source
	  UNION ALL
	  SELECT $1, 'country', country, '', count(*), sum(pieces), sum(total) FROM placed GROUP BY country
	  UNION ALL
	  SELECT $1, 'product', product, max(title), count(DISTINCT identifier), sum(i.pieces), sum(sales)
	  FROM placed JOIN order_item i USING (identifier) GROUP BY product
	  UNION ALL
	  SELECT $1, 'collection', address, max(c.title), count(DISTINCT identifier), sum(i.pieces), sum(sales)
	  FROM placed JOIN order_item i USING (identifier)
	  CROSS JOIN LATERAL jsonb_to_recordset(collections) AS c (address text, title text) GROUP BY address
	  UNION ALL
	  SELECT $1, 'code', code, max(title), count(*), sum(pieces), sum(total)
	  FROM placed JOIN order_code USING (identifier) GROUP BY code
	  ON CONFLICT (kind, day, name, detail) DO UPDATE
	  SET orders = excluded.orders, pieces = excluded.pieces, sales = excluded.sales
	), hours AS (
	  INSERT INTO hour_total (hour, orders, sales)
	  SELECT date_trunc('hour', at, 'UTC'), count(*), sum(total) FROM placed GROUP BY 1
	  ON CONFLICT (hour) DO UPDATE SET orders = excluded.orders, sales = excluded.sales
	)
	UPDATE day_total SET orders = n.orders, pieces = n.pieces, sales = n.sales, discount = n.discount,
	  tax = n.tax, again_orders = n.again_orders, again_sales = n.again_sales
	FROM (
	  SELECT count(*) AS orders, coalesce(sum(pieces), 0) AS pieces, coalesce(sum(total), 0) AS sales,
	    coalesce(sum(discount), 0) AS discount, coalesce(sum(tax), 0) AS tax,
	    count(*) FILTER (WHERE again) AS again_orders,
	    coalesce(sum(total) FILTER (WHERE again), 0) AS again_sales
	  FROM placed) n
	WHERE day = $1`

// returnsSQL counts what was given back on the day, whatever the day of the order.
const returnsSQL = `
	UPDATE day_total SET returned = n.amount, returned_tax = n.tax
	FROM (
	  SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(tax), 0) AS tax
	  FROM order_returned
	  CROSS JOIN LATERAL jsonb_to_recordset(returns) AS r (at timestamptz, amount bigint, tax bigint)
	  WHERE days @> ARRAY[$1::date] AND (at AT TIME ZONE 'UTC')::date = $1) n
	WHERE day = $1`
