package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// network is the part of a client's address that a log line may contain: the test's browsers have
// addresses in several.
var network = regexp.MustCompile(`198\.18\.\d+\.0/24`)

// TestNoLogNamesAPerson leads a person's life, fails in many ways, and reads every line that the
// shop and its PostgreSQL log at the most verbose level.
func TestNoLogNamesAPerson(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=debug"}})
	l := live(t, shop)
	l.goWrong()
	tokens := l.tokens(t)

	needles := append([]string{
		oldAddress, newAddress, "Quirina", "Zeltbaum", username, "+15550174417", "77 Wunderkammer", "62704", "Secret!word1", "Wrong!word1",
		l.asVisitor, l.asOwner,
		"sessionid=", l.home.Cookie("sessionid"), l.home.Cookie("csrftoken"), l.home.Cookie("anonymousclientevent"),
		"email_verification_code=", "198.18.",
	}, tokens...)

	// The shop's log.
	log := shop.Log()
	if !strings.Contains(log, `"level":"DEBUG"`) || strings.Count(log, `"route":"/user/login"`) < 2 {
		t.Fatalf("the log is not what this test is about:\n%.2000s", log)
	}
	for line := range strings.Lines(log) {
		lower := strings.ToLower(network.ReplaceAllString(line, ""))
		for _, needle := range needles {
			if needle != "" && strings.Contains(lower, strings.ToLower(needle)) {
				t.Errorf("the log holds %q: %s", needle, line)
			}
		}
	}

	// Failed logins.
	failed := 0
	for line := range strings.Lines(log) {
		var fields map[string]any
		if json.Unmarshal([]byte(line), &fields) == nil && fields["route"] == "/user/login" && fields["outcome"] == "failed" {
			failed++
			if fields["account"] == nil || !network.MatchString(fmt.Sprint(fields["network"])) {
				t.Errorf("a failed login is logged without account or network: %s", line)
			}
		}
	}
	if failed != 3 {
		t.Errorf("%d failed logins are logged, want 3", failed)
	}

	for _, refused := range []string{`"refused":"a member's order"`, `"refused":"another's order"`, `"route":"/user/logout"`} {
		if !strings.Contains(log, refused) {
			t.Errorf("the log does not hold %s", refused)
		}
	}

	// The log of PostgreSQL.
	server, err := filepath.Glob(filepath.Join(shop.DataDir, "postgres", "*log*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range server {
		text, err := os.ReadFile(path) //nolint:gosec // the test's own folder
		if err != nil {
			continue // a folder
		}
		for _, needle := range needles {
			if needle != "" && bytes.Contains(bytes.ToLower(text), []byte(strings.ToLower(needle))) {
				t.Errorf("%s holds %q", path, needle)
			}
		}
	}
}

// goWrong makes requests that we, Stripe or the mail server refuse.
func (l *life) goWrong() {
	for _, name := range []string{username, newAddress, "Quirina Zeltbaum"} {
		b := l.shop.Browser()
		b.Want(b.Post("/user/login", "username", name, "password", "Wrong!word1", "remember_me", "false"), "false", "login")
	}

	b := l.shop.Browser()
	b.Post("/user/create-account", "firstname", "Quirina", "lastname", "Zeltbaum", "username", username, "email_address", newAddress,
		"password", "Secret!word1", "confirm_password", "Secret!word1", "newsletter", "x", "remember_me", "x")
	b.Post("/user/create-account", "username", username, newAddress, "Quirina\x00")
	b.Post("/user/set-new-password", "username", username, "password_reset_code", "forged.Quirina", "new_password", "Secret!word1",
		"confirm_new_password", "Secret!word1")
	b.Post("/user/put-chat-message", "name", "Quirina", "email_address", oldAddress, "message", "Zeltbaum\x00")
	b.Get("/order/" + l.asOwner)

	// Another person.
	other := l.shop.Browser()
	other.Want(other.Post("/user/create-account", "firstname", "Jo", "lastname", "Other", "username", "jo_other", "email_address",
		bystander,
		"password", "Secret!word1", "confirm_password", "Secret!word1", "newsletter", "false", "remember_me", "false"), "true",
		"create_account")
	other.Get("/order/" + l.asOwner)
	other.Want(other.Get("/user/logout"), "true", "logout")

	b.Get("/order/checkout-session-success?session_id=Quirina")
	b.Get("/account/order?identifier=" + l.asVisitor + "&x=%zz")
	b.Get("/user/email-unsubscribe-lookup?token=" + newAddress)
	b.Get("/" + newAddress + "/Zeltbaum")
	// The mail server names the recipient when it refuses, permanently and temporarily.
	for _, code := range []string{"550", "450"} {
		l.shop.InboxSwitches(`{"refuse":[{"at":"rcpt","code":` + code + `,"text":"5.1.1 <` + newAddress +
			`> Quirina Zeltbaum: no such user","count":1}]}`)
		b.Post("/user/forgot-username", "email_address", newAddress)
		n := map[string]string{"550": `SELECT count(*) FROM delivery WHERE state = 'parked'`,
			"450": `SELECT count(*) FROM delivery WHERE refusals > 0`}[code]
		l.shop.Eventually(30*time.Second, "a mail refused with "+code, func() bool { return l.shop.Count("mailer", n) > 0 })
	}
}
