package mailer

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// office shows the pages of a mailer that is not running to a person with these roles.
func (e *env) office(roles ...adminui.Role) *testenv.Client {
	e.t.Helper()
	s := e.server()
	s.outbox = bus.NewOutbox(e.broker.Bus("mailer"), e.pool)
	server := httptest.NewServer(testenv.Mount(e.t, "mailer", s.staff(), s.routes()))
	e.t.Cleanup(server.Close)
	return (&testenv.Client{TB: e.t, URL: server.URL}).AsStaff("mailer", roles...)
}

// onceOf is the code of a form that takes effect once.
func onceOf(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`name="once" value="([A-Za-z0-9]{20})"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("no form to be sent once:\n%s", page)
	}
	return found[1]
}

// Staff see why a mail was not sent, send it again, or drop it with a note; each act is recorded.
func TestStaffSeeToParkedMails(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, state, deadline, created_at, done_at, reason, smtp_reply)
		SELECT 'welcome:' || n, 'welcome', '{}', ARRAY[$1], 'm' || n, 'parked', now(), now(), now(), 'refused', '550 <i>no</i>'
		FROM generate_series(1, 3) AS n`, s.hash("ann@mail.example.com"))
	staff := e.office(adminui.Support)
	e.office(adminui.Owner).Garbage(s.staff(), map[string]string{"id": "1", "kind": "welcome"}, "id", "note", "once", "subject",
		"body_text", "body_html")
	staff.Get("/staff/mails?state=parked").Has(200, "550 &lt;i&gt;no&lt;/i&gt;", `href="/mails/1"`, "Send again")
	staff.Get("/staff/mails/1").Has(200, "welcome:1", "Drop it")

	for path, want := range map[string]int{"/1/send": 303, "/2/drop": 422, "/9/send": 404, "/x/drop": 404, "/send": 422,
		"/99999999999999999999/send": 404} {
		if a := staff.Post("/staff/mails" + path); a.Status != want {
			t.Errorf("%s: %s", path, a)
		}
	}

	staff.Post("/staff/mails/1/send").Has(409, "The mail is no longer waiting")
	staff.Post("/staff/mails/send").Has(422, "Choose rows first")
	for _, id := range []string{"x", "99", "99999999999999999999"} { // none is sent if one of them is not a mail
		staff.Post("/staff/mails/send", "id", "3", "id", id).Has(422, "Nothing was sent")
	}
	staff.Post("/staff/mails/send", "id", "1").Has(409, "The mail is no longer waiting")
	if a := staff.Post("/staff/mails/2/drop", "note", "He called."); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	if a := staff.Post("/staff/mails/send", "id", "2", "id", "3"); a.Status != http.StatusSeeOther {
		t.Error(a)
	}

	kinds, err := s.work(t.Context(), adminui.WorkShown)
	if err != nil || len(kinds) != 2 || kinds[0].Count != 0 {
		t.Errorf("work %+v, %v", kinds, err)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.mailer'`); n != 4 {
		t.Errorf("%d acts on record", n)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE convert_from(payload, 'UTF8') LIKE '%He called.%'`); n != 0 {
		t.Error("a note is in the log of acts, which no erasure reaches")
	}
	trail, err := s.trail(t.Context(), []string{"ANN@mail.example.com"})
	if err != nil || len(trail.Hops) < 3 || !strings.Contains(strings.Join(trail.Keys, " "), "mail.sent:welcome:2") {
		t.Errorf("trail %+v, %v", trail, err)
	}
}

// Every mail is found by receiver, kind, state and order, and is shown as it was written, whatever
// becomes of its template, without secrets. A copy of a sent mail goes out once for each click.
func TestStaffFindAndShowMails(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.send("order-confirmation:1", msg.SendMail{Kind: msg.MailOrderMember, To: []string{"ada@x.example"}, MemberID: 7, Order: order()})
	reset := welcome("bob@x.example")
	reset.Kind, reset.Data["code"] = msg.MailReset, "SECRET.code:1"
	e.send("reset:1", reset)
	e.awaitSent(2)
	e.Exec(`UPDATE template SET subject = 'Changed', body_text = 'Changed', body_html = 'Changed'`)
	e.enqueue(msg.Message{Key: "member:7", Subject: msg.UserRegistered, Payload: msg.Member{ID: 7, Email: "Ada@x.example", Version: 1}})
	e.eventually("the member is known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 1 })

	staff := e.office(adminui.Support)
	mails := func(query string, want ...string) {
		t.Helper()
		page := staff.Get("/staff/mails" + query).OK().Body
		for _, key := range []string{"ada@x.example", "bob@x.example"} {
			if found := strings.Contains(page, ">"+key+"<"); found != strings.Contains(fmt.Sprint(want), key) {
				t.Errorf("%q: %s is found: %t", query, key, found)
			}
		}
	}
	mails("", "ada@x.example", "bob@x.example")
	mails("?q=ADA@x.example", "ada@x.example")
	mails("?q=aB3dE5gH7j", "ada@x.example")
	mails("?q=reset:1&state=sent", "bob@x.example")
	mails("?kind=reset", "bob@x.example")
	mails("?state=parked")
	mails("?q=aB3dE5gH7j&kind=reset")
	for _, query := range []string{"?state=gone", "?kind=gone", "?after=x", "?q=%00", "?q=" + strings.Repeat("x", 300)} {
		staff.Get("/staff/mails" + query).Has(400)
	}
	staff.Get("/staff/mails.csv?kind=order-member").Has(200, "Thank you for order aB3dE5gH7j", "ada@x.example", "OK: queued")
	staff.Get("/staff/mails/panel/order/aB3dE5gH7j").Has(200, "Order confirmation for members", "Send again", "ada@x.example")
	staff.Get("/staff/mails/panel/order/none").Has(200, "No mails.")
	e.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts)
		VALUES ('mailer-mail', 'order-confirmation:k9', 'mail.send.order-visitor', '{"identifier":"kQ7parked"}', 'no receiver', 5)`)
	staff.Get("/staff/mails/panel/order/kQ7parked").Has(200, "Order confirmation for visitors", `href="/parked/mailer/`, "waits for staff")
	e.Exec(`UPDATE parked SET resolution = 'dropped', resolved_at = now()`)
	staff.Get("/staff/mails/panel/order/kQ7parked").Has(200, "Order confirmation for visitors", "dropped")
	e.Exec(`UPDATE parked SET resolution = 'replayed'`)
	staff.Get("/staff/mails/panel/order/kQ7parked").Has(200, "No mails.")
	staff.Get("/staff/mails/panel/customer/member-7").Has(200, "Order confirmation for members")
	staff.Get("/staff/mails/panel/customer/member-8").Has(200, "No mails.")
	staff.Get("/staff/mails/panel/customer/person-8").Has(404)

	at := func(key string) string {
		return fmt.Sprint("/staff/mails/", e.Number(`SELECT id FROM delivery WHERE key = $1`, key))
	}
	page := staff.Get(at("order-confirmation:1"))
	page.Has(200, `href="/orders/aB3dE5gH7j"`, `href="/customers/member-7"`, "sandbox")
	staff.Get(at("order-confirmation:1")+"/frame").Has(200, "Thank you, Ada &amp;lt;b&amp;gt;Byron", "Rubber {em_cd} Bands", "SHIPS TO")
	shown := staff.Get(at("reset:1") + "/frame")
	shown.Has(200, "/set-new-password?(hidden)")
	if strings.Contains(shown.Body, "SECRET") {
		t.Error(shown)
	}

	once := onceOf(t, page.Body)
	for range 2 {
		if a := staff.Post(at("order-confirmation:1")+"/send", "once", once, "from", "order"); a.Status != 303 ||
			a.Header.Get("Location") != "/orders/aB3dE5gH7j" {
			t.Error(a)
		}
	}
	for _, wrong := range []string{"", "x", strings.Repeat("x", 19) + ":"} {
		staff.Post(at("order-confirmation:1")+"/send", "once", wrong).Has(400)
	}
	e.awaitSent(3)
	copies := to(sink, "ada@x.example")
	if len(copies) != 2 || copies[0].id == copies[1].id || copies[0].text != copies[1].text || copies[0].html != copies[1].html {
		t.Errorf("%d mails, ids %s, %s", len(copies), copies[0].id, copies[1].id)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.mailer'`); n != 1 {
		t.Errorf("%d acts on record", n)
	}
	e.office(adminui.ReadOnly).Post(at("reset:1")+"/send", "once", once).Has(403)
	e.office(adminui.Marketing).Get(at("reset:1") + "/frame").Has(403)
}

// A mail that was tried is sent again with the same text; a mail that the server refused
// permanently takes its mended template.
func TestMailIsSentAgainWithTheSameText(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	sink.set(func(stage, who string) error {
		if stage == "rcpt" && strings.HasPrefix(who, "refused") {
			return always("rcpt", 550)(stage, who)
		}
		return always("rcpt", 450)(stage, who)
	})
	e := newEnv(t, sink.port(), nil)
	e.start()
	for _, who := range []string{"later", "refused"} {
		e.send("order-confirmation:"+who, msg.SendMail{Kind: msg.MailOrderMember, To: []string{who + "@x.example"}, Order: order()})
	}
	e.eventually("both were tried", func() bool {
		return e.Number(`SELECT count(*) FROM delivery WHERE written IS NOT NULL`) == 2 &&
			e.Number(`SELECT count(*) FROM delivery WHERE state = 'parked'`) == 1
	})
	e.Exec(`UPDATE template SET subject = 'Mended', body_text = 'Mended', body_html = ''`)
	sink.set(nil)
	parked := e.Number(`SELECT id FROM delivery WHERE state = 'parked'`)
	if a := e.office(adminui.Support).Post(fmt.Sprintf("/staff/mails/%d/send", parked)); a.Status != 303 {
		t.Error(a)
	}

	e.awaitSent(2)
	if later := to(sink, "later@x.example"); len(later) != 1 || !strings.HasPrefix(later[0].subject, "Thank you") {
		t.Errorf("what was written says %+v", later)
	}
	if refused := to(sink, "refused@x.example"); len(refused) != 1 || refused[0].subject != "Mended" {
		t.Errorf("what was refused says %+v", refused)
	}
}

// No page of the list reads the whole ledger.
func TestMailsAreFoundByIndex(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, state, deadline, created_at, order_identifier)
		SELECT 'welcome:' || n, 'welcome', '{}', ARRAY['h' || n], 'm' || n, 'sent', now(), now(), 'o' || n
		FROM generate_series(1, 3000) AS n`)
	e.Exec(`INSERT INTO delivery (key, kind, to_hashes, message_id, state, deadline, created_at)
		VALUES ('reset:1', 'reset', '{h1}', 'r', 'parked', now(), now())`)
	e.Exec(`ANALYZE delivery`)
	whole := e.ReadsWhole(500, func(tx pgx.Tx, _ testenv.DB) {
		for _, w := range []mailsWanted{{}, {States: []string{stateParked}, Unseen: true}, {States: []string{stateSuppressed}},
			{Kind: "reset"}, {Hash: "h7"}, {Named: "o7"}, {Named: "welcome:7"}, {Hash: "h7", States: []string{stateSent}}} {
			w.Rows = 51
			if _, err := listStaffMails(t.Context(), tx, w); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := mailsOf(t.Context(), tx, []string{"welcome:3"}, []string{s.hash("x@x.example")}, []string{"o9"}); err != nil {
			t.Fatal(err)
		}
	})
	if len(whole) > 0 {
		t.Errorf("read whole: %v", whole)
	}
}

// Each mail checks whether its receiver still wants a newsletter, so that reads a few rows; the
// list of all receivers is one query, not one for each person.
func TestReceiversAreFoundByIndex(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	e.Exec(`INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version)
		SELECT 'member', n, 'r' || n || '@x.example', '', '', 'MB' || n, true, n % 7 = 0, 'T' || n, 1 FROM generate_series(1, 10000) AS n`)
	whole := e.ReadsWhole(500, func(tx pgx.Tx, _ testenv.DB) {
		for range 10 { // plans are kept after five
			if _, wanted, err := findReceiver(t.Context(), tx, "member", 8, "r8@x.example"); err != nil || !wanted {
				t.Fatal(wanted, err)
			}
		}
	})
	if len(whole) > 0 {
		t.Errorf("read whole: %v", whole)
	}
	if list, err := listReceivers(t.Context(), e.pool, "member"); err != nil || len(list) != 8572 { // within the time limit of a statement
		t.Errorf("%d receivers, error %v", len(list), err)
	}
}
