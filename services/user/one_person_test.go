package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	confirmPath = "/user/email-unsubscribe-confirm"
	lookupPath  = "/user/email-unsubscribe-lookup"
)

// press presses the button of a mail program, as edge passes it on.
func (e *env) press(parameter, token string) int {
	e.t.Helper()
	return e.Post("/internal/unsubscribe?" + testenv.Form(parameter, token).Encode()).Status
}

func (e *env) switches(id int64, news, unsubscribe string) {
	e.t.Helper()
	e.is(e.As(member(id)).Post("/user/update-communication-preferences", why("newsletter", news, "email_unsubscribe", unsubscribe)...),
		`{"update_communication_preferences":"success"}`)
}

// Every token that was ever mailed unsubscribes its owner, whatever replaced it, and as often as
// the owner subscribes again.
func TestFormerTokensGoOnUnsubscribing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.verified("ann_lee", "annlee1@mail.example.com", "newsletter", "true")
	const masked = `"email_address":"annl***@mail.example.com"`

	var mailed []string
	for range 3 { // the tokens of newsletters, and of changes on the account page
		mailed = append(mailed, e.account(id).UnsubscribeToken)
		e.switches(id, "false", "true")
		mailed = append(mailed, e.account(id).UnsubscribeToken)
		e.switches(id, "true", "false")
	}

	for i, token := range mailed {
		e.is(e.Get(lookupPath, "token", token), `{"email_unsubscribe_lookup":"success",`+masked+`}`)
		if i%2 == 0 {
			got := e.Post(confirmPath, "token", token)
			e.is(got, `{"email_unsubscribe_confirm":"success",`+masked+`,"token":"`+e.account(id).UnsubscribeToken+`"}`)
			e.is(e.Post(confirmPath, "token", token), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)
		} else if got := e.press("token", token); got != 200 {
			t.Errorf("the button answered %d", got)
		}
		if a := e.account(id); !a.Unsubscribed || a.Newsletter {
			t.Errorf("token %d did not unsubscribe", i)
		}
		for k, other := range mailed { // the links of all other mails have nothing to do
			if k == i || k < i && k%2 == 0 {
				continue
			}
			e.is(e.Get(lookupPath, "token", other),
				`{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
		}
		e.switches(id, "true", "false")
	}

	e.is(e.Get(lookupPath, "pr_token", mailed[0]), `{"email_unsubscribe_lookup":"error","errors":{"error":"member-not-found"}}`)
	if n := e.Number(`SELECT count(*) FROM former_token WHERE member_id = $1`, id); n < len(mailed) {
		t.Errorf("%d former tokens", n)
	}
}

// The button of a mail program may be pressed any number of times, and replaces no token.
func TestButtonOfAMailProgram(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "3"),
		`{"pythonabot_notify_me":"success"}`)
	e.Exec(`UPDATE prospect SET unsubscribed = false`)
	before, _ := e.prospect("ann@mail.example.com")

	for _, token := range []string{"", "unknown", before.UnsubscribeToken + "x"} {
		if got := e.press("pr_token", token); got != 404 {
			t.Errorf("%q answered %d", token, got)
		}
	}

	for range 3 {
		if got := e.press("pr_token", before.UnsubscribeToken); got != 200 {
			t.Errorf("answered %d", got)
		}
	}

	p, _ := e.prospect("ann@mail.example.com")
	events := outboxPayloads[msg.Prospect](e, msg.ProspectChanged)
	if !p.Unsubscribed || p.UnsubscribeToken != before.UnsubscribeToken || len(events) != 2 || events[1].Refused == nil ||
		!*events[1].Refused {
		t.Errorf("%+v, events %+v", p, events)
	}
	if n := e.Number(`
		SELECT count(*) FROM consent
		WHERE what = 'marketing-mail' AND NOT given AND source = 'button of a mail program'`); n != 1 {
		t.Errorf("%d consents taken back, want 1", n)
	}
}

// Registering takes a prospect off the list, but the links and buttons of the prospect's mails
// unsubscribe the member.
func TestProspectsLinksUnsubscribeTheMember(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('Ann@mail.example.com', false, 'token1', ` +
		`'code1'), ('bob@mail.example.com', false, 'token2', 'code2')`)
	ann := e.register("ann_lee", "ann@mail.example.com", "newsletter", "true")
	bob := e.register("bob_ray", "Bob@mail.example.com", "newsletter", "true")

	// Bob's button, then Ann's link.
	e.is(e.Get(lookupPath, "pr_token", "token1"), `{"email_unsubscribe_lookup":"success","email_address":"Ann@mail.example.com"}`)
	if got := e.press("pr_token", "token2"); got != 200 {
		t.Errorf("the button answered %d", got)
	}
	if a := e.account(bob); !a.Unsubscribed || a.Newsletter {
		t.Error("the button did not unsubscribe the member")
	}
	p, _ := e.prospect("bob@mail.example.com")
	if !p.refused() {
		t.Errorf("prospect %+v", p)
	}
	e.is(e.Get(lookupPath, "pr_token", "token2"),
		`{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
	if got := e.Post(confirmPath, "pr_token", "token1"); got.Status != 200 || !e.account(ann).Unsubscribed {
		t.Errorf("the link did not unsubscribe the member: %+v", got)
	}
	e.is(e.Post(confirmPath, "pr_token", "token1"), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)

	// A member without newsletters has nothing to unsubscribe.
	e.Exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('cid@mail.example.com', false, 'token3', 'code3')`)
	e.register("cid_lee", "cid@mail.example.com")
	e.is(e.Get(lookupPath, "pr_token", "token3"),
		`{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
}

// Unsubscribing under one spelling of an address counts for all spellings.
func TestUnsubscribingCoversAllSpellings(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	capital := e.verified("ann_one", "Ann@mail.example.com", "newsletter", "true")
	lower := e.register("ann_two", "ann@mail.example.com", "newsletter", "true")
	other := e.register("bob_ray", "bob@mail.example.com", "newsletter", "true")
	e.Exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('ANN@mail.example.com', false, 'token1', ` +
		`'code1'), ('aNN@mail.example.com', false, 'token2', 'code2')`)

	if got := e.press("pr_token", "token2"); got != 200 {
		t.Fatalf("answered %d", got)
	}
	for _, id := range []int64{capital, lower} {
		if a := e.account(id); !a.Unsubscribed || a.Newsletter {
			t.Errorf("%s still gets newsletters", a.Email)
		}
	}
	if n := e.Number(`SELECT count(*) FROM prospect WHERE unsubscribed AND unsubscribed_at IS NOT NULL`); n != 2 {
		t.Errorf("%d of 2 prospects are unsubscribed", n)
	}

	if a := e.account(other); a.Unsubscribed || len(outboxPayloads[msg.Member](e, msg.UserPreferencesChanged)) != 2 {
		t.Errorf("%+v", a)
	}

	// On the account page, too: an account that has proved the address speaks for all spellings,
	// any other for itself alone.
	e.switches(capital, "true", "false")
	e.switches(lower, "false", "true")
	if a := e.account(capital); a.Unsubscribed {
		t.Error("an account that has not confirmed the address speaks for one that has")
	}
	e.switches(lower, "true", "false")
	e.switches(capital, "false", "true")
	if a := e.account(lower); !a.Unsubscribed {
		t.Error("the owner's no does not reach the other account")
	}
}

// Chat, waiting list, receipt addresses and orders find the person whatever the case of the
// address.
func TestOneAddressIsOnePerson(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	nobody := web.Identity{}
	e.is(e.As(nobody).Post("/user/pythonabot-notify-me", "email_address", "Ann@Mail.example.com", "how_excited", "3"),
		`{"pythonabot_notify_me":"success"}`)
	e.is(e.As(nobody).Post("/user/pythonabot-notify-me", "email_address", "aNN@mail.example.com", "how_excited", "3"),
		`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],`+
			`"how_excited":true}}`)
	e.is(e.As(nobody).Post("/user/put-chat-message", "name", "Ann", "email_address", "ANN@mail.example.com", "message", "Hello"),
		`{"put_chat_message":"true"}`)
	e.receive(placed(t, "A1", "ann@mail.example.com", "code1", true))
	p, found := e.prospect("Ann@mail.example.com")
	if !found || p.Unsubscribed || len(p.Aliases) != 1 || e.Number(`SELECT count(*) FROM prospect`) != 1 {
		t.Errorf("prospect %+v", p)
	}

	if got := e.press("pr_token", p.UnsubscribeToken); got != 200 {
		t.Errorf("answered %d", got)
	}

	// Registering converts the prospect; the proof hands over what waited.
	id := e.register("ann_lee", "aNn@mail.example.com", "newsletter", "true")
	p, _ = e.prospect("Ann@mail.example.com")
	if p.Converted == nil || !p.refused() {
		t.Errorf("prospect %+v", p)
	}
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", e.lastMail(msg.MailWelcome).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	if n := e.Number(`SELECT count(*) FROM chat_message WHERE member_id = $1`, id); n != 1 {
		t.Errorf("%d chat messages", n)
	}

	// With the proof, what was chosen when registering is the owner's choice, and the newest one.
	if p, _ = e.prospect("Ann@mail.example.com"); p.refused() || !p.Unsubscribed {
		t.Errorf("prospect %+v", p)
	}

	e.receive(placed(t, "A2", "ANN@mail.example.com", "code2", true)) // the address is a member's by now
	if n := e.Number(`SELECT count(*) FROM prospect`); n != 1 {
		t.Errorf("%d prospects", n)
	}
}
