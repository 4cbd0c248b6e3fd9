package edge

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// seen is a request as an owner got it.
type seen struct {
	*http.Request
	id   web.Identity
	body string
}

// owner stands in for a service behind edge.
type owner struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	answers  map[string]func(w http.ResponseWriter, r seen)
}

func newOwner(t *testing.T, signed bool) *owner {
	t.Helper()
	o := &owner{answers: map[string]func(http.ResponseWriter, seen){}}
	handler := http.Handler(http.HandlerFunc(o.serve))
	if signed {
		handler = web.RequireIdentity(web.Key([]byte(secret), "identity"))(web.Outcomes(handler))
	}
	o.Server = httptest.NewServer(handler)
	t.Cleanup(o.Close)
	return o
}

func (o *owner) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	s := seen{Request: r, id: web.Who(r), body: string(body)}
	o.mu.Lock()
	o.requests = append(o.requests, s)
	answer := o.answers[r.Method+" "+r.URL.Path]
	o.mu.Unlock()
	if answer == nil {
		web.Fail(w, r, web.NotFound())
		return
	}
	answer(w, s)
}

func (o *owner) on(route string, answer func(w http.ResponseWriter, r seen)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers[route] = answer
}

// says answers a route with a JSON text.
func (o *owner) says(route, body string) {
	o.on(route, func(w http.ResponseWriter, _ seen) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	})
}

// tells is says with an outcome.
func (o *owner) tells(route string, outcome web.Outcome, body string) {
	o.on(route, func(w http.ResponseWriter, _ seen) {
		web.TellOutcome(w, outcome)
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	})
}

func (o *owner) last() seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.requests) == 0 {
		return seen{Request: &http.Request{Header: http.Header{}}}
	}
	return o.requests[len(o.requests)-1]
}

func (o *owner) count(path string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.requests {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

// changes answers with a session change.
func changes(body string, change func(r seen) web.SessionChange) func(http.ResponseWriter, seen) {
	return func(w http.ResponseWriter, r seen) {
		header, err := json.Marshal(change(r))
		if err != nil {
			panic(err)
		}
		w.Header().Set(web.SessionHeader, string(header))
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	}
}
