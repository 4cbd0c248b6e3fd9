package order

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// staffOrderRow is the row of an order, with the consents given at checkout.
type staffOrderRow struct {
	ID                         int64
	Identifier                 string
	Version                    int
	PlacedAt                   time.Time
	Status, StatusTitle        string
	CanceledAt                 *time.Time
	MemberID                   *int64
	ProspectCode               string
	Email, CustomerName        string
	Currency                   string
	ItemSubtotal, ItemDiscount money.Cents
	ShippingSubtotal           money.Cents
	ShippingDiscount           money.Cents
	SalesTax, TaxIncluded      money.Cents
	Total                      money.Cents
	ShippingMethod             *shippingMethod
	ShippingAddress            *msg.Address
	BillingAddress             *msg.Address
	PaymentIntent              *string
	SessionID, CheckoutID      string
	TermsOfSale, Newsletter    bool
	AgreedAt                   *time.Time
	ActedAt                    *time.Time
	ActedBy, ActedWhat         string
}

func findStaffOrder(ctx context.Context, db pg.DB, identifier string) (o staffOrderRow, found bool, err error) {
	return pg.One[staffOrderRow](ctx, db, "find order $1 for staff", `
		SELECT o.id, o.identifier, o.version, o.placed_at,
		  coalesce(o.current_status, '') AS status, coalesce(s.title, '') AS status_title, o.canceled_at,
		  o.member_id, coalesce(o.prospect_code, '') AS prospect_code, coalesce(o.email, '') AS email,
		  coalesce(o.customer_name, '') AS customer_name, o.currency, o.item_subtotal, o.item_discount,
		  o.shipping_subtotal, o.shipping_discount, o.sales_tax, o.tax_included, o.total,
		  o.shipping_method, o.shipping_address, o.billing_address, o.payment_intent, o.session_id, o.checkout_id,
		  o.agreed_with_terms_of_sale AS terms_of_sale, coalesce(k.newsletter, false) AS newsletter, k.agreed_at,
		  o.acted_at, o.acted_by, o.acted_what
		FROM orders o LEFT JOIN status s ON s.identifier = o.current_status LEFT JOIN checkout k ON k.id = o.checkout_id
		WHERE o.identifier = $1`, identifier)
}

// page is the page of an order without its lists, which are empty, not nil.
func (o staffOrderRow) page() staffOrderPage {
	p := staffOrderPage{
		Identifier:  o.Identifier,
		Version:     o.Version,
		PlacedAt:    o.PlacedAt,
		Status:      o.Status,
		StatusTitle: o.StatusTitle,
		CanceledAt:  o.CanceledAt,
		Customer: staffCustomer{
			Name:     o.CustomerName,
			Email:    o.Email,
			MemberID: o.MemberID,
		},
		Lines:           []staffLine{},
		Parcels:         []staffParcel{},
		ShippingAddress: o.ShippingAddress,
		BillingAddress:  o.BillingAddress,
		Money: staffMoney{
			Currency:         o.Currency,
			ItemSubtotal:     o.ItemSubtotal,
			ItemDiscount:     o.ItemDiscount,
			ShippingSubtotal: o.ShippingSubtotal,
			ShippingDiscount: o.ShippingDiscount,
			SalesTax:         o.SalesTax,
			TaxIncluded:      o.TaxIncluded,
			Total:            o.Total,
		},
		Payment: staffPayment{PaymentIntent: pg.Text(o.PaymentIntent), SessionID: o.SessionID,
			CheckoutID: o.CheckoutID},
		Consent: staffConsent{TermsOfSale: o.TermsOfSale, AgreedAt: o.AgreedAt, Newsletter: o.Newsletter},
	}

	if o.ShippingMethod != nil {
		p.ShippingMethod = o.ShippingMethod.Carrier
	}
	if o.PaymentIntent != nil {
		mode := ""
		if strings.HasPrefix(o.SessionID, "cs_test_") { // Stripe has separate pages for test payments
			mode = "test/"
		}
		p.Payment.Dashboard = "https://dashboard.stripe.com/" + mode + "payments/" + *o.PaymentIntent
	}
	return p
}

// staffParts are the lists of an order for staff.
type staffParts struct {
	codes    []staffCode
	moves    []staffMove
	parcels  []parcelRow
	undone   []undone
	refunds  []staffRefund
	disputes []staffDispute
	notes    []staffNote
	changes  []addressChanged
	others   []staffOther
}

type parcelRow struct {
	ID, Carrier, TrackingNumber, ByName string
	TrackingBaseURL                     string `db:"tracking_base_url"`
	ShippedAt, MailAt                   time.Time
	ToldAt                              *time.Time
	Pieces                              []staffPieces
}

// addressChanged is a correction of an order's address.
type addressChanged struct {
	Before, After msg.Address
	ByName        string
	At            time.Time
}

// readStaffParts reads everything that belongs to an order, in one round trip.
func readStaffParts(ctx context.Context, db pg.DB, o staffOrderRow) (staffParts, error) {
	parts := staffParts{codes: []staffCode{}, refunds: []staffRefund{}, disputes: []staffDispute{},
		notes:  []staffNote{},
		others: []staffOther{}}
	batch := &pgx.Batch{}
	queue(batch, func(c staffCode) { parts.codes = append(parts.codes, c) }, `
		SELECT coalesce(detail->>'code', '') AS code, coalesce(detail->>'description', '') AS description, applied
		FROM order_code WHERE order_id = $1 ORDER BY seq`, o.ID)

	queue(batch, func(m staffMove) { parts.moves = append(parts.moves, m) }, `
		SELECT s.identifier, s.title, o.created_date_time AS at, coalesce(o.by_name, '') AS by
		FROM status s LEFT JOIN order_status o ON o.status = s.identifier AND o.order_id = $1
		ORDER BY s.position, s.identifier`,
		o.ID)
	queue(batch, func(p parcelRow) { parts.parcels = append(parts.parcels, p) }, `
		SELECT id, carrier, tracking_number, tracking_base_url, by_name, shipped_at, mail_at, told_at,
		  coalesce((SELECT jsonb_agg(jsonb_build_object('line', seq, 'quantity', quantity) ORDER BY seq)
		    FROM shipment_line l WHERE l.shipment_id = s.id), '[]') AS pieces
		FROM shipment s WHERE order_id = $1 ORDER BY shipped_at, id`, o.ID)

	queue(batch, func(u undone) { parts.undone = append(parts.undone, u) }, `
		SELECT `+undoneColumnsSQL+` FROM shipment_undone u WHERE order_id = $1 ORDER BY undone_at, id`, o.ID)
	queue(batch, func(r staffRefund) { parts.refunds = append(parts.refunds, r) }, `
		SELECT id, coalesce(stripe_id, '') AS stripe_id, origin, amount, state, reason, note, failure, trouble,
		  by_name AS by, created_at AS at,
		  coalesce((SELECT jsonb_agg(jsonb_build_object('line', seq, 'quantity', quantity) ORDER BY seq)
		    FROM refund_line l WHERE l.refund_id = r.id), '[]') AS pieces
		FROM refund r WHERE payment_intent = $1 ORDER BY created_at, id`, o.PaymentIntent)

	queue(batch, func(d staffDispute) { parts.disputes = append(parts.disputes, d) }, `
		SELECT id, amount, withdrawn, reason, status, due_by, created_at AS at
		FROM dispute WHERE payment_intent = $1 ORDER BY created_at, id`, o.PaymentIntent)
	queue(batch, func(n staffNote) { parts.notes = append(parts.notes, n) }, `
		SELECT text, mailed, by_name AS by, at FROM staff_note WHERE order_id = $1 ORDER BY at, id`, o.ID)
	queue(batch, func(c addressChanged) { parts.changes = append(parts.changes, c) }, `
		SELECT before, after, by_name, at FROM address_change WHERE order_id = $1 ORDER BY id`, o.ID)
	same, whose := "o.member_id IS NULL AND lower(o.email) = lower($2)", any(o.Email)
	if o.MemberID != nil {
		same, whose = "o.member_id = $2", *o.MemberID
	}

	queue(batch, func(o staffOther) { parts.others = append(parts.others, o) }, `
		SELECT o.identifier, o.placed_at, coalesce(s.title, '') AS status_title, o.total
		FROM orders o LEFT JOIN status s ON s.identifier = o.current_status
		WHERE o.id <> $1 AND `+same+` ORDER BY o.placed_at DESC, o.id DESC LIMIT $3`, o.ID, whose, maxOthers+1)
	if err := db.SendBatch(ctx, batch).Close(); err != nil {
		return staffParts{}, fmt.Errorf("read the parts of order %d: %w", o.ID, err)
	}
	return parts, nil
}

// noteRepeatTTL is how long the same text counts as the same note.
const noteRepeatTTL = 10 * time.Minute

// insertNote inserts a note to a locked order; fresh is false if it is there already.
func insertNote(ctx context.Context, tx pgx.Tx, orderID int64, text string, mailed bool,
	who Actor) (id int64, fresh bool, err error) {
	return pg.One[int64](ctx, tx, "insert a note of an order", `
		INSERT INTO staff_note (order_id, text, mailed, by_person, by_name)
		SELECT $1, $2, $3, $4, $5
		WHERE NOT EXISTS (SELECT FROM staff_note
		  WHERE order_id = $1 AND text = $2 AND mailed = $3 AND by_person = $4 AND at > now() - $6::interval)
		RETURNING id`, orderID, text, mailed, who.Person, who.Name, noteRepeatTTL)
}
