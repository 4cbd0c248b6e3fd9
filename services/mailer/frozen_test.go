package mailer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// to lists the mails that a sink got for an address.
func to(s *sink, address string) (list []taken) {
	for _, m := range s.all() {
		if slices.Contains(m.to, address) {
			list = append(list, m)
		}
	}
	return list
}

// Mails of a started campaign keep their text and their receivers, whatever staff make of the
// template and whatever becomes of the people; only people who no longer want it get none.
func TestNewsletterIsWhatWasSent(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	person := func(m msg.Member) {
		m.Version = max(m.Version, 1)
		e.enqueue(msg.Message{Key: fmt.Sprint("member:", m.ID, ":", m.Version), Subject: msg.UserProfileChanged, Payload: m})
	}
	for id, name := range map[int64]string{5: "Eve", 6: "Fay"} {
		person(msg.Member{ID: id, FirstName: name, Email: strings.ToLower(name) + "@x.example", Newsletter: true, Code: "MB" + name,
			UnsubscribeToken: "T" + name})
	}
	// This prospect has a member's number: the secrets of one must never reach the other.
	e.enqueue(msg.Message{Key: "prospect:5", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 5, FirstName: "Secret", Email: "secret@x.example", Code: "PRSECRET", UnsubscribeToken: "PTSECRET",
			Version: 1}})
	e.eventually("all known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 9 })
	c := e.campaign("subject", "As it was", "body_text", "Dear {recipient_first_name}: {mb_cd} {token}")
	sink.set(always("rcpt", 450))
	c.do("start")
	e.eventually("all were tried", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE attempts > 0`) == 4 })

	e.Exec(`UPDATE campaign SET audience = 'prospects', subject = 'Changed', body_text = 'Changed {pr_cd} {pr_token}',
		from_address = 'Other <other@shop.example>'`)
	person(msg.Member{ID: 1, FirstName: "Changed", Email: "ada@x.example", Newsletter: true, Code: "MB1", UnsubscribeToken: "CHANGED",
		Version: 2})
	person(msg.Member{ID: 5, FirstName: "Eve", Email: "moved@x.example", Newsletter: true, Code: "MBEve", UnsubscribeToken: "TEve",
		Version: 2})
	person(msg.Member{ID: 2, FirstName: "Bob", Email: "bob@x.example", Newsletter: false, Code: "MB2", UnsubscribeToken: "T2", Version: 2})
	person(msg.Member{ID: 8, FirstName: "Late", Email: "late@x.example", Newsletter: true, Code: "MB8", UnsubscribeToken: "T8"})
	e.enqueue(msg.Message{Key: "erased", Subject: msg.UserErased, Payload: msg.Erased{MemberID: 6, Emails: []string{"fay@x.example"}}})
	e.eventually("the changes are known", func() bool {
		return e.Number(`SELECT count(*) FROM recipient WHERE version = 2`) == 3 &&
			e.Number(`SELECT count(*) FILTER (WHERE id = 8) - count(*) FILTER (WHERE id = 6) FROM recipient`) == 1
	})
	e.Becomes(0, `SELECT count(*) FROM delivery WHERE claimed_by IS NOT NULL`) // an attempt in flight may know the people as they were
	sink.set(nil)
	e.eventually("nothing waits", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state <> 'sent'`) == 0 })
	if got := fmt.Sprint(receiversOf(sink.all())); got != "[ada@x.example eve@x.example]" {
		t.Errorf("it went to %s", got)
	}
	for address, want := range map[string]string{"ada@x.example": "Dear Ada {token}: MB1 T1", "eve@x.example": "Dear Eve: MBEve TEve"} {
		for _, m := range to(sink, address) {
			if m.subject != "As it was" || strings.TrimSpace(m.text) != want ||
				!strings.Contains(m.header.Get("From"), "shop@shop.example") {
				t.Errorf("%s got %q: %q", address, m.subject, m.text)
			}
		}
	}
}

// A paused campaign waits, another goes on, and nothing is sent twice; a stopped campaign sends no
// further mails.
func TestPausedAndStoppedCampaigns(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.start()
	e.people()
	sink.set(func(stage, who string) error {
		if stage == "rcpt" && strings.Contains(who, "bob") {
			return always("rcpt", 450)(stage, who)
		}
		return nil
	})
	c := e.campaign()
	c.do("start")
	e.awaitSent(1)
	c.do("pause")
	c.try("pause").Has(409)

	// The attempt in flight may have read the state as running: the server refuses until that
	// attempt is over.
	e.eventually("bob's waits", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE state = 'paused' AND claimed_by IS NULL`) == 1
	})
	c.page().Has(200, "1 of 2, paused", "Go on", "Stop for good")
	sink.set(nil)
	other := e.campaign("audience", "prospects") // another campaign goes on
	other.do("start")
	e.awaitSent(2)
	c.do("resume")
	e.awaitSent(3)
	if len(to(sink, "bob@x.example")) != 1 || len(to(sink, "ada@x.example")) != 1 {
		t.Errorf("bob has %d mails, ada %d", len(to(sink, "bob@x.example")), len(to(sink, "ada@x.example")))
	}

	sink.set(always("rcpt", 450))
	stopped := e.campaign()
	stopped.do("start")
	e.eventually("all were tried", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE state = 'queued' AND attempts > 0`) == 2
	})
	stopped.do("stop")
	e.eventually("nothing waits", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state <> 'sent'`) == 0 })
	sink.set(nil)
	stopped.try("resume").Has(409)
	stopped.page().Has(200, "stopped", "<dt>Accepted</dt><dd>0</dd>")
	if sink.count() != 3 {
		t.Errorf("%d mails, want 3", sink.count())
	}
}

// A campaign can be changed by SQL as well: its waiting mails go on once it is no longer paused.
func TestNewsletterPausedBySQLGoesOn(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	sink.set(always("rcpt", 450))
	c := e.campaign()
	c.do("start")
	e.Exec(`UPDATE campaign SET state = 'paused', paused_at = now() WHERE id = $1`, c.id)
	e.eventually("both wait", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE state = 'paused' AND claimed_by IS NULL`) == 2
	})
	sink.set(nil)
	e.Exec(`UPDATE campaign SET state = 'running' WHERE id = $1`, c.id)
	e.awaitSent(2)
}

// One address gets one mail, and none if any of its spellings has refused newsletters.
func TestUnsubscribingCoversAllSpellings(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	never, refuses := false, true

	for i, m := range []msg.Member{
		{Email: "Ann@x.example", Newsletter: true},
		{Email: "ann@x.example", Newsletter: true},
		{Email: "ANN@x.example"}, // once
		{Email: "Bob@x.example", Newsletter: true},
		{Email: "bob@x.example", Unsubscribed: true}, // none
		{Email: "Cid@x.example", Newsletter: true},   // none: a prospect has unsubscribed
		{Email: "dan@x.example", Newsletter: true},   // once: the prospect only never asked
	} {
		m.ID, m.Code, m.UnsubscribeToken, m.Version = int64(i+1), fmt.Sprint("MB", i+1), fmt.Sprint("T", i+1), 1
		e.enqueue(msg.Message{Key: fmt.Sprint("member:", m.ID), Subject: msg.UserRegistered, Payload: m})
	}

	for i, p := range []msg.Prospect{
		{Email: "cid@x.example", Unsubscribed: true, Refused: &refuses},
		{Email: "DAN@x.example", Unsubscribed: true, Refused: &never},
		{Email: "eve@x.example", Refused: &never},
		{Email: "EVE@x.example", Unsubscribed: true, Refused: &refuses}, // none
		{Email: "fay@x.example"},
		{Email: "FAY@x.example", Unsubscribed: true}, // none: an older user sent this
		{Email: "gus@x.example"},
		{Email: "Gus@x.example"}, // once
		{Email: "BOB@x.example"}, // none: a member is unsubscribed
	} {
		p.ID, p.Code, p.UnsubscribeToken, p.Version = int64(i+1), fmt.Sprint("PR", i+1), fmt.Sprint("PT", i+1), 1
		e.enqueue(msg.Message{Key: fmt.Sprint("prospect:", p.ID), Subject: msg.ProspectChanged, Payload: p})
	}

	e.eventually("all known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 16 })
	for _, audience := range []string{"members", "prospects"} {
		e.campaign("audience", audience).do("start")
	}
	e.awaitSent(3)
	if got := fmt.Sprint(receiversOf(sink.all())); got != "[Ann@x.example dan@x.example gus@x.example]" {
		t.Errorf("they went to %s", got)
	}
}

// Newsletters count under the ceiling like all mails that are not about a sale.
func TestCeilingOfNewsletters(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()
	e.people()
	for i := range 5 {
		e.send(fmt.Sprint("welcome:", i), welcome("Ada@x.example"))
	}
	e.awaitMails(5)
	c := e.campaign()
	c.do("start")
	e.awaitMails(7)
	if len(to(sink, "bob@x.example")) != 1 || len(to(sink, "ada@x.example")) != 0 {
		t.Error("the wrong one was held back")
	}
	c.page().Has(200, "<dt>Suppressed</dt><dd>1</dd>")
}
