package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

const (
	// OwnerTimeout bounds a call between services: a busy machine may need seconds, and half an
	// answer is worse than a late one.
	OwnerTimeout = 5 * time.Second
	// MaxAnswer is the largest answer that is read from an owner: a feed of some 100,000 products.
	MaxAnswer = 128 << 20
)

// Call is a request of one service to an /internal path of another. Calls may be repeated (see
// Repeatable).
type Call struct {
	Method, Path string
	Query        url.Values
	Form         url.Values // the body of a POST
	// Key signs ID, the identity on whose behalf the call is made.
	Key []byte
	ID  Identity
}

// AnswerError is an answer to a Call with a status other than 200.
type AnswerError struct {
	Path   string
	Status int
}

// Error implements error.
func (e *AnswerError) Error() string { return fmt.Sprintf("%s answered %d", e.Path, e.Status) }

// Call calls an owner and reads its JSON answer into out.
func (o *Owner) Call(ctx context.Context, c Call, out any) error {
	a, err := o.CallRaw(ctx, c)
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return &AnswerError{Path: c.Path, Status: a.Status}
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", c.Path, err)
	}
	return nil
}

// RawAnswer is the answer to a Call, unread.
type RawAnswer struct {
	Status      int
	ContentType string
	Body        []byte
}

// CallRaw calls an owner for an answer that is passed on.
func (o *Owner) CallRaw(ctx context.Context, c Call) (a RawAnswer, err error) {
	ctx, cancel := context.WithTimeout(Repeatable(ctx), OwnerTimeout)
	defer cancel()
	u := url.URL{Path: c.Path, RawQuery: c.Query.Encode()}
	var form io.Reader // strings.Reader can be read again by Owner
	if c.Form != nil {
		form = strings.NewReader(c.Form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, c.Method, u.String(), form)
	if err != nil {
		return a, fmt.Errorf("make a request to %s: %w", c.Path, err)
	}

	if c.Form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set(obs.TraceHeader, obs.Trace(ctx))
	if err := SignIdentity(r, c.Key, c.ID); err != nil {
		return a, err
	}
	res, err := o.RoundTrip(r)
	if err != nil {
		return a, fmt.Errorf("call %s: %w", c.Path, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read

	a.Status, a.ContentType = res.StatusCode, res.Header.Get("Content-Type")
	if a.Body, err = io.ReadAll(io.LimitReader(res.Body, MaxAnswer)); err != nil {
		return a, fmt.Errorf("read the answer of %s: %w", c.Path, err)
	}
	return a, nil
}
