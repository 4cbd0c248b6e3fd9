package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// span is a step of a trace as a collector receives it.
type span struct {
	TraceID, SpanID, ParentSpanID, Name         string
	Kind                                        int
	StartTimeUnixNano, EndTimeUnixNano, service string
}

// collector receives OTLP over HTTP.
type collector struct {
	*httptest.Server
	t      *testing.T
	mu     sync.Mutex
	bodies strings.Builder
	spans  []span
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{t: t}
	c.Server = httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/otlp/v1/traces" || r.Header.Get("X-Key") != "a key, whole" ||
		r.Header.Get("Content-Type") != "application/json" {
		c.t.Errorf("%s %s with %v, %v", r.Method, r.URL, r.Header, err)
		return
	}

	var sent struct {
		ResourceSpans []struct {
			Resource struct {
				Attributes []struct {
					Key   string
					Value struct{ StringValue string }
				}
			}
			ScopeSpans []struct{ Spans []span }
		}
	}
	if err := json.Unmarshal(body, &sent); err != nil {
		c.t.Errorf("%v in %s", err, body)
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	c.bodies.Write(body)
	for _, resource := range sent.ResourceSpans {
		a := resource.Resource.Attributes[0]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				if s.service = a.Value.StringValue; a.Key != "service.name" {
					c.t.Errorf("a resource is called %s", a.Key)
				}
				c.spans = append(c.spans, s)
			}
		}
	}
}

// all are the spans received so far.
func (c *collector) all() []span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.spans)
}

// raw is everything received so far.
func (c *collector) raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bodies.String()
}

// way are the steps that lead to a span, by their parents, the first one first; each as "service:
// name".
func (c *collector) way(to span) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		names = append([]string{to.service + ": " + to.Name}, names...)
		i := slices.IndexFunc(c.spans, func(s span) bool { return s.TraceID == to.TraceID && s.SpanID == to.ParentSpanID })
		if i < 0 {
			return names
		}
		to = c.spans[i]
	}
}

// mailOf waits for the span of a mail in a trace, or in any trace but one.
func (c *collector) mailOf(shop *shoptest.Shop, fits func(span) bool) (found span) {
	c.t.Helper()
	shop.Eventually(30*time.Second, "the span of a mail", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		i := slices.IndexFunc(c.spans, func(s span) bool { return s.Name == "send mail" && fits(s) })
		if i >= 0 {
			found = c.spans[i]
		}
		return i >= 0
	})
	return found
}

// A trace leads from a request of a browser or of Stripe, over outboxes and broker, to the mail,
// and has no personal data.
func TestATraceLeadsToTheMail(t *testing.T) {
	t.Parallel()
	c := newCollector(t)
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL + "/otlp/",
		"OTEL_EXPORTER_OTLP_HEADERS=x-key=a%20key%2C%20whole"}})
	const email = "quirina.traced@mail.example.com"
	// No webhook comes: the success page makes the order.
	shop.StripeSwitches(dropWebhooks)
	b := shop.Browser()
	session := b.Checkout("6", "1", email)
	shop.Pay(session, payAs(email))
	const trace, step = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL+"/order/checkout-session-success?session_id="+session, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("traceparent", "00-"+trace+"-"+step+"-01")
	a, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b.Want(a, "success", "checkout_session_success")
	mail := c.mailOf(shop, func(s span) bool { return s.TraceID == trace })
	want := []string{"edge: GET /order/*", "order: GET /order/checkout-session-success", "mailer: process mailer-mail", "mailer: send mail"}
	if way := c.way(mail); !slices.Equal(way, want) {
		t.Errorf("the browser's way to the mail is %q", way)
	}
	for _, s := range c.all() {
		if s.TraceID == trace && s.Name == "GET /order/*" && (s.ParentSpanID != step || s.Kind != 2) {
			t.Errorf("edge's step is %+v", s)
		}
		if len(s.SpanID) != 16 || s.StartTimeUnixNano > s.EndTimeUnixNano {
			t.Errorf("an odd step %+v", s)
		}
	}

	shop.StripeSwitches(sendWebhooks)
	second := b.Checkout("7", "1", email)
	shop.Pay(second, payAs(email))
	mail = c.mailOf(shop, func(s span) bool { return s.TraceID != trace })
	want = []string{"webhook: POST /order/stripe-webhook", "order: process order-stripe", "mailer: process mailer-mail",
		"mailer: send mail"}
	if way := c.way(mail); !slices.Equal(way, want) {
		t.Errorf("Stripe's way to the mail is %q", way)
	}
	shop.Check(30 * time.Second)
	for _, needle := range []string{"quirina", session, second, a.Text("order_identifier"), b.Cookie("csrftoken"), "198.18."} {
		if strings.Contains(strings.ToLower(c.raw()), strings.ToLower(needle)) {
			t.Errorf("spans hold %q", needle)
		}
	}
}
