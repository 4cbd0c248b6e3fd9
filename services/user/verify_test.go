package user

import (
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A member proves the address by the newest code that was mailed there, once.
func TestVerifyEmailAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const ask, path = "/user/verify-email-address", "/user/verify-email-address-response"
	id := e.register("ann_lee", "ann@mail.example.com")
	bob := e.register("bob_ray", "bob@mail.example.com")
	redeem := func(who int64, code string) testenv.Answer {
		return e.As(member(who)).Post(path, "email_verification_code", code)
	}
	first, bobs := e.mails(msg.MailWelcome)[0].Data["code"], e.mails(msg.MailWelcome)[1].Data["code"]

	e.is(e.Get(ask), `{"verify_email_address":"user_not_authenticated"}`)
	e.is(e.As(member(999)).Get(ask), `{"verify_email_address":"user_not_authenticated"}`)
	e.is(e.As(member(id)).Get(ask), `{"verify_email_address":"verification_email_sent"}`)
	mail := e.lastMail(msg.MailVerify)
	if mail.To[0] != "ann@mail.example.com" || mail.Data["first_name"] != "Ann" || mail.Deadline.Sub(mail.CreatedAt) != 24*time.Hour {
		t.Errorf("mail %+v", mail)
	}

	// Codes that are refused.
	e.is(e.Post(path, "email_verification_code", mail.Data["code"]), `{"verify_email_address_response":"user_not_authenticated"}`)
	e.is(redeem(id, first), `{"verify_email_address_response":"code-doesnt-match"}`)
	e.is(redeem(id, bobs), `{"verify_email_address_response":"code-doesnt-match"}`)
	e.is(redeem(bob, mail.Data["code"]), `{"verify_email_address_response":"code-doesnt-match"}`)
	e.is(redeem(999, mail.Data["code"]), `{"verify_email_address_response":"code-doesnt-match"}`)
	e.is(redeem(id, ""), `{"verify_email_address_response":"signature-invalid"}`)
	e.is(redeem(id, mail.Data["code"]+"x"), `{"verify_email_address_response":"signature-invalid"}`)
	e.is(redeem(id, newCode(e.codeKey, codeVerify, time.Now().Add(-2*time.Second))),
		`{"verify_email_address_response":"signature-expired"}`)
	if e.account(id).EmailVerified || len(outboxPayloads[msg.Member](e, msg.UserEmailVerified)) != 0 {
		t.Fatal("verified by a refused code")
	}

	// The newest code counts once.
	e.is(redeem(id, mail.Data["code"]), `{"verify_email_address_response":"success"}`)
	e.is(redeem(id, mail.Data["code"]), `{"verify_email_address_response":"code-doesnt-match"}`)
	events := outboxPayloads[msg.Member](e, msg.UserEmailVerified)
	if !e.account(id).EmailVerified || len(events) != 1 || events[0].ID != id || !events[0].EmailVerified || events[0].Version != 2 {
		t.Errorf("events %+v", events)
	}
	e.is(redeem(bob, bobs), `{"verify_email_address_response":"success"}`)
}

// A request that comes again, because the process that had it died, is sent one code in all.
func TestAVerificationSentAgainIsOneMail(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const ask = "/user/verify-email-address"
	id := e.register("ann_lee", "ann@mail.example.com")
	again := e.As(member(id))
	again.Header = http.Header{"X-Shop-Again": {"1"}}
	mails := func(asked *testenv.Client, want int) {
		t.Helper()
		e.is(asked.Get(ask), `{"verify_email_address":"verification_email_sent"}`)
		if n := len(e.mails(msg.MailVerify)); n != want {
			t.Errorf("%d mails, want %d", n, want)
		}
	}

	mails(e.As(member(id)), 1)
	mails(again, 1)
	mails(e.As(member(id)), 2) // another click
	e.Exec(`UPDATE code SET issued = issued - interval '1 minute'`)
	mails(again, 3) // the process that died had mailed none
	e.is(e.As(member(id)).Post(ask+"-response", "email_verification_code", e.lastMail(msg.MailVerify).Data["code"]),
		`{"verify_email_address_response":"success"}`)
}

// Messages that were written as a visitor become a member's only with the proof of the address.
func TestChatMessagesWaitForTheProof(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	chat := func(who web.Identity, email string) {
		t.Helper()
		e.is(e.As(who).Post("/user/put-chat-message", "name", "Ann", "email_address", email, "message", "Hello"),
			`{"put_chat_message":"true"}`)
	}
	mine := func(id int64) int { return e.Number(`SELECT count(*) FROM chat_message WHERE member_id = $1`, id) }

	// Before the proof.
	chat(web.Identity{}, "ann@MAIL.example.com")
	prospect, found := e.prospect("ann@mail.example.com")
	if !found || !prospect.Unsubscribed || e.Number(`SELECT count(*) FROM chat_message WHERE prospect_id = $1`, prospect.ID) != 1 {
		t.Fatalf("prospect %+v", prospect)
	}
	id := e.register("ann_lee", "ann@mail.example.com")
	chat(web.Identity{}, "ann@mail.example.com")
	if n := mine(id); n != 0 {
		t.Errorf("%d messages moved without proof", n)
	}
	chat(member(id), "other@mail.example.com")
	if n := mine(id); n != 1 {
		t.Errorf("%d messages of the logged-in member", n)
	}

	// After the proof.
	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", e.lastMail(msg.MailWelcome).Data["code"]),
		`{"verify_email_address_response":"success"}`)
	if n := mine(id); n != 3 {
		t.Errorf("%d messages after the proof", n)
	}
	chat(web.Identity{}, "ann@mail.example.com")
	if n := mine(id); n != 4 {
		t.Errorf("%d messages after one from the proved address", n)
	}

	// A second account of the address gets nothing.
	other := e.register("ann_two", "ann@mail.example.com")
	chat(web.Identity{}, "ann@mail.example.com")
	if mine(id) != 5 || mine(other) != 0 {
		t.Errorf("%d and %d messages of two members of one address", mine(id), mine(other))
	}
	if _, found := e.prospect("other@mail.example.com"); found {
		t.Error("a member's message made a prospect")
	}
}

// Registering converts the prospect of the address once, notes it, and tells the other services.
func TestRegisteringConvertsAProspect(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "5"),
		`{"pythonabot_notify_me":"success"}`)
	e.Exec(`UPDATE prospect SET unsubscribed = false`)
	e.register("ann_lee", "ann@MAIL.example.com")
	p, _ := e.prospect("ann@mail.example.com")
	if p.Converted == nil || !p.Unsubscribed || p.Version != 2 {
		t.Errorf("prospect %+v", p)
	}

	if n := e.Number(`SELECT count(*) FROM prospect WHERE swa_comment LIKE '%waiting list.' || chr(10) || 'Registered as ` +
		`ann_lee%'`); n != 1 {
		t.Error("the conversion is not noted")
	}

	events := outboxPayloads[msg.Prospect](e, msg.ProspectChanged)
	if len(events) != 2 || !events[1].Unsubscribed || events[1].Version != 2 {
		t.Errorf("events %+v", events)
	}

	e.register("ann_two", "ann@mail.example.com")
	again, _ := e.prospect("ann@mail.example.com")
	if !again.Converted.Equal(*p.Converted) || again.Version != 3 {
		t.Errorf("converted twice: %+v", again)
	}

	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "5"),
		`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],`+
			`"how_excited":true}}`)
}
