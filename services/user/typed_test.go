package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Blanks around a user name, as keyboards of phones add them, do not count; passwords are compared
// as they are.
func TestBlanksAroundAUserName(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	for _, username := range []string{"ann_lee ", " ann_lee", "\tann_lee\n", "ann_lee\u00a0", "\u2003ann_lee "} {
		got := e.Post("/user/login", "username", username, "password", goodPassword, "remember_me", "true")
		e.is(got, `{"login":"true"}`)
		if sessionOf(got).Member.Username != "ann_lee" {
			t.Errorf("%q opens a session of %q", username, sessionOf(got).Member.Username)
		}
	}

	for _, c := range [][2]string{{"ann lee", goodPassword}, {"ann_lee", goodPassword + " "}, {" ", goodPassword}} {
		e.is(e.Post("/user/login", "username", c[0], "password", c[1], "remember_me", "true"), `{"login":"false"}`)
	}

	e.is(e.Post("/user/reset-password", "username", "ann_lee ", "email_address", " ann@mail.example.com"), `{"reset_password":"success"}`)
	e.answerAll()
	e.is(e.Post("/user/set-new-password", "username", " ann_lee", "password_reset_code", e.lastMail(msg.MailReset).Data["code"],
		"new_password", nextPassword, "confirm_new_password", nextPassword), `{"set_new_password":"success"}`)
	if a := e.account(id); a.PasswordChanged == nil {
		t.Error("the password is not changed")
	}
}
