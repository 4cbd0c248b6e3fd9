package mailer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// to are the mails of a sink that went to an address.
func to(s *sink, address string) (list []taken) {
	for _, m := range s.all() {
		if slices.Contains(m.to, address) {
			list = append(list, m)
		}
	}
	return list
}

// What is under way is what was sent, to whom it was sent, whatever staff make of the template and
// whatever becomes of the people; only who does not want it any more gets none.
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
	// A prospect with a member's number: the secrets of one must never reach the other.
	e.enqueue(msg.Message{Key: "prospect:5", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 5, FirstName: "Secret", Email: "secret@x.example", Code: "PRSECRET", UnsubscribeToken: "PTSECRET",
			Version: 1}})
	e.eventually("all known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 9 })
	s := e.templates()
	s.is("PATCH", "/"+memberNews, `{"status":"Ready","subject":"As it was","body_text":"Dear {recipient_first_name}: {mb_cd} {token}",`+
		`"body_html":"","bcc_address":""}`, 200, "Ready")
	sink.set(always("rcpt", 450))
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":4}`)
	e.eventually("all were tried", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE attempts > 0`) == 4 })

	s.is("PATCH", "/"+memberNews, `{"status":"Sent","type":"Prospect","subject":"Changed","body_text":"Changed {pr_cd} {pr_token}",`+
		`"from_address":"Other <other@shop.example>"}`, 200, "Prospect")
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

// Status Draft pauses what is under way, any other lets it go on, and nothing is sent twice.
func TestDraftPausesANewsletter(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.start()
	e.people()
	s := e.templates()
	s.is("PATCH", "/"+memberNews, `{"status":"Ready","bcc_address":""}`, 200, "Ready")
	sink.set(func(stage, who string) error {
		if stage == "rcpt" && strings.Contains(who, "bob") {
			return always("rcpt", 450)(stage, who)
		}
		return nil
	})
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	e.sent(1)
	s.is("PATCH", "/"+memberNews, `{"status":"Draft"}`, 200, "Draft")
	// The attempt under way at this moment may have read Ready: the server refuses until it is over.
	e.eventually("bob's waits for the template", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE state = 'paused' AND claimed_by IS NULL`) == 1
	})
	sink.set(nil)
	s.is("POST", "/"+memberNews+"/draft", "", 200, `{"mails":1}`) // work on it goes on
	e.sent(2)
	s.is("PATCH", "/"+memberNews, `{"status":"Ready","subject":"The next one"}`, 200, "Ready")
	e.sent(3)
	if n := len(to(sink, "bob@x.example")); n != 1 || len(to(sink, "ada@x.example")) != 1 ||
		to(sink, "bob@x.example")[0].subject == "The next one" {
		t.Errorf("bob has %d mails", n)
	}
	s.is("PATCH", "/"+memberNews, `{"status":"Ready"}`, 200, "Ready")
	sink.set(always("rcpt", 450))
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	s.is("PATCH", "/"+memberNews, `{"status":"Ready"}`, 200, "Ready")
	s.is("POST", "/"+memberNews+"/send", "", 409, "newsletter-under-way") // else who waits for the first would get both
}

// Templates are rows that staff may edit: status Draft pauses, and any other one lets go on, when it is set
// by SQL as well; so does deleting the row.
func TestNewsletterPausedBySQLGoesOn(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	s := e.templates()
	exec := func(sql string) {
		t.Helper()
		e.Exec(sql, memberNews)
	}
	for i, goOn := range []string{`UPDATE template SET status = 'Sent' WHERE em_cd = $1`, `DELETE FROM template WHERE em_cd = $1`} {
		s.is("PATCH", "/"+memberNews, `{"status":"Ready","bcc_address":""}`, 200, "Ready")
		sink.set(always("rcpt", 450))
		s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
		exec(`UPDATE template SET status = 'Draft' WHERE em_cd = $1`)
		e.eventually("both wait", func() bool {
			return e.Number(`SELECT count(*) FROM delivery WHERE state = 'paused' AND claimed_by IS NULL`) == 2
		})
		sink.set(nil)
		exec(goOn)
		e.sent(2*i + 2)
	}
}

// One address gets one mail, and none when one of its spellings has said no.
func TestNoWinsOverYesOfAnotherSpelling(t *testing.T) {
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
		{Email: "FAY@x.example", Unsubscribed: true}, // none: told by a user of before
		{Email: "gus@x.example"},
		{Email: "Gus@x.example"}, // once
		{Email: "BOB@x.example"}, // none: a member is unsubscribed
	} {
		p.ID, p.Code, p.UnsubscribeToken, p.Version = int64(i+1), fmt.Sprint("PR", i+1), fmt.Sprint("PT", i+1), 1
		e.enqueue(msg.Message{Key: fmt.Sprint("prospect:", p.ID), Subject: msg.ProspectChanged, Payload: p})
	}
	e.eventually("all known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 16 })
	s := e.templates()
	for code, want := range map[string]string{memberNews: `{"mails":2}`, prospectNews: `{"mails":1}`} {
		s.is("PATCH", "/"+code, `{"status":"Ready","bcc_address":""}`, 200, "Ready")
		s.is("POST", "/"+code+"/send", "", 200, want)
	}
	e.sent(3)
	if got := fmt.Sprint(receiversOf(sink.all())); got != "[Ann@x.example dan@x.example gus@x.example]" {
		t.Errorf("they went to %s", got)
	}
}

// Newsletters count below the ceiling like all mails that are not about a sale.
func TestCeilingOfNewsletters(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), withCeiling)
	e.start()
	e.people()
	for i := range 5 {
		e.send(fmt.Sprint("welcome:", i), welcome("Ada@x.example"))
	}
	e.settled(5)
	s := e.templates()
	s.is("PATCH", "/"+memberNews, `{"status":"Ready","bcc_address":""}`, 200, "Ready")
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":1,"suppressed":1}`)
	e.settled(7)
	if len(to(sink, "bob@x.example")) != 1 || len(to(sink, "ada@x.example")) != 0 {
		t.Error("the wrong one was held back")
	}
}
