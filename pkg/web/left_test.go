package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"testing"
	"time"
)

// statuses is a log that hands on the status of each request.
type statuses chan int

func (s statuses) Write(line []byte) (int, error) {
	var entry struct{ Status int }
	if err := json.Unmarshal(line, &entry); err != nil {
		return 0, err
	}
	s <- entry.Status
	return len(line), nil
}

// A client that goes away is 499, whatever a handler makes of it; a fault of ours stays one.
func TestClientLeft(t *testing.T) {
	t.Parallel()
	log := make(statuses, 100)
	r := Router("test", slog.New(slog.NewJSONHandler(log, nil)))
	hung := make(chan struct{})
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte("half an answer")) //nolint:errcheck // a test's answer
		http.NewResponseController(w).Flush()
		if r.URL.Query().Has("cut") {
			panic(http.ErrAbortHandler)
		}
		<-r.Context().Done()
	}))
	t.Cleanup(upstream.Close)
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	proxy.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)

	gone := func(answer func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
		return Handle(func(w http.ResponseWriter, r *http.Request) error {
			hung <- struct{}{}
			<-r.Context().Done()
			return answer(w, r)
		})
	}

	broken := errors.New("broken pipe")
	routes := map[string]http.HandlerFunc{
		"/canceled":    gone(func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() }),
		"/unavailable": gone(func(_ http.ResponseWriter, r *http.Request) error { return Unavailable(r.Context().Err()) }),
		"/wrapped":     gone(func(http.ResponseWriter, *http.Request) error { return fmt.Errorf("ask: %w", Unavailable(broken)) }),
		"/timeout":     gone(func(http.ResponseWriter, *http.Request) error { return context.DeadlineExceeded }),
		"/internal":    gone(func(http.ResponseWriter, *http.Request) error { return broken }),
		"/page": gone(func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusServiceUnavailable)
			return nil
		}),
		"/panic":  gone(func(http.ResponseWriter, *http.Request) error { panic("x") }),
		"/silent": gone(func(http.ResponseWriter, *http.Request) error { return nil }),
	}
	for path, h := range routes {
		r.Get(path, h)
	}
	r.Get("/proxied", func(w http.ResponseWriter, r *http.Request) {
		go func() { hung <- struct{}{} }()
		proxy.ServeHTTP(w, r)
	})
	r.Get("/away", Handle(func(http.ResponseWriter, *http.Request) error { return Unavailable(broken) }))
	r.Post("/body", Handle(func(_ http.ResponseWriter, r *http.Request) error {
		if _, err := io.ReadAll(r.Body); err != nil {
			return BodyError(err)
		}
		return nil
	}))
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)

	logged := func(what string, want int) {
		t.Helper()
		select {
		case got := <-log:
			if got != want {
				t.Errorf("%s: logged as %d, want %d", what, got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("%s: not logged", what)
		}
	}

	for _, path := range append([]string{"/proxied"}, paths(routes)...) {
		conn, reader := dial(t, srv, "GET "+path+" HTTP/1.1\r\nHost: shop\r\n\r\n")
		<-hung
		if path == "/proxied" {
			if _, err := reader.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		conn.Close() //nolint:errcheck,gosec // that is the point
		logged(path, StatusClientLeft)
	}

	conn, _ := dial(t, srv, "POST /body HTTP/1.1\r\nHost: shop\r\nContent-Length: 100\r\n\r\nhalf")
	conn.Close() //nolint:errcheck,gosec // that is the point
	logged("half a body", StatusClientLeft)

	// A client that waits for the answer hears of our faults, and so does the log.
	for path, status := range map[string]int{"/away": http.StatusServiceUnavailable, "/proxied?cut": http.StatusBadGateway} {
		if path == "/proxied?cut" {
			go func() { <-hung }()
		}
		if res, err := srv.Client().Get(srv.URL + path); err == nil {
			io.Copy(io.Discard, res.Body) //nolint:errcheck // it breaks off
			res.Body.Close()              //nolint:errcheck // it was read
		}
		logged(path, status)
	}
}

func dial(t *testing.T, srv *httptest.Server, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	return conn, bufio.NewReader(conn)
}

func paths(m map[string]http.HandlerFunc) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}
