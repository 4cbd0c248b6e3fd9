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

// WithTrace puts the trace that a caller sent into ctx, or starts a new one when the header is
// missing or malformed. The part that names the span is new either way.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	id := traceID(traceparent)
	if id == "" {
		id = randomHex(16)
	}
	return context.WithValue(ctx, traceKey{}, "00-"+id+"-"+randomHex(8)+"-01")
}

// Trace is the traceparent of ctx, or "".
func Trace(ctx context.Context) string {
	s, ok := ctx.Value(traceKey{}).(string)
	if !ok {
		return ""
	}
	return s
}

// TraceID is the part of the traceparent that stays the same from browser to mail, or "".
func TraceID(ctx context.Context) string { return traceID(Trace(ctx)) }

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

func randomHex(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // crypto/rand.Read never fails (since Go 1.24)
	return hex.EncodeToString(b)
}
