package user

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// why is the form of a person's reasons; changes are name, value, name, value…
func why(changes ...string) []string {
	return append(changes, "no_longer_want_to_receive", "false", "never_signed_up", "false", "inappropriate", "false", "spam", "false",
		"other", "")
}

// Members set two switches, which change their token, are recorded as consents and are told to the
// other services.
func TestUpdateCommunicationPreferences(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const path = "/user/update-communication-preferences"
	id := e.register("ann_lee", "ann@mail.example.com")
	set := func(news, unsubscribe string, reasons ...string) testenv.Answer {
		return e.As(member(id)).Post(path, why(append(reasons, "newsletter", news, "email_unsubscribe", unsubscribe)...)...)
	}
	const ok = `{"update_communication_preferences":"success"}`

	// Refusals.
	e.is(e.Post(path), `{"update_communication_preferences":"user_not_authenticated"}`)
	e.is(e.As(member(999)).Post(path, why("newsletter", "true", "email_unsubscribe", "false")...),
		`{"update_communication_preferences":"user_not_authenticated"}`)
	e.is(e.As(member(id)).Post(path, "newsletter", "true"),
		`{"update_communication_preferences":"errors","errors":{"data_missing":"Please set both switches."}}`)
	e.is(set("true", "true"), `{"update_communication_preferences":"errors","errors":{"invalid_data":"You cannot get the newsletter `+
		`and be unsubscribed from all mails."}}`)
	if got := set("true", "false", "other", strings.Repeat("x", 5001)); got.Status != 400 {
		t.Errorf("a long reason answered %d", got.Status)
	}

	// No change.
	old := e.account(id)
	e.is(set("false", "false"), ok)
	if a := e.account(id); a.Version != old.Version || len(outboxPayloads[msg.Member](e, msg.UserPreferencesChanged)) != 0 {
		t.Error("a change although nothing changed")
	}

	// Newsletter on.
	e.is(set("true", "TRUE"), ok) // only the word true is true
	a := e.account(id)
	if !a.Newsletter || a.Unsubscribed || a.UnsubscribeToken != old.UnsubscribeToken || a.Version != old.Version+1 {
		t.Errorf("newsletter on: %+v", a)
	}

	// Unsubscribed, with reasons.
	e.is(set("false", "true", "spam", "true", "other", "Too many"), ok)
	b := e.account(id)
	if b.Newsletter || !b.Unsubscribed || b.UnsubscribeToken == a.UnsubscribeToken {
		t.Errorf("unsubscribed: %+v", b)
	}
	if n := e.Number(`SELECT count(*) FROM unsubscribe_reason WHERE member_id = $1 AND spam AND other = 'Too many' AND NOT inappropriate`,
		id); n != 1 || e.Number(`SELECT count(*) FROM unsubscribe_reason`) != 1 {
		t.Error("the reasons are not as given")
	}
	if n := e.Number(`SELECT count(*) FROM consent WHERE member_id = $1 AND source = 'account page'`, id); n != 3 {
		t.Errorf("%d consents", n)
	}

	events := outboxPayloads[msg.Member](e, msg.UserPreferencesChanged)
	if len(events) != 2 || !events[1].Unsubscribed || events[1].UnsubscribeToken != b.UnsubscribeToken {
		t.Errorf("events %+v", events)
	}
}

// The link of a mail unsubscribes a member or a prospect once, and its new token takes the reasons.
func TestUnsubscribeLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ who, parameter string }{{"member", "token"}, {"prospect", "pr_token"}} {
		t.Run(c.who, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			token := func() string {
				if c.who == "prospect" {
					p, _ := e.prospect("annlee1@mail.example.com")
					return p.UnsubscribeToken
				}
				return e.account(1).UnsubscribeToken
			}
			if c.who == "prospect" {
				e.is(e.Post("/user/pythonabot-notify-me", "email_address", "annlee1@mail.example.com", "how_excited", "3"),
					`{"pythonabot_notify_me":"success"}`)
				e.is(e.Get("/user/email-unsubscribe-lookup", c.parameter, token()),
					`{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
				e.Exec(`UPDATE prospect SET unsubscribed = false`)
			} else {
				e.register("ann_lee", "annlee1@mail.example.com", "newsletter", "true")
			}
			linkLife(e, c.who, c.parameter, token)
		})
	}
}

// linkLife follows a link from tokens that are refused to the reasons.
func linkLife(e *env, who, parameter string, token func() string) {
	const lookup, confirm, reasons = "/user/email-unsubscribe-lookup", "/user/email-unsubscribe-confirm", "/user/email-unsubscribe-why"
	for _, path := range []string{lookup, confirm, reasons} {
		name := strings.ReplaceAll(strings.TrimPrefix(path, "/user/"), "-", "_")
		ask := e.Post
		if path == lookup {
			ask = e.Get
		}
		e.is(ask(path), `{"`+name+`":"error","errors":{"error":"token-required"}}`)
		for _, empty := range [][]string{{"token", ""}, {"pr_token", ""}, {"token", "", "pr_token", ""}} {
			e.is(ask(path, empty...), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		}
		e.is(ask(path, parameter, "unknown"), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		e.is(ask(path, parameter, token()+"x"), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		e.is(ask(path, "token", "unknown", "pr_token", token()), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
	}

	// The first token unsubscribes once; the second is for the reasons.
	t1 := token()
	e.is(e.Get(lookup, parameter, t1), `{"email_unsubscribe_lookup":"success","email_address":"annl***@mail.example.com"}`)
	if got := e.Post(reasons, parameter, t1, "spam", "true"); got.Status != 400 {
		e.t.Errorf("reasons without all switches answered %d", got.Status)
	}

	got := e.Post(confirm, parameter, t1)
	t2 := token()
	e.is(got, `{"email_unsubscribe_confirm":"success","email_address":"annl***@mail.example.com","token":"`+t2+`"}`)
	if t2 == t1 {
		e.t.Error("the token is still the old one")
	}
	e.is(e.Post(confirm, parameter, t1), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)
	e.is(e.Post(confirm, parameter, t2), `{"email_unsubscribe_confirm":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
	e.is(e.Get(lookup, parameter, t2), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)

	for range 2 {
		e.is(e.Post(reasons, why(parameter, t2)...), `{"email_unsubscribe_why":"success"}`)
	}
	if n := e.Number(`SELECT count(*) FROM unsubscribe_reason`); n != 2 {
		e.t.Errorf("%d reasons", n)
	}
	if n := e.Number(`SELECT count(*) FROM consent WHERE what = 'marketing-mail' AND NOT given AND source = 'unsubscribe link'`); n != 1 {
		e.t.Errorf("%d consents taken back", n)
	}

	// What is stored and told.
	if who == "member" {
		a := e.account(1)
		if !a.Unsubscribed || a.Newsletter || len(outboxPayloads[msg.Member](e, msg.UserPreferencesChanged)) != 1 {
			e.t.Errorf("member %+v", a)
		}
		return
	}
	p, _ := e.prospect("annlee1@mail.example.com")
	if events := outboxPayloads[msg.Prospect](e, msg.ProspectChanged); !p.Unsubscribed || p.UnsubscribedAt == nil || len(events) != 2 ||
		events[1].UnsubscribeToken != t2 {
		e.t.Errorf("prospect %+v, events %+v", p, events)
	}
}

// A member agrees once to the newest terms, and to no other version.
func TestTermsOfUse(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const check, agree = "/user/terms-of-use-agree-check", "/user/terms-of-use-agree"
	id := e.register("ann_lee", "ann@mail.example.com")
	refused := func(code, version string) string {
		return `{"terms_of_use_agree":"error","errors":{"error":"` + code + `"},"version":"` + version + `"}`
	}

	for _, who := range []web.Identity{{}, member(999)} {
		e.is(e.As(who).Get(check), `{"terms_of_use_agree_check":"user_not_authenticated"}`)
		e.is(e.As(who).Post(agree, "version", "1"), `{"terms_of_use_agree":"user_not_authenticated"}`)
	}

	e.is(e.As(member(id)).Get(check), `{"terms_of_use_agree_check":true}`)
	e.is(e.As(member(id)).Post(agree), `{"terms_of_use_agree":"error","errors":{"error":"version-required"}}`)
	e.is(e.As(member(id)).Get(agree+"?version=2"), `{"terms_of_use_agree":"error","errors":{"error":"version-required"}}`)
	e.is(e.Get(agree), `{"terms_of_use_agree":"user_not_authenticated"}`)
	e.is(e.As(member(id)).Post(agree, "version", "1"), refused("version-already-agreed", "1"))

	// A new version.
	if code, _, stderr := e.command("terms", "publish", "-version", "2", "-note-file", e.file("<p>New</p>")); code != 0 {
		t.Fatal(stderr)
	}
	e.is(e.As(member(id)).Get(check), `{"terms_of_use_agree_check":false,"version":2,"version_note":"<p>New</p>"}`)
	for _, version := range []string{"", "3", "0", "-1", "+2", "2.0", " 2", "2\n", "two", "99999999999999999999", "²"} {
		escaped := strings.ReplaceAll(version, "\n", `\n`)
		e.is(e.As(member(id)).Post(agree, "version", version), refused("version-not-found", escaped))
	}
	e.is(e.As(member(id)).Post(agree, "version", "1"), refused("version-provided-not-most-recent", "1"))
	e.is(e.As(member(id)).Post(agree, "version", "2"), `{"terms_of_use_agree":"success","version":"2"}`)
	e.is(e.As(member(id)).Post(agree, "version", "2"), refused("version-already-agreed", "2"))
	again := e.As(member(id)) // another process did it and died before it could answer
	again.Header = http.Header{"X-Shop-Again": {"1"}}
	e.is(again.Post(agree, "version", "2"), `{"terms_of_use_agree":"success","version":"2"}`)
	e.is(e.As(member(id)).Get(check), `{"terms_of_use_agree_check":true}`)

	if n := e.Number(`SELECT count(*) FROM consent WHERE member_id = $1 AND what LIKE 'terms-of-use:%'`, id); n != 2 {
		t.Errorf("%d consents to terms", n)
	}
}

// Chat messages and entries of the waiting list that break a rule are refused at their field and
// store nothing.
func TestChatAndWaitingListRefusals(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	bad := func(code string) string { return `[{"type":"` + code + `","description":"*"}]` }
	for _, c := range []struct{ name, email, message, wantName, wantEmail, wantMessage string }{
		{email: "ann@mail.example.com", message: "x", wantName: bad("required"), wantEmail: "true", wantMessage: "true"},
		{name: "<b>", email: "ann", wantName: bad("not_valid"), wantEmail: bad("not_valid"), wantMessage: bad("required")},
		{name: strings.Repeat("a", 31), message: strings.Repeat("é", 5001), wantName: bad("too_many_chars"), wantEmail: bad("required"),
			wantMessage: bad("too_many_chars")},
	} {
		e.is(e.Post("/user/put-chat-message", "name", c.name, "email_address", c.email, "message", c.message),
			`{"put_chat_message":"validation_error","errors":{"name":`+c.wantName+`,"email_address":`+c.wantEmail+`,"message":`+
				c.wantMessage+`}}`)
	}
	for _, c := range []struct{ email, excited, wantEmail, wantExcited string }{
		{wantEmail: bad("required"), wantExcited: bad("required")},
		{email: "ann", excited: "0", wantEmail: bad("not_valid"), wantExcited: bad("out_of_range")},
		{email: "ann@mail.example.com", excited: "6", wantEmail: "true", wantExcited: bad("out_of_range")},
		{email: "ann@mail.example.com", excited: "-1", wantEmail: "true", wantExcited: bad("out_of_range")},
		{email: "ann@mail.example.com", excited: "33", wantEmail: "true", wantExcited: bad("out_of_range")},
		{email: "ann@mail.example.com", excited: "٣", wantEmail: "true", wantExcited: bad("out_of_range")},
	} {
		e.is(e.Post("/user/pythonabot-notify-me", "email_address", c.email, "how_excited", c.excited),
			`{"pythonabot_notify_me":"validation_error","errors":{"email_address":`+c.wantEmail+`,"how_excited":`+c.wantExcited+`}}`)
	}

	// Nothing is stored by a refusal; a long message is, and its alert has nothing of the text.
	if n := e.Number(`SELECT (SELECT count(*) FROM prospect) + (SELECT count(*) FROM chat_message) + (SELECT count(*) FROM ` +
		`outbox)`); n != 0 {
		t.Errorf("refusals left %d rows", n)
	}
	e.is(e.Post("/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", strings.Repeat("é\r\n", 2500)),
		`{"put_chat_message":"true"}`)
	alert := e.lastMail(msg.MailChatAlert)
	if len(alert.To) != 0 || len(alert.Data) != 0 || alert.CreatedAt.IsZero() {
		t.Errorf("alert %+v", alert)
	}

	// A member's address may be on the waiting list.
	e.register("bob_ray", "bob@mail.example.com")
	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "bob@mail.example.com", "how_excited", "1"),
		`{"pythonabot_notify_me":"success"}`)
}
