package testenv

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Contract is a service's openapi.yaml, that its answers in tests are held against.
type Contract struct {
	Doc    *openapi3.T
	router routers.Router
	// passed holds the answers that were found right. Each validation compiles the answer's schema,
	// which takes longer than most requests, and tests get the same answers thousands of times.
	passed sync.Map // keys are of type verdict
}

// verdict is all that a validation depends on.
type verdict struct {
	operation    *openapi3.Operation
	method       string
	status       int
	header, body string
}

// contracts are the files that were loaded, by name: functions that return a *Contract and an
// error.
var contracts sync.Map

// NewContract loads and checks an OpenAPI file, once in a process.
func NewContract(tb testing.TB, file string) *Contract {
	tb.Helper()
	load, _ := contracts.LoadOrStore(file, sync.OnceValues(func() (*Contract, error) { return loadContract(file) }))
	c, err := load.(func() (*Contract, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func loadContract(file string) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", file, err)
	}
	doc.Servers = nil
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("read the routes of %s: %w", file, err)
	}
	return &Contract{Doc: doc, router: router}, nil
}

// Check fails the test when an answer is not what the contract says. The body can be read again.
func (c *Contract) Check(tb testing.TB, r *http.Request, w *http.Response) {
	tb.Helper()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		tb.Fatal(err)
	}

	w.Body = io.NopCloser(bytes.NewReader(body))
	route, params, err := c.router.FindRoute(r)
	if err != nil {
		tb.Errorf("%s %s is not in the contract: %v", r.Method, r.URL.Path, err)
		return
	}

	header := w.Header.Clone()
	header.Del("Date")
	seen := verdict{
		operation: route.Operation,
		method:    r.Method,
		status:    w.StatusCode,
		header:    fmt.Sprint(header),
		body:      string(body),
	}
	if _, ok := c.passed.Load(seen); ok {
		return
	}

	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route}
	out := (&openapi3filter.ResponseValidationInput{
		RequestValidationInput: in,
		Status:                 w.StatusCode,
		Header:                 w.Header,
		Options:                &openapi3filter.Options{IncludeResponseStatus: true},
	}).SetBodyBytes(body)
	if err := openapi3filter.ValidateResponse(tb.Context(), out); err != nil {
		tb.Errorf("%s %s answered %d %s\n%v", r.Method, r.URL.Path, w.StatusCode, body, err)
		return
	}
	c.passed.Store(seen, true)
}

// CheckAnswer is Check for an answer that a Client has read.
func (c *Contract) CheckAnswer(a Answer) {
	a.TB.Helper()
	c.Check(a.TB, a.Request, &http.Response{
		StatusCode: a.Status,
		Header:     a.Header,
		Body:       io.NopCloser(strings.NewReader(a.Body)),
	})
}

// Below checks what is answered with 200 or 400 below a prefix of paths, as Client.Check. The
// contract describes no other answers, and of those in HTML their status alone.
func (c *Contract) Below(tb testing.TB, prefix string) func(*http.Request, *http.Response) {
	return func(r *http.Request, w *http.Response) {
		tb.Helper()
		described := w.StatusCode == http.StatusOK || w.StatusCode == http.StatusBadRequest
		if described && strings.HasPrefix(r.URL.Path, prefix) &&
			!strings.HasPrefix(w.Header.Get("Content-Type"), "text/html") {
			c.Check(tb, r, w)
		}
	}
}
