package user

import (
	"fmt"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Mailer, and no other service, is told which of some people have a tag, and whether the tag was
// ever given.
func TestMailerIsToldWhoHasATag(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann, bob := e.register("annlee", "ann@mail.example.com"), e.register("bobdoe", "bob@mail.example.com")
	e.Post("/user/put-chat-message", "name", "Pat", "email_address", "pat@mail.example.com", "message", "Hello")
	pat := outboxPayloads[msg.Prospect](e, msg.ProspectChanged)[0].ID
	e.Exec(`UPDATE account SET tags = '{fair,vip}' WHERE id = $1`, ann)
	e.Exec(`UPDATE prospect SET tags = '{vip}' WHERE id = $1`, pat)
	e.Exec(`INSERT INTO tag (name) VALUES ('vip'), ('fair')`)

	mailer := *e.Client
	mailer.Key, mailer.Check = e.mailerKey, nil
	ask := func(tag string, people ...string) string {
		t.Helper()
		return mailer.Post("/internal/tagged-among", append([]string{"tag", tag}, people...)...).OK().Body
	}

	everyone := []string{"member", fmt.Sprint(ann), "member", fmt.Sprint(bob), "prospect", fmt.Sprint(pat)}
	for tag, want := range map[string]string{
		"vip":  fmt.Sprintf(`{"known":true,"members":[%d],"prospects":[%d]}`, ann, pat),
		"fair": fmt.Sprintf(`{"known":true,"members":[%d],"prospects":[]}`, ann),
		"Fair": `{"known":false,"members":[],"prospects":[]}`,
	} {
		if got := ask(tag, everyone...); got != want {
			t.Errorf("%s: %s, want %s", tag, got, want)
		}
	}

	for _, garbage := range [][]string{{}, {"tag", "\x00"}, {"tag", "x", "member", "99999999999999999999"}, {"tag", "x", "prospect", "x"}} {
		if a := mailer.Post("/internal/tagged-among", garbage...); a.Status != 400 {
			t.Errorf("%q: %d", garbage, a.Status)
		}
	}

	if a := e.Post("/internal/tagged-among", "tag", "vip"); a.Status != 401 {
		t.Errorf("edge's key asks for tags: %d", a.Status)
	}
}
