package web

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
)

// A handler sees each request that is one, OPTIONS * too: what it checks and sets holds for every
// answer.
func TestServeHandsOnEveryMethod(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	}()

	for _, line := range []string{"OPTIONS *", "OPTIONS /", "TRACE /", "PROPFIND /"} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n", line); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != http.StatusTeapot {
			t.Errorf("%s: %d", line, res.StatusCode)
		}
		_, _ = res.Body.Close(), conn.Close()
	}

	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
