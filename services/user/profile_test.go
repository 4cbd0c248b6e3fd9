package user

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// move changes the address of a member: as our own page does if a password is given, otherwise as
// the contract's old pages do.
func (e *env) move(id int64, email string, password ...string) testenv.Answer {
	e.t.Helper()
	fields := []string{"firstname", "Ann", "lastname", "Lee", "email_address", email}
	for _, p := range password {
		fields = append(fields, "current_password", p)
	}
	return e.As(member(id)).Post("/user/update-my-information", fields...)
}

// resetTo asks for a reset and returns where its mail went, or "".
func (e *env) resetTo(username, email string) string {
	e.t.Helper()
	before := len(e.mails(msg.MailReset))
	e.is(e.Post("/user/reset-password", "username", username, "email_address", email), `{"reset_password":"success"}`)
	e.answerAll()
	mails := e.mails(msg.MailReset)
	if len(mails) == before {
		return ""
	}
	return strings.Join(mails[before].To, " ")
}

func (e *env) undoMove(code string) testenv.Answer {
	e.t.Helper()
	return e.Post("/user/undo-address-change", "address_undo_code", code)
}

// A new address is refused with a wrong password; old pages, which send none, may move it.
func TestNewAddressNeedsThePassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.verified("ann_lee", "ann@mail.example.com")
	const refused = `{"update_my_information":"errors","errors":{"firstname":true,"lastname":true,"email-address":true,` +
		`"current-password":[{"type":"current_password_invalid","description":"*"}]}}`
	for _, wrong := range []string{"", "wrong", goodPassword + " "} {
		e.is(e.move(id, "new@mail.example.com", wrong), refused)
	}
	if a := e.account(id); a.Email != "ann@mail.example.com" || len(e.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("moved without the password: %+v", a)
	}
	e.is(e.move(id, "ann@MAIL.example.com", ""), `{"update_my_information":"success"}`) // not a new address
	e.is(e.move(id, "new@mail.example.com", goodPassword), `{"update_my_information":"success"}`)
	e.is(e.move(id, "newer@mail.example.com"), `{"update_my_information":"success"}`)
	if a := e.account(id); a.Email != "newer@mail.example.com" || a.EmailVerified {
		t.Errorf("%+v", a)
	}
}

// Until a new address is proved, whatever page sent it, mails that open the account go to the one
// that was proved last, and notices go there, too.
func TestResetsGoToTheLastProvedAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const old, first, second = "ann@mail.example.com", "first@mail.example.com", "second@mail.example.com"
	id := e.verified("ann_lee", old)
	for _, address := range []string{first, second} {
		e.is(e.move(id, address), `{"update_my_information":"success"}`)
		e.Exec(`UPDATE code SET issued = issued - interval '1 day' WHERE member_id = $1`, id) // or the day's resets are used up
		for _, typed := range []string{old, strings.ToUpper(old), address} {
			if got := e.resetTo("ann_lee", typed); got != old {
				t.Errorf("at %s, asked with %s, the reset goes to %q", address, typed, got)
			}
		}
	}

	if got := e.resetTo("ann_lee", first); got != "" {
		t.Errorf("an address between the two gets a reset: %q", got)
	}
	code := e.lastMail(msg.MailReset).Data["code"]

	e.is(e.Post("/user/forgot-username", "email_address", old), `{"forgot_username":"success"}`)
	e.answerAll()
	if m := e.lastMail(msg.MailUsername); cmp.Diff([]string{old}, m.To) != "" {
		t.Errorf("the user name goes to %v", m.To)
	}

	e.is(e.As(member(id)).Post("/user/change-my-password", "current_password", goodPassword, "new_password", nextPassword,
		"confirm_new_password", nextPassword), `{"change_my_password":"success"}`)
	if m := e.lastMail(msg.MailPasswordChanged); cmp.Diff([]string{second, old}, m.To) != "" || cmp.Diff([]string{old}, m.Proved) != "" {
		t.Errorf("the notice goes to %v, proved %v", m.To, m.Proved)
	}

	// Once the new address is proved, the old one gets nothing.
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code",
		e.lastMail(msg.MailAddressChanged).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	e.is(e.Post("/user/set-new-password", "username", "ann_lee", "password_reset_code", code, "new_password", goodPassword,
		"confirm_new_password", goodPassword),
		`{"set_new_password":"code-doesnt-match"}`)
	if got := e.resetTo("ann_lee", old); got != "" {
		t.Errorf("once the new address is proved the old one gets %q", got)
	}
	if got := e.resetTo("ann_lee", second); got != second {
		t.Errorf("the reset goes to %q", got)
	}

	// An account that never proved an address has only one.
	bob := e.register("bob_ray", "bob@mail.example.com")
	e.is(e.move(bob, "rob@mail.example.com"), `{"update_my_information":"success"}`)
	if got := e.resetTo("bob_ray", "rob@mail.example.com"); got != "rob@mail.example.com" {
		t.Errorf("the reset goes to %q", got)
	}
}

// The mail to the old address undoes the change, even if the thief has proved the new one and set a
// password by a reset.
func TestUndoAddressChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const old, stolen = "ann@mail.example.com", "thief@mail.example.com"
	id := e.verified("ann_lee", old)

	// The thief moves the account, proves the address, sets a password and moves it again.
	e.is(e.move(id, stolen), `{"update_my_information":"success"}`)
	note := e.lastMail(msg.MailAddressChanged)
	if !slices.Contains(note.To, old) || note.Data["undo_code"] == "" {
		t.Fatalf("the note: %+v", note)
	}
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", note.Data["code"]),
		`{"verify_email_address_response":"success"}`)
	if got := e.resetTo("ann_lee", stolen); got != stolen {
		t.Fatalf("reset to %q", got)
	}
	e.is(e.Post("/user/set-new-password", "username", "ann_lee", "password_reset_code", e.lastMail(msg.MailReset).Data["code"],
		"new_password", nextPassword, "confirm_new_password", nextPassword), `{"set_new_password":"success"}`)
	e.is(e.move(id, "thief2@mail.example.com"), `{"update_my_information":"success"}`)
	later := e.lastMail(msg.MailAddressChanged).Data["undo_code"]
	if got := e.resetTo("ann_lee", stolen); got != stolen {
		t.Fatalf("reset to %q", got)
	}
	theirs := e.lastMail(msg.MailReset).Data["code"]

	if got := e.Get("/user/undo-address-change", "address_undo_code", note.Data["undo_code"]); got.Status != 405 {
		t.Errorf("a GET answers %d", got.Status)
	}
	if a := e.account(id); a.Email == old {
		t.Fatal("a GET undoes the change")
	}
	e.is(e.undoMove("x"), `{"undo_address_change":"signature-invalid"}`)
	e.is(e.undoMove(note.Data["code"]), `{"undo_address_change":"signature-invalid"}`)
	e.is(e.undoMove(newCode(e.codeKey, codeUndo, time.Now().Add(-2*time.Second))), `{"undo_address_change":"signature-expired"}`)
	e.is(e.undoMove(newCode(e.codeKey, codeUndo, time.Now().Add(time.Hour))), `{"undo_address_change":"code-doesnt-match"}`)
	got := e.undoMove(note.Data["undo_code"])
	e.is(got, `{"undo_address_change":"success"}`)
	if sessionOf(got).Action != web.SessionEndAll || sessionOf(got).Member.ID != id {
		t.Errorf("sessions: %+v", sessionOf(got))
	}
	a := e.account(id)
	if a.Email != old || !a.EmailVerified || a.ProvedEmail == nil || *a.ProvedEmail != old {
		t.Errorf("the account: %+v", a)
	}
	if ended := outboxPayloads[msg.CredentialsChanged](e, msg.UserCredentialsChanged); ended[len(ended)-1].MemberID != id ||
		ended[len(ended)-1].KeepSession != "" {
		t.Errorf("no session is ended: %+v", ended)
	}

	// Nothing that the thief has opens the account.
	e.is(e.Post("/user/login", "username", "ann_lee", "password", nextPassword, "remember_me", "true"), `{"login":"false"}`)
	e.is(e.Post("/user/set-new-password", "username", "ann_lee", "password_reset_code", theirs, "new_password", nextPassword,
		"confirm_new_password", nextPassword),
		`{"set_new_password":"code-doesnt-match"}`)
	e.is(e.undoMove(later), `{"undo_address_change":"code-doesnt-match"}`)
	e.is(e.undoMove(note.Data["undo_code"]), `{"undo_address_change":"code-doesnt-match"}`)
	if got := e.resetTo("ann_lee", stolen); got != "" {
		t.Errorf("the thief gets a reset: %q", got)
	}

	// The owner has a link for a new password in the mail.
	mail := e.lastMail(msg.MailReset)
	if cmp.Diff([]string{old}, mail.To) != "" {
		t.Errorf("the reset link goes to %v", mail.To)
	}
	e.is(e.Post("/user/set-new-password", "username", "ann_lee", "password_reset_code", mail.Data["code"], "new_password", goodPassword,
		"confirm_new_password", goodPassword),
		`{"set_new_password":"success"}`)

	// A password that is older than the change stays, and the link is valid for seven days.
	e.is(e.move(id, stolen), `{"update_my_information":"success"}`)
	code := e.lastMail(msg.MailAddressChanged).Data["undo_code"]
	if left := e.Number(`SELECT count(*) FROM address_change WHERE undone IS NULL AND superseded IS NULL AND expires BETWEEN now() + ` +
		`interval '167 hours' AND now() + interval '168 hours'`); left != 1 {
		t.Errorf("%d open changes of seven days", left)
	}
	e.is(e.undoMove(code), `{"undo_address_change":"success"}`)
	e.is(e.Post("/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", "true"), `{"login":"true"}`)
}

// A slip of the pen at registration does not leave the account to the owner of that address: an
// unproved address does not win over a proved one.
func TestUndoDoesNotWinOverAProof(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "anm@mail.example.com")
	e.is(e.move(id, "ann@mail.example.com", goodPassword), `{"update_my_information":"success"}`)
	note := e.lastMail(msg.MailAddressChanged)
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", note.Data["code"]),
		`{"verify_email_address_response":"success"}`)
	e.is(e.undoMove(note.Data["undo_code"]), `{"undo_address_change":"address-proved-since"}`)
	if a := e.account(id); a.Email != "ann@mail.example.com" || !a.EmailVerified {
		t.Errorf("%+v", a)
	}

	// Of two unproved addresses the older one wins.
	bob := e.register("bob_ray", "bob@mail.example.com")
	e.is(e.move(bob, "rob@mail.example.com"), `{"update_my_information":"success"}`)
	e.is(e.undoMove(e.lastMail(msg.MailAddressChanged).Data["undo_code"]), `{"undo_address_change":"success"}`)
	if a := e.account(bob); a.Email != "bob@mail.example.com" || a.EmailVerified || a.ProvedEmail != nil {
		t.Errorf("%+v", a)
	}
}
