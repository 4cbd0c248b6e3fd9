package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	sdk "github.com/stripe/stripe-go/v76"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The statuses of a refund (https://docs.stripe.com/api/refunds/object, API version 2023-10-16). A
// refund that succeeded may fail later, when the buyer's bank sends the money back.
const (
	RefundPending        = "pending"
	RefundRequiresAction = "requires_action" // action by the buyer; never with cards
	RefundSucceeded      = "succeeded"
	RefundFailed         = "failed"
	RefundCanceled       = "canceled"
)

// Refund is the part of Stripe's refund that we read.
type Refund struct {
	ID            string
	PaymentIntent string
	Amount        money.Cents
	Currency      string
	Status        string
	Reason        string    // duplicate, fraudulent, requested_by_customer, or ""
	FailureReason string    // set if it failed
	RefundID      string    // the shop's own id of it, "" if it was made in Stripe's dashboard
	Created       time.Time // zero if Stripe does not say
}

// ReadRefund reads Stripe's refund object. It refuses one without id, amount or status.
func ReadRefund(raw []byte) (Refund, error) {
	var o struct {
		ID, Object, Currency, Status string
		Reason                       *string
		Failure                      *string `json:"failure_reason"`
		Amount                       int64
		PaymentIntent                json.RawMessage `json:"payment_intent"`
		Metadata                     json.RawMessage
		Created                      json.RawMessage
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return Refund{}, errors.New("unreadable refund") // the decoder's error may quote it
	}

	var metadata struct {
		Refund string `json:"refund"`
	}
	_ = json.Unmarshal(o.Metadata, &metadata) // other metadata is not ours
	r := Refund{
		ID: pg.StorableKey(o.ID, MaxID), PaymentIntent: pg.StorableKey(ObjectID(o.PaymentIntent), MaxID),
		Amount: money.Cents(o.Amount), Currency: pg.StorableText(o.Currency, MaxID), Status: o.Status,
		Reason: optionalText(o.Reason), FailureReason: optionalText(o.Failure),
		RefundID: pg.StorableKey(metadata.Refund, MaxID), Created: UnixTime(o.Created),
	}

	switch {
	case o.Object != "" && o.Object != "refund", r.ID == "", r.Amount <= 0:
		return Refund{}, errors.New("not a refund object")
	case r.Status != RefundPending && r.Status != RefundRequiresAction && r.Status != RefundSucceeded &&
		r.Status != RefundFailed && r.Status != RefundCanceled:
		return Refund{}, fmt.Errorf("unknown refund status %q", r.Status)
	}
	return r, nil
}

func optionalText(s *string) string {
	if s == nil {
		return ""
	}
	return pg.StorableText(*s, MaxID)
}

// RefundOrder is a refund that Stripe is to make.
type RefundOrder struct {
	ID            string // the shop's own; returned with the refund, and its idempotency key
	PaymentIntent string
	Amount        money.Cents
	Reason        string // duplicate, fraudulent, requested_by_customer, or ""
}

// Refund gives money back. A repetition with the same ID returns the same refund for 24 hours, as
// long as Stripe remembers idempotency keys (https://docs.stripe.com/api/idempotent_requests);
// later it can be found with RefundsOf. See Refused.
func (c *Client) Refund(ctx context.Context, order RefundOrder) (Refund, error) {
	if c.noKey {
		return Refund{}, ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := &sdk.RefundParams{
		PaymentIntent: sdk.String(order.PaymentIntent), Amount: sdk.Int64(int64(order.Amount)),
		Metadata: map[string]string{"refund": order.ID},
	}
	if order.Reason != "" {
		p.Reason = sdk.String(order.Reason)
	}
	p.Context = ctx
	p.SetIdempotencyKey("refund-" + order.ID)
	var made *sdk.Refund
	err := c.retry(ctx, func() (err error) {
		made, err = c.api.Refunds.New(p)
		return err
	})
	if err != nil {
		return Refund{}, fmt.Errorf("create refund %s: %w", order.ID, err)
	}
	return ReadRefund(made.LastResponse.RawJSON)
}

// Refused reports whether Stripe has refused a refund permanently, and with which code, such as
// charge_already_refunded or charge_disputed. After any other error the refund can be tried again.
func Refused(err error) (code string, refused bool) {
	e, ok := errors.AsType[*apiError](err)
	if !ok || e.cause.Type == sdk.ErrorTypeIdempotency {
		return "", false
	}
	switch e.cause.HTTPStatusCode {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusNotFound:
	default:
		return "", false
	}
	switch {
	case e.cause.Code != "":
		return string(e.cause.Code), true
	case e.cause.Param != "":
		return "parameter " + e.cause.Param, true
	}
	return string(e.cause.Type), true
}

// RefundsOf lists the refunds of a payment.
func (c *Client) RefundsOf(ctx context.Context, paymentIntent string) (refunds []Refund, err error) {
	err = list(ctx, c, "/v1/refunds", url.Values{"payment_intent": {paymentIntent}}, ReadRefund, Refund.id,
		func(r Refund) error { refunds = append(refunds, r); return nil })
	return refunds, err
}

// Refunds calls each with every refund created at or after a time, newest first, until each fails.
func (c *Client) Refunds(ctx context.Context, since time.Time, each func(Refund) error) error {
	return list(ctx, c, "/v1/refunds", createdFrom(since), ReadRefund, Refund.id, each)
}

func (r Refund) id() string { return r.ID }
