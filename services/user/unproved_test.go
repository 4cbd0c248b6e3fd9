package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// At most three accounts may wait for the proof of one address, whatever its case.
func TestThreeUnprovedAccountsOfAnAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const full = `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":true,` +
		`"email-address":[{"type":"not_valid","description":"*"}],"password":true}}`
	create := func(username, email string) testenv.Answer {
		return e.Post("/user/create-account", form(username, email)...)
	}

	e.verified("ann_zero", "Ann@mail.example.com") // a proved one does not count
	first := e.register("ann_one", "ann@mail.example.com")
	code := e.lastMail(msg.MailWelcome).Data["code"]
	e.register("ann_two", "ANN@mail.example.com")
	e.register("ann_three", "ann@MAIL.example.com")

	for _, address := range []string{"ann@mail.example.com", "aNN@mail.example.com", "ann@Mail.Example.COM"} {
		e.is(create("ann_four", address), full)
	}
	if n := e.Number(`SELECT count(*) FROM account WHERE lower(email) = 'ann@mail.example.com'`); n != 4 ||
		len(e.mails(msg.MailWelcome)) != 4 {
		t.Errorf("%d accounts, %d mails", n, len(e.mails(msg.MailWelcome)))
	}

	// A member cannot move to the address either.
	bob := e.register("bob_ray", "bob@mail.example.com")
	move := func(email string) testenv.Answer {
		return e.As(member(bob)).Post("/user/update-my-information", "firstname", "Bob", "lastname", "Ray", "email_address", email)
	}
	e.is(move("ANN@mail.example.com"), `{"update_my_information":"errors","errors":{"firstname":true,"lastname":true,`+
		`"email-address":[{"type":"not_valid","description":"*"}]}}`)
	if a := e.account(bob); a.Email != "bob@mail.example.com" || len(e.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("account %+v", a)
	}

	// A proof makes room.
	e.is(e.As(member(first)).Post("/user/verify-email-address-response", "email_verification_code", code),
		`{"verify_email_address_response":"success"}`)
	e.is(move("ANN@mail.example.com"), `{"update_my_information":"success"}`)
	e.is(create("ann_five", "ann@mail.example.com"), full)
}

// A mail says which of its receivers the member has proved: mailer sends notices to these within a
// quota of their own.
func TestMailsSayWhatIsProved(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	change := func(id int64, old, fresh string) {
		e.is(e.As(member(id)).Post("/user/change-my-password", "current_password", old, "new_password", fresh, "confirm_new_password",
			fresh), `{"change_my_password":"success"}`)
	}

	ann := e.register("ann_lee", "ann@mail.example.com")
	change(ann, goodPassword, nextPassword)
	if m := e.lastMail(msg.MailPasswordChanged); len(m.Proved) != 0 {
		t.Errorf("unproved: %v", m.Proved)
	}

	bob := e.verified("bob_ray", "bob@mail.example.com")
	change(bob, goodPassword, nextPassword)
	if m := e.lastMail(msg.MailPasswordChanged); len(m.Proved) != 1 || m.Proved[0] != "bob@mail.example.com" {
		t.Errorf("proved: %v", m.Proved)
	}

	e.is(e.As(member(bob)).Post("/user/update-my-information", "firstname", "Bob", "lastname", "Ray", "email_address",
		"new@mail.example.com"), `{"update_my_information":"success"}`)
	if m := e.lastMail(msg.MailAddressChanged); len(m.To) != 2 || len(m.Proved) != 1 || m.Proved[0] != "bob@mail.example.com" {
		t.Errorf("moved: %+v", m)
	}
}
