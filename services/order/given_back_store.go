package order

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// givenBack is the total that was given back of an order, as reports get it; amounts are cents.
type givenBack struct {
	Identifier string
	Tax        int64 // part of the order's total
	Returns    []msg.GivenBack
	Version    int64
}

func (g givenBack) message() msg.Message {
	return msg.Message{Key: fmt.Sprintf("%s:%s:%d", msg.OrderGivenBackSubject, g.Identifier, g.Version),
		Subject: msg.OrderGivenBackSubject, Payload: msg.OrderGivenBack{Identifier: g.Identifier, Tax: g.Tax,
			Returns: g.Returns, Version: g.Version}}
}

const givenBackColumnsSQL = `o.identifier, o.sales_tax + o.tax_included AS tax, o.given_back AS returns,
	o.given_back_version AS version`

// noteGivenBack stores what is given back of the orders of payments, and lists the orders of which
// that changed. The share in the order's tax is rounded from the sum, so that all of the tax is
// given back with the last cent.
func noteGivenBack(ctx context.Context, tx pgx.Tx, payments []string) ([]givenBack, error) {
	return pg.List[givenBack](ctx, tx, "note what is given back for good", `
		WITH moved AS (
		  SELECT payment_intent, id, amount, coalesce(succeeded_at, created_at) AS at FROM refund
		  WHERE payment_intent = ANY($1) AND state = 'succeeded'
		  UNION ALL
		  SELECT payment_intent, id, withdrawn, coalesce(lost_at, checked_at) FROM dispute
		  WHERE payment_intent = ANY($1) AND status = 'lost' AND withdrawn > 0
		), summed AS (
		  SELECT *, sum(amount) OVER (PARTITION BY payment_intent ORDER BY at, id) AS upto FROM moved
		), shared AS (
		  SELECT m.*, o.id AS order_id,
		    (round(least(upto, o.total) * (o.sales_tax + o.tax_included) / o.total)
		      - round(least(upto - amount, o.total) * (o.sales_tax + o.tax_included) / o.total))::bigint AS tax
		  FROM summed m JOIN orders o USING (payment_intent) WHERE o.total > 0
		), now AS (
		  SELECT o.id, coalesce(jsonb_agg(jsonb_build_object(
		      'at', to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'amount', s.amount, 'tax', s.tax)
		    ORDER BY s.at, s.id) FILTER (WHERE s.id IS NOT NULL), '[]') AS given_back
		  FROM orders o LEFT JOIN shared s ON s.order_id = o.id WHERE o.payment_intent = ANY($1) GROUP BY o.id
		)
		UPDATE orders o SET given_back = now.given_back, given_back_version = o.given_back_version + 1
		FROM now WHERE o.id = now.id AND o.given_back <> now.given_back
		RETURNING `+givenBackColumnsSQL, payments)
}

// givenBackOf lists the orders that have a tax, or of which something was given back.
func givenBackOf(ctx context.Context, tx pgx.Tx, orderIDs []int64) ([]givenBack, error) {
	return pg.List[givenBack](ctx, tx, "list what is given back of orders", `
		SELECT `+givenBackColumnsSQL+` FROM orders o
		WHERE o.id = ANY($1) AND (o.sales_tax + o.tax_included > 0 OR o.given_back <> '[]') ORDER BY o.id`, orderIDs)
}
