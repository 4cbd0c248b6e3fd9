package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestThreeUnprovedAccountsOfAnAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const full = `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":true,"email-address":[{"type":"not_valid","description":"…"}],"password":true}}`
	create := func(username, email string) reply {
		return w.post(web.Identity{}, "/user/create-account", form(username, email)...)
	}
	w.verified("ann_zero", "Ann@mail.example.com") // a proved one does not count
	first := w.register("ann_one", "ann@mail.example.com")
	code := w.lastMail(msg.MailWelcome).Data["code"]
	w.register("ann_two", "ANN@mail.example.com")
	w.register("ann_three", "ann@MAIL.example.com")
	for _, address := range []string{"ann@mail.example.com", "aNN@mail.example.com", "ann@Mail.Example.COM"} {
		w.is(create("ann_four", address), full)
	}
	if n := w.count(`SELECT count(*) FROM account WHERE lower(email) = 'ann@mail.example.com'`); n != 4 || len(w.mails(msg.MailWelcome)) != 4 {
		t.Errorf("%d accounts, %d mails", n, len(w.mails(msg.MailWelcome)))
	}
	// Nor by way of another address.
	bob := w.register("bob_ray", "bob@mail.example.com")
	move := func(email string) reply {
		return w.post(member(bob), "/user/update-my-information", "firstname", "Bob", "lastname", "Ray", "email_address", email)
	}
	w.is(move("ANN@mail.example.com"), `{"update_my_information":"errors","errors":{"firstname":true,"lastname":true,"email-address":[{"type":"not_valid","description":"…"}]}}`)
	if a := w.account(bob); a.Email != "bob@mail.example.com" || len(w.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("account %+v", a)
	}
	// A proof makes room.
	w.is(w.post(member(first), "/user/verify-email-address-response", "email_verification_code", code), `{"verify_email_address_response":"success"}`)
	w.is(move("ANN@mail.example.com"), `{"update_my_information":"success"}`)
	w.is(create("ann_five", "ann@mail.example.com"), full)
}

// A mail says which of its receivers the member has proved: mailer keeps a room for notices to them.
func TestMailsSayWhatIsProved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	change := func(id int64, old, fresh string) {
		w.is(w.post(member(id), "/user/change-my-password", "current_password", old, "new_password", fresh, "confirm_new_password", fresh), `{"change_my_password":"success"}`)
	}
	ann := w.register("ann_lee", "ann@mail.example.com")
	change(ann, goodPassword, nextPassword)
	if m := w.lastMail(msg.MailPasswordChanged); len(m.Proved) != 0 {
		t.Errorf("unproved: %v", m.Proved)
	}
	bob := w.verified("bob_ray", "bob@mail.example.com")
	change(bob, goodPassword, nextPassword)
	if m := w.lastMail(msg.MailPasswordChanged); len(m.Proved) != 1 || m.Proved[0] != "bob@mail.example.com" {
		t.Errorf("proved: %v", m.Proved)
	}
	w.is(w.post(member(bob), "/user/update-my-information", "firstname", "Bob", "lastname", "Ray", "email_address", "new@mail.example.com"), `{"update_my_information":"success"}`)
	if m := w.lastMail(msg.MailAddressChanged); len(m.To) != 2 || len(m.Proved) != 1 || m.Proved[0] != "bob@mail.example.com" {
		t.Errorf("moved: %+v", m)
	}
}
