package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// The load client sends requests that were made beforehand and reads answers only to their end. It
// costs less than net/http's client, so more of the measured time is the server's.

// request appends a worker's next request to buf.
type request func(worker int, buf []byte) []byte

// same is a request that never changes.
func same(text string) request {
	return func(_ int, buf []byte) []byte { return append(buf, text...) }
}

// get is a GET without a body. headers are whole lines.
func get(path string, headers ...string) request {
	text := "GET " + path + " HTTP/1.1\r\nHost: shop.example.com\r\n"
	for _, h := range headers {
		text += h + "\r\n"
	}
	return same(text + "\r\n")
}

// load keeps connections busy for a time and returns answers per second. An answer other than 200
// is an error.
func load(ctx context.Context, addr string, connections int, d time.Duration, next request) (float64, error) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	var stop atomic.Bool
	var answers atomic.Int64
	errs := make(chan error, connections)

	ready.Add(connections)
	for worker := range connections {
		done.Go(func() {
			conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			ready.Done()
			if err != nil {
				errs <- err
				return
			}
			defer conn.Close() //nolint:errcheck // all answers were read
			<-start
			n, err := drive(conn, worker, next, &stop)
			answers.Add(n)
			if err != nil {
				errs <- err
			}
		})
	}

	ready.Wait()
	began := time.Now()
	close(start)
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}

	stop.Store(true)
	done.Wait()
	took := time.Since(began)

	select {
	case err := <-errs:
		return 0, fmt.Errorf("load %s with %d connections: %w", addr, connections, err)
	default:
	}
	return float64(answers.Load()) / took.Seconds(), ctx.Err()
}

func drive(conn net.Conn, worker int, next request, stop *atomic.Bool) (n int64, err error) {
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return 0, err
	}
	r := bufio.NewReaderSize(conn, 32<<10)
	var buf []byte
	for !stop.Load() {
		buf = next(worker, buf[:0])
		if _, err := conn.Write(buf); err != nil {
			return n, err
		}
		if err := skipAnswer(r); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

var (
	headerLength  = []byte("Content-Length: ")
	headerChunked = []byte("Transfer-Encoding: chunked")
)

// skipAnswer reads one answer of a Go server to its end.
func skipAnswer(r *bufio.Reader) error {
	status, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	if !ok {
		status = bytes.Clone(status)
	}

	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		if v, found := bytes.CutPrefix(line, headerLength); found {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return err
			}
		}
		chunked = chunked || bytes.HasPrefix(line, headerChunked)
	}

	if !ok {
		body, err := io.ReadAll(io.LimitReader(r, int64(min(length, 300))))
		return errors.Join(fmt.Errorf("answered %s: %s", bytes.TrimSpace(status), body), err)
	}
	if !chunked {
		_, err = r.Discard(length)
		return err
	}
	return skipChunks(r)
}

func skipChunks(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := r.Discard(int(size) + 2); err != nil || size == 0 {
			return err
		}
	}
}

// best finds the number of connections, or clients, that gives the highest rate.
func best(ctx context.Context, candidates []int, measure func(ctx context.Context, n int) (float64,
	error)) (int, error) {
	var chosen int
	var top float64
	for _, n := range candidates {
		r, err := measure(ctx, n)
		if err != nil {
			return 0, err
		}
		if r > top {
			chosen, top = n, r
		}
	}
	return chosen, nil
}

// fetch sends one request as the load client does, and returns the whole answer.
func fetch(addr string, next request) (http.Header, []byte, error) {
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close() //nolint:errcheck // the answer was read
	if _, err := conn.Write(next(0, nil)); err != nil {
		return nil, nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, nil, err
	}
	if answer.StatusCode != http.StatusOK {
		dump, err := httputil.DumpResponse(answer, false)
		return nil, nil, errors.Join(fmt.Errorf("answered %s%s", dump, body), err)
	}
	return answer.Header, body, nil
}
