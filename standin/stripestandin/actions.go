package stripestandin

import (
	"cmp"
	"net/http"
	"time"
)

// Pay completes a session as if someone had paid on its page, and returns the id of the
// checkout.session.completed event. It does not wait for the webhook.
func (s *Server) Pay(id string, opt PayOptions) (eventID string, err error) {
	if opt.Method != "" && opt.Method != "card" && opt.Method != "delayed" {
		return "", refuse("", "method", "method must be card or delayed")
	}
	at := Address{Line1: "1 Test Street", City: "Springfield", State: "IL", PostalCode: "62701", Country: "US"}
	if opt.Address != nil {
		at = *opt.Address
	}
	billing := address{text(at.City), text(at.Country), text(at.Line1), text(at.Line2), text(at.PostalCode),
		text(at.State)}
	who := payer{
		Email:          cmp.Or(opt.Email, "shopper@example.com"),
		Name:           cmp.Or(opt.Name, "Sam Shopper"),
		Phone:          opt.Phone,
		Billing:        billing,
		Delayed:        opt.Delayed || opt.Method == "delayed",
		ShippingOption: opt.ShippingOption,
		Card: cardDetails{
			Brand:    "visa",
			Country:  "US",
			ExpMonth: 12,
			ExpYear:  time.Now().Year() + 3,
			Funding:  "credit",
			Last4:    "4242",
			Network:  "visa",
		},
	}

	err = s.change("", "", func(t *tx) error {
		rec, err := t.session(id)
		if err != nil {
			return err
		}
		if rec.Session.ShippingAddressCollection != nil {
			ship := billing
			who.Shipping, who.ShippingName = &ship, who.Name
		}
		if rec.Session.PhoneNumberCollection.Enabled {
			who.Phone = cmp.Or(who.Phone, "+15555550123")
		}
		eventID, err = t.complete(rec, who)
		return err
	})

	return eventID, err
}

// Expire ends an open session.
func (s *Server) Expire(id string) error {
	return s.change("", "", func(t *tx) error {
		rec, err := t.session(id)
		if err != nil {
			return err
		}
		_, err = t.expire(rec)
		return err
	})
}

// SettleDebit lets the bank debit of a completed session succeed or fail.
func (s *Server) SettleDebit(id string, succeed bool) error {
	return s.change("", "", func(t *tx) error {
		rec, err := t.session(id)
		if err != nil {
			return err
		}
		_, err = t.settleDebit(rec, succeed)
		return err
	})
}

// Refund gives an amount of a payment back, all that is left when the amount is 0, and returns the
// refund's id.
func (s *Server) Refund(intentID string, amount int64) (id string, err error) {
	err = s.onCharge(intentID, func(t *tx, ch *charge) error {
		if amount == 0 {
			amount = ch.Amount - ch.AmountRefunded
		}
		re, err := t.refund(ch, amount, "requested_by_customer", nil)
		if err == nil {
			id = re.ID
		}
		return err
	})
	return id, err
}

// SettleRefund ends a refund: succeed, fail or cancel a pending one, or fail one that succeeded.
func (s *Server) SettleRefund(id, outcome string) error {
	return s.change("", "", func(t *tx) error { return t.settleRefund(id, outcome) })
}

// Dispute makes the cardholder dispute a payment and returns the dispute's id. An inquiry takes no
// money yet.
func (s *Server) Dispute(intentID string, inquiry bool) (id string, err error) {
	err = s.onCharge(intentID, func(t *tx, ch *charge) error {
		d, err := t.openDispute(ch, "fraudulent", inquiry)
		if err == nil {
			id = d.ID
		}
		return err
	})
	return id, err
}

// ChangeDispute moves the open dispute of a payment to its next state. Outcomes: evidence,
// escalate, won, lost.
func (s *Server) ChangeDispute(intentID, outcome string) (id string, err error) {
	err = s.onCharge(intentID, func(t *tx, ch *charge) error {
		d, err := t.changeDispute(ch, outcome)
		if err == nil {
			id = d.ID
		}
		return err
	})
	return id, err
}

func (s *Server) onCharge(intentID string, fn func(*tx, *charge) error) error {
	return s.change("", "", func(t *tx) error {
		ch, err := t.chargeOf(intentID, "")
		if err != nil {
			return err
		}
		return fn(t, ch)
	})
}

// Resend sends an event to the webhook again, whatever the state of its delivery.
func (s *Server) Resend(eventID string) error {
	return s.change("", "", func(t *tx) error {
		before, ok := t.deliveries.get(eventID)
		if !ok {
			return noSuch(http.StatusNotFound, "event", "id", eventID)
		}
		if t.s.cfg.WebhookURL == "" {
			return refuse("", "", "No webhook address is configured.")
		}
		d := *before
		now := time.Now().UnixMilli()
		d.State, d.Next, d.Since = deliveryPending, now, now
		t.putDelivery(&d)
		return nil
	})
}

// Sessions lists all sessions, newest first.
func (s *Server) Sessions() []Ledger {
	out := []Ledger{}
	// A failed write has been logged; the list shows what is in memory.
	_ = s.change("", "", func(t *tx) error {
		t.applyTimeToAll()
		moved := t.moved()
		for _, rec := range t.sessions.newest() {
			out = append(out, t.ledger(rec, moved))
		}
		return nil
	})
	return out
}

func (t *tx) ledger(rec *sessionRecord, moved map[string]chargeMoney) Ledger {
	s := rec.Session
	l := Ledger{
		ID:                s.ID,
		Status:            s.Status,
		PaymentStatus:     s.PaymentStatus,
		PaymentIntent:     s.PaymentIntent.id,
		Method:            rec.Method,
		AmountSubtotal:    s.AmountSubtotal,
		AmountDiscount:    s.TotalDetails.AmountDiscount,
		AmountShipping:    s.TotalDetails.AmountShipping,
		AmountTotal:       s.AmountTotal,
		Currency:          s.Currency,
		Email:             string(s.CustomerEmail),
		ClientReferenceID: string(s.ClientReferenceID),
		Metadata:          s.Metadata,
		Created:           s.Created,
		ExpiresAt:         s.ExpiresAt,
		CompletedAt:       rec.CompletedAt,
		AsyncPending:      rec.AsyncPending,
		URL:               string(s.URL),
	}
	if s.CustomerDetails != nil {
		l.Email = string(s.CustomerDetails.Email)
	}
	if in, ok := t.intents.get(s.PaymentIntent.id); ok {
		if ch, ok := t.charges.get(in.LatestCharge.id); ok {
			l.AmountRefunded, l.Disputed = ch.AmountRefunded, ch.Disputed
			l.AmountDisputed, l.Refunds = moved[ch.ID].disputed, moved[ch.ID].refunds
		}
	}
	for _, line := range rec.Lines {
		l.Lines = append(l.Lines, LedgerLine{line.Description, line.Price.UnitAmount, line.Quantity})
	}
	return l
}

// chargeMoney is the money that left a charge again.
type chargeMoney struct {
	refunds  []LedgerRefund
	disputed int64
}

// moved returns the refunds and the disputed amount of each charge, by its id.
func (t *tx) moved() map[string]chargeMoney {
	all := map[string]chargeMoney{}
	for _, re := range t.refunds.newest() {
		m := all[re.Charge.id]
		m.refunds = append(m.refunds, LedgerRefund{
			ID:       re.ID,
			Amount:   re.Amount,
			Status:   re.Status,
			Metadata: re.Metadata,
		})
		all[re.Charge.id] = m
	}
	for _, d := range t.disputes.rows {
		m := all[d.Charge]
		m.disputed += d.withdrawn()
		all[d.Charge] = m
	}
	return all
}

// Delivery is how far an event has come on its way to the webhook.
type Delivery struct {
	EventID    string `json:"id"`
	Type       string `json:"type"`
	Created    int64  `json:"created"` // in seconds of the stand-in's clock
	State      string `json:"state"`   // pending, delivered, dropped, failed, no_endpoint
	Attempts   int    `json:"attempts"`
	LastStatus int    `json:"last_status"`
	LastError  string `json:"last_error"`
}

// Deliveries lists all events with the state of their delivery, newest first.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []Delivery{}
	for id, e := range s.state.events.newest() {
		if d, ok := s.state.deliveries.get(id); ok {
			out = append(out, Delivery{id, e.Type, e.Created, d.State, d.Attempts, d.LastStatus, d.LastError})
		}
	}
	return out
}
