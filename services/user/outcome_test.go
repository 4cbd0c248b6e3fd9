package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Every answer that counts for edge's limits tells its outcome.
func TestAnswersTellTheirOutcome(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	told := func(what string, got testenv.Answer, want web.Outcome) {
		t.Helper()
		if o := web.Outcome(got.Header.Get(web.OutcomeHeader)); o != want {
			t.Errorf("%s tells %q, want %q: %s", what, o, want, got.Body)
		}
	}
	visitor := web.Identity{}
	login := func(username, password string) testenv.Answer {
		return e.As(visitor).Post("/user/login", "username", username, "password", password, "remember_me", "false")
	}
	reset := func(username, code string) testenv.Answer {
		return e.As(visitor).Post("/user/set-new-password", "username", username, "password_reset_code", code, "new_password", nextPassword,
			"confirm_new_password", nextPassword)
	}
	change := func(current string) testenv.Answer {
		return e.As(member(1)).Post("/user/change-my-password", "current_password", current, "new_password", nextPassword,
			"confirm_new_password", nextPassword)
	}
	inform := func(email string) testenv.Answer {
		return e.As(member(1)).Post("/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address", email)
	}
	wait := func() testenv.Answer {
		return e.As(visitor).Post("/user/pythonabot-notify-me", "email_address", "x@mail.example.com", "how_excited", "1")
	}
	chat := func(text string) testenv.Answer {
		return e.As(visitor).Post("/user/put-chat-message", "name", "X", "email_address", "y@mail.example.com", "message", text)
	}

	told("a registration", e.As(visitor).Post("/user/create-account", form("ann_lee", "ann@mail.example.com")...), web.OutcomeDone)
	told("a taken name", e.As(visitor).Post("/user/create-account", form("ann_lee", "bob@mail.example.com")...), web.OutcomeReveals)
	told("a bad registration", e.As(visitor).Post("/user/create-account", form("x", "bob@mail.example.com")...), web.OutcomeNothing)
	told("a login", login("ann_lee", goodPassword), web.OutcomeNothing)
	told("a wrong password", login("ann_lee", "x"), web.OutcomeWrong)
	told("an unknown name", login("nobody", "x"), web.OutcomeWrong)
	told("no password", e.As(visitor).Post("/user/login", "username", "ann_lee"), web.OutcomeNothing)

	told("a code for an unknown name", reset("nobody", "x"), web.OutcomeReveals)
	told("a forged code", reset("ann_lee", "x"), web.OutcomeWrong)
	told("a wrong current password", change("x"), web.OutcomeWrong)
	told("a changed password", change(goodPassword), web.OutcomeNothing)
	told("a visitor's change", e.As(visitor).Post("/user/change-my-password"), web.OutcomeNothing)

	told("information", inform("ann@mail.example.org"), web.OutcomeDone)
	told("information with a wrong password", e.As(member(1)).Post("/user/update-my-information", "firstname", "Ann", "lastname", "Lee",
		"email_address", "ann@mail.example.net", "current_password", "x"), web.OutcomeWrong)
	told("bad information", inform("x"), web.OutcomeNothing)
	told("the waiting list", wait(), web.OutcomeDone)
	told("the waiting list again", wait(), web.OutcomeReveals)
	told("a chat message", chat("x"), web.OutcomeDone)
	told("an empty chat message", chat(""), web.OutcomeNothing)

	e.is(e.As(visitor).Post("/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.org"),
		`{"reset_password":"success"}`)
	e.answerAll()
	foreign := e.lastMail(msg.MailReset).Data["code"]
	e.register("bea_lee", "bea@mail.example.com")
	told("another's code", reset("bea_lee", foreign), web.OutcomeWrong)
	told("a good code", reset("ann_lee", foreign), web.OutcomeNothing)
}

// Beyond a limit of edge's a reset is answered as always, only its mail is left out. The code that
// was mailed before stays valid.
func TestResetWithoutMail(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "ann@mail.example.com")
	ask := func(id web.Identity) testenv.Answer {
		return e.As(id).Post("/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com")
	}

	mailed := ask(web.Identity{})
	e.answerAll()
	code := e.lastMail(msg.MailReset).Data["code"]
	silent := ask(web.Identity{NoMail: true})
	e.answerAll()

	if silent.Status != mailed.Status || silent.Body != mailed.Body ||
		silent.Header.Get("Content-Type") != mailed.Header.Get("Content-Type") {
		t.Errorf("without a mail the answer is %d %s", silent.Status, silent.Body)
	}
	if mails := e.mails(msg.MailReset); len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
	e.is(e.setNew("ann_lee", code, nextPassword), `{"set_new_password":"success"}`)
}

// Strangers who ask for resets all day neither void the code that was mailed last, nor cause more
// mails than the owner's mailbox accepts in a day.
func TestStrangersResets(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.verified("ann_lee", "ann@mail.example.com")
	ask := func() {
		e.is(e.Post("/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com"), `{"reset_password":"success"}`)
		e.answerAll()
	}
	for range 24 * 4 {
		ask()
		e.Exec(`UPDATE code SET issued = issued - interval '15 minutes' WHERE member_id = $1`, id)
	}
	mails := e.mails(msg.MailReset)
	if len(mails) < 15 || len(mails) > 20 {
		t.Errorf("%d mails in a day", len(mails))
	}
	ask()
	ask()
	e.is(e.setNew("ann_lee", e.lastMail(msg.MailReset).Data["code"], nextPassword), `{"set_new_password":"success"}`)
}

// Resets by strangers of a fresh account stay below the mailer's ceiling of five mails an hour: a
// code whose mail is not sent would have voided the one that was mailed.
func TestResetsOfAFreshAccountAreAllMailed(t *testing.T) {
	t.Parallel()
	const ceiling = 5
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	e.is(e.As(member(id)).Get("/user/verify-email-address"), `{"verify_email_address":"verification_email_sent"}`)
	for range 25 {
		e.requestReset("ann_lee", "ann@mail.example.com")
	}
	if n := len(e.mails(msg.MailWelcome)) + len(e.mails(msg.MailVerify)) + len(e.mails(msg.MailReset)); n > ceiling {
		t.Errorf("%d mails", n)
	}
	e.is(e.setNew("ann_lee", e.lastMail(msg.MailReset).Data["code"], nextPassword), `{"set_new_password":"success"}`)
}
