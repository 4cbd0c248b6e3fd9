package obs

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// TraceHeader is the header of the W3C Trace Context recommendation, in HTTP and in messages.
const TraceHeader = "traceparent"

type traceKey struct{}

// trace is a traceparent and its part that stays the same.
type trace struct{ parent, id string }

// WithTrace puts the trace that a caller sent into ctx, or starts a new one when the header is
// missing or malformed. The part that names the span is new either way.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	var b [24]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (since Go 1.24)
	id := traceID(traceparent)
	if id == "" {
		id = hex.EncodeToString(b[8:])
	}
	return context.WithValue(ctx, traceKey{}, trace{"00-" + id + "-" + hex.EncodeToString(b[:8]) + "-01", id})
}

// Trace is the traceparent of ctx, or "".
func Trace(ctx context.Context) string { return of(ctx).parent }

// TraceID is the part of the traceparent that stays the same from browser to mail, or "".
func TraceID(ctx context.Context) string { return of(ctx).id }

// TraceHeaders is a JSON object that holds a traceparent under TraceHeader: a message's headers.
func TraceHeaders(traceparent string) string {
	return `{"` + TraceHeader + `":"` + traceparent + `"}` // nothing in it needs escaping
}

func of(ctx context.Context) trace {
	t, ok := ctx.Value(traceKey{}).(trace)
	if !ok {
		return trace{}
	}
	return t
}

func traceID(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if len(parts) != 4 || len(parts[1]) != 32 || parts[1] == strings.Repeat("0", 32) {
		return ""
	}
	if _, err := hex.DecodeString(parts[1]); err != nil {
		return ""
	}
	return parts[1]
}
