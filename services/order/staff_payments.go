package order

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// paymentEntry is an entry of the list for staff.
type paymentEntry struct {
	ID            int64       `json:"id"`
	At            time.Time   `json:"at"`
	Reason        string      `json:"reason"`
	Explanation   string      `json:"explanation"`
	SessionID     string      `json:"session"` // of a failed refund or a dispute, the id of that
	PaymentIntent string      `json:"payment_intent,omitempty"`
	EventID       string      `json:"event,omitempty"`
	Amount        money.Cents `json:"amount"`
	Currency      string      `json:"currency,omitempty"`
	Order         string      `json:"order,omitempty"` // that the payment is
	ResolvedAt    time.Time   `json:"resolved_at,omitzero"`
	ResolvedBy    string      `json:"resolved_by,omitempty"`
}

// makesOrder says whether Stripe can be asked about the payment again, for an order.
func (p paymentEntry) makesOrder() bool {
	return p.Order == "" && strings.HasPrefix(p.SessionID, "cs_") &&
		(slices.Contains(paidReasons, p.Reason) || p.Reason == otherAccount || p.Reason == unknownVersion)
}

// refundable says whether the entry is a payment that can be given back from here.
func (p paymentEntry) refundable() bool {
	return p.Order == "" && p.PaymentIntent != "" && slices.Contains(paidReasons, p.Reason)
}

// runbook is the one that says what to do.
func (p paymentEntry) runbook() string {
	switch p.Reason {
	case refundLost, disputed, disputeLost:
		return "refunds"
	}
	return "payments-for-staff"
}

func (p paymentEntry) path(parts ...string) string {
	return strings.Join(append([]string{"/payments", id(p.ID)}, parts...), "/")
}

var staffPaymentColumns = []adminui.Column[paymentEntry]{
	{Title: "Reason", Value: func(p paymentEntry) any { return adminui.Link{Text: p.Reason, To: p.path()} }},
	{Title: "What it is", Value: func(p paymentEntry) any { return p.Explanation }},
	{Title: "Amount", Value: func(p paymentEntry) any { return p.Amount }},
	{Title: "Session", Minor: true, Value: func(p paymentEntry) any { return p.SessionID }},
	{Title: "Since", Value: func(p paymentEntry) any { return p.At }},
}

func (s *server) staffPayments(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.Listing{Filters: []string{"seen-to", "reason"}})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](ask)
	if err != nil {
		return nil, err
	}
	resolved := ask.Chosen["seen-to"] != ""
	list, err := listStaffPayments(r.Context(), s.db, resolved, ask.Chosen["reason"], after, ask.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(ask, "payments", staffPaymentColumns, list, func(p paymentEntry) any { return p.ID })
	table.Tabs = []adminui.Tab{{Title: "Waiting", To: ask.With("seen-to", ""), Count: -1, Active: !resolved},
		{Title: "Seen to", To: ask.With("seen-to", "yes"), Count: -1, Active: resolved}}
	table.Empty = "No payments wait here."
	return adminui.Page{Title: "Payments for staff", Data: struct {
		Payments []paymentEntry `json:"payments"`
		Next     string         `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table, Live: adminui.LiveWork}, nil
}

// paymentPage is one entry.
type paymentPage struct {
	Payment paymentEntry `json:"payment"`
	Payload string       `json:"payload"`
	Problem string       `json:"problem,omitempty"`

	Facts                 []adminui.Detail `json:"-"`
	Make, Refund, Resolve adminui.Form     `json:"-"`
	CanMake, CanRefund    bool             `json:"-"`
	Runbook               string           `json:"runbook"`
}

func (s *server) paymentPage(r *http.Request) (paymentPage, error) {
	number, err := strconv.ParseInt(adminui.Param(r, "id"), 10, 64)
	if err != nil {
		return paymentPage{}, web.NotFound()
	}
	p, payload, err := findStaffPayment(r.Context(), s.db, number)
	if err != nil {
		return paymentPage{}, err
	}
	page := paymentPage{Payment: p, Payload: adminui.Readable(payload), Runbook: adminui.Runbook(p.runbook()),
		CanMake: p.makesOrder(), CanRefund: p.refundable()}
	page.Facts = []adminui.Detail{{Label: "Reason", Value: p.Reason}, {Label: "Amount", Value: p.Amount},
		{Label: "Currency", Value: p.Currency}, {Label: "Since", Value: p.At}, {Label: "At Stripe", Value: p.SessionID},
		{Label: "Payment", Value: p.PaymentIntent}, {Label: "Event", Value: p.EventID}}
	if p.Order != "" {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Order",
			Value: adminui.Link{Text: p.Order, To: "/orders/" + p.Order}})
	}
	if !p.ResolvedAt.IsZero() {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Seen to", Value: p.ResolvedAt},
			adminui.Detail{Label: "By", Value: p.ResolvedBy})
	}
	page.Make = adminui.Form{ID: "make", Action: p.path("order"), Submit: "Make the order"}
	page.Refund = adminui.Form{ID: "refund", Action: p.path("refund"), Submit: "Refund all that is left", Tone: "bad",
		Fields: []adminui.Field{{Name: "note", Label: "Note", Kind: "text", Most: maxNote}}}
	page.Resolve = adminui.Form{ID: "resolve", Action: p.path("resolve"), Submit: "Mark as seen to",
		Fields: []adminui.Field{
			{Name: "served", Label: "The goods were sent by hand", Kind: "check"}}}
	return page, nil
}

func (p paymentPage) answer(status int) adminui.Page {
	return adminui.Page{Title: "Payment: " + p.Payment.Reason, Template: "payment.html", Data: p, Status: status}
}

func (s *server) staffPayment(r *http.Request) (adminui.Answer, error) {
	page, err := s.paymentPage(r)
	return page.answer(http.StatusOK), err
}

// waiting is the entry of a command, which has to wait for staff still.
func (s *server) waiting(r *http.Request) (paymentPage, error) {
	page, err := s.paymentPage(r)
	if err == nil && !page.Payment.ResolvedAt.IsZero() {
		err = adminui.SeenTo("The payment was seen to already, by " + page.Payment.ResolvedBy + ".")
	}
	return page, err
}

// staffMakeOrder asks Stripe about the payment and makes its order, if what stood in the way is gone. It is the
// function that the event and the sweep use, so that it makes one order whatever else happens.
func (s *server) staffMakeOrder(r *http.Request) (adminui.Answer, error) {
	page, err := s.waiting(r)
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
		e, _, err := markResolved(r.Context(), tx, page.Payment.ID, adminui.Who(r).Name)
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
		page.Problem = "It still makes no order: " + made.reason + ". What stands in the way is said beside this."
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	return adminui.Done{To: "/orders/" + made.identifier, Text: "Order " + made.identifier + " was made."}, nil
}

// staffRefundPayment gives the payment back, which resolves the entry.
func (s *server) staffRefundPayment(r *http.Request) (adminui.Answer, error) {
	page, err := s.waiting(r)
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
	return adminui.Done{To: "/work", Text: "The payment is given back. Stripe is asked for it now."}, nil
}

// staffResolve notes that an entry was seen to, as the command resolve does.
func (s *server) staffResolve(r *http.Request) (adminui.Answer, error) {
	page, err := s.waiting(r)
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
