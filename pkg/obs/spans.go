package obs

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// SpanKind says which side of a call a span is (OTLP 1.5, trace.proto).
type SpanKind int

// The kinds that the shop has.
const (
	SpanServer   SpanKind = 2 // answers a request
	SpanClient   SpanKind = 3 // asks another system
	SpanConsumer SpanKind = 5 // acts on a message
)

// Span is one step of a trace: a request that was answered, a message that was acted on, a mail
// that was handed over. Nothing of it is personal: routes and subjects, no addresses, keys or
// texts.
type Span struct {
	Service, Name string
	Kind          SpanKind
	// Trace is the traceparent of this step, Parent that of the step which caused it, or "".
	Trace, Parent string
	Began, Ended  time.Time
	Failed        bool
	Attributes    []slog.Attr // integers and texts
}

// droppedSpans counts spans that no collector got.
var droppedSpans = promauto.NewCounter(prometheus.CounterOpts{
	Name: "shop_spans_dropped_total", Help: "Spans that were not sent to OTEL_EXPORTER_OTLP_ENDPOINT.",
})

// exporter takes the spans of the process; nil where none are wanted.
var exporter atomic.Pointer[spanExporter]

// Tracing reports whether spans are wanted: what only they need is not worth doing otherwise.
func Tracing() bool { return exporter.Load() != nil }

// Record hands a span to the collector. It never waits: with more than it can send, spans are
// dropped.
func Record(s Span) {
	e := exporter.Load()
	if e == nil || spanOf(s.Trace) == "" {
		return
	}
	select {
	case e.queue <- s:
	default:
		droppedSpans.Inc()
	}
}

// spanQueue is how many spans wait for the collector at most, spanGroup how many go in one request.
const spanQueue, spanGroup = 4096, 512

// spanEvery is how long spans wait for others to be sent with.
const spanEvery = time.Second

// spanFlush is how long sending the last spans of a process may take.
const spanFlush = 2 * time.Second

// ExportSpans sends the spans of this process to an OpenTelemetry collector (OTLP over HTTP, in
// JSON) until stop is called, which sends those that wait. headers go with each request. There is
// one exporter in a process.
func ExportSpans(log *slog.Logger, endpoint string, headers map[string]string) (stop func()) {
	e := &spanExporter{
		log:     log,
		url:     strings.TrimRight(endpoint, "/") + "/v1/traces",
		headers: headers,
		queue:   make(chan Span, spanQueue),
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); e.run(ctx) }()
	exporter.Store(e)
	return func() {
		exporter.CompareAndSwap(e, nil)
		cancel()
		<-ended
	}
}

// run sends spans in groups until ctx ends, and then the rest.
func (e *spanExporter) run(ctx context.Context) {
	tick := time.NewTicker(spanEvery)
	defer tick.Stop()
	var group []Span
	send := func(ctx context.Context) {
		if len(group) > 0 {
			e.send(ctx, group)
			group = nil
		}
	}

	for {
		select {
		case s := <-e.queue:
			if group = append(group, s); len(group) == spanGroup {
				send(ctx)
			}
		case <-tick.C:
			send(ctx)
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), spanFlush)
			defer cancel()
			for {
				select {
				case s := <-e.queue:
					if group = append(group, s); len(group) == spanGroup {
						send(ctx)
					}
					continue
				default:
				}
				send(ctx)
				return
			}
		}
	}
}
