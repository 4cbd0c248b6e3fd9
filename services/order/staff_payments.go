package order

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// staffIssue is an entry of the list for staff.
type staffIssue struct {
	ID            int64       `json:"id"`
	At            time.Time   `json:"at"`
	Reason        string      `json:"reason"`
	Explanation   string      `json:"explanation"`
	SessionID     string      `json:"session"`          // for a failed refund or a dispute, its id
	RefundID      string      `json:"refund,omitempty"` // Stripe's id of a failed refund that the shop made
	PaymentIntent string      `json:"payment_intent,omitempty"`
	EventID       string      `json:"event,omitempty"`
	Amount        money.Cents `json:"amount"`
	Currency      string      `json:"currency,omitempty"`
	Order         string      `json:"order,omitempty"` // the order that the payment is
	ResolvedAt    time.Time   `json:"resolved_at,omitzero"`
	ResolvedBy    string      `json:"resolved_by,omitempty"`
	Resolution    string      `json:"resolution,omitempty"` // how the entry was resolved
}

// titles describe the entries, by reason; %s is "of" and the amount, if it is known.
var titles = map[string]string{
	noQuote:         "Payment%s that the shop knows nothing of",
	unreadable:      "Payment%s that the shop cannot read",
	amountDiffers:   "Payment%s that differs from the amount asked",
	currencyDiffers: "Payment%s in another currency than asked",
	paidTwice:       "Payment%s for what was paid already",
	paidAfterEnd:    "Payment%s after its page had ended",
	orderRefused:    "Payment%s whose order could not be stored",
	payerDiffers:    "Payment%s by another person than the buyer",
	otherAccount:    "Payment%s for another account at Stripe",
	unknownVersion:  "Event of a payment%s in a form that the shop does not know",
	refundLost:      "Refund%s failed",
	disputed:        "Dispute%s: the bank waits for an answer",
	disputeLost:     "Dispute%s lost",
}

// title describes the entry.
func (p staffIssue) title() string {
	amount := ""
	if p.Amount != 0 {
		amount = " of " + p.Amount.String()
	}
	if words, ok := titles[p.Reason]; ok {
		return fmt.Sprintf(words, amount)
	}
	return p.Reason
}

// atStripe is the object at Stripe that the entry is about, and its kind.
func (p staffIssue) atStripe() adminui.Detail {
	switch p.Reason {
	case refundLost:
		return adminui.Detail{Label: "Refund", Value: cmp.Or(p.RefundID, p.SessionID)}
	case disputed, disputeLost:
		return adminui.Detail{Label: "Dispute", Value: p.SessionID}
	}
	return adminui.Detail{Label: "Session", Value: p.SessionID}
}

// holds reports whether something is held for the payment that is given back when the entry is
// resolved.
func (p staffIssue) holds() bool { return p.Order == "" && slices.Contains(heldReasons, p.Reason) }

// how describes how the entry was resolved; "" if only the person is known.
func (p staffIssue) how() string {
	switch {
	case p.Resolution == byHand:
		return "Marked by hand"
	case p.Resolution == served:
		return "Marked by hand: the goods were sent without an order"
	case p.Resolution == refunded:
		return "The payment was given back"
	case p.Order != "" && slices.Contains(paidReasons, p.Reason):
		return "An order was made of it"
	}
	return ""
}

// makesOrder reports whether the payment can be checked with Stripe again, to make its order.
func (p staffIssue) makesOrder() bool {
	return p.Order == "" && strings.HasPrefix(p.SessionID, "cs_") &&
		(slices.Contains(paidReasons, p.Reason) || p.Reason == otherAccount || p.Reason == unknownVersion)
}

// refundable reports whether the entry is a payment that can be refunded from here.
func (p staffIssue) refundable() bool {
	return p.Order == "" && p.PaymentIntent != "" && slices.Contains(paidReasons, p.Reason)
}

// runbook is the runbook for entries of this kind.
func (p staffIssue) runbook() string {
	switch p.Reason {
	case refundLost, disputed, disputeLost:
		return "refunds"
	}
	return "payments-for-staff"
}

func (p staffIssue) path(parts ...string) string {
	return strings.Join(append([]string{"/payments", web.ID(p.ID)}, parts...), "/")
}

var staffPaymentColumns = []adminui.Column[staffIssue]{
	{Title: "Entry", Value: func(p staffIssue) any { return adminui.Link{Text: p.title(), To: p.path()} }},
	{Title: "Reason", Minor: true, Value: func(p staffIssue) any { return p.Reason }},
	{Title: "What it is", Value: func(p staffIssue) any { return p.Explanation }},
	{Title: "Amount", Value: func(p staffIssue) any { return p.Amount }},
	{Title: "At Stripe", Minor: true, Value: func(p staffIssue) any { return p.atStripe().Value }},
	{Title: "Since", Value: func(p staffIssue) any { return p.At }},
}

func (s *server) staffPayments(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"seen-to", "reason"}})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	resolved := listing.Chosen["seen-to"] != ""
	list, err := listStaffPayments(r.Context(), s.pool, resolved, listing.Chosen["reason"], after, listing.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "payments", staffPaymentColumns, list, func(p staffIssue) any { return p.ID })
	table.Tabs = []adminui.Tab{{Title: "Waiting", To: listing.With("seen-to", ""), Count: -1, Active: !resolved},
		{Title: "Seen to", To: listing.With("seen-to", "yes"), Count: -1, Active: resolved}}
	table.Empty = "No payments are waiting."
	return adminui.Page{Title: "Payments for staff", Data: struct {
		Payments []staffIssue `json:"payments"`
		Next     string       `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table, Live: adminui.LiveWork}, nil
}

// paymentPage is one entry.
type paymentPage struct {
	Payment staffIssue `json:"payment"`
	Title   string     `json:"title"`
	Payload string     `json:"payload"` // "" if it is not kept
	Problem string     `json:"problem,omitempty"`

	Facts                 []adminui.Detail `json:"-"`
	Make, Refund, Resolve adminui.Form     `json:"-"`
	CanMake, CanRefund    bool             `json:"-"`
	Holds                 bool             `json:"-"`
	Runbook               string           `json:"runbook"`
}

func (s *server) paymentPage(r *http.Request) (paymentPage, error) {
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return paymentPage{}, err
	}
	p, payload, err := findStaffPayment(r.Context(), s.pool, number)
	if err != nil {
		return paymentPage{}, err
	}

	page := paymentPage{
		Payment:   p,
		Title:     p.title(),
		Payload:   adminui.Readable(payload),
		Holds:     p.holds(),
		Runbook:   adminui.Runbook(p.runbook()),
		CanMake:   p.makesOrder(),
		CanRefund: p.refundable(),
	}

	page.Facts = []adminui.Detail{{Label: "Reason", Value: p.Reason}, {Label: "Amount", Value: p.Amount},
		{Label: "Currency", Value: p.Currency}, {Label: "Since", Value: p.At}, p.atStripe(),
		{Label: "Payment", Value: p.PaymentIntent}, {Label: "Event", Value: p.EventID}}
	if p.Order != "" {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Order",
			Value: adminui.Link{Text: p.Order, To: "/orders/" + p.Order}})
	}

	if !p.ResolvedAt.IsZero() {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Seen to", Value: p.ResolvedAt},
			adminui.Detail{Label: "By", Value: p.ResolvedBy})
		if how := p.how(); how != "" {
			page.Facts = append(page.Facts, adminui.Detail{Label: "How", Value: how})
		}
	}

	if string(payload) == "{}" {
		page.Payload = "" // nothing was stored, or it was erased
	}
	page.Make = adminui.Form{ID: "make", Action: p.path("order"), Submit: "Make the order"}
	page.Refund = adminui.Form{ID: "refund", Action: p.path("refund"), Submit: "Refund all that is left", Tone: "bad",
		Fields: []adminui.Field{{Name: "note", Label: "Note", Kind: "text", MaxLength: maxNote}}}
	page.Resolve = adminui.Form{ID: "resolve", Action: p.path("resolve"), Submit: "Mark as seen to"}
	if page.Holds {
		page.Resolve.Fields = []adminui.Field{{Name: "served", Label: "The goods were sent by hand", Kind: "check"}}
	}
	return page, nil
}

func (p paymentPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Title, Template: "payment.html", Data: p, Status: status}
}

func (s *server) staffPayment(r *http.Request) (adminui.Answer, error) {
	page, err := s.paymentPage(r)
	return page.answer(http.StatusOK), err
}

// openPaymentFromPath reads the entry that the path names, and refuses one that staff have
// resolved.
func (s *server) openPaymentFromPath(r *http.Request) (paymentPage, error) {
	page, err := s.paymentPage(r)
	if err == nil && !page.Payment.ResolvedAt.IsZero() {
		err = adminui.SeenTo("This payment has already been dealt with, by " + page.Payment.ResolvedBy + ".")
	}
	return page, err
}

// staffCreateOrder retrieves the payment from Stripe and makes its order, if the cause of the entry
// is gone. It uses the function that the event and the sweep use, so that there is one order
// whatever else happens.
func (s *server) staffCreateOrder(r *http.Request) (adminui.Answer, error) {
	page, err := s.openPaymentFromPath(r)
	if err != nil {
		return nil, err
	}
	if !page.CanMake {
		return nil, &web.Error{Status: http.StatusUnprocessableEntity, Code: "no-payment"}
	}

	paid, err := s.stripe.Session(r.Context(), page.Payment.SessionID)
	switch {
	case errors.Is(err, stripe.ErrNoSession), err == nil && !paid.Paid():
		page.Problem = "Stripe says that this session is not paid, or does not know it. Nothing was changed."
		return page.answer(http.StatusUnprocessableEntity), nil
	case err != nil:
		return nil, web.Unavailable(err)
	}

	var made result
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		results, err := s.place(r.Context(), tx, []payment{{Session: paid, raw: paid.Raw}})
		if made = results[paid.ID]; err != nil || made.identifier == "" {
			return err
		}
		e, _, err := markResolved(r.Context(), tx, page.Payment.ID, adminui.Who(r).Name, "")
		if err != nil {
			return err
		}
		return paymentActed(r.Context(), tx, adminui.Who(r), page.Payment.ID, e.At, report{action: adminui.WorkAct,
			text: "Made order " + made.identifier, after: map[string]any{"order": made.identifier}})
	})
	if err != nil {
		return nil, err
	}
	if made.identifier == "" {
		if page, err = s.paymentPage(r); err != nil {
			return nil, err
		}
		page.Problem = "It still makes no order: " + made.reason + ". The payment's explanation says what stands in " +
			"the way."
		return page.answer(http.StatusUnprocessableEntity), nil
	}

	return adminui.Done{To: "/orders/" + made.identifier, Text: "Order " + made.identifier + " was made."}, nil
}

// staffRefundPayment refunds the payment, which resolves the entry.
func (s *server) staffRefundPayment(r *http.Request) (adminui.Answer, error) {
	page, err := s.openPaymentFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	_, err = s.desk.RefundPayment(r.Context(), adminui.Who(r), page.Payment.ID, form.Get("note"))
	if no, ok := errors.AsType[*Refusal](err); ok {
		page.Problem = no.Text
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/work", Text: "The refund is on its way to Stripe."}, nil
}

// staffResolvePayment resolves an entry, as the command resolve does.
func (s *server) staffResolvePayment(r *http.Request) (adminui.Answer, error) {
	page, err := s.openPaymentFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	err = s.desk.Resolve(r.Context(), adminui.Who(r), page.Payment.ID, form.Get("served") != "")
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/work", Text: "Seen to."}, nil
}
