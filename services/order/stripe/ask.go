package stripe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	sdk "github.com/stripe/stripe-go/v76"
)

// rawResponse is Stripe's answer as it came. stripe-go's own types refuse a whole list because of
// one session that does not fit them, and their error quotes the session.
type rawResponse struct {
	sdk.APIResource
	raw json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *rawResponse) UnmarshalJSON(raw []byte) error {
	a.raw = append(a.raw[:0], raw...)
	return nil
}

// get sends Stripe a GET request and ignores the answer's content.
func (c *Client) get(ctx context.Context, path string) (json.RawMessage, error) {
	if err := c.brake.take(ctx); err != nil {
		return nil, err
	}
	var a rawResponse
	sessions := c.api.CheckoutSessions
	if err := sessions.B.Call(http.MethodGet, path, sessions.Key, &sdk.Params{Context: ctx}, &a); err != nil {
		return nil, withoutText(err)
	}
	return a.raw, nil
}

// Session retrieves a session from Stripe. The error is ErrNoSession if Stripe does not know it.
func (c *Client) Session(ctx context.Context, sessionID string) (Session, error) {
	if c.noKey {
		return Session{}, ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	raw, err := c.get(ctx, "/v1/checkout/sessions/"+url.PathEscape(sessionID))
	if err != nil {
		if Status(err) == http.StatusNotFound || Status(err) == http.StatusBadRequest {
			return Session{}, errors.Join(ErrNoSession, err)
		}
		return Session{}, fmt.Errorf("retrieve Stripe session %s: %w", sessionID, err)
	}
	return ReadSession(raw)
}

// Sessions calls each with every session created at or after a time, newest first, until each
// fails. If a session cannot be read, each gets the fields that can.
func (c *Client) Sessions(ctx context.Context, since time.Time, each func(Session) error) error {
	return list(ctx, c, "/v1/checkout/sessions", createdFrom(since), ReadSession,
		func(s Session) string { return s.ID }, each)
}

func createdFrom(since time.Time) url.Values {
	return url.Values{"created[gte]": {strconv.FormatInt(since.Unix(), 10)}}
}

// list calls each with every object of one of Stripe's lists, newest first, until each fails.
// Objects that cannot be read are logged and left out.
func list[T any](ctx context.Context, c *Client, path string, query url.Values, read func([]byte) (T, error),
	id func(T) string, each func(T) error) error {
	if c.noKey {
		return ErrNoKey
	}
	query.Set("limit", "100")
	for after := ""; ; {
		if after != "" {
			query.Set("starting_after", after)
		}
		page, err := c.listPage(ctx, path, query)
		if err != nil {
			return err
		}

		last := after
		for _, raw := range page.Data {
			one, err := read(raw)
			if err != nil {
				c.log.WarnContext(ctx, "an object in Stripe's list cannot be read", "list", path,
					"error", err)
				continue
			}
			if err := each(one); err != nil {
				return err
			}
			after = id(one)
		}

		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		if after == last {
			return fmt.Errorf("list %s: no object of a page has an id to continue from", path)
		}
	}
}

type listPage struct {
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

func (c *Client) listPage(ctx context.Context, path string, query url.Values) (page listPage, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	raw, err := c.get(ctx, path+"?"+query.Encode())
	if err != nil {
		return page, fmt.Errorf("list %s: %w", path, err)
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return page, fmt.Errorf("read the list of %s: %w", path, err)
	}
	return page, nil
}

// IntentFailed asks Stripe whether a payment that was under way has failed permanently.
func (c *Client) IntentFailed(ctx context.Context, intent string) (bool, error) {
	if intent == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	p := &sdk.PaymentIntentParams{}
	p.Context = ctx
	if err := c.brake.take(ctx); err != nil {
		return false, fmt.Errorf("retrieve Stripe payment intent %s: %w", intent, err)
	}
	got, err := c.api.PaymentIntents.Get(intent, p)
	if err = withoutText(err); err != nil {
		return false, fmt.Errorf("retrieve Stripe payment intent %s: %w", intent, err)
	}
	return got.Status == sdk.PaymentIntentStatusRequiresPaymentMethod || got.Status == sdk.PaymentIntentStatusCanceled,
		nil
}

// Expire closes a payment page on which no one must pay any longer.
func (c *Client) Expire(ctx context.Context, sessionID string) error {
	if c.noKey {
		return ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := c.brake.take(ctx); err != nil {
		return fmt.Errorf("expire Stripe session %s: %w", sessionID, err)
	}
	p := &sdk.CheckoutSessionExpireParams{}
	p.Context = ctx
	if _, err := c.api.CheckoutSessions.Expire(sessionID, p); err != nil {
		return fmt.Errorf("expire Stripe session %s: %w", sessionID, withoutText(err))
	}
	return nil
}
