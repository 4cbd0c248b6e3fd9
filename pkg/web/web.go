// Package web is how the shop speaks HTTP: handlers that return an error, JSON answers, forms that
// are bounded and valid UTF-8, the identity that edge forwards, one wide log line per request.
package web

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Error is an answer that is not a success. Its text is for the caller; what went wrong inside is
// wrapped and only logged.
type Error struct {
	Status    int
	Code      string // e.g. "bad-request"
	Parameter string // the parameter that is to blame, if any
	Text      string // what is wrong and what to do, in a sentence or two for the person who asked; may be empty
	// RetryAfter, if set, goes out as the header of that name, in whole seconds.
	RetryAfter time.Duration
	Err        error
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d %s %s", e.Status, e.Code, e.Parameter)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap is for errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Err }

// BadRequest refuses a request because of one parameter.
func BadRequest(parameter string) error {
	return &Error{Status: http.StatusBadRequest, Code: "bad-request", Parameter: parameter}
}

// NotFound answers 404.
func NotFound() error { return &Error{Status: http.StatusNotFound, Code: "not-found"} }

// OrNotFound is the row that a function of a store found, or otherwise NotFound.
func OrNotFound[T any](row T, found bool, err error) (T, error) {
	if err == nil && !found {
		err = NotFound()
	}
	return row, err
}

// Forbidden answers 403 with a code.
func Forbidden(code string) error { return &Error{Status: http.StatusForbidden, Code: code} }

// TooMany answers 429 and says when to come back.
func TooMany(after time.Duration) error {
	return &Error{Status: http.StatusTooManyRequests, Code: "too-many-requests", RetryAfter: after}
}

// Unavailable answers 503: something that the request needs is away and will be back.
func Unavailable(err error) error {
	return &Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: time.Second, Err: err}
}

// Handler is an http.Handler that returns what went wrong.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Handle makes a Handler a http.HandlerFunc: errors become JSON answers.
func Handle(h Handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			Fail(w, r, err)
		}
	}
}

// Fail answers an error: an *Error as it says, a database or an owner that is away with 503, all
// else with 500; what is a server's error only because the client left is 499. The text of the
// error goes into the log only.
func Fail(w http.ResponseWriter, r *http.Request, err error) {
	var e *Error
	switch {
	case errors.As(err, &e) && (e.Status < 500 || !Left(r)):
	case Left(r):
		e = clientLeft(err)
	case pg.IsUnavailable(err) || pg.IsContention(err):
		e = &Error{Status: http.StatusServiceUnavailable, Code: "unavailable", RetryAfter: time.Second, Err: err}
	default:
		e = &Error{Status: http.StatusInternalServerError, Code: "internal-error", Err: err}
	}
	Note(r, "error", err.Error())
	if e.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(max(1, int((e.RetryAfter+time.Second-1)/time.Second))))
	}
	body := Object{{"error", e.Code}}
	if e.Parameter != "" {
		body = append(body, Field{"parameter", e.Parameter})
	}
	if e.Text != "" {
		body = append(body, Field{"text", e.Text})
	}
	if err := JSON(w, e.Status, body); err != nil {
		Note(r, "write_error", err.Error())
	}
}

// JSON answers v. It is rendered before the first byte leaves, so a failure is still an error.
func JSON(w http.ResponseWriter, status int, v any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false) // clients get texts as they are; pages escape when they render
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	return RawJSON(w, status, bytes.TrimRight(buf.Bytes(), "\n"))
}

// RawJSON answers with JSON that is rendered already.
func RawJSON(w http.ResponseWriter, status int, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store") // most answers are about one shopper
	}
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}

// Router is a chi router with what every service needs outermost: request log, recovery from
// panics, trace, timeout, and JSON for unknown routes.
func Router(service string, log *slog.Logger) chi.Router {
	return RouterWithin(requestTimeout, service, log)
}

// RouterWithin is Router with a limit of its own for the time that a request may take.
func RouterWithin(limit time.Duration, service string, log *slog.Logger) chi.Router {
	r := chi.NewRouter()
	r.Use(wideLog(limit, service, log))
	r.NotFound(Handle(func(http.ResponseWriter, *http.Request) error { return NotFound() }))
	r.MethodNotAllowed(Handle(func(w http.ResponseWriter, req *http.Request) error {
		var allow []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
			http.MethodPatch, http.MethodDelete} {
			if r.Match(chi.NewRouteContext(), method, req.URL.Path) {
				allow = append(allow, method)
			}
		}
		if len(allow) == 0 { // an unknown method at an unknown address
			return NotFound()
		}
		w.Header().Set("Allow", strings.Join(allow, ", "))
		return &Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	}))
	return r
}

// requestTimeout bounds a request, so that one that waits for something that hangs ends in a 503.
// It is longer than the longest call that a handler makes (Stripe, 20 s).
const requestTimeout = 30 * time.Second

type notesKey struct{}

// notes are what handlers say of a request for its log line.
type notes struct {
	attrs   []slog.Attr
	routine bool
}

// Note adds a field to the log line of a request. Never personal data.
func Note(r *http.Request, key string, value any) {
	if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
		n.attrs = append(n.attrs, slog.Any(key, value))
	}
}

// Routine is for requests whose success is no news, such as files: their log line is at debug
// level.
func Routine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, ok := r.Context().Value(notesKey{}).(*notes); ok {
			n.routine = true
		}
		next.ServeHTTP(w, r)
	})
}

// wideLog writes one line per request when it is over: route, status, duration, trace, notes.
func wideLog(limit time.Duration, service string, log *slog.Logger) func(http.Handler) http.Handler {
	obs.HTTPErrors.WithLabelValues(service).Add(0) // otherwise an alarm would miss the first one
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			said := new(notes)
			ctx := obs.WithTrace(context.WithValue(r.Context(), notesKey{}, said), r.Header.Get(obs.TraceHeader))
			ctx, cancel := context.WithTimeout(ctx, limit)
			defer cancel()
			ctx, queries := pg.CountQueries(ctx)
			r = r.WithContext(ctx)

			rec := &recorder{ResponseWriter: w, request: r}
			defer func() {
				if p := recover(); p != nil {
					if p == http.ErrAbortHandler { //nolint:errorlint // a sentinel that is panicked, never wrapped
						// An answer that broke off: by the client, or by an owner behind us.
						if rec.status = http.StatusBadGateway; Left(r) {
							rec.status = StatusClientLeft
						}
						finish(ctx, log, service, r, rec, began, said)
						panic(p)
					}
					said.attrs = append(said.attrs, slog.String("panic", fmt.Sprint(p)),
						slog.String("stack", string(debug.Stack())))
					if rec.status == 0 {
						Fail(rec, r, fmt.Errorf("panic: %v", p))
					}
				}
				if n := queries.Load(); n > 0 {
					said.attrs = append(said.attrs, slog.Int64("queries", n))
				}
				finish(ctx, log, service, r, rec, began, said)
			}()

			next.ServeHTTP(rec, r)
			fault.Point(service, r.URL.Path) // the request has taken effect, and the answer is still to be sent
		})
	}
}

func finish(ctx context.Context, log *slog.Logger, service string, r *http.Request, rec *recorder, began time.Time,
	said *notes) {
	route := chi.RouteContext(ctx).RoutePattern()
	if route == "" {
		route = "unknown"
	}
	status := max(rec.status, 200)
	if rec.status == 0 && Left(r) {
		status = StatusClientLeft
	}
	took := time.Since(began)
	class := strconv.Itoa(status/100) + "xx"
	if status == StatusClientLeft {
		class = strconv.Itoa(status)
	}

	obs.HTTPSeconds.WithLabelValues(service, route, class).Observe(took.Seconds())
	if status >= 500 {
		obs.HTTPErrors.WithLabelValues(service).Inc()
	}
	if obs.Tracing() {
		recordSpan(ctx, service, r, route, status, began, took)
	}

	level := slog.LevelInfo
	switch {
	case status >= 500 && status != http.StatusServiceUnavailable:
		level = slog.LevelError
	case status >= 500:
		level = slog.LevelWarn
	case status < 400 && said.routine:
		level = slog.LevelDebug
	}

	if !log.Enabled(ctx, level) {
		return
	}
	log.LogAttrs(ctx, level, "request", append([]slog.Attr{
		slog.String("method", r.Method), slog.String("route", route), slog.Int("status", status),
		slog.Int("bytes", rec.bytes),
		slog.Float64("ms", float64(took.Microseconds())/1000), slog.String("trace", obs.TraceID(ctx)),
	}, said.attrs...)...)
}

// recordSpan reports a request to the collector of traces, with the names of OpenTelemetry's
// conventions (HTTP spans, 1.30): an unknown method is _OTHER.
func recordSpan(ctx context.Context, service string, r *http.Request, route string, status int, began time.Time,
	took time.Duration) {
	method := r.Method
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
	default:
		method = "_OTHER"
	}
	obs.Record(obs.Span{
		Service: service,
		Name:    method + " " + route,
		Kind:    obs.SpanServer,
		Trace:   obs.Trace(ctx),
		Parent:  obs.Caller(ctx),
		Began:   began,
		Ended:   began.Add(took),
		Failed:  status >= 500,
		Attributes: []slog.Attr{slog.String("http.request.method", method), slog.String("http.route", route),
			slog.Int("http.response.status_code", status)},
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	request *http.Request
	status  int
	bytes   int
}

// WriteHeader implements http.ResponseWriter.
func (rec *recorder) WriteHeader(status int) {
	if status >= 500 && Left(rec.request) {
		status = StatusClientLeft // also of handlers that answer by themselves, such as pages
	}
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	n, err := rec.ResponseWriter.Write(b)
	rec.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the real writer.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// Listen opens addr, unless a listener was handed in already. With a certificate in files it speaks
// TLS, and with an authority it requires a certificate of each client.
func Listen(l net.Listener, addr string, files ...certs.Files) (net.Listener, error) {
	var secure *tls.Config
	for _, f := range files {
		if !f.Given() {
			continue
		}
		var err error
		if secure, err = f.Server(); err != nil {
			return nil, fmt.Errorf("TLS_CERT, TLS_KEY, TLS_CA: %w", err)
		}
	}
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", addr); err != nil {
			return nil, fmt.Errorf("listen on %s: %w", addr, err)
		}
	}
	if secure != nil {
		return tls.NewListener(l, secure), nil
	}
	return l, nil
}

// stopTimeout is how long requests under way may take to finish once a stop was asked for.
const stopTimeout = 5 * time.Second

type stoppingKey struct{}

// Stopping is closed once the server of a request was told to stop: for answers that would go on
// for a while. It is nil, and never closed, for a server that Serve does not run.
func Stopping(r *http.Request) <-chan struct{} {
	stopping, ok := r.Context().Value(stoppingKey{}).(<-chan struct{})
	if !ok {
		return nil
	}
	return stopping
}

// leavePause is how long a server that was told to stop still answers, with a header that has its
// callers open no more requests on the connection: they hear of the stop before their next request
// could meet a closed one.
const leavePause = 250 * time.Millisecond

// Serve answers on l until ctx ends, and a moment longer while callers keep connections
// (leavePause). It then lets requests under way finish for at most five seconds.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{
		Handler: leaving(ctx, h), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		// it would answer OPTIONS * past every check and header of h
		DisableGeneralOptionsHandler: true,
		// broken clients are not news
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}

	srv.BaseContext = func(net.Listener) context.Context {
		return context.WithValue(context.WithoutCancel(ctx), stoppingKey{}, ctx.Done())
	}
	shutdown := Stopper(srv)
	kept := countKept(srv)
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		for end := time.Now().Add(leavePause); kept.Load() > 0 && time.Now().Before(end); {
			wait.Sleep(context.Background(), leavePause/25)
		}
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		stopped <- shutdown(grace)
	})

	err := srv.Serve(l)
	if stop() { // Serve ended by itself
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	if err := <-stopped; err != nil {
		return errors.Join(srv.Close(), nil) // requests that did not finish in time are cut off
	}
	return nil
}

// leaving ends connections with their next answer once ctx has ended.
func leaving(ctx context.Context, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx.Err() != nil {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// countKept counts the connections on which a request has come.
func countKept(srv *http.Server) *atomic.Int64 {
	var kept atomic.Int64
	var used sync.Map
	before := srv.ConnState
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		switch state {
		case http.StateActive:
			if _, known := used.LoadOrStore(c, true); !known {
				kept.Add(1)
			}
		case http.StateClosed, http.StateHijacked:
			if _, known := used.LoadAndDelete(c); known {
				kept.Add(-1)
			}
		}
		before(c, state)
	}
	return &kept
}

// unusedTimeout is how long the first byte of a request may take to arrive once the server stops.
const unusedTimeout = 200 * time.Millisecond

// Stopper returns srv.Shutdown, but quick: connections on which no request has begun yet, as
// browsers and Go's client open them in advance, end after unusedTimeout. Shutdown itself waits
// until each is five seconds old (net/http, Server.closeIdleConns). It sets srv.ConnState.
func Stopper(srv *http.Server) (shutdown func(context.Context) error) {
	var mu sync.Mutex
	var ending bool
	unused := map[net.Conn]bool{}
	end := func(c net.Conn) { c.Close() } //nolint:errcheck,gosec // nothing was said on it
	srv.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateIdle {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case state != http.StateNew:
			delete(unused, c)
		case ending:
			end(c)
		default:
			unused[c] = true
		}
	}

	return func(ctx context.Context) error {
		timer := time.AfterFunc(unusedTimeout, func() {
			mu.Lock()
			defer mu.Unlock()
			ending = true
			for c := range unused {
				end(c)
			}
		})
		defer timer.Stop()
		return srv.Shutdown(ctx)
	}
}
