package contract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var accounts = map[string]func(*testing.T, *env){
	"registration":      testRegistration,
	"account content":   testAccountContent,
	"verification":      testVerification,
	"reset":             testReset,
	"forgotten name":    testForgotUsername,
	"information":       testInformation,
	"missing keys":      testMissingKeys,
	"visitors' refusal": testVisitorsRefused,
}

// Registration logs in, takes over the cart, and mails a link to verify the address.
func testRegistration(t *testing.T, e *env) {
	b := e.browser(t)
	m := member{username: name("Member-X_"), email: name("Pat.Ann+") + "@Mail.EXAMPLE.com"}
	b.post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2")
	a := b.post("/user/create-account", "firstname", "Ann Mary", "lastname", "van Lee 3", "username", m.username, "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "true", "remember_me", "false")
	a.Is(`{"create_account":"true","user-api-version":"0.0.1"}`)
	sessionCookie(t, a, 0)
	if a.Cookie("csrftoken") == nil || a.Cookie("an_ct") != nil {
		t.Errorf("the cookies are %v", a.Header["Set-Cookie"])
	}

	local, _, _ := strings.Cut(m.email, "@")
	m.email = local + "@mail.example.com"
	b.get("/user/logged-in").Want(m.email, "email_address")
	b.get("/user/logged-in").Want(1, "cart_item_count")
	b.get("/order/cart-items").Want(2, "item_data", "product_sku_data", "0", "quantity")

	mail := e.awaitMail(t, m.email, 1)
	wantParts(t, mail.Text, "Ann Mary", "van Lee 3", m.username, e.shop.URL+verifyLink, "24 hours")
	wantPlain(t, codeIn(t, mail.Text, verifyLink))

	code := e.db(t, "user").Text("SELECT mb_cd FROM account WHERE username = $1", m.username)
	if !regexp.MustCompile(`^[A-Za-z0-9]{20}$`).MatchString(code) {
		t.Errorf("the member code is %q", code)
	}
	b.get("/user/terms-of-use-agree-check").Is(`{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
	// The same address again is another account.
	other := e.browser(t)
	other.post("/user/create-account", "firstname", "Bo", "lastname", "Lee", "username", name("member_"), "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "", "remember_me",
		"").Is(`{"create_account":"true","user-api-version":"0.0.1"}`)
	other.get("/user/account-content").Want(false, "account_content", "personal_data", "newsletter_subscriber")
}

// The account page has a member's data, and nothing for a visitor.
func testAccountContent(t *testing.T, e *env) {
	b := e.browser(t)
	b.get("/user/account-content").Is(`{"account_content":{"authenticated":"false"},"user-api-version":"0.0.1"}`)
	m := b.register()
	a := b.get("/user/account-content")
	a.Golden("testdata/account_content.json", "username", m.username, "email", m.email)
	for _, key := range []string{"joined_date_time", "last_login_date_time", "terms_of_use_agreed_date_time"} {
		wantNow(t, a.Text("account_content", "personal_data", key))
	}
}

// wantNow wants the present time in the format of the contract.
func wantNow(t *testing.T, text string) {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("the time is %q (%v)", text, err)
	}
}

// An address is verified by the newest link, once, within 24 hours, and only by its own member.
func testVerification(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	verify := func(b *browser, code, outcome string) {
		t.Helper()
		b.post("/user/verify-email-address-response", "email_verification_code",
			code).Is(`{"verify_email_address_response":"` + outcome + `","user-api-version":"0.0.1"}`)
	}
	state := func(verified, sent bool) {
		t.Helper()
		a := b.get("/user/account-content")
		a.Want(verified, "account_content", "email_data", "email_verified")
		a.Want(sent, "account_content", "email_data", "verification_request_sent_within_24_hours")
	}

	// Two links.
	first := codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 1).Text, verifyLink)
	b.get("/user/verify-email-address").Is(`{"verify_email_address":"verification_email_sent","user-api-version":"0.0.1"}`)
	mail := e.awaitMailWith(t, m.email, verifyLink, 2)
	wantParts(t, mail.Text, "Ann", "Lee", m.username, e.shop.URL+verifyLink, "24 hours")
	second := codeIn(t, mail.Text, verifyLink)

	// Only the member's newest link is valid.
	verify(e.browser(t), second, "user_not_authenticated")
	foreign := e.browser(t)
	foreign.register()
	verify(foreign, second, "code-doesnt-match")
	verify(b, first, "code-doesnt-match")
	for _, forged := range []string{"x", second + "x", second[:len(second)-1], strings.ToUpper(second), "", "a:b:c",
		strings.Repeat("x", 4000), "é"} {
		verify(b, forged, "signature-invalid")
	}

	// A link expires.
	state(false, true)
	e.exec(t, "user", "UPDATE code SET issued = issued - interval '25 hours', expires = expires - interval '25 hours' WHERE kind = "+
		"'verify' AND member_id = (SELECT id FROM account WHERE username = $1)", m.username)
	state(false, false)

	b.get("/user/verify-email-address")
	third := codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 3).Text, verifyLink)
	verify(b, third, "success")
	state(true, false)
	verify(b, third, "code-doesnt-match")
	b.get("/user/verify-email-address") // allowed even when verified already
	state(true, false)
}

// A password is reset by the newest mailed code, once. The answer does not tell who has an account.
func testReset(t *testing.T, e *env) {
	b := e.browser(t)
	m, foreign := b.register(), e.browser(t).register()
	visitor := e.browser(t)
	ask := func(username, address string) {
		t.Helper()
		visitor.post("/user/reset-password", "username", username, "email_address",
			address).Is(`{"reset_password":"success","user-api-version":"0.0.1"}`)
	}
	set := func(username, code, next string) testenv.Answer {
		t.Helper()
		return visitor.post("/user/set-new-password", "username", username, "password_reset_code", code, "new_password", next,
			"confirm_new_password", next)
	}
	outcome := func(text string) string { return `{"set_new_password":"` + text + `","user-api-version":"0.0.1"}` }

	// Only the right pair of name and address gets a mail.
	for _, wrong := range [][2]string{{m.username, foreign.email}, {strings.ToUpper(m.username), m.email}, {"nobody", m.email}, {"", ""},
		{m.username, ""}} {
		ask(wrong[0], wrong[1])
	}
	ask(m.username, strings.ToUpper(m.email))
	mail := e.awaitMailWith(t, m.email, resetLink, 1)
	wantParts(t, mail.Text, "Ann", "Lee", m.username, e.shop.URL+"/set-new-password?password_reset_code=", "1 hour")
	first := codeIn(t, mail.Text, "?password_reset_code=")
	wantPlain(t, first)
	ask(m.username, m.email)
	second := codeIn(t, e.awaitMailWith(t, m.email, resetLink, 2).Text, resetLink)

	if n := len(e.mails(foreign.email)); n > 1 {
		t.Errorf("another member got %d mails", n)
	}

	// Wrong names, codes and passwords.
	set("nobody_at_all", second, "Another!word").Is(`{"set_new_password":"username-not-found","error":"*","user-api-version":"0.0.1"}`)
	set(m.username, "forged", "x").Is(outcome("signature-invalid"))
	set(m.username, second+"a", "x").Is(outcome("signature-invalid"))
	set(m.username, "", "x").Is(outcome("signature-invalid"))
	set(m.username, first, "Another!word").Is(outcome("code-doesnt-match"))
	set(foreign.username, second, "x").Is(outcome("code-doesnt-match"))
	set(m.username, second,
		"short").Is(`{"set_new_password":"password-error","errors":{"new-password":[{"type":"too_short","description":"*"},
		{"type":"no_capital_letter","description":"*"},{"type":"no_special_character","description":"*"}]},"user-api-version":"0.0.1"}`)

	// The newest code resets once, and ends all sessions.
	b.get("/user/logged-in").Want(true, "logged_in")
	set(m.username, second, "Another!word").Is(outcome("success"))
	visitor.get("/user/logged-in").Want(false, "logged_in")
	b.get("/user/logged-in").Want(false, "logged_in")
	wantParts(t, e.awaitMail(t, m.email, 4).Text, "Ann", "Lee", m.username)
	set(m.username, second, "Third!word").Is(outcome("code-doesnt-match"))
	b.login(m, "false").Is(loggedOut)
	m.password = "Another!word"
	b.login(m, "false").Is(loggedIn)
	// A reset code does not verify an address, and a verification code does not reset a password.
	b.post("/user/verify-email-address-response", "email_verification_code",
		second).Is(`{"verify_email_address_response":"signature-invalid","user-api-version":"0.0.1"}`)
	set(m.username, codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 1).Text, verifyLink), "Third!word").Is(outcome("signature-invalid"))
}

// All usernames of an address are mailed to it, and the answer is the same for an unknown address.
func testForgotUsername(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	second := e.browser(t)
	other := member{name("member_"), m.email, password}
	second.post("/user/create-account", "firstname", "Bo", "lastname", "Lind", "username", other.username, "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	visitor := e.browser(t)
	for _, address := range []string{email(), "", strings.ToUpper(m.email), m.email} {
		visitor.post("/user/forgot-username", "email_address", address).Is(`{"forgot_username":"success","user-api-version":"0.0.1"}`)
	}
	e.awaitMail(t, m.email, 4)
	var texts []string
	for _, mail := range e.mails(m.email) {
		if strings.Contains(mail.Text, e.shop.URL+"/login") {
			texts = append(texts, mail.Text)
		}
	}
	all := strings.Join(texts, "\n")
	wantParts(t, all, m.username, other.username, "Ann", "Lee", "Bo", "Lind", m.email, e.shop.URL+"/login")
	want(t, "mails", len(e.mails(m.email)), 4)
}

// Name and address can be changed. A new address is used at once, must be verified, and can be
// undone from the old one.
func testInformation(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	update := func(first, last, address string) {
		t.Helper()
		b.post("/user/update-my-information", "firstname", first, "lastname", last, "email_address",
			address).Is(`{"update_my_information":"success","user-api-version":"0.0.1"}`)
	}

	b.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, e.awaitMailWith(t, m.email, verifyLink, 1).Text, verifyLink)).Is(
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)

	// A new name.
	update("Anna", "Leeson", m.email)
	a := b.get("/user/logged-in")
	a.Want("Anna", "first_name")
	a.Want("Leeson", "last_name")
	b.get("/user/account-content").Want(true, "account_content", "email_data", "email_verified")

	// A new address.
	next := name("new.") + "@Other.Example.COM"
	update("Anna", "Leeson", next)
	next = strings.ToLower(next)
	a = b.get("/user/account-content")
	a.Want(next, "account_content", "email_data", "email_address")
	a.Want(false, "account_content", "email_data", "email_verified")
	a.Want(true, "account_content", "email_data", "verification_request_sent_within_24_hours")

	mail := e.awaitMail(t, next, 1)
	wantParts(t, mail.Text, "Anna", "Leeson", m.email, next, e.shop.URL+verifyLink, "24 hours")
	to := fmt.Sprint(mail.To)
	if !strings.Contains(to, m.email) || !strings.Contains(to, next) {
		t.Errorf("the mail goes to %s, not to both", to)
	}

	want(t, "mails to the old address", len(e.mails(m.email)), 2)
	b.post("/user/verify-email-address-response", "email_verification_code",
		codeIn(t, mail.Text, verifyLink)).Is(`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	b.get("/user/logged-in").Want(next, "email_address")
	// The same mail lets the reader of the old address take the account back, by a form.
	visitor := e.browser(t)
	undo := codeIn(t, mail.Text, "/account/undo-address-change?address_undo_code=")
	if a := visitor.get("/user/undo-address-change?address_undo_code=" + undo); a.Status != 405 && a.Status != 404 {
		t.Errorf("a GET of the link's code answers %d %s", a.Status, a.Body)
	}
	b.get("/user/logged-in").Want(next, "email_address")
	visitor.post("/user/undo-address-change", "address_undo_code", undo).Is(`{"undo_address_change":"success","user-api-version":"0.0.1"}`)
	b.get("/user/logged-in").Want(false, "logged_in")
	e.awaitMailWith(t, m.email, resetLink, 1)
}

// A request without a required key gets 400 with JSON, or a documented refusal. No body causes a
// server error.
func testMissingKeys(t *testing.T, e *env) {
	b := e.browser(t)
	b.register()
	for path, methods := range e.paths() {
		if methods[0] != "POST" || path == "/order/stripe-webhook" {
			continue
		}
		for _, shopper := range []*browser{b, e.browser(t)} {
			for _, pairs := range [][]string{nil, {"sku_id", "1"}, {"quantity", "1"}, {"username", "x"}, {"email_address", "x@y.zz"},
				{"x[]", "1"}, {"newsletter", "true"}} {
				a := shopper.post(path, pairs...)
				if !isJSON(a) || a.Status != 200 && a.Status != 400 && a.Status != 429 {
					t.Errorf("POST %s with %v answered %d %s", path, pairs, a.Status, a.Body)
				}
			}
			shopper.token()
			for _, body := range []string{"%", "%zz=%zz", "a=%FF%FE", "username=%00&password=%00&remember_me=%00",
				"sku_id=%00&quantity=%00", strings.Repeat("a=b&", 20000), "\x00\xff", "sku_id=1;quantity=1"} {
				a := shopper.send("POST", path, body)
				if a.Status >= 500 || a.Status == 404 {
					t.Errorf("POST %s with %.30q answered %d %s", path, body, a.Status, a.Body)
				}
			}
		}
	}

	a := b.send("POST", "/user/login", "a="+strings.Repeat("x", 10<<20))
	if a.Status < 400 || a.Status >= 500 {
		t.Errorf("10 MB answered %d %s", a.Status, a.Body)
	}
}

// Calls for members refuse visitors.
func testVisitorsRefused(t *testing.T, e *env) {
	b := e.browser(t)
	for path, key := range map[string]string{
		"/user/verify-email-address-response": "verify_email_address_response", "/user/update-my-information": "update_my_information",
		"/user/update-communication-preferences": "update_communication_preferences", "/user/change-my-password": "change_my_password",
		"/user/terms-of-use-agree": "terms_of_use_agree",
	} {
		b.post(path, "email_verification_code", "x", "firstname", "", "lastname", "", "email_address", "", "newsletter", "",
			"email_unsubscribe", "", "current_password", "", "new_password", "",
			"confirm_new_password", "", "version", "1").Is(`{"` + key + `":"user_not_authenticated","user-api-version":"0.0.1"}`)
	}
	b.get("/user/verify-email-address").Is(`{"verify_email_address":"user_not_authenticated","user-api-version":"0.0.1"}`)
	b.get("/user/terms-of-use-agree-check").Is(`{"terms_of_use_agree_check":"user_not_authenticated","user-api-version":"0.0.1"}`)
	for path, key := range map[string]string{"/user/update-my-information": "update_my_information",
		"/user/change-my-password": "change_my_password", "/user/terms-of-use-agree": "terms_of_use_agree",
		"/user/update-communication-preferences": "update_communication_preferences"} {
		if a := b.post(path); a.Status != 400 && a.Text(key) != "user_not_authenticated" {
			t.Errorf("%s answered %d %s", path, a.Status, a.Body)
		}
	}
}
