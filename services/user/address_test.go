package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Only what a member has proved is kept from guests: registering with a stranger's address, or moving
// to it, takes it away from no one.
func TestAddressOfMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ask := func(when string, want map[string]string) {
		t.Helper()
		for email, member := range want {
			if got := w.get(web.Identity{}, "/internal/address-of-member", "email", email); got.body != `{"member":`+member+`}` {
				t.Errorf("%s, %q: %s", when, email, got.body)
			}
		}
	}
	id := w.register("ann_lee", "ann@mail.example.com")
	w.register("mallory", "Ann@mail.example.com")
	ask("unproved", map[string]string{"ann@mail.example.com": "false", "Ann@mail.example.com": "false", "": "false"})
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", w.mails(msg.MailWelcome)[0].Data["code"]),
		`{"verify_email_address_response":"success"}`)
	ask("proved", map[string]string{"ann@mail.example.com": "true", "ann@MAIL.example.com": "true", "ANN@mail.example.com": "true",
		" ann@mail.example.com ": "true", "": "false", "bob@mail.example.com": "false"})
	w.is(w.post(member(id), "/user/update-my-information", "firstname", "Ann", "lastname", "Lee", "email_address", "bob@mail.example.com"),
		`{"update_my_information":"success"}`)
	ask("moved, the new address unproved", map[string]string{"ann@mail.example.com": "false", "bob@mail.example.com": "false"})
}
