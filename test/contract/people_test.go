package contract

import (
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var people = map[string]func(*testing.T, *env){
	"terms":                 testTerms,
	"preferences":           testPreferences,
	"unsubscribe":           testUnsubscribe,
	"unsubscribe prospect":  testUnsubscribeProspect,
	"chat and conversion":   testChat,
	"waiting list":          testWaitingList,
	"address of a prospect": testAddressCall,
}

const wordTrue = "true"

func termsError(code string) string {
	return `{"terms_of_use_agree":"error","errors":{"error":"` + code + `"},"user-api-version":"0.0.1"}`
}

// Members agree once to the newest version of the terms, and to no other.
func testTerms(t *testing.T, e *env) {
	b := e.browser(t)
	b.register()
	agree := func(version string) testenv.Answer { return b.post("/user/terms-of-use-agree", "version", version) }

	b.post("/user/terms-of-use-agree").Is(termsError("version-required"))
	for _, unknown := range []string{"x", "0", "-1", "99", "1.0", "99999999999999999999", " 1", "+1", "1_0"} {
		agree(unknown).Is(`{"terms_of_use_agree":"error","errors":{"error":"version-not-found"},"version":"` + unknown +
			`","user-api-version":"0.0.1"}`)
	}
	agree("1").Is(`{"terms_of_use_agree":"error","errors":{"error":"version-already-agreed"},"version":"1","user-api-version":"0.0.1"}`)

	a := b.get("/user/terms-of-use-agree")
	if a.Status != 405 && a.Text("errors", "error") != "version-required" {
		t.Errorf("GET answered %d %s", a.Status, a.Body)
	}

	// A new version.
	late := e.browser(t)
	late.register()
	e.exec(t, "user", "INSERT INTO terms_version (version, note) VALUES (2, '<p>New.</p>')")
	for _, b := range []*browser{b, late} {
		b.get("/user/terms-of-use-agree-check").Is(
			`{"terms_of_use_agree_check":false,"version":2,"version_note":"<p>New.</p>","user-api-version":"0.0.1"}`)
		b.post("/user/terms-of-use-agree", "version",
			"1").Is(`{"terms_of_use_agree":"error","errors":{"error":"version-provided-not-most-recent"},"version":"1",` +
			`"user-api-version":"0.0.1"}`)
		b.post("/user/terms-of-use-agree", "version", "2").Is(`{"terms_of_use_agree":"success","version":"2","user-api-version":"0.0.1"}`)
		b.post("/user/terms-of-use-agree", "version",
			"2").Is(`{"terms_of_use_agree":"error","errors":{"error":"version-already-agreed"},"version":"2","user-api-version":"0.0.1"}`)
		b.get("/user/terms-of-use-agree-check").Is(`{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
	}

	fresh := e.browser(t)
	fresh.register()
	fresh.get("/user/terms-of-use-agree-check").Is(`{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
}

func reasons(newsletter, unsubscribe, first, other string) []string {
	return []string{"newsletter", newsletter, "email_unsubscribe", unsubscribe, "no_longer_want_to_receive", first, "never_signed_up",
		"false", "inappropriate", "false", "spam", "false", "other", other}
}

// Mail preferences are changed with all their keys at once. The unsubscribe token changes with the
// switch.
func testPreferences(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	set := func(pairs ...string) testenv.Answer {
		return b.post("/user/update-communication-preferences", pairs...)
	}
	const success = `{"update_communication_preferences":"success","user-api-version":"0.0.1"}`
	token := func() string {
		return e.db(t, "user").Text("SELECT unsubscribe_token FROM account WHERE username = $1", m.username)
	}
	state := func(newsletter, unsubscribed bool) {
		t.Helper()
		a := b.get("/user/account-content")
		a.Want(newsletter, "account_content", "personal_data", "newsletter_subscriber")
		a.Want(unsubscribed, "account_content", "personal_data", "email_unsubscribed")
	}

	// Missing keys, and a contradiction.
	missing := `{"update_communication_preferences":"errors","errors":{"data_missing":"*"},"user-api-version":"0.0.1"}`
	set(reasons("", "", "", "")[2:]...).Is(missing)
	set(append([]string{"newsletter", "true"}, reasons("", "", "", "")[4:]...)...).Is(missing)
	set(reasons(wordTrue, wordTrue, "", "")...).Is(
		`{"update_communication_preferences":"errors","errors":{"invalid_data":"*"},"user-api-version":"0.0.1"}`)
	state(true, false)

	// The token stays with the switch.
	before := token()
	set(reasons("false", "false", "false", "")...).Is(success)
	state(false, false)
	want(t, "the token when the switch stays", token(), before)

	stored := func() int {
		return e.db(t, "user").Number("SELECT count(*) FROM unsubscribe_reason WHERE member_id = (SELECT id FROM account WHERE username "+
			"= $1)", m.username)
	}
	want(t, "reasons", stored(), 0)

	// The token changes with the switch.
	set(reasons("True", "true", "true", "")...).Is(success)
	state(false, true)
	want(t, "reasons", stored(), 1)
	if token() == before {
		t.Error("the token stays when the switch changes")
	}

	set(reasons("1", "false", "false", "because é")...).Is(success)
	state(false, false)
	want(t, "reasons", stored(), 2)

	// Long reasons.
	if a := set(reasons("false", "false", "", strings.Repeat("é", 5000))...); a.Status != 200 {
		t.Errorf("a reason of 5000 letters: %d %s", a.Status, a.Body)
	}
	if a := set(reasons("false", "false", "", strings.Repeat("é", 5001))...); a.Status >= 500 {
		t.Errorf("a reason of 5001 letters: %d %s", a.Status, a.Body)
	}
}

// A member unsubscribes by the token of a mail.
func testUnsubscribe(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	token := e.db(t, "user").Text("SELECT unsubscribe_token FROM account WHERE username = $1", m.username)
	unsubscribes(t, e, "token", token, m.email)
	a := b.get("/user/account-content")
	a.Want(false, "account_content", "personal_data", "newsletter_subscriber")
	a.Want(true, "account_content", "personal_data", "email_unsubscribed")
}

// A prospect unsubscribes by the token of a mail.
func testUnsubscribeProspect(t *testing.T, e *env) {
	b := e.browser(t)
	address := email()
	b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "3")
	token := e.db(t, "user").Text("SELECT unsubscribe_token FROM prospect WHERE email = $1", address)
	b.get("/user/email-unsubscribe-lookup?pr_token=" + token).Is(
		`{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"},"user-api-version":"0.0.1"}`)
	b.post("/user/email-unsubscribe-confirm", "pr_token",
		token).Is(`{"email_unsubscribe_confirm":"error","errors":{"error":"email-address-already-unsubscribed"},` +
		`"user-api-version":"0.0.1"}`)
	e.exec(t, "user", "UPDATE prospect SET unsubscribed = false WHERE email = $1", address)
	unsubscribes(t, e, "pr_token", token, address)
}

// unsubscribes follows an unsubscribe link to its end.
func unsubscribes(t *testing.T, e *env, key, token, address string) {
	t.Helper()
	b := e.browser(t)
	local, domain, _ := strings.Cut(address, "@")
	masked := local[:4] + strings.Repeat("*", len(local)-4) + "@" + domain
	refusals := func(name string, ask func(pairs ...string) testenv.Answer) {
		t.Helper()
		for code, pairs := range map[string][]string{"token-required": nil, "member-not-found": {key, "nobody"}} {
			ask(pairs...).Is(`{"` + name + `":"error","errors":{"error":"` + code + `"},"user-api-version":"0.0.1"}`)
		}
		ask(key, "").Is(`{"` + name + `":"error","errors":{"error":"member-not-found"},"user-api-version":"0.0.1"}`)
		ask("token", "nobody", "pr_token", token).Is(`{"` + name +
			`":"error","errors":{"error":"member-not-found"},"user-api-version":"0.0.1"}`)
	}
	lookup := func(pairs ...string) testenv.Answer {
		return b.get("/user/email-unsubscribe-lookup?" + testenv.Form(pairs...).Encode())
	}
	confirm := func(pairs ...string) testenv.Answer { return b.post("/user/email-unsubscribe-confirm", pairs...) }
	why := func(pairs ...string) testenv.Answer {
		return b.post("/user/email-unsubscribe-why",
			append([]string{"no_longer_want_to_receive", "true", "never_signed_up", "false", "inappropriate", "", "spam", "false", "other",
				""}, pairs...)...)
	}

	wantPlain(t, token)
	refusals("email_unsubscribe_lookup", lookup)
	refusals("email_unsubscribe_confirm", confirm)
	refusals("email_unsubscribe_why", why)

	lookup(key, token).Is(`{"email_unsubscribe_lookup":"success","email_address":"` + masked + `","user-api-version":"0.0.1"}`)
	a := confirm(key, token)
	a.Is(`{"email_unsubscribe_confirm":"success","email_address":"` + masked + `","token":"*","user-api-version":"0.0.1"}`)
	next := a.Text("token")
	wantPlain(t, next)
	if next == token {
		t.Error("the token stays")
	}

	b.wantRefusal(lookup(key, token), "member-not-found")
	b.wantRefusal(lookup(key, next), "email-address-already-unsubscribed")
	b.wantRefusal(confirm(key, next), "email-address-already-unsubscribed")

	for range 2 {
		why(key, next).Is(`{"email_unsubscribe_why":"success","user-api-version":"0.0.1"}`)
	}
}

// A chat message makes a prospect of an unknown address, and belongs to the member once the address
// is verified.
func testChat(t *testing.T, e *env) {
	visitor := e.browser(t)
	address := email()
	chat := func(b *browser, address string) {
		t.Helper()
		b.post("/user/put-chat-message", "name", "Pat", "email_address", address, "message",
			"The secret of "+address).Is(`{"put_chat_message":"true","user-api-version":"0.0.1"}`)
	}
	chat(visitor, address)
	if code := e.db(t, "user").Text("SELECT pr_cd FROM prospect WHERE email = $1 AND unsubscribed",
		address); !regexp.MustCompile(`^[A-Za-z0-9]{20}$`).MatchString(code) {
		t.Errorf("the prospect's code is %q", code)
	}
	visitor.post("/user/pythonabot-notify-me", "email_address", address, "how_excited",
		"1").Is(`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],` +
		`"how_excited":true},"user-api-version":"0.0.1"}`)
	testenv.Eventually(t, patience, "a mail to staff", func() bool { return len(e.mails("staff")) > 0 || len(e.staffMails(t)) > 0 })
	for _, mail := range e.staffMails(t) {
		if strings.Contains(mail.Text+mail.HTML, "The secret") {
			t.Errorf("the mail to staff tells the message:\n%s", mail.Text)
		}
	}
	if n := len(e.mails(address)); n != 0 {
		t.Errorf("the sender gets %d mails", n)
	}
	// Two members with one address.
	shared := email()
	for range 2 {
		b := e.browser(t)
		b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address", shared,
			"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	}
	chat(e.browser(t), shared)
	want(t, "prospects of a member's address", e.db(t, "user").Number("SELECT count(*) FROM prospect WHERE email = $1", shared), 0)

	// The prospect is converted when the address is verified, not before.
	b := e.browser(t)
	m := member{name("member_"), address, password}
	b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", address,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	owned := func() int {
		return e.db(t, "user").Number("SELECT count(*) FROM chat_message WHERE member_id = (SELECT id FROM account WHERE username = $1)",
			m.username)
	}
	want(t, "messages before the proof", owned(), 0)
	b.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, e.awaitMailWith(t, address, verifyLink, 1).Text, verifyLink)).Is(
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	testenv.Eventually(t, patience, "the message belongs to the member", func() bool { return owned() == 1 })
	want(t, "converted prospects", e.db(t, "user").Number(
		"SELECT count(*) FROM prospect WHERE email = $1 AND converted IS NOT NULL AND swa_comment LIKE '%' || $2 || '%'", address,
		m.username), 1)
	chat(b, email())
	want(t, "a member's messages", owned(), 2)
}

// The waiting list takes each address once, also that of a member.
func testWaitingList(t *testing.T, e *env) {
	b := e.browser(t)
	address := email()
	notify := func(address string) testenv.Answer {
		return b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "4")
	}
	notify(address).Is(`{"pythonabot_notify_me":"success","user-api-version":"0.0.1"}`)
	notify(address).Is(`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],` +
		`"how_excited":true},"user-api-version":"0.0.1"}`)
	b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited",
		"9").Is(`{"pythonabot_notify_me":"validation_error","errors":{"email_address":true,
		"how_excited":[{"type":"out_of_range","description":"*"}]},"user-api-version":"0.0.1"}`)
	want(t, "excitement", e.db(t, "user").Number("SELECT how_excited FROM prospect WHERE email = $1 AND unsubscribed", address), 4)
	m := e.browser(t).register()
	notify(m.email).Is(`{"pythonabot_notify_me":"success","user-api-version":"0.0.1"}`)
}

// The address for a visitor's receipt must not be a verified member's, and makes a prospect.
func testAddressCall(t *testing.T, e *env) {
	b := e.browser(t)
	ask := func(address string) testenv.Answer {
		return b.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", address)
	}
	required := `{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"error",` +
		`"errors":{"error":"anonymous-email-address-required","description":"*"},"order-api-version":"0.0.1"}`
	ask("").Is(required)
	b.post("/order/anonymous-email-address-payment-lookup").Is(required)

	// A member's address, not verified and then verified.
	owner := e.browser(t)
	m := owner.register()
	ask(m.email).Is(`{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"success","stripe_publishable_key":"*",` +
		`"customer_data":null,"order-api-version":"0.0.1"}`)
	owner.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 1).Text, verifyLink)).Is(
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	a := ask(strings.ToUpper(m.email))
	a.Is(`{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"error",` +
		`"errors":{"error":"email-address-is-associated-with-member","description":"*"},"order-api-version":"0.0.1"}`)
	wantParts(t, a.Text("errors", "description"), "/login?next=checkout/confirm", "<a ")

	// A visitor's address.
	address := email()
	for range 2 {
		a := ask(address)
		a.Is(`{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"success","stripe_publishable_key":"*",` +
			`"customer_data":null,"order-api-version":"0.0.1"}`)
	}
	testenv.Eventually(t, patience, "a prospect", func() bool {
		return e.db(t, "user").Number("SELECT count(*) FROM prospect WHERE email = $1 AND unsubscribed AND unsubscribe_token <> '' AND "+
			"swa_comment || prospect_comment <> ''", address) == 1
	})

	b.get("/order/change-confirmation-email-address").Is(
		`{"checkout_allowed":true,"change_confirmation_email_address":"success","order-api-version":"0.0.1"}`)

	// The next request already finds the prospect. Three times in a row suffice, since a busy
	// machine may be late once.
	row := 0
	testenv.Eventually(t, patience, "an address is a prospect's as soon as it was given", func() bool {
		address := email()
		ask(address)
		row++
		if b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited",
			"3").At("pythonabot_notify_me") != "duplicate_prospect" {
			row = 0
		}
		return row == 3
	})
}

// staffMails are the mails to the shop's staff.
func (e *env) staffMails(t *testing.T) []shoptest.Mail {
	t.Helper()
	return e.mails("staff@startupwebapp.example")
}
