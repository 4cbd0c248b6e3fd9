package order

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// staffOrderPage is everything that the shop knows about an order.
type staffOrderPage struct {
	Identifier      string          `json:"identifier"`
	Version         int             `json:"version"` // incremented by every act
	PlacedAt        time.Time       `json:"placed_at"`
	Status          string          `json:"status"`
	StatusTitle     string          `json:"status_title"`
	CanceledAt      *time.Time      `json:"canceled_at"`
	Customer        staffCustomer   `json:"customer"`
	Lines           []staffLine     `json:"lines"`
	Codes           []staffCode     `json:"codes"`
	Money           staffMoney      `json:"money"`
	ShippingMethod  string          `json:"shipping_method"`
	ShippingAddress *msg.Address    `json:"shipping_address"`
	BillingAddress  *msg.Address    `json:"billing_address"`
	Payment         staffPayment    `json:"payment"`
	Consent         staffConsent    `json:"consent"`
	Parcels         []staffParcel   `json:"parcels"`
	Refunds         []staffRefund   `json:"refunds"`
	Disputes        []staffDispute  `json:"disputes"`
	Notes           []staffNote     `json:"notes"`
	Timeline        []adminui.Event `json:"timeline"` // the newest first

	Moves  []staffMove  `json:"-"` // the statuses that it can be given
	Panels []staffPart  `json:"-"`
	Note   adminui.Form `json:"-"`
	States adminui.Form `json:"-"`

	last lastAct
}

// lastAct is the last act of staff on an order; at is nil if there is none.
type lastAct struct {
	at       *time.Time
	by, what string
}

// staffCustomer is the buyer, and their other orders.
type staffCustomer struct {
	Name     string       `json:"name"`
	Email    string       `json:"email"`
	MemberID *int64       `json:"member_id"` // nil for a visitor
	Others   []staffOther `json:"other_orders"`
	More     bool         `json:"more"` // there are more than Others
	// Part is the path of the part of the page on which user shows the customer; "" for someone
	// whom user does not know.
	Part string `json:"-"`
}

// staffOther is another order of the same customer.
type staffOther struct {
	Identifier  string      `json:"identifier"`
	PlacedAt    time.Time   `json:"placed_at"`
	StatusTitle string      `json:"status_title"`
	Total       money.Cents `json:"total"`
}

// staffLine is a line as it was sold, with the fate of its pieces.
type staffLine struct {
	Seq      int         `json:"line"`
	SKU      int64       `json:"sku"`
	Product  string      `json:"product"`
	Variant  string      `json:"variant"`
	Quantity int         `json:"quantity"`
	Price    money.Cents `json:"price"`
	Sum      money.Cents `json:"sum"`
	Shipped  int         `json:"shipped"`
	Refunded int         `json:"refunded"`
	ToShip   int         `json:"to_ship"`
}

// Name is the line in words.
func (l staffLine) Name() string {
	if l.Variant == "" {
		return l.Product
	}
	return l.Product + ", " + l.Variant
}

// Progress is the fate of the pieces, in words.
func (l staffLine) Progress() string {
	var parts []string
	for _, p := range []struct {
		n    int
		what string
	}{{l.Shipped, "sent"}, {l.Refunded, "refunded"}, {l.ToShip, "to send"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	return strings.Join(parts, " · ")
}

// staffCode is a discount code as it was.
type staffCode struct {
	Code        string `json:"code"`
	Description string `json:"description"`
	Applied     bool   `json:"applied"`
}

// staffMoney is what was paid and what was given back.
type staffMoney struct {
	Currency         string      `json:"currency"`
	ItemSubtotal     money.Cents `json:"item_subtotal"`
	ItemDiscount     money.Cents `json:"item_discount"`
	ShippingSubtotal money.Cents `json:"shipping_subtotal"`
	ShippingDiscount money.Cents `json:"shipping_discount"`
	SalesTax         money.Cents `json:"sales_tax"`
	TaxIncluded      money.Cents `json:"tax_included"` // part of the total
	Total            money.Cents `json:"total"`
	Refunded         money.Cents `json:"refunded"`  // what Stripe gives back or gave back
	Requested        money.Cents `json:"requested"` // what Stripe has not answered yet
	Disputed         money.Cents `json:"disputed"`  // what disputes took
	Left             money.Cents `json:"left"`      // what can still be refunded
}

// staffPayment identifies the payment at Stripe.
type staffPayment struct {
	PaymentIntent string `json:"payment_intent"`
	SessionID     string `json:"session_id"`
	CheckoutID    string `json:"checkout_id"`
	Dashboard     string `json:"dashboard,omitempty"` // Stripe's page about the payment
}

// staffConsent is what the customer agreed to.
type staffConsent struct {
	TermsOfSale bool       `json:"terms_of_sale"`
	AgreedAt    *time.Time `json:"agreed_at"`
	Newsletter  bool       `json:"newsletter"`
}

// staffParcel is a parcel of the order.
type staffParcel struct {
	ID             string        `json:"id"`
	Carrier        string        `json:"carrier"`
	TrackingNumber string        `json:"tracking_number"`
	TrackingURL    string        `json:"tracking_url,omitempty"`
	ShippedAt      time.Time     `json:"shipped_at"`
	MailAt         time.Time     `json:"mail_at"`
	ToldAt         *time.Time    `json:"told_at"` // when the customer's mail was enqueued
	By             string        `json:"by"`
	Pieces         []staffPieces `json:"pieces"`
	CanUndo        bool          `json:"can_undo"`
}

// staffPieces are pieces of a line.
type staffPieces struct {
	Line     int    `json:"line"`
	Quantity int    `json:"quantity"`
	Product  string `json:"product"`
}

// staffRefund is money that was given back, or is to be.
type staffRefund struct {
	ID       string        `json:"id"`
	StripeID string        `json:"stripe_id"`
	Origin   string        `json:"origin"` // shop, or stripe for a refund made in the dashboard
	Amount   money.Cents   `json:"amount"`
	State    string        `json:"state"` // requested, pending, succeeded, failed or canceled
	Reason   string        `json:"reason"`
	Note     string        `json:"note"`
	Failure  string        `json:"failure"`
	Trouble  string        `json:"trouble"`
	By       string        `json:"by"`
	At       time.Time     `json:"at"`
	Pieces   []staffPieces `json:"pieces"`
}

// Badge is the state of a refund.
func (r staffRefund) Badge() adminui.Badge {
	tone := map[string]string{refundSucceeded: "good", refundFailed: "bad", refundRequested: "warn",
		refundPending: "warn"}
	return adminui.Badge{Text: r.State, Tone: tone[r.State]}
}

// staffDispute is a payment that the buyer contests.
type staffDispute struct {
	ID        string      `json:"id"`
	Amount    money.Cents `json:"amount"`
	Withdrawn money.Cents `json:"withdrawn"`
	Reason    string      `json:"reason"`
	Status    string      `json:"status"`
	DueBy     *time.Time  `json:"due_by"` // until when the bank takes evidence
	At        time.Time   `json:"at"`
}

// Badge is the state of a dispute.
func (d staffDispute) Badge() adminui.Badge {
	tone := "bad"
	if d.Status == stripe.DisputeWon || d.Status == stripe.InquiryClosed {
		tone = "good"
	}
	return adminui.Badge{Text: spaced(d.Status), Tone: tone}
}

// Answerable reports whether the bank still takes evidence.
func (d staffDispute) Answerable() bool {
	return d.Status == stripe.DisputeNeedsResponse || d.Status == stripe.InquiryNeedsResponse
}

// Outcome is the result of a dispute that takes no answer.
func (d staffDispute) Outcome() string {
	switch d.Status {
	case stripe.DisputeWon:
		return "The bank decided for the shop: the money is back."
	case stripe.DisputeLost:
		return "The bank gave the money to the customer. There is nothing left to answer."
	case stripe.InquiryClosed:
		return "The bank closed its inquiry; no money was taken."
	}
	return "The bank has the shop's answer and is deciding."
}

// Cause is Stripe's reason in words.
func (d staffDispute) Cause() string { return spaced(d.Reason) }

// staffNote is what staff wrote about an order.
type staffNote struct {
	Text   string    `json:"text"`
	Mailed bool      `json:"mailed"` // to the customer; otherwise it is for staff only
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// staffPart is a part of the page that another service shows. A browser without scripts follows it
// as a link.
type staffPart struct {
	Title, Path string
	Action      adminui.Action // the right that it requires
	Side        bool           // shown in the narrow column
}

// panels are the parts of other services: each shows what it knows. If one is down its part is
// missing, not the page.
func (p staffOrderPage) panels() []staffPart {
	keys := url.Values{"key": {p.Payment.SessionID}}
	if p.Payment.PaymentIntent != "" {
		keys.Add("key", p.Payment.PaymentIntent)
	}
	return []staffPart{{Title: "Mails", Path: "/mails/panel/order/" + p.Identifier, Action: adminui.MailsView},
		{Title: "Log", Path: "/audit/order/" + p.Identifier, Action: adminui.OrdersView},
		{Title: "What Stripe sent", Path: "/stripe/panel?" + keys.Encode(), Action: adminui.StripeView, Side: true}}
}

// customerPart is where user shows the buyer: a member, or the person with the prospect code.
func customerPart(member *int64, prospect string) string {
	switch {
	case member != nil:
		return "/customers/panel?member=" + web.ID(*member)
	case prospect != "":
		return "/customers/panel?" + url.Values{"code": {prospect}}.Encode()
	}
	return ""
}

// staffMove is a status that an order had, or can be given.
type staffMove struct {
	Identifier string     `json:"identifier"`
	Title      string     `json:"title"`
	At         *time.Time `json:"at"` // nil if it never had the status
	By         string     `json:"by"` // "" for an automatic change
}

// staffOrder shows an order with everything that belongs to it.
func (s *server) staffOrder(r *http.Request) (adminui.Answer, error) {
	page, err := s.readStaffOrder(r)
	if err != nil {
		return nil, err
	}
	page.Note = noteForm(page)
	page.States = statusForm(page)
	return adminui.Page{Title: "Order " + page.Identifier, Template: "order.html", Data: page, Live: "order"}, nil
}

// readStaffOrder reads the order that the path names.
func (s *server) readStaffOrder(r *http.Request) (p staffOrderPage, err error) {
	ctx := r.Context()
	row, found, err := findStaffOrder(ctx, s.pool, adminui.Param(r, "identifier"))
	if err != nil {
		return p, err
	}
	if !found {
		return p, web.NotFound()
	}

	p = row.page()
	parts, err := readStaffParts(ctx, s.pool, row)
	if err != nil {
		return p, err
	}
	lines, err := orderLines(ctx, s.pool, row.ID)
	if err != nil {
		return p, err
	}

	for _, l := range lines {
		p.Lines = append(p.Lines, l.forStaff())
	}
	if row.PaymentIntent != nil {
		ledger, err := LedgerOf(ctx, s.pool, *row.PaymentIntent)
		if err != nil {
			return p, err
		}
		p.Money.Refunded, p.Money.Requested, p.Money.Disputed = ledger.Refunded, ledger.Requested, ledger.Disputed
		p.Money.Left = max(ledger.Left(), 0)
	}

	p.Panels, p.Customer.Part = p.panels(), customerPart(row.MemberID, row.ProspectCode)
	p.add(parts)
	p.Timeline = p.timeline(parts)
	p.last = lastAct{at: row.ActedAt, by: row.ActedBy, what: row.ActedWhat}
	return p, nil
}

func (l deskLine) forStaff() staffLine {
	return staffLine{Seq: l.Seq, SKU: l.SKUID, Product: l.Product, Variant: joinFilled(", ", l.Text, l.Color, l.Size),
		Quantity: l.Quantity, Price: money.Cents(l.PriceCents), Sum: money.Cents(l.PriceCents).Times(l.Quantity),
		Shipped: l.Shipped, Refunded: l.Refunded, ToShip: l.toShip()}
}

// joinFilled joins the texts that are not empty.
func joinFilled(sep string, texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(t string) bool { return t == "" }), sep)
}

// maxOthers is how many other orders of a customer are shown.
const maxOthers = 5

// add adds everything that belongs to the order.
func (p *staffOrderPage) add(parts staffParts) {
	p.Codes, p.Refunds, p.Disputes, p.Notes, p.Moves = parts.codes, parts.refunds, parts.disputes, parts.notes,
		parts.moves
	p.Customer.Others, p.Customer.More = parts.others, len(parts.others) > maxOthers
	if p.Customer.More {
		p.Customer.Others = parts.others[:maxOthers]
	}
	for i := range p.Refunds {
		p.name(p.Refunds[i].Pieces)
	}
	for _, s := range parts.parcels {
		parcel := staffParcel{ID: s.ID, Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, ShippedAt: s.ShippedAt,
			MailAt: s.MailAt, ToldAt: s.ToldAt, By: s.ByName, Pieces: s.Pieces}
		parcel.TrackingURL = shipment{TrackingBaseURL: s.TrackingBaseURL,
			TrackingNumber: s.TrackingNumber}.trackingURL()
		parcel.CanUndo = s.ToldAt == nil && time.Now().Before(s.MailAt)
		p.name(parcel.Pieces)
		p.Parcels = append(p.Parcels, parcel)
	}
}

// name says what pieces are.
func (p *staffOrderPage) name(pieces []staffPieces) {
	for i, piece := range pieces {
		for _, l := range p.Lines {
			if l.Seq == piece.Line {
				pieces[i].Product = l.Name()
			}
		}
	}
}

// timeline is everything that happened to the order, the newest first.
func (p *staffOrderPage) timeline(parts staffParts) (events []adminui.Event) {
	add := func(e adminui.Event) { events = append(events, e) }
	for _, m := range p.Moves {
		if m.At != nil {
			add(adminui.Event{At: *m.At, Text: m.Title, Who: m.By})
		}
	}

	add(adminui.Event{At: p.PlacedAt, Text: "Paid " + p.Money.Total.String(), Detail: p.Payment.PaymentIntent,
		Tone: "good"})
	for _, s := range p.Parcels {
		add(adminui.Event{
			At:     s.ShippedAt,
			Text:   "Sent a parcel",
			Detail: joinFilled(" · ", s.Carrier, s.TrackingNumber),
			Who:    s.By,
			Tone:   "good",
		})
		if s.ToldAt != nil {
			add(adminui.Event{At: *s.ToldAt, Text: "Mailed the customer about the parcel", Detail: s.TrackingNumber})
		}
	}

	for _, u := range parts.undone {
		detail := joinFilled(" · ", u.Carrier, u.TrackingNumber)
		add(adminui.Event{At: u.ShippedAt, Text: "Sent a parcel, which was taken back", Detail: detail,
			Who: u.ShippedBy})
		add(adminui.Event{At: u.At, Text: "Took a parcel back", Detail: detail, Who: u.By, Tone: "warn"})
	}

	for _, f := range p.Refunds {
		e := adminui.Event{At: f.At, Text: fmt.Sprintf("Refund of %s: %s", f.Amount, f.State), Who: f.By,
			Detail: joinFilled(" · ", spaced(f.Reason), f.Failure, f.Trouble), Tone: f.Badge().Tone}
		if f.Origin == "stripe" {
			e.Who = "in Stripe's dashboard"
		}
		add(e)
	}

	for _, d := range p.Disputes {
		add(adminui.Event{At: d.At, Text: fmt.Sprintf("Dispute about %s: %s", d.Amount, spaced(d.Status)),
			Detail: spaced(d.Reason), Tone: "bad"})
	}

	for _, n := range p.Notes {
		what := "Note"
		if n.Mailed {
			what = "Wrote to the customer"
		}
		add(adminui.Event{At: n.At, Text: what, Detail: n.Text, Who: n.By})
	}

	for _, c := range parts.changes {
		add(adminui.Event{At: c.At, Text: "Corrected the shipping address", Who: c.ByName,
			Detail: addressLine(&c.Before) + " → " + addressLine(&c.After)})
	}
	slices.SortStableFunc(events, func(a, b adminui.Event) int { return b.At.Compare(a.At) })
	return events
}

// spaced is an identifier of Stripe's as people write it.
func spaced(word string) string { return strings.ReplaceAll(word, "_", " ") }

// addressLines are the lines of an address as they are written on a parcel.
func addressLines(a *msg.Address) []string {
	if a == nil || *a == (msg.Address{}) {
		return nil
	}
	country := a.Country
	if country == "" {
		country = a.CountryCode
	}
	city := joinFilled(" ", joinFilled(", ", a.City, a.State), a.Zip)
	return slices.DeleteFunc([]string{a.Name, a.Line1, a.Line2, city, country}, func(t string) bool { return t == "" })
}

func addressLine(a *msg.Address) string {
	if lines := addressLines(a); lines != nil {
		return strings.Join(lines, ", ")
	}
	return "none"
}

// ShipTo and BillTo are the addresses in lines.
func (p staffOrderPage) ShipTo() []string { return addressLines(p.ShippingAddress) }

// BillTo is where the bill goes.
func (p staffOrderPage) BillTo() []string { return addressLines(p.BillingAddress) }

// CanShip reports whether pieces are left to send.
func (p staffOrderPage) CanShip() bool {
	return p.CanceledAt == nil && slices.ContainsFunc(p.Lines, func(l staffLine) bool { return l.ToShip > 0 })
}

// CanCancel reports whether nothing was sent yet.
func (p staffOrderPage) CanCancel() bool {
	return p.CanceledAt == nil && len(p.Parcels) == 0 && p.Status != statusShipped
}

// CanRefund reports whether money is left to give back.
func (p staffOrderPage) CanRefund() bool { return p.Money.Left > 0 }

// Badge is the order's status.
func (p staffOrderPage) Badge() adminui.Badge { return statusBadge(p.Status, p.StatusTitle) }

// OthersLink finds all orders of the customer.
func (p staffOrderPage) OthersLink() string {
	return "/orders?" + url.Values{"q": {p.Customer.Email}}.Encode()
}
