package order

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

var (
	errNoStock    = errors.New("fewer pieces are left than the checkout needs")
	errCodeUsedUp = errors.New("a discount code of the quote is used up")
)

// States of a checkout. It is unpaid in the first three, which hold what it reserved.
const (
	stateCreating = "creating" // waiting for Stripe's answer
	stateOpen     = "open"     // has a page
	statePending  = "pending"  // a bank is working on its debit
	statePaid     = "paid"     // has become an order
	stateExpired  = "expired"
	stateFailed   = "failed"
)

const checkoutColumnsSQL = `id, cart_id, cart_generation, quote_hash, state, member_id, member_code,
	coalesce(email, '') AS email, newsletter, agreed_at, quote, currency,
	item_subtotal, item_discount, shipping_subtotal, shipping_discount, total,
	stripe_attempt, session_id, url, expires_at,
	owner, round, unclosed, asked_at`

// insertCheckout stores a checkout and reserves its pieces and codes, under the lock of its cart.
func insertCheckout(ctx context.Context, tx pgx.Tx, k checkout) error {
	took, err := reserve(ctx, tx, k, `
		WITH stored AS (
		  INSERT INTO checkout (
		    id, cart_id, cart_generation, quote_hash, state, member_id, member_code, email, newsletter, agreed_at,
		    quote, currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, expires_at,
		    owner, round, person, client)
		  VALUES (
		    $2, $3, $4, $5, 'creating', $6, $7, nullif($8, ''), $9, $10,
		    $11, $12, $13, $14, $15, $16, $17, $18,
		    $19, $20, nullif($21, ''), nullif($22, '')))`,
		k.ID, k.CartID, k.CartGeneration, k.QuoteHash, k.MemberID, k.MemberCode, k.Email, k.Newsletter, k.AgreedAt,
		k.Quote, k.Currency,
		k.ItemSubtotal, k.ItemDiscount, k.ShippingSubtotal, k.ShippingDiscount, k.Total, k.ExpiresAt, k.Owner, k.Round,
		k.person, k.holder.client)
	if err != nil {
		return err
	}
	return checkHolds(ctx, tx, k, took)
}

// noteNewsletter stores a consent that came with a later click for the same checkout.
func noteNewsletter(ctx context.Context, db pg.DB, checkoutID string) error {
	return pg.Exec(ctx, db, "note a consent with checkout $1", `
		UPDATE checkout SET newsletter = true WHERE id = $1`, checkoutID)
}

// reserve takes the pieces and the uses of codes that a checkout needs. Rows are taken in the order
// of their ids, so that two checkouts cannot deadlock. with, unless empty, is a WITH clause for the
// first statement; its parameters begin at $2.
func reserve(ctx context.Context, tx pgx.Tx, k checkout, with string, args ...any) (reserved, error) {
	var skus []int64
	var quantities []int
	for _, l := range k.Quote.Lines {
		skus, quantities = append(skus, l.SKUID), append(quantities, l.Quantity)
	}
	var counted, taken int
	batch := &pgx.Batch{}
	// Locked by a statement of its own, so that the next one sees what others committed in the
	// meantime. The lock permits adding rows that refer to a SKU, such as prices, of which an
	// import adds thousands.
	batch.Queue(with+` SELECT FROM sku WHERE id = ANY($1) AND stock IS NOT NULL ORDER BY id FOR NO KEY UPDATE`,
		append([]any{skus}, args...)...)

	// A SKU that was ever in a quote (quoted_at) is retired instead of deleted.
	batch.Queue(`
		WITH want AS (
		  SELECT s.id, w.quantity FROM unnest($2::bigint[], $3::int[]) AS w (sku_id, quantity)
		  JOIN sku s ON s.id = w.sku_id
		  WHERE s.stock IS NOT NULL
		), took AS (
		  UPDATE sku SET stock = stock - want.quantity, quoted_at = coalesce(quoted_at, now()) FROM want
		  WHERE sku.id = want.id AND (stock >= want.quantity OR back_order)
		  RETURNING sku.id, want.quantity
		), quoted AS (
		  UPDATE sku SET quoted_at = now() WHERE id IN (
		    SELECT id FROM sku WHERE id = ANY($2) AND stock IS NULL AND quoted_at IS NULL
		    ORDER BY id FOR NO KEY UPDATE)
		), kept AS (
		  INSERT INTO reservation (checkout_id, sku_id, quantity) SELECT $1, id, quantity FROM took
		)
		SELECT (SELECT count(*) FROM want), (SELECT count(*) FROM took)`, k.ID, skus, quantities).
		QueryRow(func(row pgx.Row) error { return row.Scan(&counted, &taken) })

	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return reserved{}, fmt.Errorf("reserve pieces: %w", err)
	}
	if taken < counted {
		return reserved{}, errNoStock
	}
	limited, err := reserveCodes(ctx, tx, k)
	return reserved{pieces: counted > 0, codes: limited}, err
}

// reserveAgain takes what an ended checkout needs once more, for a payment that arrived all the
// same; false if someone else has it by now.
func reserveAgain(ctx context.Context, tx pgx.Tx, c checkout) (bool, error) {
	buyer := &cart{ID: c.CartID, MemberID: c.MemberID, MemberEmail: c.Email, ReceiptEmail: filled(c.Email)}
	c.customer, c.person = buyer.customer(), buyer.person()
	part, err := tx.Begin(ctx)
	if err != nil {
		return false, fmt.Errorf("begin to reserve for checkout %s again: %w", c.ID, err)
	}
	_, err = reserve(ctx, part, c, "")
	if errors.Is(err, errNoStock) || errors.Is(err, errCodeUsedUp) {
		return false, part.Rollback(ctx)
	}
	if err != nil {
		return false, err
	}
	return true, part.Commit(ctx)
}

// reserveCodes takes a use of every code that counts in a checkout, and reports whether one of them
// is limited.
func reserveCodes(ctx context.Context, tx pgx.Tx, k checkout) (limited bool, err error) {
	var codes []int64
	for _, c := range k.Quote.Codes {
		if c.Applied {
			codes = append(codes, c.ID)
		}
	}
	if len(codes) == 0 {
		return false, nil
	}

	var took int
	batch := &pgx.Batch{}
	batch.Queue(`SELECT FROM discount_code WHERE id = ANY($1) ORDER BY id FOR UPDATE`, codes)
	batch.Queue(`
		WITH took AS (
		  UPDATE discount_code d SET uses = uses + 1
		  WHERE id = ANY($2) AND (max_uses IS NULL OR uses < max_uses)
		    AND (max_uses_per_customer IS NULL OR (
		      SELECT count(*) FROM code_use u
		      WHERE u.code_id = d.id AND (u.customer = $3 OR u.person = nullif($4, ''))
		    ) < max_uses_per_customer)
		  RETURNING id, max_uses IS NOT NULL OR max_uses_per_customer IS NOT NULL AS limited
		), kept AS (
		  INSERT INTO code_use (checkout_id, code_id, customer, person) SELECT $1, id, $3, nullif($4, '') FROM took
		)
		SELECT count(*), coalesce(bool_or(limited), false) FROM took`, k.ID, codes, k.customer, k.person).
		QueryRow(func(row pgx.Row) error { return row.Scan(&took, &limited) })

	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return false, fmt.Errorf("reserve uses of discount codes: %w", err)
	}
	if took < len(codes) {
		return false, errCodeUsedUp
	}
	return limited, nil
}

// storeSession stores the payment page of a checkout, and reports whether it is still wanted:
// another click, or the end of the cart, may have ended the checkout in the meantime.
func storeSession(ctx context.Context, db pg.DB, checkoutID string,
	made stripe.Session) (state string, wanted bool, err error) {
	row, found, err := pg.One[struct {
		State  string
		Wanted bool
	}](ctx, db, "note the session of checkout $1", `
		WITH k AS (
		  UPDATE checkout SET session_id = $2, url = $3, state = CASE state WHEN 'creating' THEN 'open' ELSE state END
		  WHERE id = $1 AND (session_id IS NULL OR session_id = $2) RETURNING *)
		SELECT state, state = 'open' AND NOT `+endedSQL+` AS wanted FROM k`, checkoutID, made.ID, made.URL)
	if err == nil && !found {
		err = fmt.Errorf("checkout %s has another session than %s", checkoutID, made.ID)
	}
	return row.State, row.Wanted, err
}

// nextAttempt gives a checkout a new idempotency key.
func nextAttempt(ctx context.Context, db pg.DB, checkoutID string, from int) error {
	return pg.Exec(ctx, db, "update the attempt of checkout $1", `
		UPDATE checkout SET stripe_attempt = $2 + 1 WHERE id = $1 AND stripe_attempt = $2 AND session_id IS NULL`,
		checkoutID, from)
}

// endCheckout ends an unpaid checkout and gives back its reservations. It may be called again.
func endCheckout(ctx context.Context, db pg.DB, checkoutID, state string) error {
	return pg.Exec(ctx, db, "end checkout $1", `
		WITH ended AS (
		  UPDATE checkout SET state = $2, client = NULL
		  WHERE id = $1 AND state IN ('creating', 'open', 'pending') RETURNING id
		), pieces AS (
		  DELETE FROM reservation WHERE checkout_id IN (SELECT id FROM ended) RETURNING sku_id, quantity
		), back AS (
		  UPDATE sku SET stock = least(stock + p.quantity, 2147483647)
		  FROM (SELECT sku_id, sum(quantity) AS quantity FROM pieces GROUP BY sku_id) p
		  WHERE sku.id = p.sku_id AND stock IS NOT NULL
		), used AS (
		  DELETE FROM code_use WHERE checkout_id IN (SELECT id FROM ended) RETURNING code_id
		)
		UPDATE discount_code SET uses = greatest(uses - 1, 0) WHERE id IN (SELECT code_id FROM used)`, checkoutID,
		state)
}

// sessionLookup is what the shop knows about a session without calling Stripe.
type sessionLookup struct {
	Order     string // identifier of the session's order, or ""
	Ours      bool   // it belongs to a checkout of this shop
	WithStaff bool   // it is in the list for staff
}

func lookUpSession(ctx context.Context, db pg.DB, sessionID string) (l sessionLookup, err error) {
	return pg.Get[sessionLookup](ctx, db, "find session $1", `
		SELECT coalesce((SELECT identifier FROM orders WHERE session_id = $1), '') AS order,
		  EXISTS (SELECT FROM checkout WHERE session_id = $1) AS ours,
		  EXISTS (SELECT FROM payment_issue WHERE session_id = $1) AS with_staff`, sessionID)
}
