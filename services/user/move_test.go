package user

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// move changes the address of a member, as our own page does when a password is given, else as the
// contract's old pages do.
func (w *world) move(id int64, email string, password ...string) reply {
	w.t.Helper()
	fields := []string{"firstname", "Ann", "lastname", "Lee", "email_address", email}
	for _, p := range password {
		fields = append(fields, "current_password", p)
	}
	return w.post(member(id), "/user/update-my-information", fields...)
}

// resetTo asks for a reset and says where its mail went, or "".
func (w *world) resetTo(username, email string) string {
	w.t.Helper()
	before := len(w.mails(msg.MailReset))
	w.is(w.post(web.Identity{}, "/user/reset-password", "username", username, "email_address", email), `{"reset_password":"success"}`)
	w.answerAll()
	mails := w.mails(msg.MailReset)
	if len(mails) == before {
		return ""
	}
	return strings.Join(mails[before].To, " ")
}

func (w *world) undoMove(code string) reply {
	w.t.Helper()
	return w.post(web.Identity{}, "/user/undo-address-change", "address_undo_code", code)
}

func TestNewAddressNeedsThePassword(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.verified("ann_lee", "ann@mail.example.com")
	const refused = `{"update_my_information":"errors","errors":{"firstname":true,"lastname":true,"email-address":true,"current-password":[{"type":"current_password_invalid","description":"…"}]}}`
	for _, wrong := range []string{"", "wrong", goodPassword + " "} {
		w.is(w.move(id, "new@mail.example.com", wrong), refused)
	}
	if a := w.account(id); a.Email != "ann@mail.example.com" || len(w.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("moved without the password: %+v", a)
	}
	w.is(w.move(id, "ann@MAIL.example.com", ""), `{"update_my_information":"success"}`) // the same address asks for none
	w.is(w.move(id, "new@mail.example.com", goodPassword), `{"update_my_information":"success"}`)
	w.is(w.move(id, "newer@mail.example.com"), `{"update_my_information":"success"}`)
	if a := w.account(id); a.Email != "newer@mail.example.com" || a.EmailVerified {
		t.Errorf("%+v", a)
	}
}

// Whatever page sent a new address: until it is proved, what opens the account goes to the one that was
// proved last, and what happens to it is said there, too.
func TestResetsGoToTheLastProvedAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const old, first, second = "ann@mail.example.com", "first@mail.example.com", "second@mail.example.com"
	id := w.verified("ann_lee", old)
	for _, address := range []string{first, second} {
		w.is(w.move(id, address), `{"update_my_information":"success"}`)
		w.exec(`UPDATE code SET issued = issued - interval '1 day' WHERE member_id = $1`, id) // no more than a day's resets at once
		for _, typed := range []string{old, strings.ToUpper(old), address} {
			if got := w.resetTo("ann_lee", typed); got != old {
				t.Errorf("at %s, asked with %s, the reset goes to %q", address, typed, got)
			}
		}
	}
	if got := w.resetTo("ann_lee", first); got != "" {
		t.Errorf("an address between the two gets a reset: %q", got)
	}
	code := w.lastMail(msg.MailReset).Data["code"]
	w.is(w.post(web.Identity{}, "/user/forgot-username", "email_address", old), `{"forgot_username":"success"}`)
	w.answerAll()
	if m := w.lastMail(msg.MailUsername); cmp.Diff([]string{old}, m.To) != "" {
		t.Errorf("the user name goes to %v", m.To)
	}
	w.is(w.post(member(id), "/user/change-my-password", "current_password", goodPassword, "new_password", nextPassword, "confirm_new_password", nextPassword), `{"change_my_password":"success"}`)
	if m := w.lastMail(msg.MailPasswordChanged); cmp.Diff([]string{second, old}, m.To) != "" || cmp.Diff([]string{old}, m.Proved) != "" {
		t.Errorf("the notice goes to %v, proved %v", m.To, m.Proved)
	}
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", w.lastMail(msg.MailAddressChanged).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	w.is(w.post(web.Identity{}, "/user/set-new-password", "username", "ann_lee", "password_reset_code", code, "new_password", goodPassword, "confirm_new_password", goodPassword),
		`{"set_new_password":"code-doesnt-match"}`)
	if got := w.resetTo("ann_lee", old); got != "" {
		t.Errorf("once the new address is proved the old one gets %q", got)
	}
	if got := w.resetTo("ann_lee", second); got != second {
		t.Errorf("the reset goes to %q", got)
	}
	// An account that never proved an address has but one.
	bob := w.register("bob_ray", "bob@mail.example.com")
	w.is(w.move(bob, "rob@mail.example.com"), `{"update_my_information":"success"}`)
	if got := w.resetTo("bob_ray", "rob@mail.example.com"); got != "rob@mail.example.com" {
		t.Errorf("the reset goes to %q", got)
	}
}

// The note to the old address undoes the change, also when the thief has proved the new one and set a
// password by a reset.
func TestUndoAddressChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const old, stolen = "ann@mail.example.com", "thief@mail.example.com"
	id := w.verified("ann_lee", old)
	w.is(w.move(id, stolen), `{"update_my_information":"success"}`)
	note := w.lastMail(msg.MailAddressChanged)
	if !slices.Contains(note.To, old) || note.Data["undo_code"] == "" {
		t.Fatalf("the note: %+v", note)
	}
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", note.Data["code"]), `{"verify_email_address_response":"success"}`)
	if got := w.resetTo("ann_lee", stolen); got != stolen {
		t.Fatalf("reset to %q", got)
	}
	w.is(w.post(web.Identity{}, "/user/set-new-password", "username", "ann_lee", "password_reset_code", w.lastMail(msg.MailReset).Data["code"],
		"new_password", nextPassword, "confirm_new_password", nextPassword), `{"set_new_password":"success"}`)
	w.is(w.move(id, "thief2@mail.example.com"), `{"update_my_information":"success"}`)
	later := w.lastMail(msg.MailAddressChanged).Data["undo_code"]
	if got := w.resetTo("ann_lee", stolen); got != stolen {
		t.Fatalf("reset to %q", got)
	}
	theirs := w.lastMail(msg.MailReset).Data["code"]

	if got := w.get(web.Identity{}, "/user/undo-address-change", "address_undo_code", note.Data["undo_code"]); got.status != 405 {
		t.Errorf("a GET answers %d", got.status)
	}
	if a := w.account(id); a.Email == old {
		t.Fatal("a GET undoes the change")
	}
	w.is(w.undoMove("x"), `{"undo_address_change":"signature-invalid"}`)
	w.is(w.undoMove(note.Data["code"]), `{"undo_address_change":"signature-invalid"}`)
	w.is(w.undoMove(newCode(w.codeKey, codeUndo, time.Now().Add(-2*time.Second))), `{"undo_address_change":"signature-expired"}`)
	w.is(w.undoMove(newCode(w.codeKey, codeUndo, time.Now().Add(time.Hour))), `{"undo_address_change":"code-doesnt-match"}`)
	got := w.undoMove(note.Data["undo_code"])
	w.is(got, `{"undo_address_change":"success"}`)
	if got.session.Action != web.SessionEndAll || got.session.Member.ID != id {
		t.Errorf("sessions: %+v", got.session)
	}
	a := w.account(id)
	if a.Email != old || !a.EmailVerified || a.ProvedEmail == nil || *a.ProvedEmail != old {
		t.Errorf("the account: %+v", a)
	}
	if ended := said[msg.CredentialsChanged](w, msg.UserCredentialsChanged); ended[len(ended)-1].MemberID != id || ended[len(ended)-1].KeepSession != "" {
		t.Errorf("no session is ended: %+v", ended)
	}
	// Nothing that the thief has opens the account.
	w.is(w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", nextPassword, "remember_me", "true"), `{"login":"false"}`)
	w.is(w.post(web.Identity{}, "/user/set-new-password", "username", "ann_lee", "password_reset_code", theirs, "new_password", nextPassword, "confirm_new_password", nextPassword),
		`{"set_new_password":"code-doesnt-match"}`)
	w.is(w.undoMove(later), `{"undo_address_change":"code-doesnt-match"}`)
	w.is(w.undoMove(note.Data["undo_code"]), `{"undo_address_change":"code-doesnt-match"}`)
	if got := w.resetTo("ann_lee", stolen); got != "" {
		t.Errorf("the thief gets a reset: %q", got)
	}
	// The owner has a link for a new password in the mail.
	mail := w.lastMail(msg.MailReset)
	if cmp.Diff([]string{old}, mail.To) != "" {
		t.Errorf("the reset link goes to %v", mail.To)
	}
	w.is(w.post(web.Identity{}, "/user/set-new-password", "username", "ann_lee", "password_reset_code", mail.Data["code"], "new_password", goodPassword, "confirm_new_password", goodPassword),
		`{"set_new_password":"success"}`)
	// A password that is older than the change is left as it is, and the link dies after seven days.
	w.is(w.move(id, stolen), `{"update_my_information":"success"}`)
	code := w.lastMail(msg.MailAddressChanged).Data["undo_code"]
	if left := w.count(`SELECT count(*) FROM address_change WHERE undone IS NULL AND superseded IS NULL AND expires BETWEEN now() + interval '167 hours' AND now() + interval '168 hours'`); left != 1 {
		t.Errorf("%d open changes of seven days", left)
	}
	w.is(w.undoMove(code), `{"undo_address_change":"success"}`)
	w.is(w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", "true"), `{"login":"true"}`)
}

// A slip of the pen at registration must not leave the account to the owner of that address: an unproved
// address does not win over a proved one.
func TestUndoDoesNotWinOverAProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "anm@mail.example.com")
	w.is(w.move(id, "ann@mail.example.com", goodPassword), `{"update_my_information":"success"}`)
	note := w.lastMail(msg.MailAddressChanged)
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", note.Data["code"]), `{"verify_email_address_response":"success"}`)
	w.is(w.undoMove(note.Data["undo_code"]), `{"undo_address_change":"address-proved-since"}`)
	if a := w.account(id); a.Email != "ann@mail.example.com" || !a.EmailVerified {
		t.Errorf("%+v", a)
	}
	// Unproved against unproved, the older one wins.
	bob := w.register("bob_ray", "bob@mail.example.com")
	w.is(w.move(bob, "rob@mail.example.com"), `{"update_my_information":"success"}`)
	w.is(w.undoMove(w.lastMail(msg.MailAddressChanged).Data["undo_code"]), `{"undo_address_change":"success"}`)
	if a := w.account(bob); a.Email != "bob@mail.example.com" || a.EmailVerified || a.ProvedEmail != nil {
		t.Errorf("%+v", a)
	}
}
