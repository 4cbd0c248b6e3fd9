package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Every answer that edge's limits count tells its outcome.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	told := func(what string, got reply, want web.Outcome) {
		t.Helper()
		if o := web.Outcome(got.header.Get(web.OutcomeHeader)); o != want {
			t.Errorf("%s tells %q, want %q: %s", what, o, want, got.body)
		}
	}
	visitor := web.Identity{}
	login := func(username, password string) reply {
		return w.post(visitor, "/user/login", "username", username, "password", password, "remember_me", "false")
	}
	reset := func(username, code string) reply {
		return w.post(visitor, "/user/set-new-password", "username", username, "password_reset_code", code, "new_password", nextPassword, "confirm_new_password", nextPassword)
	}
	change := func(current string) reply {
		return w.post(member(1), "/user/change-my-password", "current_password", current, "new_password", nextPassword, "confirm_new_password", nextPassword)
	}
	inform := func(email string) reply {
		return w.post(member(1), "/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address", email)
	}
	wait := func() reply {
		return w.post(visitor, "/user/pythonabot-notify-me", "email_address", "x@mail.example.com", "how_excited", "1")
	}
	chat := func(text string) reply {
		return w.post(visitor, "/user/put-chat-message", "name", "X", "email_address", "y@mail.example.com", "message", text)
	}
	told("a registration", w.post(visitor, "/user/create-account", form("ann_lee", "ann@mail.example.com")...), web.OutcomeDone)
	told("a taken name", w.post(visitor, "/user/create-account", form("ann_lee", "bob@mail.example.com")...), web.OutcomeReveals)
	told("a bad registration", w.post(visitor, "/user/create-account", form("x", "bob@mail.example.com")...), web.OutcomeNothing)
	told("a login", login("ann_lee", goodPassword), web.OutcomeNothing)
	told("a wrong password", login("ann_lee", "x"), web.OutcomeWrong)
	told("an unknown name", login("nobody", "x"), web.OutcomeWrong)
	told("no password", w.post(visitor, "/user/login", "username", "ann_lee"), web.OutcomeNothing)
	told("a code for an unknown name", reset("nobody", "x"), web.OutcomeReveals)
	told("a forged code", reset("ann_lee", "x"), web.OutcomeWrong)
	told("a wrong current password", change("x"), web.OutcomeWrong)
	told("a changed password", change(goodPassword), web.OutcomeNothing)
	told("a visitor's change", w.post(visitor, "/user/change-my-password"), web.OutcomeNothing)
	told("information", inform("ann@mail.example.org"), web.OutcomeDone)
	told("information with a wrong password", w.post(member(1), "/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address", "ann@mail.example.net", "current_password", "x"), web.OutcomeWrong)
	told("bad information", inform("x"), web.OutcomeNothing)
	told("the waiting list", wait(), web.OutcomeDone)
	told("the waiting list again", wait(), web.OutcomeReveals)
	told("a chat message", chat("x"), web.OutcomeDone)
	told("an empty chat message", chat(""), web.OutcomeNothing)

	w.is(w.post(visitor, "/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.org"), `{"reset_password":"success"}`)
	w.answerAll()
	foreign := w.lastMail(msg.MailReset).Data["code"]
	w.register("bea_lee", "bea@mail.example.com")
	told("another's code", reset("bea_lee", foreign), web.OutcomeWrong)
	told("a good code", reset("ann_lee", foreign), web.OutcomeNothing)
}

// Beyond a limit of edge's a reset is answered as always, and only its mail is left out: what was
// mailed before goes on working.
func TestResetWithoutMail(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register("ann_lee", "ann@mail.example.com")
	ask := func(id web.Identity) reply {
		return w.post(id, "/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com")
	}
	mailed := ask(web.Identity{})
	w.answerAll()
	code := w.lastMail(msg.MailReset).Data["code"]
	silent := ask(web.Identity{NoMail: true})
	w.answerAll()
	if silent.status != mailed.status || silent.body != mailed.body || silent.header.Get("Content-Type") != mailed.header.Get("Content-Type") {
		t.Errorf("without a mail the answer is %d %s", silent.status, silent.body)
	}
	if mails := w.mails(msg.MailReset); len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
	w.is(w.setNew("ann_lee", code, nextPassword), `{"set_new_password":"success"}`)
}

// Strangers who ask for resets all day neither end the code that was mailed last nor have more mailed
// than the owner's mailbox takes in a day.
func TestStrangersResets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.verified("ann_lee", "ann@mail.example.com")
	ask := func() {
		w.is(w.post(web.Identity{}, "/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com"), `{"reset_password":"success"}`)
		w.answerAll()
	}
	for range 24 * 4 {
		ask()
		w.exec(`UPDATE code SET issued = issued - interval '15 minutes' WHERE member_id = $1`, id)
	}
	mails := w.mails(msg.MailReset)
	if len(mails) < 15 || len(mails) > 20 {
		t.Errorf("%d mails in a day", len(mails))
	}
	ask()
	ask()
	w.is(w.setNew("ann_lee", w.lastMail(msg.MailReset).Data["code"], nextPassword), `{"set_new_password":"success"}`)
}

// Strangers' resets of a fresh account stay below the mailer's ceiling of five mails an hour: a code whose
// mail is held back would have ended the one that was mailed.
func TestResetsOfAFreshAccountAreAllMailed(t *testing.T) {
	t.Parallel()
	const ceiling = 5
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	w.is(w.get(member(id), "/user/verify-email-address"), `{"verify_email_address":"verification_email_sent"}`)
	for range 25 {
		w.requestReset("ann_lee", "ann@mail.example.com")
	}
	if n := len(w.mails(msg.MailWelcome)) + len(w.mails(msg.MailVerify)) + len(w.mails(msg.MailReset)); n > ceiling {
		t.Errorf("%d mails", n)
	}
	w.is(w.setNew("ann_lee", w.lastMail(msg.MailReset).Data["code"], nextPassword), `{"set_new_password":"success"}`)
}
