package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	stripe "github.com/stripe/stripe-go/v76"
)

// answered is Stripe's answer as it came. stripe-go's own types refuse a whole list for one session that
// does not fit them, and their error quotes the session.
type answered struct {
	stripe.APIResource
	raw json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (a *answered) UnmarshalJSON(raw []byte) error {
	a.raw = append(a.raw[:0], raw...)
	return nil
}

// get asks Stripe for something and reads none of it.
func (s *stripeAPI) get(ctx context.Context, path string) (json.RawMessage, error) {
	if err := s.brake.take(ctx); err != nil {
		return nil, err
	}
	var a answered
	sessions := s.api.CheckoutSessions
	if err := sessions.B.Call(http.MethodGet, path, sessions.Key, &stripe.Params{Context: ctx}, &a); err != nil {
		return nil, withoutWords(err)
	}
	return a.raw, nil
}

// session asks Stripe how a session stands. errNoSession: Stripe does not know it.
func (s *stripeAPI) session(ctx context.Context, sessionID string) (session, error) {
	if s.noKey {
		return session{}, errNoStripeKey
	}
	ctx, cancel := context.WithTimeout(ctx, stripeCall)
	defer cancel()
	raw, err := s.get(ctx, "/v1/checkout/sessions/"+url.PathEscape(sessionID))
	if err != nil {
		if status(err) == http.StatusNotFound || status(err) == http.StatusBadRequest {
			return session{}, errors.Join(errNoSession, err)
		}
		return session{}, fmt.Errorf("retrieve Stripe session %s: %w", sessionID, err)
	}
	return anySession(raw)
}

var errNoSession = errors.New("Stripe does not know this session")

// listSessions hands on every session created at or after a moment, newest first, until each fails. A
// session that cannot be read is handed on as far as it can.
func (s *stripeAPI) listSessions(ctx context.Context, since time.Time, each func(session) error) error {
	if s.noKey {
		return errNoStripeKey
	}
	query := url.Values{"limit": {"100"}, "created[gte]": {strconv.FormatInt(since.Unix(), 10)}}
	for after := ""; ; {
		if after != "" {
			query.Set("starting_after", after)
		}
		page, err := s.listPage(ctx, query)
		if err != nil {
			return err
		}
		last := after
		for _, raw := range page.Data {
			one, err := anySession(raw)
			if err != nil {
				s.log.WarnContext(ctx, "Stripe's list has something that is no session", "error", err)
				continue
			}
			if err := each(one); err != nil {
				return err
			}
			after = one.ID
		}
		if !page.HasMore || len(page.Data) == 0 {
			return nil
		}
		if after == last {
			return errors.New("list Stripe's sessions: a page has nothing to go on from")
		}
	}
}

type sessionPage struct {
	Data    []json.RawMessage `json:"data"`
	HasMore bool              `json:"has_more"`
}

func (s *stripeAPI) listPage(ctx context.Context, query url.Values) (page sessionPage, err error) {
	ctx, cancel := context.WithTimeout(ctx, stripeCall)
	defer cancel()
	raw, err := s.get(ctx, "/v1/checkout/sessions?"+query.Encode())
	if err != nil {
		return page, fmt.Errorf("list Stripe's sessions: %w", err)
	}
	if err := json.Unmarshal(raw, &page); err != nil {
		return page, fmt.Errorf("read Stripe's list of sessions: %w", err)
	}
	return page, nil
}
