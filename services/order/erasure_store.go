package order

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The owner of a row: the member ($1), or a person known by an address ($2).
const (
	theirsSQL     = `(member_id = ANY($1) OR lower(email) = ANY($2))`
	theirCartsSQL = `(member_id = ANY($1) OR lower(receipt_email) = ANY($2))`
	// Entries for staff: those of the person's checkouts, and those that name the person ($3, from
	// issuesAbout). An empty payload does not tell whose an entry is: entries about disputes and
	// failed refunds never have one.
	theirIssuesSQL = `(id = ANY($3) OR session_id = ANY(ARRAY(SELECT session_id FROM checkout WHERE ` + theirsSQL +
		`)))`
	// Payments of their orders, or of their entries for staff.
	theirPaymentsSQL = `payment_intent = ANY(ARRAY(SELECT payment_intent FROM orders WHERE ` + theirsSQL +
		` UNION SELECT payment_intent FROM payment_issue WHERE ` + theirIssuesSQL + `))`
)

// eraseOrders erases a person: orders keep their amounts, and everything else that identifies the
// buyer is cleared. Rows that are found by another table's rows are looked up with = ANY(ARRAY(…)),
// which uses an index whatever the planner estimates.
func eraseOrders(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	issues, err := issuesAbout(ctx, tx, p)
	if err != nil {
		return err
	}

	members, emails := p.MemberIDs, addressKeys(p.Emails)
	batch := &pgx.Batch{}
	batch.Queue(`UPDATE payment_event SET payload = '{}' WHERE `+theirPaymentsSQL, members, emails, issues)
	batch.Queue(`UPDATE refund SET note = '' WHERE note <> '' AND `+theirPaymentsSQL, members, emails, issues)
	batch.Queue(`UPDATE payment_issue SET payload = '{}' WHERE `+theirIssuesSQL, members, emails, issues)
	batch.Queue(`UPDATE address_change SET before = '{}', after = '{}'
		WHERE order_id = ANY(ARRAY(SELECT id FROM orders WHERE `+theirsSQL+`))`, members, emails)
	batch.Queue(`DELETE FROM staff_note WHERE order_id = ANY(ARRAY(SELECT id FROM orders WHERE `+theirsSQL+`))`,
		members, emails)

	batch.Queue(`UPDATE orders SET member_id = NULL, prospect_code = NULL, email = NULL, customer_name = NULL, `+
		`shipping_address = NULL, billing_address = NULL WHERE `+theirsSQL, members, emails)
	batch.Queue(`UPDATE orders SET prospect_code = NULL WHERE prospect_code = ANY($1)`, p.Codes)
	batch.Queue(`UPDATE code_use SET customer = 'erased:' || checkout_id, person = NULL WHERE checkout_id = ANY(ARRAY(
		  SELECT checkout_id FROM code_use
		  WHERE customer = ANY($2) OR customer = ANY(ARRAY(SELECT 'member:' || id FROM unnest($1::bigint[]) AS n (id)))
		  UNION
		  SELECT id FROM checkout WHERE `+theirsSQL+`))`, members, emails)
	batch.Queue(`UPDATE checkout SET member_id = NULL, member_code = NULL, email = NULL, person = NULL, client = `+
		`NULL WHERE `+theirsSQL, members, emails)

	batch.Queue(`DELETE FROM merged_member WHERE id = ANY($1) OR into_id = ANY($1)`, members)
	batch.Queue(`DELETE FROM cart_merge WHERE member_id = ANY($1)`, members)
	batch.Queue(`DELETE FROM cart WHERE `+theirCartsSQL, members, emails)
	batch.Queue(`DELETE FROM automatic_mail WHERE email = ANY($1)`, emails)
	batch.Queue(`DELETE FROM restock_wish WHERE lower(email) = ANY($1)`, emails)
	batch.Queue(`DELETE FROM restock_told WHERE lower(email) = ANY($1)`, emails)
	batch.Queue(`DELETE FROM prospect WHERE email = ANY($1) OR code = ANY($2)`, emails, p.Codes)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("erase a person: %w", err)
	}

	return nil
}

// ExportOrders is everything that this service stores about a person.
func ExportOrders(ctx context.Context, db pg.DB, p erasure.Person) (json.RawMessage, error) {
	issues, err := issuesAbout(ctx, db, p)
	if err != nil {
		return nil, err
	}

	const with = `
		WITH o AS (SELECT * FROM orders WHERE ` + theirsSQL + ` ORDER BY id),
		     k AS (SELECT * FROM checkout WHERE ` + theirsSQL + ` ORDER BY created_at),
		     c AS (SELECT * FROM cart WHERE ` + theirCartsSQL + `)`
	return erasure.Export(ctx, db, with, []erasure.Table{
		{Name: "orders", Rows: `o`},
		{Name: "order_lines", Rows: `order_line WHERE order_id IN (SELECT id FROM o)`},
		{Name: "order_codes", Rows: `order_code WHERE order_id IN (SELECT id FROM o)`},
		{Name: "order_statuses", Rows: `order_status WHERE order_id IN (SELECT id FROM o)`},
		{Name: "address_changes", Rows: `address_change WHERE order_id IN (SELECT id FROM o)`},
		{Name: "staff_notes", Rows: `staff_note WHERE order_id IN (SELECT id FROM o)`},
		{Name: "shipments", Rows: `shipment WHERE order_id IN (SELECT id FROM o)`},
		{Name: "shipments_undone", Rows: `shipment_undone WHERE order_id IN (SELECT id FROM o)`},
		{Name: "shipment_lines", Rows: `shipment_line WHERE order_id IN (SELECT id FROM o)`},
		{Name: "refunds", Rows: `refund WHERE ` + theirPaymentsSQL},
		{Name: "refund_lines", Rows: `refund_line WHERE order_id IN (SELECT id FROM o)`},
		{Name: "disputes", Rows: `dispute WHERE ` + theirPaymentsSQL},
		{Name: "carts", Rows: `c`},
		{Name: "cart_lines", Rows: `cart_line WHERE cart_id IN (SELECT id FROM c)`},
		{Name: "cart_codes", Rows: `cart_code WHERE cart_id IN (SELECT id FROM c)`},
		{Name: "cart_merges", Rows: `cart_merge WHERE member_id = ANY($1)`},
		{Name: "checkouts", Rows: `k`},
		{Name: "code_uses", Rows: `code_use WHERE checkout_id = ANY(ARRAY(
			SELECT id FROM k UNION SELECT checkout_id FROM code_use WHERE customer = ANY($2)))`},
		{Name: "automatic_mails", Rows: `automatic_mail WHERE email = ANY($2)`},
		{Name: "restock_wishes", Rows: `restock_wish WHERE lower(email) = ANY($2)`, Without: "address"},
		{Name: "restock_told", Rows: `restock_told WHERE lower(email) = ANY($2)`, Without: "address"},
		{Name: "prospect_codes", Rows: `prospect WHERE email = ANY($2)`},
		{Name: "payment_events", Rows: `payment_event WHERE ` + theirPaymentsSQL},
		{Name: "payment_issues", Rows: `payment_issue WHERE ` + theirIssuesSQL +
			` OR payment_intent IN (SELECT payment_intent FROM o)`},
	}, p.MemberIDs, addressKeys(p.Emails), issues)
}

// issuesAbout finds payments for staff whose copy of Stripe's object names the person. They may
// belong to no checkout of ours.
func issuesAbout(ctx context.Context, db pg.DB, p erasure.Person) ([]int64, error) {
	return erasure.Mentioning[int64](ctx, db, p, "look for payments of a person",
		`SELECT id, '', payload::text FROM payment_issue WHERE `+erasure.InText("payload::text", "$1"))
}

func addressKeys(emails []string) []string {
	keys := make([]string, len(emails))
	for i, a := range emails {
		keys[i] = email.Key(a)
	}
	return keys
}
