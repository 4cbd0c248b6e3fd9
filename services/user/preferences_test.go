package user

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// why is the reasons of a form; changes are name, value, name, value…
func why(changes ...string) []string {
	return append(changes, "no_longer_want_to_receive", "false", "never_signed_up", "false", "inappropriate", "false", "spam", "false", "other", "")
}

func TestUpdateCommunicationPreferences(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/user/update-communication-preferences"
	id := w.register("ann_lee", "ann@mail.example.com")
	set := func(news, unsubscribe string, reasons ...string) reply {
		return w.post(member(id), path, why(append(reasons, "newsletter", news, "email_unsubscribe", unsubscribe)...)...)
	}
	const ok = `{"update_communication_preferences":"success"}`
	w.is(w.post(web.Identity{}, path), `{"update_communication_preferences":"user_not_authenticated"}`)
	w.is(w.post(member(999), path, why("newsletter", "true", "email_unsubscribe", "false")...), `{"update_communication_preferences":"user_not_authenticated"}`)
	w.is(w.post(member(id), path, "newsletter", "true"), `{"update_communication_preferences":"errors","errors":{"data_missing":"Please set both switches."}}`)
	w.is(set("true", "true"), `{"update_communication_preferences":"errors","errors":{"invalid_data":"Who gets the newsletter cannot be unsubscribed from all mails."}}`)
	if got := set("true", "false", "other", strings.Repeat("x", 5001)); got.status != 400 {
		t.Errorf("a long reason answered %d", got.status)
	}
	old := w.account(id)
	w.is(set("false", "false"), ok)
	if a := w.account(id); a.Version != old.Version || len(said[msg.Member](w, msg.UserPreferencesChanged)) != 0 {
		t.Error("a change although nothing changed")
	}
	w.is(set("true", "TRUE"), ok) // only the word true is true
	a := w.account(id)
	if !a.Newsletter || a.Unsubscribed || a.UnsubscribeToken != old.UnsubscribeToken || a.Version != old.Version+1 {
		t.Errorf("newsletter on: %+v", a)
	}
	w.is(set("false", "true", "spam", "true", "other", "Too many"), ok)
	b := w.account(id)
	if b.Newsletter || !b.Unsubscribed || b.UnsubscribeToken == a.UnsubscribeToken {
		t.Errorf("unsubscribed: %+v", b)
	}
	if n := w.count(`SELECT count(*) FROM unsubscribe_reason WHERE member_id = $1 AND spam AND other = 'Too many' AND NOT inappropriate`, id); n != 1 || w.count(`SELECT count(*) FROM unsubscribe_reason`) != 1 {
		t.Error("the reasons are not as given")
	}
	if n := w.count(`SELECT count(*) FROM consent WHERE member_id = $1 AND source = 'account page'`, id); n != 3 {
		t.Errorf("%d consents", n)
	}
	events := said[msg.Member](w, msg.UserPreferencesChanged)
	if len(events) != 2 || !events[1].Unsubscribed || events[1].UnsubscribeToken != b.UnsubscribeToken {
		t.Errorf("events %+v", events)
	}
}

func TestUnsubscribeLinks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ who, parameter string }{{"member", "token"}, {"prospect", "pr_token"}} {
		t.Run(c.who, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			token := func() string {
				if c.who == "prospect" {
					p, _ := w.prospect("annlee1@mail.example.com")
					return p.UnsubscribeToken
				}
				return w.account(1).UnsubscribeToken
			}
			if c.who == "prospect" {
				w.is(w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", "annlee1@mail.example.com", "how_excited", "3"), `{"pythonabot_notify_me":"success"}`)
				w.is(w.get(web.Identity{}, "/user/email-unsubscribe-lookup", c.parameter, token()), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
				w.exec(`UPDATE prospect SET unsubscribed = false`)
			} else {
				w.register("ann_lee", "annlee1@mail.example.com", "newsletter", "true")
			}
			linkLife(w, c.who, c.parameter, token)
		})
	}
}

func linkLife(w *world, who, parameter string, token func() string) {
	const lookup, confirm, reasons = "/user/email-unsubscribe-lookup", "/user/email-unsubscribe-confirm", "/user/email-unsubscribe-why"
	nobody := web.Identity{}
	for _, path := range []string{lookup, confirm, reasons} {
		name := strings.ReplaceAll(strings.TrimPrefix(path, "/user/"), "-", "_")
		ask := w.post
		if path == lookup {
			ask = w.get
		}
		w.is(ask(nobody, path), `{"`+name+`":"error","errors":{"error":"token-required"}}`)
		for _, empty := range [][]string{{"token", ""}, {"pr_token", ""}, {"token", "", "pr_token", ""}} {
			w.is(ask(nobody, path, empty...), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		}
		w.is(ask(nobody, path, parameter, "unknown"), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		w.is(ask(nobody, path, parameter, token()+"x"), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
		w.is(ask(nobody, path, "token", "unknown", "pr_token", token()), `{"`+name+`":"error","errors":{"error":"member-not-found"}}`)
	}
	t1 := token()
	w.is(w.get(nobody, lookup, parameter, t1), `{"email_unsubscribe_lookup":"success","email_address":"annl***@mail.example.com"}`)
	if got := w.post(nobody, reasons, parameter, t1, "spam", "true"); got.status != 400 {
		w.t.Errorf("reasons without all switches answered %d", got.status)
	}
	got := w.post(nobody, confirm, parameter, t1)
	t2 := token()
	w.is(got, `{"email_unsubscribe_confirm":"success","email_address":"annl***@mail.example.com","token":"`+t2+`"}`)
	if t2 == t1 {
		w.t.Error("the token is still the old one")
	}
	w.is(w.post(nobody, confirm, parameter, t1), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)
	w.is(w.post(nobody, confirm, parameter, t2), `{"email_unsubscribe_confirm":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
	w.is(w.get(nobody, lookup, parameter, t2), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
	for range 2 {
		w.is(w.post(nobody, reasons, why(parameter, t2)...), `{"email_unsubscribe_why":"success"}`)
	}
	if n := w.count(`SELECT count(*) FROM unsubscribe_reason`); n != 2 {
		w.t.Errorf("%d reasons", n)
	}
	if n := w.count(`SELECT count(*) FROM consent WHERE what = 'marketing-mail' AND NOT given AND source = 'unsubscribe link'`); n != 1 {
		w.t.Errorf("%d consents taken back", n)
	}
	if who == "member" {
		a := w.account(1)
		if !a.Unsubscribed || a.Newsletter || len(said[msg.Member](w, msg.UserPreferencesChanged)) != 1 {
			w.t.Errorf("member %+v", a)
		}
		return
	}
	p, _ := w.prospect("annlee1@mail.example.com")
	if events := said[msg.Prospect](w, msg.ProspectChanged); !p.Unsubscribed || p.UnsubscribedAt == nil || len(events) != 2 || events[1].UnsubscribeToken != t2 {
		w.t.Errorf("prospect %+v, events %+v", p, events)
	}
}

func TestTermsOfUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const check, agree = "/user/terms-of-use-agree-check", "/user/terms-of-use-agree"
	id := w.register("ann_lee", "ann@mail.example.com")
	refused := func(code, version string) string {
		return `{"terms_of_use_agree":"error","errors":{"error":"` + code + `"},"version":"` + version + `"}`
	}
	for _, who := range []web.Identity{{}, member(999)} {
		w.is(w.get(who, check), `{"terms_of_use_agree_check":"user_not_authenticated"}`)
		w.is(w.post(who, agree, "version", "1"), `{"terms_of_use_agree":"user_not_authenticated"}`)
	}
	w.is(w.get(member(id), check), `{"terms_of_use_agree_check":true}`)
	w.is(w.post(member(id), agree), `{"terms_of_use_agree":"error","errors":{"error":"version-required"}}`)
	w.is(w.get(member(id), agree+"?version=2"), `{"terms_of_use_agree":"error","errors":{"error":"version-required"}}`)
	w.is(w.get(web.Identity{}, agree), `{"terms_of_use_agree":"user_not_authenticated"}`)
	w.is(w.post(member(id), agree, "version", "1"), refused("version-already-agreed", "1"))
	if code, _, stderr := w.command("terms", "publish", "-version", "2", "-note-file", w.file("<p>New</p>")); code != 0 {
		t.Fatal(stderr)
	}
	w.is(w.get(member(id), check), `{"terms_of_use_agree_check":false,"version":2,"version_note":"<p>New</p>"}`)
	for _, version := range []string{"", "3", "0", "-1", "+2", "2.0", " 2", "2\n", "two", "99999999999999999999", "²"} {
		escaped := strings.ReplaceAll(version, "\n", `\n`)
		w.is(w.post(member(id), agree, "version", version), refused("version-not-found", escaped))
	}
	w.is(w.post(member(id), agree, "version", "1"), refused("version-provided-not-most-recent", "1"))
	w.is(w.post(member(id), agree, "version", "2"), `{"terms_of_use_agree":"success","version":"2"}`)
	w.is(w.post(member(id), agree, "version", "2"), refused("version-already-agreed", "2"))
	w.is(w.get(member(id), check), `{"terms_of_use_agree_check":true}`)
	if n := w.count(`SELECT count(*) FROM consent WHERE member_id = $1 AND what LIKE 'terms-of-use:%'`, id); n != 2 {
		t.Errorf("%d consents to terms", n)
	}
}

func TestChatAndWaitingListRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bad := func(code string) string { return `[{"type":"` + code + `","description":"…"}]` }
	for _, c := range []struct{ name, email, message, wantName, wantEmail, wantMessage string }{
		{"", "ann@mail.example.com", "x", bad("required"), "true", "true"},
		{"<b>", "ann", "", bad("not_valid"), bad("not_valid"), bad("required")},
		{strings.Repeat("a", 31), "", strings.Repeat("é", 5001), bad("too_many_chars"), bad("required"), bad("too_many_chars")},
	} {
		w.is(w.post(web.Identity{}, "/user/put-chat-message", "name", c.name, "email_address", c.email, "message", c.message),
			`{"put_chat_message":"validation_error","errors":{"name":`+c.wantName+`,"email_address":`+c.wantEmail+`,"message":`+c.wantMessage+`}}`)
	}
	for _, c := range []struct{ email, excited, wantEmail, wantExcited string }{
		{"", "", bad("required"), bad("required")}, {"ann", "0", bad("not_valid"), bad("out_of_range")}, {"ann@mail.example.com", "6", "true", bad("out_of_range")},
		{"ann@mail.example.com", "-1", "true", bad("out_of_range")}, {"ann@mail.example.com", "33", "true", bad("out_of_range")}, {"ann@mail.example.com", "٣", "true", bad("out_of_range")},
	} {
		w.is(w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", c.email, "how_excited", c.excited),
			`{"pythonabot_notify_me":"validation_error","errors":{"email_address":`+c.wantEmail+`,"how_excited":`+c.wantExcited+`}}`)
	}
	if n := w.count(`SELECT (SELECT count(*) FROM prospect) + (SELECT count(*) FROM chat_message) + (SELECT count(*) FROM outbox)`); n != 0 {
		t.Errorf("refusals left %d rows", n)
	}
	w.is(w.post(web.Identity{}, "/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", strings.Repeat("é\r\n", 2500)), `{"put_chat_message":"true"}`)
	alert := w.lastMail(msg.MailChatAlert)
	if len(alert.To) != 0 || len(alert.Data) != 0 || alert.CreatedAt.IsZero() {
		t.Errorf("alert %+v", alert)
	}
	// A member's address may be on the waiting list.
	w.register("bob_ray", "bob@mail.example.com")
	w.is(w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", "bob@mail.example.com", "how_excited", "1"), `{"pythonabot_notify_me":"success"}`)
}
