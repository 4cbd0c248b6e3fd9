package testenv

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Run runs a service or a part of one until stop is called, at the latest until the test ends. An
// error fails the test.
func Run(tb testing.TB, part func(context.Context) error) (stop func()) {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- part(ctx); close(done) }()
	stop = func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("the part ended with %v", err)
		}
	}
	tb.Cleanup(stop)
	return stop
}

// Listen is a listener for a service that the test runs, and the URL of what listens there.
func Listen(tb testing.TB) (l net.Listener, url string) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return l, "http://" + l.Addr().String()
}

// Enqueue puts messages into an outbox, as a service does. A key without the prefix of its subject
// gets it.
func Enqueue(tb testing.TB, outbox *bus.Outbox, messages ...msg.Message) {
	tb.Helper()
	for i, m := range messages {
		if begin := msg.KeyBegin(m.Subject); !strings.HasPrefix(m.Key, begin) {
			messages[i].Key = begin + m.Key
		}
	}
	err := outbox.Tx(tb.Context(), func(tx pgx.Tx) error { return bus.Enqueue(tb.Context(), tx, messages...) })
	if err != nil {
		tb.Fatal(err)
	}
}
