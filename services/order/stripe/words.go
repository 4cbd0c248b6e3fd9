package stripe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"

	sdk "github.com/stripe/stripe-go/v76"
)

// transport sets Content-Length, which stripe-go omits: bodies would be sent in chunks, which a
// proxy on the way, or a small stand-in for Stripe, may read as missing. It also rewrites bodies of
// refusals that stripe-go cannot read, which would otherwise lose their status.
type transport struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength <= 0 {
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, fmt.Errorf("read the body of a request to Stripe: %w", err)
		}
		whole, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("make a request to Stripe: %w", err)
		}
		whole.Header, whole.Host = r.Header, r.Host
		r = whole
	}
	res, err := t.next.RoundTrip(r)
	if err != nil || res.StatusCode < http.StatusBadRequest {
		return res, err
	}
	if err := inStripesWords(res); err != nil {
		return nil, err
	}
	return res, nil
}

// inStripesWords gives a refusal that stripe-go cannot read, such as a proxy's, a body that it can.
// From Stripe's own refusals it keeps only what locates the fault: their message quotes what it
// refuses, and objects that come along contain the buyer. So nothing above this client can pass
// these on.
func inStripesWords(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("read a refusal of Stripe's: %w", err)
	}

	type words struct {
		Type        string `json:"type,omitempty"`
		Code        string `json:"code,omitempty"`
		DeclineCode string `json:"decline_code,omitempty"`
		Param       string `json:"param,omitempty"`
		Message     string `json:"message"`
	}
	var refusal struct {
		Error *words `json:"error"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Error == nil {
		refusal.Error = &words{Type: "api_error", Message: "a refusal in other words than Stripe's"}
	} else {
		e := refusal.Error
		*e = words{machineWord(e.Type), machineWord(e.Code), machineWord(e.DeclineCode), machineWord(e.Param),
			"left out"}
	}

	if body, err = json.Marshal(refusal); err != nil {
		return fmt.Errorf("marshal a refusal of Stripe's: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// machineWord is text if it is one of Stripe's identifiers, such as line_items[0][price_data] or
// email_invalid, otherwise "".
func machineWord(s string) string {
	if len(s) > 200 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]-") != "" {
		return ""
	}
	return s
}

// sdkLog keeps stripe-go's own log at debug level: callers report failures. Stripe's messages quote
// what they refuse, such as an address, so they are left out.
type sdkLog struct{ log *slog.Logger }

// Debugf implements sdk.LeveledLoggerInterface.
func (l sdkLog) Debugf(format string, v ...interface{}) {}

// Infof implements sdk.LeveledLoggerInterface.
func (l sdkLog) Infof(format string, v ...interface{}) {}

// Warnf implements sdk.LeveledLoggerInterface.
func (l sdkLog) Warnf(format string, v ...interface{}) {
	l.log.Debug("stripe", "detail", format)
}

// Errorf implements sdk.LeveledLoggerInterface.
func (l sdkLog) Errorf(format string, v ...interface{}) {
	l.log.Debug("stripe", "detail", format)
}

// apiError is a refusal of Stripe's without its message, which may quote personal data.
type apiError struct{ cause *sdk.Error }

// Error implements error.
func (e *apiError) Error() string {
	return fmt.Sprintf("Stripe answered %d: type %s, code %q, parameter %q, request %s",
		e.cause.HTTPStatusCode, e.cause.Type, e.cause.Code, e.cause.Param, e.cause.RequestID)
}

// withoutText keeps the code of a refusal of Stripe's and leaves out its message.
func withoutText(err error) error {
	if e, ok := errors.AsType[*sdk.Error](err); ok {
		return &apiError{e}
	}
	return err
}
