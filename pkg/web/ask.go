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
	// AskTime bounds a question inside: a busy machine may need seconds, and half an answer is worse than a late one.
	AskTime = 5 * time.Second
	// MaxAnswer is the largest answer of an owner that is read: a feed of some 100,000 products.
	MaxAnswer = 128 << 20
)

// Question is what one service asks of another at one of its /internal paths. All of these may be asked twice (see
// Repeatable).
type Question struct {
	Method, Path string
	Query        url.Values
	Form         url.Values // the body of a POST
	// Key signs the identity on whose behalf is asked.
	Key []byte
	ID  Identity
}

// AnswerError is an answer to a Question other than 200.
type AnswerError struct {
	Path   string
	Status int
}

// Error implements error.
func (e *AnswerError) Error() string { return fmt.Sprintf("%s answered %d", e.Path, e.Status) }

// Ask asks an owner and reads its JSON answer into out.
func (o *Owner) Ask(ctx context.Context, q Question, out any) error {
	a, err := o.AskRaw(ctx, q)
	if err != nil {
		return err
	}
	if a.Status != http.StatusOK {
		return &AnswerError{Path: q.Path, Status: a.Status}
	}
	if err := json.Unmarshal(a.Body, out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", q.Path, err)
	}
	return nil
}

// RawAnswer is an answer to a Question as it came.
type RawAnswer struct {
	Status      int
	ContentType string
	Body        []byte
}

// AskRaw asks an owner for an answer that is to be passed on.
func (o *Owner) AskRaw(ctx context.Context, q Question) (a RawAnswer, err error) {
	ctx, cancel := context.WithTimeout(Repeatable(ctx), AskTime)
	defer cancel()
	u := url.URL{Path: q.Path, RawQuery: q.Query.Encode()}
	var form io.Reader // strings.Reader can be read again by Owner
	if q.Form != nil {
		form = strings.NewReader(q.Form.Encode())
	}
	r, err := http.NewRequestWithContext(ctx, q.Method, u.String(), form)
	if err != nil {
		return a, fmt.Errorf("make a request to %s: %w", q.Path, err)
	}
	if q.Form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set(obs.TraceHeader, obs.Trace(ctx))
	if err := SignIdentity(r, q.Key, q.ID); err != nil {
		return a, err
	}
	res, err := o.RoundTrip(r)
	if err != nil {
		return a, fmt.Errorf("ask %s: %w", q.Path, err)
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	a.Status, a.ContentType = res.StatusCode, res.Header.Get("Content-Type")
	if a.Body, err = io.ReadAll(io.LimitReader(res.Body, MaxAnswer)); err != nil {
		return a, fmt.Errorf("read the answer of %s: %w", q.Path, err)
	}
	return a, nil
}
