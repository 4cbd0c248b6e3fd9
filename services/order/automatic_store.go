package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// lockAutomatic lets one process at a time look for automatic mails: two could remind one person of
// two carts.
func lockAutomatic(ctx context.Context, tx pgx.Tx) error {
	return pg.Exec(ctx, tx, "lock the automatic mails",
		`SELECT pg_advisory_xact_lock(hashtextextended('automatic mails', 0))`)
}

func enqueue(ctx context.Context, tx pgx.Tx, messages []msg.Message) error {
	return bus.Enqueue(ctx, tx, messages...)
}

// leftCheckoutSQL is a condition on checkout k: it ended unpaid, it is its shopper's last one, its
// cart has not changed, and nothing was bought since.
const leftCheckoutSQL = `k.state IN ('expired', 'failed') AND k.email IS NOT NULL
	AND NOT EXISTS (SELECT FROM checkout l WHERE l.owner = k.owner AND l.created_at > k.created_at)
	AND EXISTS (SELECT FROM cart c JOIN cart_line cl ON cl.cart_id = c.id AND cl.quantity > 0
	  WHERE c.id = k.cart_id AND c.generation = k.cart_generation)
	AND NOT EXISTS (SELECT FROM orders o WHERE o.placed_at >= k.created_at AND o.member_id = k.member_id)
	AND NOT EXISTS (SELECT FROM orders o WHERE o.placed_at >= k.created_at AND lower(o.email) = lower(k.email))`

// dueReminder is a checkout that its shopper is to be reminded of.
type dueReminder struct {
	ID         string
	Email      string
	MemberID   int64
	Newsletter bool
	Quote      quote
	Total      int64
}

// dueReminders takes checkouts whose page ended that long ago, one for each address, and notes
// them.
func dueReminders(ctx context.Context, tx pgx.Tx, after time.Duration) ([]dueReminder, error) {
	return pg.List[dueReminder](ctx, tx, "take checkouts to remind of", `
		WITH due AS (
		  SELECT DISTINCT ON (lower(k.email)) k.id, 'cart:' || k.cart_id || ':' || k.cart_generation AS cart, k.email,
		    coalesce(k.member_id, 0) AS member_id, k.newsletter, k.quote, k.total
		  FROM checkout k
		  WHERE k.expires_at <= now() - $2::interval AND k.expires_at > now() - $2::interval - $3::interval
		    AND `+leftCheckoutSQL+`
		    AND NOT EXISTS (SELECT FROM automatic_mail a
		      WHERE a.kind = $1 AND a.about = 'cart:' || k.cart_id || ':' || k.cart_generation)
		    AND NOT EXISTS (SELECT FROM automatic_mail a
		      WHERE a.kind = $1 AND a.email = lower(k.email) AND a.at > now() - $4::interval)
		  ORDER BY lower(k.email), k.created_at DESC LIMIT $5),
		noted AS (INSERT INTO automatic_mail (kind, about, email) SELECT $1, cart, lower(email) FROM due
		  ON CONFLICT DO NOTHING RETURNING about, email)
		SELECT id, due.email, member_id, newsletter, quote, total
		FROM due JOIN noted ON noted.about = cart AND noted.email = lower(due.email)`,
		msg.MailCheckoutReminder, after, automaticTTL, reminderPause, automaticBatchSize)
}

// reminderWanted reports whether a checkout is still abandoned.
func reminderWanted(ctx context.Context, db pg.DB, id string) (bool, error) {
	return pg.Get[bool](ctx, db, "find checkout $1", `
		SELECT EXISTS (SELECT FROM checkout k WHERE k.id = $1 AND `+leftCheckoutSQL+`)`, id)
}

// keptOrderSQL is a condition on order o: all of it was sent or refunded, whatever status staff
// have given it since; not all of its money and not all of its pieces were given back; and its
// payer does not dispute it.
const keptOrderSQL = `o.current_status NOT IN ('canceled', 'refunded') AND o.canceled_at IS NULL
	AND o.email IS NOT NULL
	AND NOT EXISTS (SELECT FROM ` + leftSQL + ` l WHERE l.order_id = o.id AND l.quantity > 0)
	AND (o.total = 0 OR o.total > (SELECT coalesce(sum(amount), 0) FROM refund r
	  WHERE r.payment_intent = o.payment_intent AND state IN ('requested', 'pending', 'succeeded')))
	AND EXISTS (SELECT FROM order_line l WHERE l.order_id = o.id AND l.quantity > (
	  SELECT coalesce(sum(r.quantity), 0) FROM refund_line r JOIN refund f ON f.id = r.refund_id
	  WHERE r.order_id = l.order_id AND r.seq = l.seq AND f.state NOT IN ('failed', 'canceled')))
	AND NOT EXISTS (SELECT FROM dispute d
	  WHERE d.payment_intent = o.payment_intent AND d.status NOT IN ('won', 'warning_closed'))`

// dueReview is an order whose buyer is to be asked for a review.
type dueReview struct {
	Identifier string
	Email      string
	MemberID   int64
	Name       string
	Lines      []msg.OrderLine
	Total      int64
}

// dueReviews takes orders whose last parcel left that long ago, and notes them.
func dueReviews(ctx context.Context, tx pgx.Tx, after time.Duration) ([]dueReview, error) {
	return pg.List[dueReview](ctx, tx, "take orders to ask about", `
		WITH due AS (
		  SELECT o.id, o.identifier, o.email, coalesce(o.member_id, 0) AS member_id,
		    coalesce(o.customer_name, '') AS name, o.total
		  FROM orders o
		  WHERE o.id IN (
		      SELECT order_id FROM shipment s
		      WHERE s.shipped_at <= now() - $2::interval AND s.shipped_at > now() - $2::interval - $3::interval)
		    AND NOT EXISTS (SELECT FROM shipment s WHERE s.order_id = o.id AND s.shipped_at > now() - $2::interval)
		    AND `+keptOrderSQL+`
		    AND NOT EXISTS (SELECT FROM automatic_mail a WHERE a.kind = $1 AND a.about = o.identifier)
		  ORDER BY o.id LIMIT $4),
		noted AS (INSERT INTO automatic_mail (kind, about, email) SELECT $1, identifier, lower(email) FROM due)
		SELECT identifier, email, member_id, name, total,
		  (SELECT coalesce(jsonb_agg(jsonb_build_object(
		      'sku_id', l.sku_id, 'product', coalesce(l.product_title, ''), 'colour', coalesce(l.color, ''),
		      'size', coalesce(l.size, ''), 'price_each', l.price_cents, 'quantity', sent.pieces) ORDER BY l.seq), '[]')
		    FROM order_line l CROSS JOIN LATERAL (
		      SELECT sum(s.quantity) AS pieces FROM shipment_line s
		      WHERE s.order_id = l.order_id AND s.seq = l.seq) AS sent
		    WHERE l.order_id = due.id AND sent.pieces > 0) AS lines
		FROM due`, msg.MailReviewRequest, after, automaticTTL, automaticBatchSize)
}

// reviewWanted reports whether an order is still one that was kept.
func reviewWanted(ctx context.Context, db pg.DB, identifier string) (bool, error) {
	return pg.Get[bool](ctx, db, "find order $1", `
		SELECT EXISTS (SELECT FROM orders o WHERE o.identifier = $1 AND `+keptOrderSQL+`)`, identifier)
}

// deleteOldAutomatic deletes notes that no query reads any more, old wishes, and wishes whose mails
// have left or would be too late.
func deleteOldAutomatic(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	mails, err := pg.InGroups(ctx, pool, "delete old notes of automatic mails", `
		DELETE FROM automatic_mail WHERE (kind, about) IN (
		  SELECT kind, about FROM automatic_mail WHERE at < now() - $2::interval LIMIT $1 FOR UPDATE SKIP LOCKED)`,
		automaticNoteTTL)
	if err != nil {
		return mails, err
	}
	wishes, err := pg.InGroups(ctx, pool, "delete old wishes", `
		DELETE FROM restock_wish WHERE id IN (
		  SELECT id FROM restock_wish WHERE at < now() - $2::interval LIMIT $1 FOR UPDATE SKIP LOCKED)`, wishTTL)
	if err != nil {
		return mails + wishes, err
	}
	told, err := pg.InGroups(ctx, pool, "delete old notices that were sent", `
		DELETE FROM restock_told WHERE id IN (
		  SELECT id FROM restock_told WHERE told_at < now() - $2::interval LIMIT $1 FOR UPDATE SKIP LOCKED)`,
		notifiedWishTTL)
	return mails + wishes + told, err
}
