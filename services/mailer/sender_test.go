package mailer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// row is a mail in the ledger.
func (e *env) row(key string) (state string, attempts int, maybe bool, reason string) {
	e.t.Helper()
	err := e.pool.QueryRow(e.t.Context(), `SELECT state, attempts, maybe, coalesce(reason, '') FROM delivery WHERE key = $1`,
		key).Scan(&state, &attempts, &maybe, &reason)
	if err != nil {
		e.t.Fatal(err)
	}
	return state, attempts, maybe, reason
}

// Whatever fault a mail server has, each mail ends as it should and arrives as often as SMTP
// allows.
func TestFaultsOfTheServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fault    string
		ask      bool
		state    string
		attempts int
		took     int
	}{
		{fault: "close@MAIL", state: "sent", attempts: 2, took: 1},
		{fault: "close@RCPT", state: "sent", attempts: 2, took: 1},
		{fault: "close@DATA", state: "sent", attempts: 2, took: 1},
		{fault: "close-in-data", state: "sent", attempts: 2, took: 1},
		{fault: "MAIL 421", state: "sent", attempts: 2, took: 1},
		{fault: "MAIL 450", state: "sent", attempts: 2, took: 1},
		{fault: "MAIL 530", state: "sent", attempts: 2, took: 1},
		{fault: "RCPT 450", state: "sent", attempts: 2, took: 1},
		{fault: "DATA 451", state: "sent", attempts: 2, took: 1},
		{fault: "END 452", state: "sent", attempts: 2, took: 1},
		{fault: "MAIL 550", state: "parked", attempts: 1},
		{fault: "RCPT 550", state: "parked", attempts: 1},
		{fault: "DATA 554", state: "parked", attempts: 1},
		{fault: "END 554", state: "parked", attempts: 1},
		{fault: "close-after-250", state: "sent", attempts: 1, took: 1},
		{fault: "lose-reply", state: "sent", attempts: 2, took: 2},            // SMTP cannot do better
		{fault: "lose-reply", ask: true, state: "sent", attempts: 2, took: 1}, // but a server that can be asked
		{fault: "lose-and-forget", ask: true, state: "sent", attempts: 2, took: 1},
		{fault: "lose-and-forget", state: "sent", attempts: 2, took: 1},
	} {
		t.Run(fmt.Sprint(c.fault, " ask ", c.ask), func(t *testing.T) {
			t.Parallel()
			server := newRaw(t, c.fault)
			e := newEnv(t, server.port(), func(cfg *Config) {
				if c.ask {
					cfg.MailSeenURL = server.ask.URL + "/api/seen?box=1"
				}
			})
			e.start()
			e.send("welcome:1", welcome("ada@x.example"))
			e.eventually("an end", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state <> 'queued'`) == 1 })
			state, attempts, maybe, reason := e.row("welcome:1")
			if state != c.state || attempts != c.attempts || maybe || (reason != "") != (state == "parked") {
				t.Errorf("%s after %d attempts, maybe %t, reason %q; want %s after %d", state, attempts, maybe, reason, c.state, c.attempts)
			}
			if n := server.took(); n != c.took {
				t.Errorf("the server took %d mails, want %d", n, c.took)
			}

			for _, whole := range server.wholes {
				if whole != server.wholes[0] {
					t.Errorf("the repeat differs:\n%s\n%s", server.wholes[0], whole)
				}
			}

			want := map[string]string{"sent": msg.MailSentSubject, "parked": msg.MailParkedSubject}[state]
			if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = '` + want + `'`); n > 1 || (n != 1 && state == "sent") {
				t.Errorf("%d messages on %s", n, want)
			}

			// The next mail goes out whatever happened to this one.
			e.send("welcome:2", welcome("bea@x.example"))
			e.eventually("the next mail", func() bool { return server.took() == c.took+1 })
		})
	}
}

// If the mail system cannot be asked whether it accepted a mail, the mail waits and is not sent
// twice.
func TestMailSystemThatCannotBeAsked(t *testing.T) {
	t.Parallel()
	server := newRaw(t, "lose-reply")
	server.deaf = true
	e := newEnv(t, server.port(), func(cfg *Config) { cfg.MailSeenURL = server.ask.URL })
	e.start()
	e.send("welcome:1", welcome("ada@x.example"))
	e.eventually("put off because no one answers", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE maybe AND attempts >= 2 AND smtp_reply LIKE '%asked%'`) == 1
	})
	server.mu.Lock()
	server.deaf = false
	server.mu.Unlock()
	e.awaitSent(1)
	if server.took() != 1 {
		t.Errorf("the server took %d mails, want 1", server.took())
	}
}

func TestRepeatedCommandsSendOneMail(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	for range 3 {
		e.send("welcome:1", welcome("ada@x.example"))
		e.send("welcome:1", welcome("somebody-else@x.example"))
		e.awaitSent(1)
	}
	// The inbox has forgotten the command, but the ledger refuses the repeat.
	s := e.server()
	again := &bus.Delivery{Key: "welcome:1", Data: []byte(`{"kind":"welcome","to":["ada@x.example"]}`)}
	for range 2 {
		if err := pgx.BeginFunc(t.Context(), e.pool,
			func(tx pgx.Tx) error { return s.onCountedMail(t.Context(), tx, []*bus.Delivery{again}) }); err != nil {
			t.Fatal(err)
		}
	}
	e.send("welcome:2", welcome("bea@x.example"))
	e.awaitSent(2)
	if n := sink.count(); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func TestRefusedReceiverDoesNotStopTheOther(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	sink.set(func(stage, who string) error {
		if stage == "rcpt" && who == "ada@old.example" {
			return always("rcpt", 550)("rcpt", who)
		}
		return nil
	})
	e := newEnv(t, sink.port(), nil)
	e.start()
	m := welcome("ada@old.example")
	m.To = append(m.To, "ada@new.example", "ADA@new.example")
	e.send("1", m)
	e.awaitSent(1)
	if got := fmt.Sprint(sink.all()[0].to); got != "[ada@new.example]" {
		t.Errorf("went to %s", got)
	}
}

// Every address that the shop accepts can be mailed: an account that can never be written to, or a
// parked confirmation, helps no one.
func TestEveryAddressOfTheShopCanBeMailed(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	addresses := []string{"a..b@mail.example", "a.-_+1@mail.example", "1@-x-.example", "o'brien@mail.example", `o'b..x@mail.example`}
	for i, a := range addresses {
		e.send(fmt.Sprint(i), welcome(a))
	}
	e.awaitSent(len(addresses))
	got := map[string]bool{}
	for _, m := range sink.all() {
		list, err := m.header.AddressList("To")
		if err != nil || len(list) != 1 || len(m.to) != 1 || list[0].Address != m.to[0] {
			t.Errorf("to %v, header %v, %v", m.to, list, err)
			continue
		}
		got[m.to[0]] = true
	}
	for _, a := range addresses {
		if !got[a] {
			t.Errorf("no mail to %s", a)
		}
	}
}

func TestMailsGoOutSoonAfterAnOutage(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	sink.stop()
	for i := range 20 {
		e.send(fmt.Sprint("welcome:", i), welcome(fmt.Sprintf("a%d@x.example", i)))
	}
	e.eventually("in the ledger and tried", func() bool {
		return e.Number(`SELECT count(*) FROM delivery`) == 20 && e.Number(`SELECT coalesce(sum(attempts), 0) FROM delivery`) > 2
	})
	e.eventually("no mail is a maybe", func() bool {
		return e.Number(
			`SELECT count(*) FROM delivery WHERE maybe AND claimed_by IS NULL`) == 0
	})
	sink.start()
	e.awaitSent(20) // although each may have been put off for a minute
	if n := sink.count(); n != 20 {
		t.Errorf("%d mails, want 20", n)
	}
}

func TestMailsGoOutSoonAfterTemporaryRefusals(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	sink.set(always("rcpt", 450))
	for i := range 5 {
		e.send(fmt.Sprint("welcome:", i), welcome(fmt.Sprintf("a%d@x.example", i)))
	}
	// The fourth refusal puts a mail off for a minute; the probe and the mails after it must not
	// wait so long.
	e.eventually("long delays", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE next_at > now() + interval '30 seconds'`) >= 3
	})
	sink.set(nil)
	e.awaitSent(5)
}

func TestMailIsParkedAfterItsDeadline(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	sink.set(always("rcpt", 450))
	e := newEnv(t, sink.port(), nil)
	e.start()
	m := welcome("ada@x.example")
	m.CreatedAt = time.Now()
	m.Deadline = m.CreatedAt.Add(time.Second)
	e.send("welcome:1", m)
	e.eventually("parked", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state = 'parked'`) == 1 })
	if _, _, _, reason := e.row("welcome:1"); reason != "the deadline has passed" {
		t.Errorf("parked because %s", reason)
	}
	if sink.count() != 0 {
		t.Error("sent after its deadline")
	}
}

// TestStoppedInTheMiddle leaves a lease behind as a killed process does: the next process frees it
// at once, asks, and sends only the missing mails.
func TestStoppedInTheMiddle(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), func(cfg *Config) { cfg.MailSeenURL = sink.ask.URL })
	e.start()
	e.send("welcome:1", welcome("ada@x.example"))
	e.awaitSent(1)
	e.stop()
	for i, sql := range []string{ // killed after the server took it; killed before
		`UPDATE delivery SET state = 'queued', maybe = true, claimed_by = 1, claimed_until = now() + interval '2 minutes' WHERE key = ` +
			`'welcome:1'`,
		`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, maybe, attempts, claimed_by, claimed_until, deadline, created_at)
			SELECT 'welcome:2', kind, payload, to_hashes, 'other@shop.example', true, 1, 1, now() + interval '2 minutes',
			  deadline, created_at
			FROM delivery`,
	} {
		if tag, err := e.pool.Exec(t.Context(), sql); err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%d: %v", i, err)
		}
	}
	e.start()
	e.awaitSent(2)
	if n := sink.count(); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func TestLivingProcessKeepsItsLeases(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	first, second := &slots{pool: e.pool}, &slots{pool: e.pool}
	if err := first.take(t.Context()); err != nil || first.own != 1 {
		t.Fatalf("slot %d, error %v", first.own, err)
	}

	_, err := e.pool.Exec(t.Context(), `
		INSERT INTO delivery (key, kind, to_hashes, message_id, claimed_by, claimed_until, deadline, created_at)
		SELECT i::text, 'welcome', '{}', i::text, i, now() + interval '2 minutes', now() + interval '1 hour', now()
		FROM generate_series(1, 3) AS i`)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(second.take(t.Context()), second.sweep(t.Context())); err != nil || second.own != 2 {
		t.Fatalf("slot %d, error %v", second.own, err)
	}
	if n := e.Number(`SELECT sum(claimed_by) FROM delivery`); n != 1 {
		t.Errorf("slots %d are still leased, want only 1", n)
	}

	first.release()
	testenv.Eventually(t, 30*time.Second, "the dead one's lease is freed", func() bool {
		if err := second.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		return e.Number(`SELECT count(*) FROM delivery WHERE claimed_by IS NOT NULL`) == 0
	})
	second.release()
}

func TestTwoProcessesSendEachMailOnce(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.start()
	var commands []msg.Message
	for i := range 300 {
		m := welcome(fmt.Sprintf("a%d@x.example", i))
		m.CreatedAt, m.Deadline = time.Now(), time.Now().Add(time.Hour)
		commands = append(commands, msg.Message{Key: fmt.Sprint("welcome:", i), Subject: msg.MailSubject(m.Kind), Payload: m})
	}
	e.enqueue(commands...)
	e.eventually("some are out", func() bool { return sink.count() > 50 })
	e.stop() // both mailers, in the middle
	e.start()
	e.start()
	e.awaitSent(300)
	if n := sink.count(); n != 300 {
		t.Errorf("%d mails, want 300", n)
	}
}

// The result of a mail that was sent while the ledger was unavailable is written before anyone
// claims the mail again.
func TestLedgerFailsWhileAMailIsInFlight(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	ledger := testenv.NewCut(t, e.cfg.DatabaseURL)
	e.cfg.DatabaseURL = ledger.URL
	e.start()
	inHand, goOn := make(chan struct{}), make(chan struct{})
	sink.set(func(stage, who string) error {
		if stage == "data" && who == "ada@x.example" {
			close(inHand)
			<-goOn
		}
		return nil
	})
	e.send("welcome:1", welcome("ada@x.example"))
	<-inHand
	ledger.Set(true)
	close(goOn)
	e.eventually("taken", func() bool { return sink.count() == 1 })
	e.send("welcome:2", welcome("bea@x.example"))
	ledger.Set(false)
	e.awaitSent(2)
	if n := sink.count(); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}
