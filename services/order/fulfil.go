package order

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// identifierLength makes an order's identifier 131 bits of crypto/rand: a visitor's order is open
// to everyone who knows it.
const identifierLength = 22

// payment is a paid session to be turned into an order, and the event that reported it, if any.
type payment struct {
	stripe.Session
	eventID string
	raw     json.RawMessage // the raw event, or the session as retrieved
	at      time.Time       // time of the event
	trace   string          // trace of the event; "" for the trace of the request
}

// result is the outcome of a payment: an order, or an entry in the list for staff.
type result struct {
	identifier string
	reason     string
}

// place turns payments into orders, in one transaction for the whole group. It may be called for
// the same payment any number of times, concurrently: by the webhook's event, by the success page,
// by the sweep. The order is made from the frozen quote alone. A payment that is refused, by the
// database or by us, becomes an entry for staff and does not affect the others. Results are keyed
// by session id.
func (s *server) place(ctx context.Context, tx pgx.Tx, payments []payment) (map[string]result, error) {
	for _, p := range payments {
		if !p.Paid() {
			return nil, fmt.Errorf("session %s is not paid, so it makes no order", p.ID)
		}
	}
	results := make(map[string]result, len(payments))
	return results, s.placeApart(ctx, tx, payments, results)
}

// placeTogether places payments that can all be placed, behind a savepoint.
func (s *server) placeTogether(ctx context.Context, tx pgx.Tx, payments []payment) (map[string]result, error) {
	checkouts, err := lockCheckouts(ctx, tx, payments, savepoint)
	if err != nil {
		return nil, err
	}
	made, err := existingOrders(ctx, tx, payments, checkouts)
	if err != nil {
		return nil, err
	}

	results := make(map[string]result, len(payments))
	var orders []order
	var issues []issue
	for _, p := range payments {
		c := checkouts.of(p.Session)
		if identifier, ok := made.find(p.Session, c); ok {
			results[p.ID] = result{identifier: identifier}
			continue
		}
		if reason, ok := made.closed[p.ID]; ok { // staff have resolved it
			results[p.ID] = result{reason: reason}
			continue
		}

		reason, noted, err := decide(ctx, tx, p, c, made)
		if err != nil {
			return nil, err
		}
		issues = append(issues, noted...)
		if reason != "" {
			results[p.ID] = result{reason: reason}
			continue
		}

		o := newOrder(p, c)
		orders = append(orders, o)
		made.add(o)
		results[p.ID] = result{identifier: o.Identifier}
	}

	if err := storeIssues(ctx, tx, issues); err != nil {
		return nil, err
	}
	if len(orders) == 0 {
		return results, nil
	}
	return results, s.storeOrders(ctx, tx, orders)
}

// decide says why a payment makes no order, or "", and returns the entries for staff. A payment
// that arrived after the end of its checkout still makes its order if everything that it needs can
// be reserved again.
func decide(ctx context.Context, tx pgx.Tx, p payment, c *checkout,
	made madeOrders) (reason string, noted []issue, err error) {
	reason, text := refuseOrder(p.Session, c, made)
	switch reason {
	case "":
		noted, err = payerNote(ctx, tx, p, c)
		return "", noted, err
	case paidAfterEnd:
		back, err := reserveAgain(ctx, tx, *c)
		if err != nil {
			return "", nil, err
		}
		if back {
			noted, err = payerNote(ctx, tx, p, c)
			return "", append(noted, newIssue(p, reason,
				"This payment came after its checkout had ended. Everything was still available, so it became an "+
					"order; there is nothing left to do.")), err
		}
	case paidTwice: // it is for staff; the shopper may go on, and the sweep need not try again
		if err := endCheckout(ctx, tx, c.ID, stateFailed); err != nil {
			return "", nil, err
		}
	}
	return reason, []issue{newIssue(p, reason, text)}, nil
}

// refuseOrder says why a paid session makes no order, or "".
func refuseOrder(p stripe.Session, c *checkout, made madeOrders) (reason, explanation string) {
	switch {
	case p.Odd != nil:
		return unreadable, fmt.Sprintf("Stripe describes this session in a way that the shop cannot read (%v). "+
			"Look it up in Stripe, and make the order by hand or refund it.", p.Odd)
	case c == nil:
		return noQuote, "A paid session that this shop has no quote for. Find out who paid and for what; refund it " +
			"in Stripe if it is not ours."
	case c.Quote.odd != nil || len(c.Quote.Lines) == 0:
		return orderRefused, "Paid, but the quote of this checkout was edited in the database and no longer says " +
			"what was sold. Make the order by hand, or refund the payment in Stripe."
	case p.AmountTotal != nil && *p.AmountTotal-c.taxAdded(p) != c.Total:
		return amountDiffers, fmt.Sprintf("Paid %s with %s of tax, the quote says %s.", p.AmountTotal, c.taxAdded(p),
			c.Total)
	case p.PaymentStatus == "no_payment_required" && c.Total != 0:
		return amountDiffers, fmt.Sprintf("Stripe says that nothing had to be paid, the quote says %s.", c.Total)
	case p.Currency != "" && !strings.EqualFold(p.Currency, c.Currency):
		return currencyDiffers, fmt.Sprintf("Paid in %s, the quote is in %s.", p.Currency, c.Currency)
	case made.hasIntent(p):
		return paidTwice, "Stripe names the payment intent of another session for this one, and that one is an " +
			"order. Look in Stripe whether this session was paid by itself: then make the order by hand or refund it."
	case made.cart(c):
		return paidTwice, "This cart was paid with another session already and is an order. Refund this payment in " +
			"Stripe, or make the second order by hand."
	case c.State == stateExpired || c.State == stateFailed:
		return paidAfterEnd, "This payment came after its checkout had ended and its reserved items had gone to " +
			"someone else. Refund it in Stripe, or make the order by hand."
	}
	return "", ""
}

// order is an order about to be written, as the columns of the table and the parts inside.
type order struct {
	Identifier       string          `json:"identifier"`
	CheckoutID       string          `json:"checkout_id"`
	SessionID        string          `json:"session_id"`
	PaymentIntent    *string         `json:"payment_intent"`
	EventID          string          `json:"event_id"` // of Stripe; "" if no event reported the payment
	CartID           int64           `json:"cart_id"`
	CartGeneration   int             `json:"cart_generation"`
	MemberID         *int64          `json:"member_id"`
	ProspectCode     *string         `json:"prospect_code"`
	Email            string          `json:"email"`
	CustomerName     string          `json:"customer_name"`
	Currency         string          `json:"currency"`
	ItemSubtotal     int64           `json:"item_subtotal"`
	ItemDiscount     int64           `json:"item_discount"`
	ShippingSubtotal int64           `json:"shipping_subtotal"`
	ShippingDiscount int64           `json:"shipping_discount"`
	SalesTax         int64           `json:"sales_tax"`    // added to the items and shipping
	TaxIncluded      int64           `json:"tax_included"` // within the total
	Total            int64           `json:"total"`
	ShippingMethod   *shippingMethod `json:"shipping_method"`
	ShippingAddress  msg.Address     `json:"shipping_address"`
	BillingAddress   msg.Address     `json:"billing_address"`
	PlacedAt         time.Time       `json:"placed_at"`
	Lines            []orderLine     `json:"lines"`
	Codes            []orderCode     `json:"codes"`

	checkout *checkout
	eventAt  time.Time // time of Stripe's event; zero without one
	trace    string    // trace of that event, or ""

	prospectKnown bool // user has confirmed ProspectCode
}

type orderLine struct {
	Seq               int     `json:"seq"`
	SKUID             int64   `json:"sku_id"`
	Quantity          int     `json:"quantity"`
	PriceCents        int64   `json:"price_cents"`
	ProductTitle      string  `json:"product_title"`
	ProductTitleURL   string  `json:"product_title_url"`
	ProductIdentifier string  `json:"product_identifier"`
	Color             *string `json:"color"`
	Size              *string `json:"size"`
	Description       *string `json:"description"`
	FullPrice         bool    `json:"full_price"` // the discount on items was for other lines
}

type orderCode struct {
	Seq     int         `json:"seq"`
	CodeID  int64       `json:"code_id"`
	Applied bool        `json:"applied"`
	Detail  appliedCode `json:"detail"`
}

func newOrder(p payment, c *checkout) order {
	added, to, billing := c.taxAdded(p.Session), p.ShippingAddress(), p.BillingAddress()
	o := order{
		Identifier:       random.Code(identifierLength),
		CheckoutID:       c.ID,
		SessionID:        p.ID,
		CartID:           c.CartID,
		CartGeneration:   c.CartGeneration,
		EventID:          pg.StorableKey(p.eventID, stripe.MaxID),
		MemberID:         c.MemberID,
		Email:            p.Email(),
		CustomerName:     p.CustomerName(),
		Currency:         c.Currency,
		ItemSubtotal:     int64(c.ItemSubtotal),
		ItemDiscount:     int64(c.ItemDiscount),
		ShippingSubtotal: int64(c.ShippingSubtotal),
		ShippingDiscount: int64(c.ShippingDiscount),
		SalesTax:         int64(added),
		Total:            int64(c.Total + added),
		TaxIncluded:      int64(c.taxIncluded(to, billing)),
		ShippingMethod:   c.Quote.Shipping,
		ShippingAddress:  to,
		BillingAddress:   billing,
		PlacedAt:         time.Now().UTC(),
		checkout:         c,
		eventAt:          p.at,
		trace:            p.trace,
	}

	if p.PaymentIntent != "" {
		o.PaymentIntent = &p.PaymentIntent
	}
	if o.Email == "" {
		o.Email = c.Email
	}
	for i, l := range c.Quote.Lines {
		o.Lines = append(o.Lines, orderLine{
			Seq:               i,
			SKUID:             l.SKUID,
			Quantity:          l.Quantity,
			PriceCents:        int64(l.Price),
			ProductTitle:      l.ProductTitle,
			ProductTitleURL:   l.ProductTitleURL,
			ProductIdentifier: l.ProductIdentifier,
			Color:             l.Color,
			Size:              l.Size,
			Description:       l.Description,
			FullPrice:         c.Quote.DiscountOn != nil && !slices.Contains(c.Quote.DiscountOn, l.SKUID),
		})
	}

	for i, q := range c.Quote.Codes {
		o.Codes = append(o.Codes, orderCode{Seq: i, CodeID: q.ID, Applied: q.Applied, Detail: q})
	}
	return o
}

// storeOrders writes the orders of a group, with everything that belongs to them.
func (s *server) storeOrders(ctx context.Context, tx pgx.Tx, orders []order) error {
	if err := eraseBuyers(ctx, tx, orders); err != nil {
		return err
	}

	var visitors []string
	for _, o := range orders {
		if o.MemberID == nil && o.Email != "" {
			visitors = append(visitors, o.Email)
		}
	}
	codes := map[string]prospectCode{}
	if len(visitors) > 0 {
		var err error
		if codes, err = prospectCodes(ctx, tx, visitors); err != nil {
			return err
		}
	}
	for i := range orders {
		if p, ok := codes[email.Key(orders[i].Email)]; ok && orders[i].MemberID == nil {
			orders[i].ProspectCode, orders[i].prospectKnown = &p.Code, p.Known
		}
	}

	stored, err := insertOrders(ctx, tx, orders)
	if err != nil {
		return err
	}
	if stored.status != stored.wanted {
		s.log.Warn("the setting initial_order_status names no status, the first one is used", "setting", stored.wanted,
			"status", stored.status)
	}
	if err := clearCarts(ctx, tx, orders); err != nil {
		return err
	}

	var messages []msg.Message
	for _, o := range orders {
		messages = append(messages, placedMessages(o, stored)...)
	}
	return bus.Enqueue(ctx, tx, messages...)
}

// eraseBuyers removes the person from orders whose buyer was erased while Stripe's event was under
// way. A person who pays after the erasure is a new customer.
func eraseBuyers(ctx context.Context, tx pgx.Tx, orders []order) error {
	var keys []string
	for _, o := range orders {
		if !o.eventAt.IsZero() {
			keys = append(keys, o.Email)
		}
	}
	forgotten, err := erasure.Forgotten(ctx, tx, keys...)
	if err != nil || len(forgotten) == 0 {
		return err
	}
	for i := range orders {
		o := &orders[i]
		if at, gone := forgotten[o.Email]; gone && !o.eventAt.IsZero() && !o.eventAt.After(at) {
			o.MemberID, o.Email, o.CustomerName = nil, "", ""
			o.ShippingAddress, o.BillingAddress = msg.Address{}, msg.Address{}
			c := *o.checkout
			c.Newsletter, c.MemberCode = false, nil
			o.checkout = &c
		}
	}
	return nil
}

// settle places one payment outside of the consumer: for the success page and the sweep.
func (s *server) settle(ctx context.Context, paid stripe.Session, eventID string) (r result, err error) {
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		results, err := s.place(ctx, tx, []payment{{Session: paid, eventID: eventID, raw: paid.Raw}})
		r = results[paid.ID]
		return err
	})
	return r, err
}
