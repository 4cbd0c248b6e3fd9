package bus_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// BenchmarkPublish is 64 messages of some 3 kB, published durably: docs/adr/0019 says what is
// compared.
func BenchmarkPublish(b *testing.B) {
	conn := testenv.NewBroker(b).Bus("webhook")
	testenv.Eventually(b, 30*time.Second, "connected", conn.Connected)
	messages := make([]*nats.Msg, 64)
	for i := range messages {
		messages[i] = nats.NewMsg("stripe.checkout.session.completed")
		messages[i].Data = make([]byte, 3<<10)
	}
	for _, c := range []struct {
		name    string
		publish func() error
	}{
		{"as it is", func() error { return bus.PublishBatch(conn, b.Context(), messages) }},
		{"singly", func() error { return errors.Join(conn.PublishSingly(messages)...) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			defer testenv.CPUTime(b, len(messages))()
			for b.Loop() {
				if err := c.publish(); err != nil {
					b.Fatal(fmt.Errorf("publish: %w", err))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(messages)), "us/thing")
		})
	}
}
