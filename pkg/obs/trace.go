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

// trace is a traceparent, its part that stays the same, and the traceparent that it follows.
type trace struct{ parent, id, caller string }

// WithTrace puts the trace that a caller sent into ctx, or starts a new one when the header is
// missing or malformed. The part that names the span is new either way.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	var b [24]byte
	rand.Read(b[:]) //nolint:errcheck // crypto/rand.Read never fails (since Go 1.24)
	id := traceID(traceparent)
	if id == "" {
		traceparent, id = "", hex.EncodeToString(b[8:])
	}
	return context.WithValue(ctx, traceKey{}, trace{"00-" + id + "-" + hex.EncodeToString(b[:8]) + "-01", id,
		traceparent})
}

// Within puts a step of a trace into ctx as it is, for what belongs to that step.
func Within(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceKey{}, trace{parent: traceparent, id: traceID(traceparent)})
}

// Follow is the traceparent of a new step that the step of parent caused.
func Follow(traceparent string) string { return Trace(WithTrace(context.Background(), traceparent)) }

// Caller is the traceparent that WithTrace was given, or "".
func Caller(ctx context.Context) string { return of(ctx).caller }

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

// isSpanID reports whether a text is an id of 8 bytes that are not all 0.
func isSpanID(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && len(s) == 16 && strings.Trim(s, "0") != ""
}
