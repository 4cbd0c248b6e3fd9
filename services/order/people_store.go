package order

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// erase forgets a person: orders keep their amounts, everything else that tells who it was goes.
func erase(ctx context.Context, tx pgx.Tx, e msg.Erased) error {
	emails := addressKeys(e.Emails)
	issues, err := issuesAbout(ctx, tx, e)
	if err != nil {
		return err
	}
	codes := append([]string{}, e.Codes...)
	batch := &pgx.Batch{}
	const who = `((member_id = $1 AND $1 <> 0) OR lower(email) = ANY($2))`
	batch.Queue(`UPDATE payment_event SET payload = '{}' WHERE payment_intent IN (SELECT payment_intent FROM orders WHERE `+who+`)`, e.MemberID, emails)
	batch.Queue(`UPDATE payment_issue SET payload = '{}' WHERE session_id IN (SELECT session_id FROM checkout WHERE `+who+`) OR id = ANY($3)`, e.MemberID, emails, issues)
	batch.Queue(`UPDATE payment_event SET payload = '{}' WHERE payment_intent IN (SELECT payment_intent FROM payment_issue WHERE payload = '{}')`)
	batch.Queue(`UPDATE orders SET member_id = NULL, prospect_code = NULL, email = NULL, customer_name = NULL, shipping_address = NULL, billing_address = NULL WHERE `+who, e.MemberID, emails)
	batch.Queue(`UPDATE orders SET prospect_code = NULL WHERE prospect_code = ANY($1)`, codes)
	batch.Queue(`UPDATE code_use SET customer = 'erased:' || checkout_id, person = NULL WHERE customer = 'member:' || $1::bigint::text OR customer = ANY($2)
		OR checkout_id IN (SELECT id FROM checkout WHERE `+who+`)`, e.MemberID, emails)
	batch.Queue(`UPDATE checkout SET member_id = NULL, member_code = NULL, email = NULL, person = NULL, client = NULL WHERE `+who, e.MemberID, emails)
	batch.Queue(`DELETE FROM cart_merge WHERE member_id = $1`, e.MemberID)
	batch.Queue(`DELETE FROM cart WHERE (member_id = $1 AND $1 <> 0) OR lower(receipt_email) = ANY($2)`, e.MemberID, emails)
	batch.Queue(`DELETE FROM prospect WHERE email = ANY($1) OR code = ANY($2)`, emails, codes)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("erase a person: %w", err)
	}
	return bus.ForgetPeople(ctx, tx, e)
}

func addressKeys(emails []string) []string {
	keys := make([]string, len(emails))
	for i, a := range emails {
		keys[i] = addressKey(a)
	}
	return keys
}

// issuesAbout finds payments for staff whose copy of Stripe's words names the person. They may belong
// to no checkout of ours.
func issuesAbout(ctx context.Context, tx pgx.Tx, e msg.Erased) (ids []int64, err error) {
	rows, err := tx.Query(ctx, `
		SELECT id, payload::text FROM payment_issue
		WHERE EXISTS (SELECT FROM unnest($1::text[]) AS n (needle) WHERE strpos(lower(payload::text), needle) > 0)`, e.Needles())
	if err != nil {
		return nil, fmt.Errorf("look for payments of a person: %w", err)
	}
	var id int64
	var payload string
	_, err = pgx.ForEachRow(rows, []any{&id, &payload}, func() error {
		if e.Mentions([]byte(payload)) {
			ids = append(ids, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for payments of a person: %w", err)
	}
	return ids, nil
}

// leaveOutForgotten takes the person out of orders whose buyer was erased while Stripe's event was
// under way. Who pays after having been erased is a new customer.
func leaveOutForgotten(ctx context.Context, tx pgx.Tx, orders []order) error {
	var keys []string
	for _, o := range orders {
		if !o.saidAt.IsZero() {
			keys = append(keys, o.Email)
		}
	}
	forgotten, err := bus.Forgotten(ctx, tx, keys...)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	for i := range orders {
		o := &orders[i]
		if at, gone := forgotten[o.Email]; gone && !o.saidAt.IsZero() && !o.saidAt.After(at) {
			o.MemberID, o.Email, o.CustomerName = nil, "", ""
			o.ShippingAddress, o.BillingAddress = msg.Address{}, msg.Address{}
			c := *o.checkout
			c.Newsletter, c.MemberCode = false, nil
			o.checkout = &c
		}
	}
	return nil
}

// Export is everything that this service has of a person, as a JSON object with a list for each
// table.
func Export(ctx context.Context, pool *pgxpool.Pool, p msg.Person) (raw json.RawMessage, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		issues, err := issuesAbout(ctx, tx, msg.Erased{Emails: p.Emails, Codes: p.Codes})
		if err != nil {
			return err
		}
		const list = `(SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM `
		const who = `(member_id = ANY($1) OR lower(email) = ANY($2))`
		return tx.QueryRow(ctx, `
			WITH o AS (SELECT * FROM orders WHERE `+who+` ORDER BY id), k AS (SELECT * FROM checkout WHERE `+who+` ORDER BY created_at),
			c AS (SELECT * FROM cart WHERE member_id = ANY($1) OR lower(receipt_email) = ANY($2))
			SELECT jsonb_build_object(
				'orders', `+list+`o t), 'order_lines', `+list+`order_line t WHERE order_id IN (SELECT id FROM o)),
				'order_codes', `+list+`order_code t WHERE order_id IN (SELECT id FROM o)),
				'order_statuses', `+list+`order_status t WHERE order_id IN (SELECT id FROM o)),
				'carts', `+list+`c t), 'cart_lines', `+list+`cart_line t WHERE cart_id IN (SELECT id FROM c)),
				'cart_codes', `+list+`cart_code t WHERE cart_id IN (SELECT id FROM c)),
				'cart_merges', `+list+`cart_merge t WHERE member_id = ANY($1)),
				'checkouts', `+list+`k t), 'code_uses', `+list+`code_use t WHERE checkout_id IN (SELECT id FROM k) OR customer = ANY($2)),
				'prospect_codes', `+list+`prospect t WHERE email = ANY($2)),
				'payment_events', `+list+`payment_event t WHERE payment_intent IN (SELECT payment_intent FROM o UNION SELECT payment_intent FROM payment_issue WHERE id = ANY($3))),
				'payment_issues', `+list+`payment_issue t WHERE id = ANY($3) OR session_id IN (SELECT session_id FROM k)))`,
			p.MemberIDs, addressKeys(p.Emails), issues).Scan(&raw)
	})
	if err != nil {
		return nil, fmt.Errorf("export a person's orders: %w", err)
	}
	return raw, nil
}
