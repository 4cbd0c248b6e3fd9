package bus_test

import (
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// While nothing waits in an outbox that no one else writes to, its relay leaves the database alone,
// so that the pool closes its connections. A message enqueued then is published at once; and as
// long as it waits for its receivers, the relay looks as often as any.
func TestIdleRelayLeavesTheDatabaseAlone(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.outbox.Alone = true
	testenv.Run(e.t, e.outbox.Run)
	testenv.Eventually(t, 50*time.Second, "it had connections, and has none", func() bool {
		pool := e.sender.Stat()
		return pool.NewConnsCount() > 0 && pool.TotalConns() == 0
	})
	other := testenv.DB{TB: t, Conn: testenv.Open(t, e.databaseURL, "webhook")}
	other.Exec(`INSERT INTO outbox (key, subject, payload, pending)
		VALUES ('evt_other', 'stripe.checkout.session.completed', '{"n":1}', '{order-stripe}')`)
	e.send(0, 1)
	testenv.Eventually(t, 20*time.Second, "both are published", func() bool {
		return other.Number(`SELECT count(*) FROM outbox WHERE attempts > 0`) == 2
	})
	e.receive(nothingFails)
	testenv.Eventually(t, 30*time.Second, "both are handled", func() bool { return e.count() == 2 && e.outboxEmpty() })
}
