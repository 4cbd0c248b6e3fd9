package user

import (
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Members change their password by the current one. The other sessions and reset codes end, and a
// mail tells of it.
func TestChangeMyPassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const path = "/user/change-my-password"
	id := e.register("ann_lee", "ann@mail.example.com")
	change := func(current, password, again string) testenv.Answer {
		return e.As(member(id)).Post(path, "current_password", current, "new_password", password, "confirm_new_password", again)
	}

	// Refusals.
	e.is(e.Post(path), `{"change_my_password":"user_not_authenticated"}`)
	e.is(e.As(member(999)).Post(path, "current_password", "", "new_password", "", "confirm_new_password", ""),
		`{"change_my_password":"user_not_authenticated"}`)
	e.is(change("wrong", "x", "y"), `{"change_my_password":"errors",`+errorsOf("current-password", "current_password_invalid")+`}`)
	e.is(change("", "", ""), `{"change_my_password":"errors",`+errorsOf("current-password", "current_password_invalid")+`}`)
	e.is(change(goodPassword, goodPassword, "y"),
		`{"change_my_password":"errors",`+errorsOf("password", "new_password_same_as_current_password")+`}`)
	e.is(change(goodPassword, "", ""), `{"change_my_password":"errors",`+errorsOf("password", "required")+`}`)
	e.is(change(goodPassword, nextPassword, "y"),
		`{"change_my_password":"errors",`+errorsOf("password", "confirm_password_doesnt_match")+`}`)
	if n := len(e.mails(msg.MailPasswordChanged)); n != 0 {
		t.Fatalf("%d mails before any change", n)
	}

	e.requestReset("ann_lee", "ann@mail.example.com")
	reset := e.lastMail(msg.MailReset).Data["code"]

	// The change.
	got := change(goodPassword, nextPassword, nextPassword)
	e.is(got, `{"change_my_password":"success"}`)
	if sessionOf(got).Action != web.SessionRenew || !sessionOf(got).Remember || sessionOf(got).Member.ID != id {
		t.Errorf("session %+v", sessionOf(got))
	}
	if events := outboxPayloads[msg.CredentialsChanged](e, msg.UserCredentialsChanged); len(events) != 1 || events[0].MemberID != id ||
		events[0].KeepSession != "5e55" {
		t.Errorf("events %+v", events)
	}
	if mail := e.lastMail(msg.MailPasswordChanged); mail.To[0] != "ann@mail.example.com" || mail.Data["username"] != "ann_lee" {
		t.Errorf("mail %+v", mail)
	}

	e.is(e.Post("/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", ""), `{"login":"false"}`)
	e.is(e.Post("/user/login", "username", "ann_lee", "password", nextPassword, "remember_me", ""), `{"login":"true"}`)
	e.is(e.setNew("ann_lee", reset, goodPassword), `{"set_new_password":"code-doesnt-match"}`)
}

// requestReset asks for a reset mail and has the worker write it.
func (e *env) requestReset(username, email string) {
	e.t.Helper()
	e.is(e.Post("/user/reset-password", "username", username, "email_address", email), `{"reset_password":"success"}`)
	e.answerAll()
}

func (e *env) setNew(username, code, password string) testenv.Answer {
	e.t.Helper()
	return e.Post("/user/set-new-password", "username", username, "password_reset_code", code, "new_password", password,
		"confirm_new_password", password)
}

// A reset is mailed if user name and address belong together; its newest code sets a password once
// and ends every session.
func TestResetPassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "Ann@mail.example.com")
	e.register("bob_ray", "bob@mail.example.com")

	// Who gets a mail.
	for _, c := range []struct {
		username, email string
		mails           int
	}{
		{"ann_lee", "aNN@MAIL.example.com", 1}, {"Ann_lee", "Ann@mail.example.com", 0}, {"ann_lee", "bob@mail.example.com", 0},
		{"nobody", "Ann@mail.example.com", 0}, {"", "", 0}, {"ann_lee", "", 0}, {"bob_ray", "bob@mail.example.com", 1},
	} {
		before := len(e.mails(msg.MailReset))
		e.requestReset(c.username, c.email)
		if n := len(e.mails(msg.MailReset)) - before; n != c.mails {
			t.Errorf("%s, %s: %d mails", c.username, c.email, n)
		}
	}

	mail := e.mails(msg.MailReset)[0]
	if mail.To[0] != "Ann@mail.example.com" || mail.Data["username"] != "ann_lee" || mail.Deadline.Sub(mail.CreatedAt) != time.Hour {
		t.Errorf("mail %+v", mail)
	}

	// Codes that are refused.
	code, bobs := mail.Data["code"], e.mails(msg.MailReset)[1].Data["code"]
	e.is(e.setNew("nobody", code, nextPassword), `{"set_new_password":"username-not-found","error":"We know no account with this user `+
		`name."}`)
	e.is(e.setNew("ann_lee", "forged", nextPassword), `{"set_new_password":"signature-invalid"}`)
	e.is(e.setNew("ann_lee", e.mails(msg.MailWelcome)[0].Data["code"], nextPassword), `{"set_new_password":"signature-invalid"}`)
	e.is(e.setNew("ann_lee", newCode(e.codeKey, codeReset, time.Now().Add(-2*time.Second)), nextPassword),
		`{"set_new_password":"signature-expired"}`)
	e.is(e.setNew("ann_lee", newCode(e.codeKey, codeReset, time.Now().Add(time.Hour)), nextPassword),
		`{"set_new_password":"code-doesnt-match"}`)
	e.is(e.setNew("ann_lee", bobs, nextPassword), `{"set_new_password":"code-doesnt-match"}`)
	e.is(e.setNew("ann_lee", code, "Short!"), `{"set_new_password":"password-error",`+errorsOf("new-password", "too_short")+`}`)

	// Only the newest code counts.
	e.requestReset("ann_lee", "ann@mail.example.com")
	newest := e.lastMail(msg.MailReset).Data["code"]
	e.is(e.setNew("ann_lee", code, nextPassword), `{"set_new_password":"code-doesnt-match"}`)
	got := e.setNew("ann_lee", newest, nextPassword)
	e.is(got, `{"set_new_password":"success"}`)
	if sessionOf(got).Action != web.SessionEndAll || sessionOf(got).Member.ID != id {
		t.Errorf("session %+v", sessionOf(got))
	}
	e.is(e.setNew("ann_lee", newest, goodPassword), `{"set_new_password":"code-doesnt-match"}`)
	if events := outboxPayloads[msg.CredentialsChanged](e, msg.UserCredentialsChanged); len(events) != 1 || events[0].MemberID != id ||
		events[0].KeepSession != "" {
		t.Errorf("events %+v", events)
	}
	if mails := e.mails(msg.MailPasswordSet); len(mails) != 1 || mails[0].To[0] != "Ann@mail.example.com" {
		t.Errorf("mails %+v", mails)
	}
	e.is(e.Post("/user/login", "username", "ann_lee", "password", nextPassword, "remember_me", ""), `{"login":"true"}`)
}

// A reset code is void once the address has changed.
func TestResetCodeEndsWithTheAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	e.requestReset("ann_lee", "ann@mail.example.com")
	e.is(e.As(member(id)).Post("/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address",
		"new@mail.example.com"), `{"update_my_information":"success"}`)
	e.is(e.setNew("ann_lee", e.lastMail(msg.MailReset).Data["code"], nextPassword), `{"set_new_password":"code-doesnt-match"}`)
}

// One request brings one mail with every account of the address, whatever its case. It goes to the
// address as the account has it that has proved it.
func TestForgotUsername(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_one", "ann@mail.example.com", "firstname", "Anna")
	e.verified("ann_two", "Ann@mail.example.com")
	e.register("bob_one", "bob@mail.example.com")

	for email, mails := range map[string]int{"ann@mail.example.com": 1, "ann@MAIL.example.com": 1, "ANN@mail.example.com": 1,
		" ann@mail.example.com\t": 1, "nobody@mail.example.com": 0, "": 0} {
		before := len(e.mails(msg.MailUsername))
		e.is(e.Post("/user/forgot-username", "email_address", email), `{"forgot_username":"success"}`)
		e.answerAll()
		if n := len(e.mails(msg.MailUsername)) - before; n != mails {
			t.Errorf("%s: %d mails", email, n)
		}
	}

	for _, m := range e.mails(msg.MailUsername) {
		if m.Data["username"] != "ann_two, ann_one" || m.Data["accounts"] != "ann_two (Ann Lee)\nann_one (Anna Lee)" || len(m.To) != 1 ||
			m.To[0] != "Ann@mail.example.com" {
			t.Errorf("mail %+v", m)
		}
	}

	if n := e.Number(`SELECT count(*) FROM mail_request`); n != 0 {
		t.Errorf("%d requests are left", n)
	}
}

// A request that cannot be answered makes room for the others, and is answered later.
func TestRequestsStepAside(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "ann@mail.example.com")
	e.register("bob_ray", "bob@mail.example.com")
	e.define(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no luck'; END $$`)
	e.define(`CREATE TRIGGER refuse BEFORE INSERT ON code FOR EACH ROW WHEN (NEW.email = 'ann@mail.example.com') EXECUTE FUNCTION refuse()`)

	for _, r := range [][2]string{{"ann_lee", "ann@mail.example.com"}, {"bob_ray", "bob@mail.example.com"}} {
		e.is(e.Post("/user/reset-password", "username", r[0], "email_address", r[1]), `{"reset_password":"success"}`)
	}

	if _, err := e.answerRequest(t.Context()); err == nil {
		t.Fatal("the refused request was answered")
	}
	e.answerAll()
	if mails := e.mails(msg.MailReset); len(mails) != 1 || mails[0].Data["username"] != "bob_ray" {
		t.Errorf("mails %+v", mails)
	}

	e.define(`DROP TRIGGER refuse ON code`)
	e.Exec(`UPDATE mail_request SET due = now()`)
	e.answerAll()
	if mails := e.mails(msg.MailReset); len(mails) != 2 {
		t.Errorf("mails %+v", mails)
	}
}
