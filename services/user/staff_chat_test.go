package user

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A message waits in the inbox, is answered by one mail that quotes it, and opens the thread again
// with the next one. Of two people who answer at once, the second is asked again with what was
// typed. Nothing that a customer wrote is HTML.
func TestStaffAnswerTheChat(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	write := func(email, text string) {
		t.Helper()
		e.is(e.Post("/user/put-chat-message", "name", "Pat", "email_address", email, "message", text), `{"put_chat_message":"true"}`)
	}

	// Three messages in two threads.
	write("pat@mail.example.com", "Is it <script>blue?\nOr red?")
	write("PAT@mail.example.com", "Or green?")
	write("sam@mail.example.com", "Hello")
	if told := outboxPayloads[msg.ChatWritten](e, msg.UserChatWritten); len(told) != 3 || told[2].ID == told[1].ID {
		t.Errorf("open pages hear of %+v", told)
	}

	// The thread, and a canned answer to start from.
	staff := e.staffClient(adminui.Support)
	staff.Get("/staff/home").Has(200, "Chats to answer")
	staff.Get("/staff/chat").Has(200, "pat@mail.example.com", "Or green?", "sam@mail.example.com")
	path := "/staff/chat/" + e.DB.Text(`SELECT id::text FROM chat_thread WHERE name = 'Pat' AND lower(email) LIKE 'pat%'`)
	staff.Get(path).Has(200, "&lt;script&gt;blue?", "Or green?", "/customers/prospect-", `data-live="user staff"`,
		`name="version" value="2"`)
	staff.Post("/staff/chat/answers", "title", "Colours", "text", "Hello {name},\r\nall of them.")
	staff.Post("/staff/chat/answers", "title", "Colours", "text", "x").Has(422, "This title is already taken")
	staff.Get(path+"?use=1").Has(200, "Hello Pat,\nall of them.</textarea>")
	staff.Get(path + "?use=9").Has(404)

	// The answer, and a second one at the same time.
	staff.Post(path+"/answer", "version", "2", "then", "waiting", "text", "").Has(422, "Write something")
	if a := staff.Post(path+"/answer", "version", "2", "then", "waiting", "text", "It is\r\n<b>blue."); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	staff.Post(path+"/answer", "version", "2", "then", "done", "text", "It is red.").Has(409, "It is red.</textarea>", `value="3"`)
	mails := e.mails(msg.MailChatAnswer)
	if len(mails) != 1 || strings.ToLower(mails[0].To[0]) != "pat@mail.example.com" ||
		!strings.HasPrefix(mails[0].Note, "It is\n<b>blue.\n\nOn ") || !strings.HasSuffix(mails[0].Note, "you wrote:\n> Or green?") {
		t.Errorf("mails %+v", mails)
	}
	if key := e.DB.Text(`SELECT key FROM outbox WHERE subject = 'mail.send.chat-answer'`); !msg.Fits("mail.send.chat-answer", key) {
		t.Errorf("key %s", key)
	}
	staff.Get(path).Has(200, "It is\n&lt;b&gt;blue.", "Ada", ">waiting<")
	staff.Get("/staff/chat?state=waiting").Has(200, "pat@mail")

	// The customer writes again; staff close the thread.
	write("pat@mail.example.com", "Thanks")
	staff.Get(path).Has(200, ">open<", "Thanks")
	if a := staff.Post(path+"/state", "version", "4", "state", "done"); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	for query, want := range map[string]int{"version=4&state=open": 409, "version=5&state=x": 400, "version=x&state=open": 400} {
		pairs := strings.FieldsFunc(query, func(r rune) bool { return r == '=' || r == '&' })
		if a := staff.Post(path+"/state", pairs...); a.Status != want {
			t.Errorf("%s: %s", query, a)
		}
	}
	e.staffClient(adminui.ReadOnly).Post(path+"/answer", "version", "5", "then", "done", "text", "x").Has(http.StatusForbidden)

	// The log of acts.
	if n := e.DB.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.user'
	  AND convert_from(payload, 'UTF8') ~ 'blue|Pat|@mail'`); n != 0 {
		t.Error("the log of acts holds what was written")
	}
	if n := e.countActs("Answered chat"); n != 1 {
		t.Errorf("%d answers on record", n)
	}

	// Canned answers are changed and deleted.
	if a := staff.Post("/staff/chat/answers/1", "version", "7", "title", "Colour", "text", "x"); a.Status != http.StatusBadRequest {
		t.Error(a)
	}
	staff.Post("/staff/chat/answers/1", "version", "1", "title", "Colour", "text", "x")
	staff.Post("/staff/chat/answers/1", "version", "1", "title", "Colour", "text", "y").
		Has(409, "Another person changed this", ">y</textarea>")
	staff.Get("/staff/chat/answers").Has(200, ">Colour<")
	staff.Post("/staff/chat/answers/1/delete")
	staff.Get("/staff/chat/answers").Has(200, "No canned answers yet.")

	// An erasure takes the thread of the customer.
	owner := e.staffClient(adminui.Owner)
	prospect := e.DB.Text(`SELECT 'prospect-' || id FROM prospect WHERE lower(email) LIKE 'pat%'`)
	if a := owner.Post("/staff/customers/"+prospect+"/erase", "confirm", "pat@mail.example.com"); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	if n := e.DB.Number(`SELECT (SELECT count(*) FROM chat_thread) * 10 + (SELECT count(*) FROM chat_answer)`); n != 10 {
		t.Errorf("threads, answers: %d", n)
	}
}

// Staff publish the next terms of use, one of two people who do it at once, and see who agreed.
func TestStaffPublishTerms(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.register("ann_lee", "ann@mail.example.com")
	staff := e.staffClient(adminui.Manager)

	// The present version, and who may have the file.
	staff.Get("/staff/terms").Has(200, "0 of 1 members have not agreed")
	staff.Get("/staff/terms/1").Has(200, "ann@mail.example.com")
	e.staffClient(adminui.Owner).Get("/staff/terms/1").Has(200, `href="/terms/1.csv`)
	e.staffClient(adminui.Owner).Get("/staff/terms/1.csv").Has(200, "Member,E-mail,Agreed\n", "ann@mail.example.com")
	e.staffClient(adminui.ReadOnly).Get("/staff/terms/1.csv").Has(403)

	// The next version is published once.
	staff.Post("/staff/terms", "version", "1", "note", "").Has(422, "Say what changed")
	for _, version := range []string{"3000000000", "9223372036854775807"} {
		if a := staff.Post("/staff/terms", "version", version, "note", "x"); a.Status != http.StatusBadRequest {
			t.Errorf("version %s: %s", version, a)
		}
	}
	if a := staff.Post("/staff/terms", "version", "1", "note", "<b>More</b> parcels."); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	staff.Post("/staff/terms", "version", "1", "note", "Fewer parcels.").Has(409, "Fewer parcels.", `name="version" value="2"`)
	staff.Get("/staff/terms").Has(200, "&lt;b&gt;More", "1 of 1 members have not agreed")
	staff.Get("/staff/terms/2").Has(200, "No one has agreed")

	// A member agrees.
	e.is(e.As(member(ann)).Post("/user/terms-of-use-agree", "version", "2"), `{"terms_of_use_agree":"success","version":"2"}`)
	staff.Get("/staff/terms/2").Has(200, "ann@mail.example.com")

	for _, path := range []string{"/3", "/x", "/99999999999999999999"} {
		staff.Get("/staff/terms" + path).Has(404)
	}

	if a := e.staffClient(adminui.Support).Post("/staff/terms", "version", "2", "note", "x"); a.Status != http.StatusForbidden {
		t.Error(a)
	}
	staff.Staff.FreshUntil = staff.Staff.FreshUntil.AddDate(-1, 0, 0)
	staff.Post("/staff/terms", "version", "2", "note", "x").Has(403)
}

// The mail of an answer names the earlier answers, the first one first, so that mail programs show
// one thread.
func TestAnswersOfAChatAreOneThread(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Post("/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", "Blue?")
	e.Post("/user/put-chat-message", "name", "Bob", "email_address", "bob@mail.example.com", "message", "Red?")
	staff := e.staffClient(adminui.Support)

	thread := func(name string) string { return e.DB.Text(`SELECT id::text FROM chat_thread WHERE name = $1`, name) }
	answer := func(name string) {
		t.Helper()
		version := e.DB.Text(`SELECT version::text FROM chat_thread WHERE name = $1`, name)
		e.mustPost(staff, "/staff/chat/"+thread(name)+"/answer", "version", version, "then", "waiting", "text", "Yes.")
	}

	answer("Bob")
	for range 13 {
		answer("Ann")
	}

	keys := func(last int) (list []string) {
		for i := range last {
			list = append(list, answerKey(int64(2+i))) // answer 1 is Bob's
		}
		return list
	}
	mails := e.mails(msg.MailChatAnswer)
	for i, want := range map[int][]string{0: nil, 1: nil, 2: keys(1), 3: keys(2), 13: append(keys(1), keys(12)[2:]...)} {
		if got := mails[i].Earlier; !slices.Equal(got, want) {
			t.Errorf("mail %d names %v, want %v", i, got, want)
		}
	}
}
