package contract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
)

var accounts = map[string]func(*testing.T, *world){
	"registration":      testRegistration,
	"account content":   testAccountContent,
	"verification":      testVerification,
	"reset":             testReset,
	"forgotten name":    testForgotUsername,
	"information":       testInformation,
	"missing keys":      testMissingKeys,
	"visitors' refusal": testVisitorsRefused,
}

func testRegistration(t *testing.T, w *world) {
	b := w.browser(t)
	m := member{username: name("Member-X_"), email: name("Pat.Ann+") + "@Mail.EXAMPLE.com"}
	b.post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2")
	a := b.post("/user/create-account", "firstname", "Ann Mary", "lastname", "van Lee 3", "username", m.username, "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "true", "remember_me", "false")
	b.is(a, `{"create_account":"true","user-api-version":"0.0.1"}`)
	sessionCookie(t, a, 0)
	if a.cookies["csrftoken"] == nil || a.cookies["an_ct"] != nil {
		t.Errorf("the cookies are %v", a.header["Set-Cookie"])
	}
	local, _, _ := strings.Cut(m.email, "@")
	m.email = local + "@mail.example.com"
	b.has(b.get("/user/logged-in"), m.email, "email_address")
	b.has(b.get("/user/logged-in"), 1, "cart_item_count")
	b.has(b.get("/order/cart-items"), 2, "item_data", "product_sku_data", "0", "quantity")
	mail := w.mail(t, m.email, 1)
	holds(t, mail.Text, "Ann Mary", "van Lee 3", m.username, w.shop.URL+verifyLink, "24 hours")
	plain(t, codeIn(t, mail.Text, verifyLink))
	code := w.text(t, "user", "SELECT mb_cd FROM account WHERE username = $1", m.username)
	if !regexp.MustCompile(`^[A-Za-z0-9]{20}$`).MatchString(code) {
		t.Errorf("the member code is %q", code)
	}
	b.is(b.get("/user/terms-of-use-agree-check"), `{"terms_of_use_agree_check":true,"user-api-version":"0.0.1"}`)
	// The same address again is another account; the same name is not.
	other := w.browser(t)
	other.is(other.post("/user/create-account", "firstname", "Bo", "lastname", "Lee", "username", name("member_"), "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "", "remember_me", ""), `{"create_account":"true","user-api-version":"0.0.1"}`)
	other.has(other.get("/user/account-content"), false, "account_content", "personal_data", "newsletter_subscriber")
}

func testAccountContent(t *testing.T, w *world) {
	b := w.browser(t)
	b.is(b.get("/user/account-content"), `{"account_content":{"authenticated":"false"},"user-api-version":"0.0.1"}`)
	m := b.register()
	a := b.get("/user/account-content")
	b.is(a, `{"account_content":{"authenticated":"true","personal_data":{"username":"`+m.username+`","first_name":"Ann","last_name":"Lee","newsletter_subscriber":true,
		"email_unsubscribed":false,"joined_date_time":"*","last_login_date_time":"*","terms_of_use_agreed_date_time":"*"},
		"email_data":{"email_address":"`+m.email+`","email_verified":false,"verification_request_sent_within_24_hours":true},"orders_data":{}},"user-api-version":"0.0.1"}`)
	for _, key := range []string{"joined_date_time", "last_login_date_time", "terms_of_use_agreed_date_time"} {
		stamp(t, a.str("account_content", "personal_data", key))
	}
}

// stamp wants a time as the contract writes them, of now.
func stamp(t *testing.T, text string) {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.000Z", text)
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("the time is %q (%v)", text, err)
	}
}

func testVerification(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	verify := func(b *browser, code, outcome string) {
		t.Helper()
		b.is(b.post("/user/verify-email-address-response", "email_verification_code", code), `{"verify_email_address_response":"`+outcome+`","user-api-version":"0.0.1"}`)
	}
	state := func(verified, sent bool) {
		t.Helper()
		a := b.get("/user/account-content")
		b.has(a, verified, "account_content", "email_data", "email_verified")
		b.has(a, sent, "account_content", "email_data", "verification_request_sent_within_24_hours")
	}
	first := codeIn(t, w.mailWith(t, m.email, verifyLink, 1).Text, verifyLink)
	b.is(b.get("/user/verify-email-address"), `{"verify_email_address":"verification_email_sent","user-api-version":"0.0.1"}`)
	mail := w.mailWith(t, m.email, verifyLink, 2)
	holds(t, mail.Text, "Ann", "Lee", m.username, w.shop.URL+verifyLink, "24 hours")
	second := codeIn(t, mail.Text, verifyLink)
	verify(w.browser(t), second, "user_not_authenticated")
	foreign := w.browser(t)
	foreign.register()
	verify(foreign, second, "code-doesnt-match")
	verify(b, first, "code-doesnt-match")
	for _, forged := range []string{"x", second + "x", second[:len(second)-1], strings.ToUpper(second), "", "a:b:c", strings.Repeat("x", 4000), "é"} {
		verify(b, forged, "signature-invalid")
	}
	state(false, true)
	w.exec(t, "user", "UPDATE code SET issued = issued - interval '25 hours', expires = expires - interval '25 hours' WHERE kind = 'verify' AND member_id = (SELECT id FROM account WHERE username = $1)", m.username)
	state(false, false)
	b.get("/user/verify-email-address")
	third := codeIn(t, w.mailWith(t, m.email, verifyLink, 3).Text, verifyLink)
	verify(b, third, "success")
	state(true, false)
	verify(b, third, "code-doesnt-match")
	b.get("/user/verify-email-address") // also when verified already
	state(true, false)
}

func testReset(t *testing.T, w *world) {
	b := w.browser(t)
	m, foreign := b.register(), w.browser(t).register()
	visitor := w.browser(t)
	ask := func(username, address string) {
		t.Helper()
		visitor.is(visitor.post("/user/reset-password", "username", username, "email_address", address), `{"reset_password":"success","user-api-version":"0.0.1"}`)
	}
	set := func(username, code, next string) answer {
		t.Helper()
		return visitor.post("/user/set-new-password", "username", username, "password_reset_code", code, "new_password", next, "confirm_new_password", next)
	}
	outcome := func(text string) string { return `{"set_new_password":"` + text + `","user-api-version":"0.0.1"}` }
	for _, wrong := range [][2]string{{m.username, foreign.email}, {strings.ToUpper(m.username), m.email}, {"nobody", m.email}, {"", ""}, {m.username, ""}} {
		ask(wrong[0], wrong[1])
	}
	ask(m.username, strings.ToUpper(m.email))
	mail := w.mailWith(t, m.email, resetLink, 1)
	holds(t, mail.Text, "Ann", "Lee", m.username, w.shop.URL+"/set-new-password?password_reset_code=", "1 hour")
	first := codeIn(t, mail.Text, "?password_reset_code=")
	plain(t, first)
	ask(m.username, m.email)
	second := codeIn(t, w.mailWith(t, m.email, resetLink, 2).Text, resetLink)
	if n := len(w.mails(foreign.email)); n > 1 {
		t.Errorf("someone else got %d mails", n)
	}
	visitor.is(set("nobody_at_all", second, "Another!word"), `{"set_new_password":"username-not-found","error":"*","user-api-version":"0.0.1"}`)
	visitor.is(set(m.username, "forged", "x"), outcome("signature-invalid"))
	visitor.is(set(m.username, second+"a", "x"), outcome("signature-invalid"))
	visitor.is(set(m.username, "", "x"), outcome("signature-invalid"))
	visitor.is(set(m.username, first, "Another!word"), outcome("code-doesnt-match"))
	visitor.is(set(foreign.username, second, "x"), outcome("code-doesnt-match"))
	visitor.is(set(m.username, second, "short"), `{"set_new_password":"password-error","errors":{"new-password":[{"type":"too_short","description":"*"},
		{"type":"no_capital_letter","description":"*"},{"type":"no_special_character","description":"*"}]},"user-api-version":"0.0.1"}`)
	b.has(b.get("/user/logged-in"), true, "logged_in")
	visitor.is(set(m.username, second, "Another!word"), outcome("success"))
	visitor.has(visitor.get("/user/logged-in"), false, "logged_in")
	b.has(b.get("/user/logged-in"), false, "logged_in")
	holds(t, w.mail(t, m.email, 4).Text, "Ann", "Lee", m.username)
	visitor.is(set(m.username, second, "Third!word"), outcome("code-doesnt-match"))
	b.is(b.login(m, "false"), loggedOut)
	m.password = "Another!word"
	b.is(b.login(m, "false"), loggedIn)
	// A reset code is no verification code, and the other way round.
	b.is(b.post("/user/verify-email-address-response", "email_verification_code", second), `{"verify_email_address_response":"signature-invalid","user-api-version":"0.0.1"}`)
	visitor.is(set(m.username, codeIn(t, w.mailWith(t, m.email, verifyLink, 1).Text, verifyLink), "Third!word"), outcome("signature-invalid"))
}

func testForgotUsername(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	second := w.browser(t)
	other := member{name("member_"), m.email, password}
	second.post("/user/create-account", "firstname", "Bo", "lastname", "Lind", "username", other.username, "email_address", m.email,
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
	visitor := w.browser(t)
	for _, address := range []string{email(), "", strings.ToUpper(m.email), m.email} {
		visitor.is(visitor.post("/user/forgot-username", "email_address", address), `{"forgot_username":"success","user-api-version":"0.0.1"}`)
	}
	w.mail(t, m.email, 4)
	var texts []string
	for _, mail := range w.mails(m.email) {
		if strings.Contains(mail.Text, w.shop.URL+"/login") {
			texts = append(texts, mail.Text)
		}
	}
	all := strings.Join(texts, "\n")
	holds(t, all, m.username, other.username, "Ann", "Lee", "Bo", "Lind", m.email, w.shop.URL+"/login")
	want(t, "mails", len(w.mails(m.email)), 4)
}

func testInformation(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	update := func(first, last, address string) {
		t.Helper()
		b.is(b.post("/user/update-my-information", "firstname", first, "lastname", last, "email_address", address), `{"update_my_information":"success","user-api-version":"0.0.1"}`)
	}
	b.is(b.post("/user/verify-email-address-response", "email_verification_code", codeIn(t, w.mailWith(t, m.email, verifyLink, 1).Text, verifyLink)),
		`{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	update("Anna", "Leeson", m.email)
	a := b.get("/user/logged-in")
	b.has(a, "Anna", "first_name")
	b.has(a, "Leeson", "last_name")
	b.has(b.get("/user/account-content"), true, "account_content", "email_data", "email_verified")
	next := name("new.") + "@Other.Example.COM"
	update("Anna", "Leeson", next)
	next = strings.ToLower(next)
	a = b.get("/user/account-content")
	b.has(a, next, "account_content", "email_data", "email_address")
	b.has(a, false, "account_content", "email_data", "email_verified")
	b.has(a, true, "account_content", "email_data", "verification_request_sent_within_24_hours")
	mail := w.mail(t, next, 1)
	holds(t, mail.Text, "Anna", "Leeson", m.email, next, w.shop.URL+verifyLink, "24 hours")
	to := fmt.Sprint(mail.To)
	if !strings.Contains(to, m.email) || !strings.Contains(to, next) {
		t.Errorf("the mail goes to %s, not to both", to)
	}
	want(t, "mails to the old address", len(w.mails(m.email)), 2)
	b.is(b.post("/user/verify-email-address-response", "email_verification_code", codeIn(t, mail.Text, verifyLink)), `{"verify_email_address_response":"success","user-api-version":"0.0.1"}`)
	b.has(b.get("/user/logged-in"), next, "email_address")
	// The same mail gives the account back to the old address, by a form, for the one who reads it there.
	visitor := w.browser(t)
	undo := codeIn(t, mail.Text, "/account/undo-address-change?address_undo_code=")
	if a := visitor.get("/user/undo-address-change?address_undo_code=" + undo); a.status != 405 && a.status != 404 {
		t.Errorf("a GET of the link's code answers %d %s", a.status, a.body)
	}
	b.has(b.get("/user/logged-in"), next, "email_address")
	visitor.is(visitor.post("/user/undo-address-change", "address_undo_code", undo), `{"undo_address_change":"success","user-api-version":"0.0.1"}`)
	b.has(b.get("/user/logged-in"), false, "logged_in")
	w.mailWith(t, m.email, resetLink, 1)
}

// Without a key that the contract calls required: 400 with JSON, or a documented refusal.
func testMissingKeys(t *testing.T, w *world) {
	b := w.browser(t)
	b.register()
	for path, methods := range w.paths() {
		if methods[0] != "POST" || path == "/order/stripe-webhook" {
			continue
		}
		for _, shopper := range []*browser{b, w.browser(t)} {
			for _, pairs := range [][]string{nil, {"sku_id", "1"}, {"quantity", "1"}, {"username", "x"}, {"email_address", "x@y.zz"}, {"x[]", "1"}, {"newsletter", "true"}} {
				a := shopper.post(path, pairs...)
				if a.json == nil || a.status != 200 && a.status != 400 && a.status != 429 {
					t.Errorf("POST %s with %v answered %d %s", path, pairs, a.status, a.body)
				}
			}
			shopper.token()
			for _, body := range []string{"%", "%zz=%zz", "a=%FF%FE", "username=%00&password=%00&remember_me=%00", "sku_id=%00&quantity=%00", strings.Repeat("a=b&", 20000), "\x00\xff", "sku_id=1;quantity=1"} {
				a := shopper.send("POST", path, body)
				if a.status >= 500 || a.status == 404 {
					t.Errorf("POST %s with %.30q answered %d %s", path, body, a.status, a.body)
				}
			}
		}
	}
	a := b.send("POST", "/user/login", "a="+strings.Repeat("x", 10<<20))
	if a.status < 400 || a.status >= 500 {
		t.Errorf("10 MB answered %d %s", a.status, a.body)
	}
}

func testVisitorsRefused(t *testing.T, w *world) {
	b := w.browser(t)
	for path, key := range map[string]string{
		"/user/verify-email-address-response": "verify_email_address_response", "/user/update-my-information": "update_my_information",
		"/user/update-communication-preferences": "update_communication_preferences", "/user/change-my-password": "change_my_password", "/user/terms-of-use-agree": "terms_of_use_agree",
	} {
		b.is(b.post(path, "email_verification_code", "x", "firstname", "", "lastname", "", "email_address", "", "newsletter", "", "email_unsubscribe", "", "current_password", "", "new_password", "",
			"confirm_new_password", "", "version", "1"), `{"`+key+`":"user_not_authenticated","user-api-version":"0.0.1"}`)
	}
	b.is(b.get("/user/verify-email-address"), `{"verify_email_address":"user_not_authenticated","user-api-version":"0.0.1"}`)
	b.is(b.get("/user/terms-of-use-agree-check"), `{"terms_of_use_agree_check":"user_not_authenticated","user-api-version":"0.0.1"}`)
	for path, key := range map[string]string{"/user/update-my-information": "update_my_information", "/user/change-my-password": "change_my_password", "/user/terms-of-use-agree": "terms_of_use_agree",
		"/user/update-communication-preferences": "update_communication_preferences"} {
		if a := b.post(path); a.status != 400 && a.str(key) != "user_not_authenticated" {
			t.Errorf("%s answered %d %s", path, a.status, a.body)
		}
	}
}
