package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// insertRefund inserts a refund that Stripe is to make, with its pieces. It restocks those that
// return to the shelf, unless an earlier refund of the same pieces that failed has already
// restocked them.
func insertRefund(ctx context.Context, tx pgx.Tx, r refundRow, who Actor) error {
	err := pg.Exec(ctx, tx, "insert refund $1", `
		INSERT INTO refund (
		  id, payment_intent, origin, amount, shipping, currency, state, reason, note, with_cancel,
		  told_at, by_person, by_name)
		VALUES ($1, $2, 'shop', $3, $4, $5, 'requested', $6, $7, $8, CASE WHEN $8 THEN now() END, $9, $10)`,
		r.ID, r.PaymentIntent, int64(r.Amount), int64(r.Shipping), r.Currency, r.Reason, r.Note, r.WithCancel,
		who.Person, who.Name)
	if err != nil || len(r.Lines) == 0 {
		return err
	}
	if r.Restock {
		if err := restock(ctx, tx, r.OrderID, r.Lines); err != nil {
			return err
		}
	}
	seqs, quantities := columns(r.Lines)
	return pg.Exec(ctx, tx, "insert the lines of refund $1", `
		INSERT INTO refund_line (refund_id, order_id, seq, quantity, restocked)
		SELECT $1, $2, seq, quantity, $3 FROM unnest($4::int[], $5::int[]) AS p (seq, quantity)`,
		r.ID, r.OrderID, r.Restock, seqs, quantities)
}

// restock puts pieces of counted articles back on the shelf. Pieces that a failed refund put there
// are on the shelf already: they are taken over instead.
func restock(ctx context.Context, tx pgx.Tx, orderID int64, pieces []Pieces) error {
	seqs, quantities := columns(pieces)
	return pg.Exec(ctx, tx, "restock pieces of order $1", `
		WITH pieces AS (
		  SELECT p.seq, l.sku_id, p.quantity FROM unnest($2::int[], $3::int[]) AS p (seq, quantity)
		    JOIN order_line l ON l.order_id = $1 AND l.seq = p.seq
		), there AS (
		  UPDATE refund_line r SET restocked = false FROM pieces p, refund f
		  WHERE r.order_id = $1 AND r.seq = p.seq AND r.restocked AND f.id = r.refund_id
		    AND f.state IN ('failed', 'canceled')
		  RETURNING r.seq, r.quantity - r.taken_back AS quantity
		), back AS (
		  SELECT p.sku_id,
		    greatest(p.quantity - coalesce((SELECT sum(quantity) FROM there t WHERE t.seq = p.seq), 0), 0) AS quantity
		  FROM pieces p
		), locked AS (
		  SELECT s.id FROM sku s WHERE s.id IN (SELECT sku_id FROM back WHERE quantity > 0) ORDER BY s.id FOR UPDATE
		)
		UPDATE sku SET stock = stock + back.quantity FROM back, locked
		WHERE sku.id = back.sku_id AND locked.id = sku.id AND stock IS NOT NULL`, orderID, seqs, quantities)
}

// takeFromShelf takes the pieces of a failed refund off the shelf again, as far as the order is
// still waiting to be sent with them, so that no other customer can buy them. Pieces that the
// customer had sent back stay there.
func takeFromShelf(ctx context.Context, tx pgx.Tx, refundID string) error {
	return pg.Exec(ctx, tx, "take the pieces of refund $1 from the shelf", `
		WITH again AS (
		  SELECT r.seq, l.sku_id,
		    least(r.quantity, l.quantity
		      - coalesce((SELECT sum(s.quantity) FROM shipment_line s
		        WHERE s.order_id = l.order_id AND s.seq = l.seq), 0)
		      - coalesce((SELECT sum(o.quantity) FROM refund_line o JOIN refund f ON f.id = o.refund_id
		        WHERE o.order_id = l.order_id AND o.seq = l.seq
		          AND f.state NOT IN ('failed', 'canceled')), 0)) AS quantity
		  FROM refund_line r JOIN order_line l USING (order_id, seq) JOIN orders ON orders.id = r.order_id
		  WHERE r.refund_id = $1 AND r.restocked AND r.taken_back = 0 AND orders.canceled_at IS NULL
		), noted AS (
		  UPDATE refund_line r SET taken_back = a.quantity FROM again a
		  WHERE r.refund_id = $1 AND r.seq = a.seq AND a.quantity > 0
		), pieces AS (
		  SELECT sku_id, sum(quantity) AS quantity FROM again WHERE quantity > 0 GROUP BY sku_id
		), locked AS (
		  SELECT s.id FROM sku s WHERE s.id IN (SELECT sku_id FROM pieces) ORDER BY s.id FOR UPDATE
		)
		UPDATE sku SET stock = stock - pieces.quantity FROM pieces, locked
		WHERE sku.id = pieces.sku_id AND locked.id = sku.id AND stock IS NOT NULL`, refundID)
}

// refundedShipping is how much of the price of shipping was given back.
func refundedShipping(ctx context.Context, db pg.DB, paymentIntent string) (cents money.Cents, err error) {
	return pg.Get[money.Cents](ctx, db, "read the shipping refunded of payment $1", `
		SELECT coalesce(sum(shipping), 0)::bigint FROM refund
		WHERE payment_intent = $1 AND state NOT IN ('failed', 'canceled')`, paymentIntent)
}

// dueRefund is a refund that Stripe is to be asked for.
type dueRefund struct {
	ID, PaymentIntent, Reason string
	Amount                    money.Cents
	Attempts                  int
}

// claimRefund takes the next refund that is due, and sets when it is due again in case this process
// dies: after 15 s at first, then after twice as long each time, up to an hour.
func claimRefund(ctx context.Context, db pg.DB) (r dueRefund, found bool, err error) {
	return pg.One[dueRefund](ctx, db, "claim a refund", `
		UPDATE refund SET attempts = attempts + 1,
		  next_at = now() + least(15 * 2 ^ least(attempts, 10), 3600) * interval '1 second'
		WHERE id = (
		  SELECT id FROM refund WHERE state = 'requested' AND next_at <= now() ORDER BY next_at LIMIT 1
		  FOR UPDATE SKIP LOCKED)
		RETURNING id, payment_intent, reason, amount, attempts`)
}

// noteTrouble stores why a call about a refund failed. The refund is due again as its claim set it.
func noteTrouble(ctx context.Context, db pg.DB, id, trouble string) error {
	return pg.Exec(ctx, db, "note the trouble with refund $1", `
		UPDATE refund SET trouble = $2 WHERE id = $1 AND state = 'requested'`, id, trouble)
}

// refuseRefund ends a refund that Stripe does not make.
func refuseRefund(ctx context.Context, tx pgx.Tx, id, code string) error {
	return pg.Exec(ctx, tx, "refuse refund $1", `
		UPDATE refund SET state = 'failed', failure = $2, trouble = '', checked_at = now()
		WHERE id = $1 AND state = 'requested'`, id, code)
}

// movedOn is the SQL for the later of two states of a refund.
func movedOn(was, is string) string {
	const states = `ARRAY['requested', 'pending', 'succeeded', 'failed', 'canceled']`
	return `CASE WHEN array_position(` + states + `, ` + is + `) > array_position(` + states + `, ` + was + `) THEN ` +
		is + ` ELSE ` + was + ` END`
}

// succeededAt is the SQL for when a refund succeeded, by Stripe's current report: now if the shop
// knew the refund as pending, otherwise when it was made.
func succeededAt(is, made string) string {
	return `CASE WHEN refund.succeeded_at IS NULL AND ` + is + ` = 'succeeded'
		  THEN CASE WHEN refund.state = 'pending' THEN now() ELSE coalesce(` + made + `, now()) END
		  ELSE refund.succeeded_at END`
}

// upsertStripeRefund stores a refund as Stripe reports it. If it carries an id of ours, payment and
// amount must match too; all other refunds were made in Stripe's dashboard.
func upsertStripeRefund(ctx context.Context, tx pgx.Tx, r stripe.Refund) error {
	state := r.Status
	if state == stripe.RefundRequiresAction {
		state = refundPending
	}
	if r.RefundID != "" {
		ours, err := pg.ExecOne(ctx, tx, "update refund $1", `
			UPDATE refund SET stripe_id = $2, state = `+movedOn("state", "$5")+`, checked_at = now(), trouble = '',
			  failure = coalesce(nullif($6, ''), failure), succeeded_at = `+succeededAt("$5", "$7")+`
			WHERE id = $1 AND origin = 'shop' AND payment_intent = $3 AND amount = $4
			  AND (stripe_id IS NULL OR stripe_id = $2)`,
			r.RefundID, r.ID, r.PaymentIntent, int64(r.Amount), state, r.FailureReason, pg.TimeOrNull(r.Created))
		if err != nil || ours {
			return err
		}
	}

	return pg.Exec(ctx, tx, "upsert refund $1 of Stripe's", `
		INSERT INTO refund (
		  id, payment_intent, origin, stripe_id, amount, currency, state, reason, failure, created_at, succeeded_at)
		VALUES ($1, $2, 'stripe', $1, $3, $4, $5, CASE WHEN $6 = ANY($7) THEN $6 ELSE '' END, $8,
		  coalesce($9, now()), CASE WHEN $5 = 'succeeded' THEN coalesce($9, now()) END)
		ON CONFLICT (stripe_id) DO UPDATE SET state = `+movedOn("refund.state", "excluded.state")+`, checked_at = now(),
		  succeeded_at = `+succeededAt("excluded.state", "excluded.created_at")+`,
		  failure = coalesce(nullif(excluded.failure, ''), refund.failure)`,
		r.ID, r.PaymentIntent, int64(r.Amount), r.Currency, state, r.Reason, RefundReasons, r.FailureReason,
		pg.TimeOrNull(r.Created))
}

// refundKnown reports whether the refunds that the shop knows add up to what Stripe says was given
// back of a payment.
func refundKnown(ctx context.Context, db pg.DB, paymentIntent string, cents int64) (bool, error) {
	return pg.Get[bool](ctx, db, "find refunds of payment $1", `
		SELECT coalesce(sum(amount), 0) = $2 FROM refund
		WHERE payment_intent = $1 AND stripe_id IS NOT NULL AND state IN ('pending', 'succeeded')`, paymentIntent,
		cents)
}

// refundToMail is a refund about which the customer is mailed.
type refundToMail struct {
	ID      string
	OrderID int64
	Amount  money.Cents
	Late    bool // too old for a mail
}

// claimRefundsToMail claims the refunds of some payments about which the customers have not been
// mailed.
func claimRefundsToMail(ctx context.Context, tx pgx.Tx, paymentIntents []string) ([]refundToMail, error) {
	return pg.List[refundToMail](ctx, tx, "claim refunds to mail", `
		UPDATE refund r SET told_at = now() FROM orders o
		WHERE r.payment_intent = ANY($1) AND o.payment_intent = r.payment_intent AND r.told_at IS NULL
		  AND r.state IN ('pending', 'succeeded')
		RETURNING r.id, o.id AS order_id, r.amount, r.created_at < now() - $2::interval AS late`, paymentIntents,
		mailTTL)
}

func refundPieces(ctx context.Context, db pg.DB, id string) ([]Pieces, error) {
	return pg.List[Pieces](ctx, db, "list the lines of refund $1", `
		SELECT seq, quantity FROM refund_line WHERE refund_id = $1 ORDER BY seq`, id)
}

// lostRefund is a refund that failed or was canceled.
type lostRefund struct {
	ID, PaymentIntent, State, Failure, Origin, Currency string
	Amount                                              money.Cents
	Told                                                bool
}

// claimLostRefunds claims the refunds of some payments that failed or were canceled, for the list
// for staff.
func claimLostRefunds(ctx context.Context, tx pgx.Tx, paymentIntents []string) ([]lostRefund, error) {
	return pg.List[lostRefund](ctx, tx, "claim lost refunds", `
		UPDATE refund SET noted_at = now()
		WHERE payment_intent = ANY($1) AND noted_at IS NULL AND state IN ('failed', 'canceled')
		RETURNING id, payment_intent, state, failure, origin, currency, amount, told_at IS NOT NULL AS told`,
		paymentIntents)
}

// markRefunded gives orders the status "refunded" if their whole payment or all of their pieces
// were given back, and returns them. It takes the status from orders whose refund failed.
func markRefunded(ctx context.Context, tx pgx.Tx, paymentIntents []string) ([]deskOrder, error) {
	return pg.List[deskOrder](ctx, tx, "mark refunded orders", `
		WITH candidates AS (
		  SELECT o.*,
		    coalesce((SELECT sum(amount) FROM refund r
		        WHERE r.payment_intent = o.payment_intent AND r.state IN ('pending', 'succeeded')), 0) >= o.total
		      AND o.total > 0
		    OR g.pieces > 0
		      AND g.pieces = (SELECT sum(l.quantity) FROM order_line l WHERE l.order_id = o.id) AS refunded
		  FROM orders o CROSS JOIN LATERAL (
		    SELECT coalesce(sum(p.quantity), 0) AS pieces FROM refund_line p JOIN refund r ON r.id = p.refund_id
		    WHERE p.order_id = o.id AND r.state IN ('pending', 'succeeded')) AS g
		  WHERE o.payment_intent = ANY($1) AND o.canceled_at IS NULL
		), gone AS (
		  DELETE FROM order_status s USING candidates o
		  WHERE s.order_id = o.id AND s.status = 'refunded' AND NOT o.refunded
		), made AS (
		  INSERT INTO order_status (order_id, status)
		  SELECT o.id, s.identifier FROM candidates o JOIN status s ON s.identifier = 'refunded' WHERE o.refunded
		  ON CONFLICT DO NOTHING RETURNING order_id
		)
		SELECT `+deskOrderColumnsSQL+` FROM candidates o WHERE id IN (SELECT order_id FROM made)`, paymentIntents)
}

// markSent moves orders to the final status when some pieces have shipped and Stripe refunds the
// rest. It moves them back when that refund fails, because pieces are left to send. It returns the
// orders that it completed whose customers know of all parcels; for the others the mail about the
// parcel does it.
func markSent(ctx context.Context, tx pgx.Tx, paymentIntents []string) ([]deskOrder, error) {
	return pg.List[deskOrder](ctx, tx, "mark orders as sent whose other pieces are refunded", `
		WITH candidates AS (
		  SELECT o.*, NOT EXISTS (SELECT FROM `+leftSQL+` l WHERE l.order_id = o.id AND l.quantity > 0) AS done
		  FROM orders o WHERE o.payment_intent = ANY($1) AND o.canceled_at IS NULL
		    AND EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id)
		), gone AS (
		  DELETE FROM order_status s USING candidates o
		  WHERE s.order_id = o.id AND s.status = 'shipped' AND NOT o.done AND s.by_person = 0 AND s.by_name = ''
		), made AS (
		  INSERT INTO order_status (order_id, status)
		  SELECT o.id, s.identifier FROM candidates o JOIN status s ON s.identifier = 'shipped' WHERE o.done
		  ON CONFLICT DO NOTHING RETURNING order_id
		)
		SELECT `+deskOrderColumnsSQL+` FROM candidates o WHERE id IN (SELECT order_id FROM made)
		  AND NOT EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id AND s.told_at IS NULL)`, paymentIntents)
}

// paymentsToSettle are the payments with an order whose refund no customer was mailed about.
func paymentsToSettle(ctx context.Context, db pg.DB) ([]string, error) {
	return pg.List[string](ctx, db, "list payments to settle", `
		SELECT DISTINCT r.payment_intent FROM refund r JOIN orders o USING (payment_intent)
		WHERE r.told_at IS NULL AND r.state IN ('pending', 'succeeded') LIMIT 100`)
}

// deskWork is what acts of staff have left for the running service to do.
type deskWork struct{ Shipments, Payments bool }

func readDeskWork(ctx context.Context, db pg.DB) (deskWork, error) {
	return pg.Get[deskWork](ctx, db, "count the work of the desk", `
		SELECT EXISTS (SELECT FROM shipment WHERE told_at IS NULL AND mail_at <= now()) AS shipments,
		  EXISTS (SELECT FROM refund r JOIN orders o USING (payment_intent)
		    WHERE r.told_at IS NULL AND r.state IN ('pending', 'succeeded')) AS payments`)
}
