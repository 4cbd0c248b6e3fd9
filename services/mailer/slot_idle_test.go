package mailer

import (
	"testing"
	"time"
)

// A process holds its slot, which takes a connection, only while there is something to send.
func TestIdleProcessHoldsNoSlot(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	for n, to := range []string{"ada@x.example", "bea@x.example"} {
		began := time.Now()
		e.send(to, welcome(to))
		e.awaitSent(n + 1)
		t.Logf("mail %d is out after %s", n+1, time.Since(began))
		e.eventually("no slot is held", func() bool { return e.slotsHeld() == 0 })
	}
	if n := sink.count(); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

// A process that gives up its slot sends nothing. A row that it claimed without hearing the answer
// is freed.
func TestGivingUpASlotFreesItsLeases(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := &slots{pool: e.pool}
	if err := s.take(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.Exec(`INSERT INTO delivery (key, kind, to_hashes, message_id, claimed_by, claimed_until, deadline, created_at)
		SELECT i::text, 'welcome', '{}', i::text, i, now() + interval '2 minutes', now() + interval '1 hour', now()
		FROM generate_series(1, 2) AS i`)
	if n := e.slotsHeld(); n != 1 {
		t.Errorf("%d slots are held, want 1", n)
	}
	if err := s.giveUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := e.Number(`SELECT sum(claimed_by) FROM delivery`); n != 2 {
		t.Errorf("slots %d are still leased, want only 2", n)
	}
	e.eventually("no slot is held", func() bool { return e.slotsHeld() == 0 })
}

// slotsHeld counts the slots that processes hold.
func (e *env) slotsHeld() int {
	return e.Number(`SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = $1
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, slotClass)
}
