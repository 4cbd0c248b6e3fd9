package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The statuses of a dispute (https://docs.stripe.com/api/disputes/object, API version 2023-10-16).
// With a warning the bank only inquires and has taken nothing.
const (
	InquiryNeedsResponse = "warning_needs_response"
	InquiryUnderReview   = "warning_under_review"
	InquiryClosed        = "warning_closed"
	DisputeNeedsResponse = "needs_response"
	DisputeUnderReview   = "under_review"
	DisputeWon           = "won"
	DisputeLost          = "lost"
)

// Dispute is the part of Stripe's dispute that we read.
type Dispute struct {
	ID            string
	PaymentIntent string
	Amount        money.Cents // that the buyer disputes
	Withdrawn     money.Cents // taken from the account and not given back
	Moves         int         // how often money was taken or given back; grows only
	Currency      string
	Reason        string
	Status        string
	DueBy         time.Time // end of the time for evidence; zero if none is taken
	Created       time.Time
}

// ReadDispute reads Stripe's dispute object.
func ReadDispute(raw []byte) (Dispute, error) {
	type movement struct {
		Amount   int64
		Currency string
	}
	var o struct {
		ID, Object, Currency, Status, Reason string
		Amount                               int64
		PaymentIntent                        json.RawMessage `json:"payment_intent"`
		Created                              json.RawMessage
		Movements                            []movement `json:"balance_transactions"`
		Evidence                             struct {
			DueBy json.RawMessage `json:"due_by"`
		} `json:"evidence_details"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return Dispute{}, errors.New("unreadable dispute") // the decoder's error may quote it
	}

	d := Dispute{
		ID: pg.StorableKey(o.ID, MaxID), PaymentIntent: pg.StorableKey(ObjectID(o.PaymentIntent), MaxID),
		Amount: money.Cents(o.Amount), Moves: len(o.Movements), Currency: pg.StorableText(o.Currency, MaxID),
		Reason: pg.StorableText(o.Reason, MaxID), Status: pg.StorableText(o.Status, MaxID),
		DueBy: UnixTime(o.Evidence.DueBy), Created: UnixTime(o.Created),
	}
	if o.Object != "" && o.Object != "dispute" || d.ID == "" || d.Status == "" || d.Amount < 0 {
		return Dispute{}, errors.New("not a dispute object")
	}

	for _, m := range o.Movements {
		d.Withdrawn -= money.Cents(m.Amount)
		if m.Currency != o.Currency { // in the account's currency: all we can tell is whether the money is gone
			d.Withdrawn = 0
			if d.Moves%2 == 1 {
				d.Withdrawn = d.Amount
			}
			break
		}
	}
	d.Withdrawn = max(d.Withdrawn, 0)
	return d, nil
}

// Disputes calls each with every dispute created at or after a time, newest first, until each
// fails.
func (c *Client) Disputes(ctx context.Context, since time.Time, each func(Dispute) error) error {
	return list(ctx, c, "/v1/disputes", createdFrom(since), ReadDispute, func(d Dispute) string { return d.ID }, each)
}

// Dispute retrieves a dispute from Stripe.
func (c *Client) Dispute(ctx context.Context, id string) (Dispute, error) {
	if c.noKey {
		return Dispute{}, ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	raw, err := c.get(ctx, "/v1/disputes/"+url.PathEscape(id))
	if err != nil {
		return Dispute{}, fmt.Errorf("retrieve dispute %s: %w", id, err)
	}
	return ReadDispute(raw)
}
