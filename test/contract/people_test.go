package contract

import (
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var people = map[string]func(*testing.T, *world){
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

func testTerms(t *testing.T, w *world) {
	b := w.browser(t)
	b.register()
	agree := func(version string) answer { return b.post("/user/terms-of-use-agree", "version", version) }
	b.is(b.post("/user/terms-of-use-agree"), termsError("version-required"))
	for _, unknown := range []string{"x", "0", "-1", "99", "1.0", "99999999999999999999", " 1", "+1", "1_0"} {
		b.is(agree(unknown), `{"terms_of_use_agree":"error","errors":{"error":"version-not-found"},"version":"`+unknown+`","user-api-version":"0.0.1"}`)
	}
	b.is(agree("1"), `{"terms_of_use_agree":"error","errors":{"error":"version-already-agreed"},"version":"1","user-api-version":"0.0.1"}`)
	a := b.get("/user/terms-of-use-agree")
	if a.status != 405 && a.str("errors", "error") != "version-required" {
		t.Errorf("GET answered %d %s", a.status, a.body)
	}
	late := w.browser(t)
	late.register()
	w.exec(t, "user", "INSERT INTO terms_version (version, note) VALUES (2, '<p>New.</p>')")
	for _, b := range []*browser{b, late} {
		b.is(b.get("/user/terms-of-use-agree-check"), `{"terms_of_use_agree_check":false,"version":2,"version_note":"<p>New.</p>","user-api-version":"0.0.1"}`)
		b.is(b.post("/user/terms-of-use-agree", "version", "1"), `{"terms_of_use_agree":"error","errors":{"error":"version-provided-not-most-recent"},"version":"1","user-api-version":"0.0.1"}`)
		b.is(b.post("/user/terms-of-use-agree", "version", "2"), `{"terms_of_use_agree":"success","version":"2","user-api-version":"0.0.1"}`)
		b.is(b.post("/user/terms-of-use-agree", "version", "2"), `{"terms_of_use_agree":"error","errors":{"error":"version-already-agreed"},"version":"2","user-api-version":"0.0.1"}`)
		b.is(b.get("/user/terms-of-use-agree-check"), `{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
	}
	fresh := w.browser(t)
	fresh.register()
	fresh.is(fresh.get("/user/terms-of-use-agree-check"), `{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
}

func reasons(newsletter, unsubscribe, first, other string) []string {
	return []string{"newsletter", newsletter, "email_unsubscribe", unsubscribe, "no_longer_want_to_receive", first, "never_signed_up", "false", "inappropriate", "false", "spam", "false", "other", other}
}

func testPreferences(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	set := func(pairs ...string) answer { return b.post("/user/update-communication-preferences", pairs...) }
	const success = `{"update_communication_preferences":"success","user-api-version":"0.0.1"}`
	token := func() string {
		return w.text(t, "user", "SELECT unsubscribe_token FROM account WHERE username = $1", m.username)
	}
	state := func(newsletter, unsubscribed bool) {
		t.Helper()
		a := b.get("/user/account-content")
		b.has(a, newsletter, "account_content", "personal_data", "newsletter_subscriber")
		b.has(a, unsubscribed, "account_content", "personal_data", "email_unsubscribed")
	}
	missing := `{"update_communication_preferences":"errors","errors":{"data_missing":"*"},"user-api-version":"0.0.1"}`
	b.is(set(reasons("", "", "", "")[2:]...), missing)
	b.is(set(append([]string{"newsletter", "true"}, reasons("", "", "", "")[4:]...)...), missing)
	b.is(set(reasons(wordTrue, wordTrue, "", "")...), `{"update_communication_preferences":"errors","errors":{"invalid_data":"*"},"user-api-version":"0.0.1"}`)
	state(true, false)
	before := token()
	b.is(set(reasons("false", "false", "false", "")...), success)
	state(false, false)
	want(t, "the token when the switch stays", token(), before)
	stored := func() int {
		return w.count(t, "user", "SELECT count(*) FROM unsubscribe_reason WHERE member_id = (SELECT id FROM account WHERE username = $1)", m.username)
	}
	want(t, "reasons", stored(), 0)
	b.is(set(reasons("True", "true", "true", "")...), success)
	state(false, true)
	want(t, "reasons", stored(), 1)
	if token() == before {
		t.Error("the token stays when the switch changes")
	}
	b.is(set(reasons("1", "false", "false", "because é")...), success)
	state(false, false)
	want(t, "reasons", stored(), 2)
	if a := set(reasons("false", "false", "", strings.Repeat("é", 5000))...); a.status != 200 {
		t.Errorf("a reason of 5000 letters: %d %s", a.status, a.body)
	}
	if a := set(reasons("false", "false", "", strings.Repeat("é", 5001))...); a.status >= 500 {
		t.Errorf("a reason of 5001 letters: %d %s", a.status, a.body)
	}
}

func testUnsubscribe(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	token := w.text(t, "user", "SELECT unsubscribe_token FROM account WHERE username = $1", m.username)
	unsubscribes(t, w, "token", token, m.email)
	a := b.get("/user/account-content")
	b.has(a, false, "account_content", "personal_data", "newsletter_subscriber")
	b.has(a, true, "account_content", "personal_data", "email_unsubscribed")
}

func testUnsubscribeProspect(t *testing.T, w *world) {
	b := w.browser(t)
	address := email()
	b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "3")
	token := w.text(t, "user", "SELECT unsubscribe_token FROM prospect WHERE email = $1", address)
	b.is(b.get("/user/email-unsubscribe-lookup?pr_token="+token), `{"email_unsubscribe_lookup":"error","errors":{"error":"email-address-already-unsubscribed"},"user-api-version":"0.0.1"}`)
	b.is(b.post("/user/email-unsubscribe-confirm", "pr_token", token), `{"email_unsubscribe_confirm":"error","errors":{"error":"email-address-already-unsubscribed"},"user-api-version":"0.0.1"}`)
	w.exec(t, "user", "UPDATE prospect SET unsubscribed = false WHERE email = $1", address)
	unsubscribes(t, w, "pr_token", token, address)
}

// unsubscribes goes the way of an unsubscribe link.
func unsubscribes(t *testing.T, w *world, key, token, address string) {
	t.Helper()
	b := w.browser(t)
	local, domain, _ := strings.Cut(address, "@")
	masked := local[:4] + strings.Repeat("*", len(local)-4) + "@" + domain
	refusals := func(name string, ask func(pairs ...string) answer) {
		t.Helper()
		for code, pairs := range map[string][]string{"token-required": nil, "member-not-found": {key, "nobody"}} {
			b.is(ask(pairs...), `{"`+name+`":"error","errors":{"error":"`+code+`"},"user-api-version":"0.0.1"}`)
		}
		b.is(ask(key, ""), `{"`+name+`":"error","errors":{"error":"member-not-found"},"user-api-version":"0.0.1"}`)
		b.is(ask("token", "nobody", "pr_token", token), `{"`+name+`":"error","errors":{"error":"member-not-found"},"user-api-version":"0.0.1"}`)
	}
	lookup := func(pairs ...string) answer { return b.get("/user/email-unsubscribe-lookup?" + form(pairs...)) }
	confirm := func(pairs ...string) answer { return b.post("/user/email-unsubscribe-confirm", pairs...) }
	why := func(pairs ...string) answer {
		return b.post("/user/email-unsubscribe-why", append([]string{"no_longer_want_to_receive", "true", "never_signed_up", "false", "inappropriate", "", "spam", "false", "other", ""}, pairs...)...)
	}
	plain(t, token)
	refusals("email_unsubscribe_lookup", lookup)
	refusals("email_unsubscribe_confirm", confirm)
	refusals("email_unsubscribe_why", why)
	b.is(lookup(key, token), `{"email_unsubscribe_lookup":"success","email_address":"`+masked+`","user-api-version":"0.0.1"}`)
	a := confirm(key, token)
	b.is(a, `{"email_unsubscribe_confirm":"success","email_address":"`+masked+`","token":"*","user-api-version":"0.0.1"}`)
	next := a.str("token")
	plain(t, next)
	if next == token {
		t.Error("the token stays")
	}
	b.refused(lookup(key, token), "member-not-found")
	b.refused(lookup(key, next), "email-address-already-unsubscribed")
	b.refused(confirm(key, next), "email-address-already-unsubscribed")
	for range 2 {
		b.is(why(key, next), `{"email_unsubscribe_why":"success","user-api-version":"0.0.1"}`)
	}
}

func testChat(t *testing.T, w *world) {
	visitor := w.browser(t)
	address := email()
	chat := func(b *browser, address string) {
		t.Helper()
		b.is(b.post("/user/put-chat-message", "name", "Pat", "email_address", address, "message", "The secret of "+address), `{"put_chat_message":"true","user-api-version":"0.0.1"}`)
	}
	chat(visitor, address)
	if code := w.text(t, "user", "SELECT pr_cd FROM prospect WHERE email = $1 AND unsubscribed", address); !regexp.MustCompile(`^[A-Za-z0-9]{20}$`).MatchString(code) {
		t.Errorf("the prospect's code is %q", code)
	}
	visitor.is(visitor.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "1"),
		`{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],"how_excited":true},"user-api-version":"0.0.1"}`)
	eventually(t, "a mail to staff", func() bool { return len(w.mails("staff")) > 0 || len(w.staffMails(t)) > 0 })
	for _, mail := range w.staffMails(t) {
		if strings.Contains(mail.Text+mail.HTML, "The secret") {
			t.Errorf("the mail to staff tells the message:\n%s", mail.Text)
		}
	}
	if n := len(w.mails(address)); n != 0 {
		t.Errorf("the sender gets %d mails", n)
	}
	// Two members share an address.
	shared := email()
	for range 2 {
		b := w.browser(t)
		b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address", shared,
			"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	}
	chat(w.browser(t), shared)
	want(t, "prospects of a member's address", w.count(t, "user", "SELECT count(*) FROM prospect WHERE email = $1", shared), 0)

	// Conversion waits for the proof of the address.
	b := w.browser(t)
	m := member{name("member_"), address, password}
	b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", m.username, "email_address", address,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	owned := func() int {
		return w.count(t, "user", "SELECT count(*) FROM chat_message WHERE member_id = (SELECT id FROM account WHERE username = $1)", m.username)
	}
	want(t, "messages before the proof", owned(), 0)
	b.is(b.post("/user/verify-email-address-response", "email_verification_code", codeIn(t, w.mailWith(t, address, verifyLink, 1).Text, verifyLink)),
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	eventually(t, "the message belongs to the member", func() bool { return owned() == 1 })
	want(t, "converted prospects", w.count(t, "user", "SELECT count(*) FROM prospect WHERE email = $1 AND converted IS NOT NULL AND swa_comment LIKE '%' || $2 || '%'", address, m.username), 1)
	chat(b, email())
	want(t, "a member's messages", owned(), 2)
}

func testWaitingList(t *testing.T, w *world) {
	b := w.browser(t)
	address := email()
	notify := func(address string) answer {
		return b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "4")
	}
	b.is(notify(address), `{"pythonabot_notify_me":"success","user-api-version":"0.0.1"}`)
	b.is(notify(address), `{"pythonabot_notify_me":"duplicate_prospect","errors":{"email_address":[{"type":"duplicate","description":"*"}],"how_excited":true},"user-api-version":"0.0.1"}`)
	b.is(b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "9"), `{"pythonabot_notify_me":"validation_error","errors":{"email_address":true,
		"how_excited":[{"type":"out_of_range","description":"*"}]},"user-api-version":"0.0.1"}`)
	want(t, "excitement", w.count(t, "user", "SELECT how_excited FROM prospect WHERE email = $1 AND unsubscribed", address), 4)
	m := w.browser(t).register()
	b.is(notify(m.email), `{"pythonabot_notify_me":"success","user-api-version":"0.0.1"}`)
}

func testAddressCall(t *testing.T, w *world) {
	b := w.browser(t)
	ask := func(address string) answer {
		return b.post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", address)
	}
	required := `{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"error","errors":{"error":"anonymous-email-address-required","description":"*"},"order-api-version":"0.0.1"}`
	b.is(ask(""), required)
	b.is(b.post("/order/anonymous-email-address-payment-lookup"), required)
	owner := w.browser(t)
	m := owner.register()
	b.is(ask(m.email), `{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"success","stripe_publishable_key":"*","customer_data":null,"order-api-version":"0.0.1"}`)
	owner.is(owner.post("/user/verify-email-address-response", "email_verification_code", codeIn(t, w.mailWith(t, m.email, verifyLink, 1).Text, verifyLink)),
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	a := ask(strings.ToUpper(m.email))
	b.is(a, `{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"error","errors":{"error":"email-address-is-associated-with-member","description":"*"},"order-api-version":"0.0.1"}`)
	holds(t, a.str("errors", "description"), "/login?next=checkout/confirm", "<a ")
	address := email()
	for range 2 {
		a := ask(address)
		b.is(a, `{"checkout_allowed":true,"anonymous_email_address_payment_lookup":"success","stripe_publishable_key":"*","customer_data":null,"order-api-version":"0.0.1"}`)
	}
	eventually(t, "a prospect", func() bool {
		return w.count(t, "user", "SELECT count(*) FROM prospect WHERE email = $1 AND unsubscribed AND unsubscribe_token <> '' AND swa_comment || prospect_comment <> ''", address) == 1
	})
	b.is(b.get("/order/change-confirmation-email-address"), `{"checkout_allowed":true,"change_confirmation_email_address":"success","order-api-version":"0.0.1"}`)
	// What is asked next finds the prospect: three times in a row, for a busy machine may be late once.
	row := 0
	eventually(t, "an address is a prospect's as soon as it was given", func() bool {
		address := email()
		ask(address)
		row++
		if b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "3").at("pythonabot_notify_me") != "duplicate_prospect" {
			row = 0
		}
		return row == 3
	})
}

// staffMails are the mails to the shop's staff.
func (w *world) staffMails(t *testing.T) []shoptest.Mail {
	t.Helper()
	return w.mails("staff@startupwebapp.example")
}
