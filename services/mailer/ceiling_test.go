package mailer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// withCeiling sets the shop's default ceiling.
func withCeiling(c *Config) { c.MailsAnHour, c.MailsADay = 5, 20 }

// awaitMails waits until every command is in the ledger and no mail waits.
func (e *env) awaitMails(rows int) {
	e.t.Helper()
	e.eventually(fmt.Sprint(rows, " mails done"), func() bool {
		return e.Number(`SELECT count(*) FROM delivery`) == rows && e.Number(`SELECT count(*) FROM delivery WHERE state = 'queued'`) == 0
	})
}

// receivedBy counts the mails that the sink took for addresses that match.
func receivedBy(s *sink, fits func(address string) bool) (n int) {
	for _, m := range s.all() {
		if slices.ContainsFunc(m.to, fits) {
			n++
		}
	}
	return n
}

func is(address string) func(string) bool {
	return func(a string) bool { return strings.EqualFold(a, address) }
}

// However many accounts are made with another person's address, and whatever kinds of mail they
// cause at two mailers, the address gets five mails an hour, and those about paid orders.
func TestCeilingOfOneAddress(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()
	e.start()
	kinds := []string{msg.MailWelcome, msg.MailVerify, msg.MailReset, msg.MailUsername, msg.MailPasswordSet, msg.MailPasswordChanged,
		msg.MailAddressChanged}

	var commands []msg.Message
	for i := range 42 {
		m := welcome([]string{"victim@x.example", "Victim@x.example", "VICTIM@X.EXAMPLE"}[i%3])
		m.Kind, m.MemberID, m.CreatedAt, m.Deadline = kinds[i%len(kinds)], int64(100+i), time.Now(), time.Now().Add(time.Hour)
		commands = append(commands, msg.Message{Key: fmt.Sprint("bomb:", i), Subject: msg.MailSubject(m.Kind), Payload: m})
	}
	e.enqueue(commands...)
	e.awaitMails(42)
	if n := receivedBy(sink, is("victim@x.example")); n != 5 {
		t.Errorf("the victim got %d mails, want 5", n)
	}
	if n := e.Number(`SELECT count(*) FROM delivery WHERE state = 'suppressed' AND done_at IS NOT NULL AND payload IS NOT NULL`); n != 37 {
		t.Errorf("%d mails are noted as suppressed, want 37", n)
	}
	if n, err := countSuppressed(t.Context(), e.pool); err != nil || n != 37 {
		t.Errorf("the metric says %d, error %v", n, err)
	}

	for i := range 7 { // paid orders are always confirmed
		e.send(fmt.Sprint("order:", i), msg.SendMail{Kind: msg.MailOrderVisitor, To: []string{"victim@x.example"}, Order: order()})
	}
	e.send("other:1", welcome("other@x.example"))
	e.awaitMails(50)
	if n := receivedBy(sink, is("victim@x.example")); n != 12 {
		t.Errorf("the victim has %d mails, want 5 and 7 orders", n)
	}
	if receivedBy(sink, is("other@x.example")) != 1 {
		t.Error("another address gets nothing")
	}
}

// The owner of an address whose quota is full still hears that the account was changed, and can be
// mailed at another address.
func TestCeilingHidesNoNotice(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()

	for i := range 8 {
		m := welcome("ann@x.example")
		m.Kind, m.MemberID = msg.MailPasswordChanged, int64(100+i) // these accounts have not proved the address
		e.send(fmt.Sprint("bomb:", i), m)
	}

	e.awaitMails(8)
	changed := welcome("Ann@x.example")
	changed.Kind, changed.Proved = msg.MailPasswordChanged, []string{"Ann@x.example"}
	e.send("password-changed:7", changed)
	moved := welcome("new@x.example")
	moved.Kind, moved.To, moved.Proved = msg.MailAddressChanged, []string{"new@x.example", "ann@x.example"}, []string{"ann@x.example"}
	moved.Data["old_email"] = "ann@x.example"
	e.send("address-changed:7", moved)
	moved.To, moved.Proved, moved.MemberID = []string{"fresh@x.example", "ann@x.example"}, nil, 101
	e.send("address-changed:101", moved)
	e.awaitMails(11)
	mails := sink.all()
	if n := receivedBy(sink, is("ann@x.example")); n != 7 {
		t.Errorf("ann has %d mails, want 5 and the 2 notices", n)
	}

	last := mails[slices.IndexFunc(mails, func(m taken) bool { return slices.Contains(m.to, "fresh@x.example") })]
	if fmt.Sprint(last.to) != "[fresh@x.example]" || last.header.Get("To") != "<fresh@x.example>" {
		t.Errorf("the mail without the full address went to %v, %s", last.to, last.header.Get("To"))
	}
	for i := range 9 { // that quota is limited, too: a thief cannot bomb the owner
		e.send(fmt.Sprint("password-changed:7:", i), changed)
	}
	e.awaitMails(20)
	if n := receivedBy(sink, is("ann@x.example")); n != 10 {
		t.Errorf("ann has %d mails, want 5 and 5 notices", n)
	}
}

// Tags and dots make new addresses, but no new mailboxes.
func TestCeilingOfOneMailbox(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()
	const local = "averylongnameofsomeonewithmail"
	for i := range 28 {
		e.send(fmt.Sprint("tag:", i), welcome(fmt.Sprintf("eve+%d@x.example", i)))
		e.send(fmt.Sprint("dot:", i), welcome(local[:i+1]+"."+local[i+1:]+"@gmail.com"))
	}
	e.awaitMails(56)
	if n := receivedBy(sink, func(a string) bool { return strings.HasPrefix(a, "eve") }); n != 20 {
		t.Errorf("the mailbox with tags has %d mails, want 20", n)
	}
	if n := receivedBy(sink, func(a string) bool { return strings.HasSuffix(a, "@gmail.com") }); n != 20 {
		t.Errorf("the mailbox with dots has %d mails, want 20", n)
	}
}

// Twenty mails a day are sent, counted by when they were asked for, and staff can send the mails
// that were held back.
func TestCeilingOfADay(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()

	began := time.Now().Add(-23 * time.Hour)
	var commands []msg.Message
	for i := range 46 { // two an hour
		m := welcome("day@x.example")
		m.CreatedAt, m.Deadline = began.Add(time.Duration(i)*30*time.Minute), time.Now().Add(time.Hour)
		commands = append(commands, msg.Message{Key: fmt.Sprint("day:", i), Subject: msg.MailSubject(m.Kind), Payload: m})
	}
	e.enqueue(commands...)
	e.awaitMails(46)
	if n := receivedBy(sink, is("day@x.example")); n != 20 {
		t.Errorf("%d mails within a day, want 20", n)
	}

	staff := e.office(adminui.Support)
	if a := staff.Get("/staff/mails.csv?state=suppressed"); a.Status != 200 ||
		strings.Count(a.Body, "Welcome,day@x.example,suppressed") != 26 {
		t.Error(a)
	}

	id := e.Number(`SELECT max(id) FROM delivery WHERE state = 'suppressed'`)
	if a := staff.Post(fmt.Sprint("/staff/mails/", id, "/send")); a.Status != 303 {
		t.Error(a)
	}
	e.awaitSent(21)
}

// Mails about bank debits can neither bomb an address nor be hidden by other mails.
func TestCeilingOfDebits(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()
	for i := range 6 {
		e.send(fmt.Sprint("welcome:", i), welcome("ann@x.example"))
	}
	e.awaitMails(6)
	for i := range 7 {
		e.send(fmt.Sprint("debit:", i), msg.SendMail{Kind: msg.MailPaymentRefused, To: []string{"ann@x.example"},
			Payment: &msg.PaymentMail{Total: 1234}})
	}
	e.awaitMails(13)
	if n := receivedBy(sink, is("ann@x.example")); n != 10 {
		t.Errorf("ann has %d mails, want 5 and 5 about debits", n)
	}
}

// A quota is full once its hour or its day is used up; a limit of 0 never is.
func TestFullQuota(t *testing.T) {
	t.Parallel()
	now := time.Now()
	ago := func(list ...time.Duration) (times []time.Time) {
		for _, d := range list {
			times = append(times, now.Add(-d))
		}
		return times
	}

	for _, c := range []struct {
		name    string
		q       quota
		counted []time.Time
		want    bool
	}{
		{name: "one in the hour", q: quota{hour: 2, day: 3}, counted: ago(time.Minute)},
		{name: "the hour's last", q: quota{hour: 2, day: 3}, counted: ago(time.Minute, 59*time.Minute), want: true},
		{name: "one has left the hour", q: quota{hour: 2, day: 3}, counted: ago(time.Minute, 61*time.Minute)},
		{name: "the day's last", q: quota{hour: 2, day: 3}, counted: ago(time.Minute, 61*time.Minute, 23*time.Hour), want: true},
		{name: "one has left the day", q: quota{hour: 2, day: 3}, counted: ago(time.Minute, 61*time.Minute, 25*time.Hour)},
		{name: "no limit of an hour", q: quota{hour: 0, day: 3}, counted: ago(1, 2)},
		{name: "no limit of a day", q: quota{hour: 3, day: 0}, counted: ago(1, 2, 90*time.Minute, 2*time.Hour)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.q.full(c.counted, now); got != c.want {
				t.Errorf("%+v with %v: %t", c.q, c.counted, got)
			}
		})
	}
}
