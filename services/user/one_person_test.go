package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	confirmPath = "/user/email-unsubscribe-confirm"
	lookupPath  = "/user/email-unsubscribe-lookup"
)

// press is the button of a mail program, as edge hands it on.
func (w *world) press(parameter, token string) int {
	w.t.Helper()
	r := w.post(web.Identity{}, "/internal/unsubscribe?"+values([]string{parameter, token}).Encode())
	return r.status
}

func (w *world) switches(id int64, news, unsubscribe string) {
	w.t.Helper()
	w.is(w.post(member(id), "/user/update-communication-preferences", why("newsletter", news, "email_unsubscribe", unsubscribe)...), `{"update_communication_preferences":"success"}`)
}

// Every token that was ever mailed unsubscribes its owner, whatever replaced it, and as often as the
// owner subscribes again.
func TestFormerTokensGoOnUnsubscribing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.verified("ann_lee", "annlee1@mail.example.com", "newsletter", "true")
	const masked = `"email_address":"annl***@mail.example.com"`
	var mailed []string
	for range 3 { // newsletters, and changes of mind on the account page
		mailed = append(mailed, w.account(id).UnsubscribeToken)
		w.switches(id, "false", "true")
		mailed = append(mailed, w.account(id).UnsubscribeToken)
		w.switches(id, "true", "false")
	}
	for i, token := range mailed {
		w.is(w.get(web.Identity{}, lookupPath, "token", token), `{"email_unsubscribe_lookup":"success",`+masked+`}`)
		if i%2 == 0 {
			got := w.post(web.Identity{}, confirmPath, "token", token)
			w.is(got, `{"email_unsubscribe_confirm":"success",`+masked+`,"token":"`+w.account(id).UnsubscribeToken+`"}`)
			w.is(w.post(web.Identity{}, confirmPath, "token", token), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)
		} else if got := w.press("token", token); got != 200 {
			t.Errorf("the button answered %d", got)
		}
		if a := w.account(id); !a.Unsubscribed || a.Newsletter {
			t.Errorf("token %d did not unsubscribe", i)
		}
		for k, other := range mailed { // the links of all other mails say that there is nothing to do
			if k == i || k < i && k%2 == 0 {
				continue
			}
			w.is(w.get(web.Identity{}, lookupPath, "token", other), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
		}
		w.switches(id, "true", "false")
	}
	w.is(w.get(web.Identity{}, lookupPath, "pr_token", mailed[0]), `{"email_unsubscribe_lookup":"error","errors":{"error":"member-not-found"}}`)
	if n := w.count(`SELECT count(*) FROM former_token WHERE member_id = $1`, id); n < len(mailed) {
		t.Errorf("%d former tokens", n)
	}
}

// The button of a mail program may be pressed any number of times, and replaces no token.
func TestButtonOfAMailProgram(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.is(w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "3"), `{"pythonabot_notify_me":"success"}`)
	w.exec(`UPDATE prospect SET unsubscribed = false`)
	before, _ := w.prospect("ann@mail.example.com")
	for _, token := range []string{"", "unknown", before.UnsubscribeToken + "x"} {
		if got := w.press("pr_token", token); got != 404 {
			t.Errorf("%q answered %d", token, got)
		}
	}
	for range 3 {
		if got := w.press("pr_token", before.UnsubscribeToken); got != 200 {
			t.Errorf("answered %d", got)
		}
	}
	p, _ := w.prospect("ann@mail.example.com")
	events := said[msg.Prospect](w, msg.ProspectChanged)
	if !p.Unsubscribed || p.UnsubscribeToken != before.UnsubscribeToken || len(events) != 2 || events[1].Refused == nil || !*events[1].Refused {
		t.Errorf("%+v, events %+v", p, events)
	}
	if n := w.count(`SELECT count(*) FROM consent WHERE what = 'marketing-mail' AND NOT given AND source = 'button of a mail program'`); n != 1 {
		t.Errorf("%d consents taken back", n)
	}
}

// Registering takes a prospect off the list, not the mails that the prospect got: their links and buttons
// unsubscribe the member.
func TestProspectsLinksUnsubscribeTheMember(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('Ann@mail.example.com', false, 'token1', 'code1'), ('bob@mail.example.com', false, 'token2', 'code2')`)
	ann := w.register("ann_lee", "ann@mail.example.com", "newsletter", "true")
	bob := w.register("bob_ray", "Bob@mail.example.com", "newsletter", "true")
	w.is(w.get(web.Identity{}, lookupPath, "pr_token", "token1"), `{"email_unsubscribe_lookup":"success","email_address":"Ann@mail.example.com"}`)
	if got := w.press("pr_token", "token2"); got != 200 {
		t.Errorf("the button answered %d", got)
	}
	if a := w.account(bob); !a.Unsubscribed || a.Newsletter {
		t.Error("the button did not unsubscribe the member")
	}
	p, _ := w.prospect("bob@mail.example.com")
	if !p.refused() {
		t.Errorf("prospect %+v", p)
	}
	w.is(w.get(web.Identity{}, lookupPath, "pr_token", "token2"), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
	if got := w.post(web.Identity{}, confirmPath, "pr_token", "token1"); got.status != 200 || !w.account(ann).Unsubscribed {
		t.Errorf("the link did not unsubscribe the member: %+v", got)
	}
	w.is(w.post(web.Identity{}, confirmPath, "pr_token", "token1"), `{"email_unsubscribe_confirm":"error","errors":{"error":"member-not-found"}}`)
	// Who registers without newsletters has nothing left to unsubscribe.
	w.exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('cid@mail.example.com', false, 'token3', 'code3')`)
	w.register("cid_lee", "cid@mail.example.com")
	w.is(w.get(web.Identity{}, lookupPath, "pr_token", "token3"), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"}}`)
}

// "No" under one spelling of an address is said for all.
func TestNoIsSaidForAllSpellings(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	capital := w.verified("ann_one", "Ann@mail.example.com", "newsletter", "true")
	lower := w.register("ann_two", "ann@mail.example.com", "newsletter", "true")
	other := w.register("bob_ray", "bob@mail.example.com", "newsletter", "true")
	w.exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES ('ANN@mail.example.com', false, 'token1', 'code1'), ('aNN@mail.example.com', false, 'token2', 'code2')`)
	if got := w.press("pr_token", "token2"); got != 200 {
		t.Fatalf("answered %d", got)
	}
	for _, id := range []int64{capital, lower} {
		if a := w.account(id); !a.Unsubscribed || a.Newsletter {
			t.Errorf("%s still gets newsletters", a.Email)
		}
	}
	if n := w.count(`SELECT count(*) FROM prospect WHERE unsubscribed AND unsubscribed_at IS NOT NULL`); n != 2 {
		t.Errorf("%d of 2 prospects are unsubscribed", n)
	}
	if a := w.account(other); a.Unsubscribed || len(said[msg.Member](w, msg.UserPreferencesChanged)) != 2 {
		t.Errorf("%+v", a)
	}
	// On the account page, too, by who has proved the address; another's word for it counts for that one alone.
	w.switches(capital, "true", "false")
	w.switches(lower, "false", "true")
	if a := w.account(capital); a.Unsubscribed {
		t.Error("an account that has not proved the address speaks for one that has")
	}
	w.switches(lower, "true", "false")
	w.switches(capital, "false", "true")
	if a := w.account(lower); !a.Unsubscribed {
		t.Error("the owner's no does not reach the other account")
	}
}

// Chat, waiting list, receipt addresses and orders find the person whatever letters are capital.
func TestOneAddressIsOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := web.Identity{}
	w.is(w.post(nobody, "/user/pythonabot-notify-me", "email_address", "Ann@Mail.example.com", "how_excited", "3"), `{"pythonabot_notify_me":"success"}`)
	w.is(w.post(nobody, "/user/pythonabot-notify-me", "email_address", "aNN@mail.example.com", "how_excited", "3"),
		`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"…"}],"how_excited":true}}`)
	w.is(w.post(nobody, "/user/put-chat-message", "name", "Ann", "email_address", "ANN@mail.example.com", "message", "Hello"), `{"put_chat_message":"true"}`)
	w.receive(placed(t, "A1", "ann@mail.example.com", "code1", true))
	p, found := w.prospect("Ann@mail.example.com")
	if !found || p.Unsubscribed || len(p.Aliases) != 1 || w.count(`SELECT count(*) FROM prospect`) != 1 {
		t.Errorf("prospect %+v", p)
	}
	if got := w.press("pr_token", p.UnsubscribeToken); got != 200 {
		t.Errorf("answered %d", got)
	}
	// Registering converts it; the proof hands over what waited.
	id := w.register("ann_lee", "aNn@mail.example.com", "newsletter", "true")
	p, _ = w.prospect("Ann@mail.example.com")
	if p.Converted == nil || !p.refused() {
		t.Errorf("prospect %+v", p)
	}
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", w.lastMail(msg.MailWelcome).Data["code"]), `{"verify_email_address_response":"success"}`)
	if n := w.count(`SELECT count(*) FROM chat_message WHERE member_id = $1`, id); n != 1 {
		t.Errorf("%d chat messages", n)
	}
	// With the proof, what was asked for when registering is the owner's word, and the newest one.
	if p, _ = w.prospect("Ann@mail.example.com"); p.refused() || !p.Unsubscribed {
		t.Errorf("prospect %+v", p)
	}
	w.receive(placed(t, "A2", "ANN@mail.example.com", "code2", true)) // a member's by now
	if n := w.count(`SELECT count(*) FROM prospect`); n != 1 {
		t.Errorf("%d prospects", n)
	}
}
