package mailer

import (
	"bytes"
	"strings"
	"testing"
)

// A list of parked mails shows the server's code without its text, which may name a receiver, and
// our own reasons in full.
func TestCommandsNameNobody(t *testing.T) {
	e := newEnv(t, 1, nil) // not parallel: commands read the environment
	t.Setenv("DATABASE_URL", e.cfg.DatabaseURL)
	for key, reply := range map[string]string{
		"welcome:1": "550 5.1.1 <quirina.zeltbaum@mail.example.com> no such user here",
		"welcome:2": "554 mailbox of quirina.zeltbaum is full",
		"welcome:3": "no answer: connection refused",
	} {
		e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, state, deadline, created_at, done_at, reason, smtp_reply)
			VALUES ($1, 'welcome', '{}', '{}', $1, 'parked', now(), now(), now(), 'refused', $2)`, key, reply)
	}
	var out, stderr bytes.Buffer
	if code := Command([]string{"parked"}, &out, &stderr); code != 0 || strings.Contains(out.String(), "quirina") {
		t.Errorf("parked: %d %s%s", code, &out, &stderr)
	}
	for _, want := range []string{`"550 5.1.1"`, `"554"`, `"no answer: connection refused"`} {
		if !strings.Contains(out.String(), `"smtp_reply":`+want) {
			t.Errorf("%s lacks %s", &out, want)
		}
	}
}
