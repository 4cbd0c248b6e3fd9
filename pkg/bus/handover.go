package bus

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// A transaction of Outbox.Tx hands the rows that it inserted to the relay of this process after its
// commit (docs/adr/0025). They are stored as claimed already, so that no relay has to look for
// them. Should this process end before it publishes them, they are due like any other row that was
// not confirmed.

// maxHanded is how many rows may wait in memory for the relay. Beyond it rows are stored as due,
// and claimed in turn.
const maxHanded = 1000

// handed are the rows of committed transactions that wait for the relay.
type handed struct {
	mu   sync.Mutex
	rows []outboxRow
}

func (h *handed) add(rows []outboxRow) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.rows = append(h.rows, rows...)
}

// take returns up to limit rows, those first that were committed first.
func (h *handed) take(limit int) []outboxRow {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := min(limit, len(h.rows))
	rows := h.rows[:n:n]
	if h.rows = h.rows[n:]; len(h.rows) == 0 {
		h.rows = nil
	}
	return rows
}

func (h *handed) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rows)
}

// handingTx is a transaction of Outbox.Tx, or a part of one (Begin), that remembers what it
// inserts.
type handingTx struct {
	pgx.Tx
	outbox *Outbox
	rows   []outboxRow
	due    bool       // rows were stored as due
	whole  *handingTx // nil: this is the whole
}

// Begin implements pgx.Tx: rows that are enqueued in a part that is rolled back are not handed
// over.
func (t *handingTx) Begin(ctx context.Context) (pgx.Tx, error) {
	part, err := t.Tx.Begin(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // a transaction answers as pgx does
	}
	return &handingTx{Tx: part, outbox: t.outbox, whole: t}, nil
}

// Commit implements pgx.Tx.
func (t *handingTx) Commit(ctx context.Context) error {
	if err := t.Tx.Commit(ctx); err != nil {
		return err //nolint:wrapcheck // a transaction answers as pgx does
	}
	if t.whole != nil {
		t.whole.rows, t.whole.due = append(t.whole.rows, t.rows...), t.whole.due || t.due
	}
	return nil
}

// Enqueued remembers how much a transaction has enqueued. After a ROLLBACK TO a savepoint that was
// not made by Begin, call the function that it returned: rows that were enqueued since then are not
// handed over.
func Enqueued(tx pgx.Tx) (undo func()) {
	t, ok := tx.(*handingTx)
	if !ok {
		return func() {}
	}
	n := len(t.rows)
	return func() { t.rows = t.rows[:n] }
}

// handing returns tx if the relay takes its n messages directly, or nil if they are stored as due.
func handing(tx pgx.Tx, n int) *handingTx {
	t, ok := tx.(*handingTx)
	if !ok {
		return nil
	}
	if t.outbox.takes(n) {
		return t
	}
	markDue(tx)
	return nil
}

// takes reports whether the relay takes n rows over.
func (o *Outbox) takes(n int) bool {
	return o.relaying.Load() && o.bus.Connected() && o.handed.waiting()+n <= maxHanded
}

// markDue has the relay look for due rows after the commit.
func markDue(tx pgx.Tx) {
	if t, ok := tx.(*handingTx); ok {
		t.due = true
	}
}

// attempts is the column of that name in rows that are inserted: 1 for those that are handed over,
// which are published without being claimed.
func (t *handingTx) attempts() int {
	if t == nil {
		return 0
	}
	return 1
}
