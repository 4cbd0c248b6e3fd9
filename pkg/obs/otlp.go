package obs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// spanExporter speaks OTLP/HTTP with JSON (OTLP 1.5: the mapping of Protocol Buffers to JSON, with
// ids in hexadecimal digits). It is written out here because the OpenTelemetry SDK doubles the size
// of a program (ADR 47).
type spanExporter struct {
	log     *slog.Logger
	url     string
	headers map[string]string
	queue   chan Span
	failing bool
}

type (
	otlpRequest struct {
		ResourceSpans []otlpResource `json:"resourceSpans"`
	}
	otlpResource struct {
		Resource   otlpAttributes `json:"resource"`
		ScopeSpans []otlpScope    `json:"scopeSpans"`
	}
	otlpScope struct {
		Scope struct {
			Name string `json:"name"`
		} `json:"scope"`
		Spans []otlpSpan `json:"spans"`
	}
	otlpSpan struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
		Parent  string `json:"parentSpanId,omitempty"`
		Name    string `json:"name"`
		Kind    int    `json:"kind"`
		Began   string `json:"startTimeUnixNano"`
		Ended   string `json:"endTimeUnixNano"`
		otlpAttributes
		Status *otlpStatus `json:"status,omitempty"`
	}
	otlpStatus struct {
		Code int `json:"code"` // 2: error
	}
	otlpAttributes struct {
		Attributes []otlpAttribute `json:"attributes,omitempty"`
	}
	otlpAttribute struct {
		Key   string    `json:"key"`
		Value otlpValue `json:"value"`
	}
	otlpValue struct {
		Text string `json:"stringValue,omitempty"`
		Int  string `json:"intValue,omitempty"` // 64 bits are texts in this mapping
	}
)

// collectorTimeout bounds a request to the collector.
const collectorTimeout = 10 * time.Second

// collectorClient follows no redirects: spans go where the setting says.
var collectorClient = &http.Client{
	Timeout:       collectorTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// send sends a group to the collector, once: spans are not worth a queue on disk.
func (e *spanExporter) send(ctx context.Context, group []Span) {
	err := e.post(ctx, group)
	if err != nil {
		droppedSpans.Add(float64(len(group)))
	}
	if failing := err != nil; failing != e.failing {
		e.failing = failing
		if failing {
			e.log.Warn("the collector takes no spans, they are dropped", "error", err)
		} else {
			e.log.Info("the collector takes spans again")
		}
	}
}

func (e *spanExporter) post(ctx context.Context, group []Span) error {
	body, err := json.Marshal(toOTLP(group))
	if err != nil {
		return fmt.Errorf("marshal spans: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make a request to the collector: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range e.headers {
		r.Header.Set(name, value)
	}
	w, err := collectorClient.Do(r)
	if err != nil {
		return fmt.Errorf("send spans: %w", err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	if _, err := io.Copy(io.Discard, io.LimitReader(w.Body, 64<<10)); err != nil {
		return fmt.Errorf("read the collector's answer: %w", err)
	}
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("send spans: the collector answered %d", w.StatusCode)
	}
	return nil
}

// toOTLP groups spans by service.
func toOTLP(group []Span) otlpRequest {
	var request otlpRequest
	place := map[string]int{}
	for _, s := range group {
		i, known := place[s.Service]
		if !known {
			i = len(request.ResourceSpans)
			place[s.Service] = i
			resource := otlpResource{Resource: resourceOf(s.Service), ScopeSpans: make([]otlpScope, 1)}
			resource.ScopeSpans[0].Scope.Name = "startupwebapp"
			request.ResourceSpans = append(request.ResourceSpans, resource)
		}
		spans := &request.ResourceSpans[i].ScopeSpans[0].Spans
		*spans = append(*spans, s.otlp())
	}
	return request
}

func resourceOf(service string) otlpAttributes {
	attributes := []slog.Attr{slog.String("service.name", service)}
	if shop := shopLabel.Load(); shop != nil {
		attributes = append(attributes, slog.String("service.namespace", shop.GetValue()))
	}
	return otlpAttributesOf(attributes)
}

func (s Span) otlp() otlpSpan {
	o := otlpSpan{
		TraceID:        traceID(s.Trace),
		SpanID:         spanOf(s.Trace),
		Name:           s.Name,
		Kind:           int(s.Kind),
		Began:          strconv.FormatInt(s.Began.UnixNano(), 10),
		Ended:          strconv.FormatInt(s.Ended.UnixNano(), 10),
		otlpAttributes: otlpAttributesOf(s.Attributes),
	}
	if traceID(s.Parent) == o.TraceID {
		o.Parent = spanOf(s.Parent)
	}
	if s.Failed {
		o.Status = &otlpStatus{Code: 2}
	}
	return o
}

func otlpAttributesOf(attributes []slog.Attr) (o otlpAttributes) {
	for _, a := range attributes {
		value := otlpValue{Text: a.Value.String()}
		if a.Value.Kind() == slog.KindInt64 {
			value = otlpValue{Int: a.Value.String()}
		}
		o.Attributes = append(o.Attributes, otlpAttribute{a.Key, value})
	}
	return o
}

// spanOf is the part of a traceparent that names its step, or "".
func spanOf(traceparent string) string {
	parts := strings.Split(traceparent, "-")
	if traceID(traceparent) == "" || !isSpanID(parts[2]) {
		return ""
	}
	return parts[2]
}
