package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Only an address that a member has proved is refused to guests: registering with a stranger's
// address, or moving to it, takes it away from no one.
func TestAddressOfMember(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ask := func(when string, want map[string]string) {
		t.Helper()
		for email, member := range want {
			if got := e.Get("/internal/address-of-member", "email", email); got.Body != `{"member":`+member+`}` {
				t.Errorf("%s, %q: %s", when, email, got.Body)
			}
		}
	}
	id := e.register("ann_lee", "ann@mail.example.com")
	e.register("mallory", "Ann@mail.example.com")
	ask("unproved", map[string]string{"ann@mail.example.com": "false", "Ann@mail.example.com": "false", "": "false"})
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", e.mails(msg.MailWelcome)[0].Data["code"]),
		`{"verify_email_address_response":"success"}`)
	ask("proved", map[string]string{"ann@mail.example.com": "true", "ann@MAIL.example.com": "true", "ANN@mail.example.com": "true",
		" ann@mail.example.com ": "true", "": "false", "bob@mail.example.com": "false"})
	e.is(e.As(member(id)).Post("/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address",
		"bob@mail.example.com"),
		`{"update_my_information":"success"}`)
	ask("moved, the new address unproved", map[string]string{"ann@mail.example.com": "false", "bob@mail.example.com": "false"})
}
