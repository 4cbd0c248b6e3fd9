package order

import (
	"context"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// findWays finds checkouts, the newest first, by the ids of checkout, session, payment, event or
// cart, the identifier of the order, or an address. Each part uses an index.
func findWays(ctx context.Context, db pg.DB, keys []string, limit int) ([]way, error) {
	carts := []int64{}
	for _, key := range keys {
		if cart, err := strconv.ParseInt(key, 10, 64); err == nil {
			carts = append(carts, cart)
		}
	}

	return pg.List[way](ctx, db, "list checkouts for a trail", `
		WITH found AS (
		  SELECT checkout_id AS id FROM orders WHERE identifier = ANY($1)
		  UNION
		  SELECT checkout_id FROM orders WHERE payment_intent = ANY($1)
		  UNION
		  SELECT checkout_id FROM orders WHERE cart_id = ANY($2)
		  UNION
		  (SELECT checkout_id FROM orders
		    WHERE lower(email) = ANY(SELECT lower(k) FROM unnest($1::text[]) AS k WHERE k LIKE '%@%')
		    ORDER BY placed_at DESC LIMIT $3)
		  UNION
		  SELECT id FROM checkout WHERE id = ANY($1)
		  UNION
		  SELECT id FROM checkout WHERE session_id = ANY($1)
		  UNION
		  SELECT id FROM checkout WHERE cart_id = ANY($2) AND (state IN ('creating', 'open', 'pending') OR unclosed)
		  UNION
		  SELECT k.id FROM payment_issue i JOIN checkout k USING (session_id) WHERE i.payment_intent = ANY($1)
		)
		SELECT k.id AS checkout_id, coalesce(k.session_id, '') AS session_id,
		  coalesce(o.payment_intent, k.payment_intent, '') AS payment_intent, coalesce(o.identifier, '') AS identifier,
		  coalesce(o.id, 0) AS order_id,
		  ARRAY(
		    SELECT $4 || ':' || s.id || coalesce(':' || n, '') FROM shipment s
		    CROSS JOIN LATERAL (SELECT NULL::int AS n UNION ALL SELECT generate_series(1, s.corrections)) AS c
		    WHERE s.order_id = o.id
		    UNION ALL
		    SELECT $5 || ':' || r.id FROM refund r WHERE r.payment_intent = o.payment_intent
		    UNION ALL
		    SELECT $6 || ':' || o.identifier WHERE o.canceled_at IS NOT NULL
		    UNION ALL
		    SELECT $7 || ':' || o.identifier || ':' || n.id FROM staff_note n WHERE n.order_id = o.id AND n.mailed
		    UNION ALL
		    SELECT 'order-status:' || o.identifier || ':' || t.status FROM order_status t WHERE t.order_id = o.id
		    UNION ALL
		    SELECT $8 || ':' || o.identifier || ':' || n FROM generate_series(0, o.returned_version) AS n
		    UNION ALL
		    SELECT $9 || ':' || o.identifier || ':' || n FROM generate_series(0, o.given_back_version) AS n
		  ) AS messages
		FROM found JOIN checkout k USING (id) LEFT JOIN orders o ON o.checkout_id = k.id
		ORDER BY k.created_at DESC LIMIT $3`, keys, carts, limit, msg.MailOrderShipped, msg.MailOrderRefunded,
		msg.MailOrderCanceled, msg.MailOrderNote, msg.OrderMoneySubject, msg.OrderGivenBackSubject)
}

// columnsOf are the ids of checkouts, payments and orders.
func columnsOf(ways []way) (checkouts, sessions, payments []string, orders []int64) {
	for _, w := range ways {
		checkouts, sessions = append(checkouts, w.CheckoutID), append(sessions, w.SessionID)
		if w.PaymentIntent != "" {
			payments = append(payments, w.PaymentIntent)
		}
		orders = append(orders, w.OrderID)
	}
	return checkouts, sessions, payments, orders
}

// eventsOf are the events of Stripe's that order has stored for some checkouts.
func eventsOf(ctx context.Context, db pg.DB, ways []way) ([]string, error) {
	_, sessions, payments, _ := columnsOf(ways)
	return pg.List[string](ctx, db, "list events for a trail", `
		SELECT event_id FROM payment_event WHERE payment_intent = ANY($2)
		UNION
		SELECT event_id FROM payment_issue WHERE session_id = ANY($1) AND event_id IS NOT NULL
		ORDER BY 1`, sessions, payments)
}

// listSteps lists what order has stored about some checkouts.
func listSteps(ctx context.Context, db pg.DB, ways []way) ([]step, error) {
	checkouts, sessions, payments, orders := columnsOf(ways)
	return pg.List[step](ctx, db, "list the steps of a trail", `
		SELECT at, kind, text, about, state, tone FROM (
		  SELECT created_at AS at, 'checkout' AS kind, 'The shopper went to pay; the quote was frozen.' AS text,
		    id AS about, state, CASE WHEN state = 'failed' THEN 'warn' ELSE '' END AS tone
		  FROM checkout WHERE id = ANY($1)
		  UNION ALL
		  SELECT created_at, 'session', 'Stripe made a payment page.', session_id, '', ''
		  FROM checkout WHERE id = ANY($1) AND session_id IS NOT NULL
		  UNION ALL
		  SELECT asked_at, 'asked', 'The shopper was told that a bank works on an earlier payment.', id, '', ''
		  FROM checkout WHERE id = ANY($1) AND asked_at IS NOT NULL
		  UNION ALL
		  SELECT placed_at, 'order', 'The payment became order ' || identifier || '.', identifier, '', 'good'
		  FROM orders WHERE id = ANY($4)
		  UNION ALL
		  SELECT s.created_date_time, 'status', 'Status: ' || t.title, o.identifier, s.status, ''
		  FROM order_status s JOIN orders o ON o.id = s.order_id JOIN status t ON t.identifier = s.status
		  WHERE s.order_id = ANY($4)
		  UNION ALL
		  SELECT h.shipped_at, 'parcel', 'A parcel was sent.', o.identifier,
		    CASE WHEN h.told_at IS NULL THEN 'the customer is not told yet' ELSE 'the customer was told' END, ''
		  FROM shipment h JOIN orders o ON o.id = h.order_id WHERE h.order_id = ANY($4)
		  UNION ALL
		  SELECT created_at, 'refund', 'Money goes back.', id, state,
		    CASE WHEN state IN ('failed', 'canceled') THEN 'bad' ELSE '' END
		  FROM refund WHERE payment_intent = ANY($3)
		  UNION ALL
		  SELECT created_at, 'dispute', 'The buyer disputes the payment.', id, status, 'bad'
		  FROM dispute WHERE payment_intent = ANY($3)
		  UNION ALL
		  SELECT at, 'stripe', 'Stripe told of ' || type || '.', event_id, '', ''
		  FROM payment_event WHERE payment_intent = ANY($3)
		  UNION ALL
		  SELECT at, 'entry', 'On the list for staff: ' || reason, id::text,
		    CASE WHEN resolved_at IS NULL THEN 'waits' ELSE 'seen to' END,
		    CASE WHEN resolved_at IS NULL THEN 'bad' ELSE 'warn' END
		  FROM payment_issue WHERE session_id = ANY($2) OR payment_intent = ANY($3)
		) AS steps ORDER BY at, kind`, checkouts, sessions, payments, orders)
}
