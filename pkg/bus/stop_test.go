package bus_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Whenever a relay is stopped, it leaves nothing that was committed before: a round under way is
// finished, for its rows would be due again only after their wait.
func TestAStopLeavesNothingToPublish(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	connected := e.broker.Bus("webhook")
	outbox := bus.NewOutbox(connected, e.sender)
	testenv.Eventually(t, 30*time.Second, "connected", connected.Connected)
	for i := range 150 {
		ctx, stop := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- outbox.Run(ctx) }()
		err := outbox.Tx(t.Context(), func(tx pgx.Tx) error { // no consumer reads DEAD: a row ends with its publication
			return bus.Enqueue(t.Context(), tx, msg.Message{Key: fmt.Sprint("dead:order-user:", i), Subject: "dead.order-user", Payload: i})
		})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(rand.N(4*time.Millisecond), stop)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if n := e.query(e.sender, `SELECT count(*) FROM outbox`); n != 0 {
			t.Fatalf("stop %d left %d rows", i, n)
		}
	}
}
