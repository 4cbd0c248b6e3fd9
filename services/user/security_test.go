package user

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// lines are the log lines of one endpoint.
func lines(t *testing.T, log *bytes.Buffer, route string) (found []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if fields["route"] == route {
			found = append(found, fields)
		}
	}
	return found
}

// Requests that authenticate are logged with outcome, network and a mark of the account, and
// without names, addresses and secrets.
func TestAuthenticationIsLogged(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var log bytes.Buffer
	e.server.log = slog.New(slog.NewJSONHandler(&log, nil))
	e.Handler = e.routes()
	const client, network = "198.51.100.77", "198.51.100.0/24"
	from := web.Identity{Client: client}
	id := e.register("quirina_z", "quirina@mail.example.com")
	login := func(username, password string) {
		e.As(from).Post("/user/login", "username", username, "password", password, "remember_me", "false")
	}

	// Logins: wrong, right, and of an unknown name.
	login("quirina_z", "Wrong!word1")
	login(" quirina_z ", goodPassword)
	login("nobody_here", "Wrong!word1")

	got := lines(t, &log, "/user/login")
	if len(got) != 3 {
		t.Fatalf("%d lines: %s", len(got), log.String())
	}
	for i, outcome := range []string{"failed", "success", "failed"} {
		if got[i]["outcome"] != outcome || got[i]["network"] != network || got[i]["account"] == nil {
			t.Errorf("login %d is logged as %v", i, got[i])
		}
	}
	if got[0]["account"] != got[1]["account"] || got[0]["account"] == got[2]["account"] || got[0]["account"] != e.accountMark("quirina_z") {
		t.Errorf("marks of accounts: %v", got)
	}

	// The other endpoints.
	me := member(id)
	me.Client, me.Username = client, "quirina_z"
	for route, c := range map[string]struct {
		who     web.Identity
		outcome string
		fields  []string
	}{
		"/user/create-account": {from, "failed",
			[]string{"firstname", "Q", "lastname", "Z", "username", "quirina_z", "email_address", "q@mail.example.com", "password", "x",
				"confirm_password", "x", "newsletter", "false", "remember_me", "false"}},
		"/user/change-my-password": {me, "errors",
			[]string{"current_password", "Wrong!word1", "new_password", "Other!word1", "confirm_new_password", "Other!word1"}},
		"/user/set-new-password": {from, "signature-invalid",
			[]string{"username", "quirina_z", "password_reset_code", "forged", "new_password", "Other!word1", "confirm_new_password",
				"Other!word1"}},
		"/user/reset-password": {from, "success",
			[]string{"username", "quirina_z", "email_address", "quirina@mail.example.com"}},
		"/user/verify-email-address-response": {me, "signature-invalid", []string{"email_verification_code", "forged"}},
	} {
		e.As(c.who).Post(route, c.fields...)
		if got := lines(t, &log, route); len(got) == 0 || got[len(got)-1]["outcome"] != c.outcome ||
			got[len(got)-1]["account"] != e.accountMark("quirina_z") || got[len(got)-1]["network"] != network {
			t.Errorf("%s is logged as %v, want %s", route, got, c.outcome)
		}
	}

	// Nothing secret is in the log.
	e.As(from).Post("/user/forgot-username", "email_address", "quirina@mail.example.com")
	for _, secret := range []string{"quirina", "mail.example.com", client, "Wrong!word1", goodPassword, "nobody_here", "forged"} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log holds %q:\n%s", secret, log.String())
		}
	}
}
