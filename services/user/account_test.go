package user

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A registration opens a session, stores terms, consents and a hashed password, sends one welcome
// mail, and tells the other services.
func TestCreateAccount(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	got := e.As(web.Identity{Cart: "c1"}).Post("/user/create-account",
		form("ann_lee", "Ann@Mail.EXAMPLE.com", "newsletter", "true", "remember_me", "true")...)
	e.is(got, `{"create_account":"true"}`)

	a := e.account(sessionOf(got).Member.ID)
	want := web.SessionChange{
		Action: web.SessionOpen, Remember: true, At: a.LastLogin.UTC(), KeepCart: true,
		Member: web.SessionMember{ID: a.ID, Username: "ann_lee", FirstName: "Ann", LastName: "Lee", Email: "Ann@mail.example.com",
			Code: a.Code},
		Failed: []byte(`{"create_account":"created_but_login_failed","user-api-version":"0.0.1"}`),
	}
	if diff := cmp.Diff(want, sessionOf(got)); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if a.Email != "Ann@mail.example.com" || !a.Newsletter || a.EmailVerified || a.LastLogin == nil || len(a.Code) != 20 ||
		len(a.UnsubscribeToken) != 32 {
		t.Errorf("stored %+v", a)
	}
	if !matches(goodPassword, a.Password) || strings.Contains(a.Password, goodPassword) {
		t.Errorf("stored password %s", a.Password)
	}
	if n := e.Number(`SELECT count(*) FROM terms_agreed WHERE member_id = $1 AND version = 1`, a.ID); n != 1 {
		t.Errorf("%d agreements to the terms", n)
	}
	if n := e.Number(`SELECT count(*) FROM consent WHERE member_id = $1 AND given AND source = 'registration'`, a.ID); n != 2 {
		t.Errorf("%d consents", n)
	}

	mail := e.lastMail(msg.MailWelcome)
	if mail.To[0] != a.Email || mail.Data["first_name"] != "Ann" || mail.Data["username"] != "ann_lee" ||
		readCode(e.codeKey, codeVerify, mail.Data["code"], time.Now()) != "" {
		t.Errorf("welcome mail %+v", mail)
	}

	events := outboxPayloads[msg.Member](e, msg.UserRegistered)
	if len(events) != 1 || events[0].ID != a.ID || events[0].Version != 1 || events[0].Code != a.Code || !events[0].Newsletter {
		t.Errorf("events %+v", events)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE key = 'welcome:' || $1::bigint`, a.ID); n != 1 {
		t.Error("the welcome mail has another key")
	}
}

// Each rule of the registration form is reported at its field; a refused form stores nothing and
// opens no session.
func TestCreateAccountRefusals(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "ann@mail.example.com")
	before := e.Number(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM account)`)

	one := func(codes ...string) string {
		var list []string
		for _, c := range codes {
			list = append(list, `{"type":"`+c+`","description":"*"}`)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	orTrue := func(errors string) string {
		if errors == "" {
			return "true"
		}
		return errors
	}

	for _, c := range []struct {
		changes []string
		// What the answer says about each field; "" stands for true, which means that it is fine.
		firstname, lastname, username, email, password string
	}{
		{changes: []string{"firstname", ""}, firstname: one("required")},
		{changes: []string{"firstname", "Zoë"}, firstname: one("not_valid")},
		{changes: []string{"firstname", "Ann\n"}, firstname: one("not_valid")},
		{changes: []string{"firstname", strings.Repeat("a", 31)}, firstname: one("too_many_chars")},
		{changes: []string{"firstname", strings.Repeat("é", 31)}, firstname: one("not_valid", "too_many_chars")},
		{changes: []string{"lastname", strings.Repeat("a", 150), "username", "new_user1"}},
		{changes: []string{"lastname", strings.Repeat("a", 151)}, lastname: one("too_many_chars")},
		{changes: []string{"lastname", "O'Hara"}, lastname: one("not_valid")},
		{changes: []string{"username", ""}, username: one("required")},
		{changes: []string{"username", "ann lee"}, username: one("not_valid")},
		{changes: []string{"username", "a!"}, username: one("not_valid", "too_short")},
		{changes: []string{"username", strings.Repeat("u", 151)}, username: one("too_many_chars")},
		{changes: []string{"username", "short"}, username: one("too_short")},
		{changes: []string{"username", "ann_lee"}, username: one("unavailable")},
		{changes: []string{"email_address", ""}, email: one("required")},
		{changes: []string{"email_address", "ann"}, email: one("not_valid")},
		{changes: []string{"email_address", strings.Repeat("a", 250) + "@b.com"}, email: one("too_many_chars")},
		{changes: []string{"password", ""}, password: one("required")},
		{changes: []string{"password", "a"}, password: one("too_short", "no_capital_letter", "no_special_character",
			"confirm_password_doesnt_match")},
		{changes: []string{"password", "lower!case", "confirm_password", "lower!case"}, password: one("no_capital_letter")},
		{changes: []string{"password", "Plain+text", "confirm_password", "Plain+text"}, password: one("no_special_character")},
		{changes: []string{"confirm_password", "Other!horse"}, password: one("confirm_password_doesnt_match")},
		{changes: []string{"password", "A!" + strings.Repeat("x", 149), "confirm_password", "A!" + strings.Repeat("x", 149)},
			password: one("too_many_chars")},
	} {
		got := e.Post("/user/create-account", form("new_user0", "bob@mail.example.com", c.changes...)...)
		if c.firstname+c.lastname+c.username+c.email+c.password == "" {
			e.is(got, `{"create_account":"true"}`)
			e.Exec(`DELETE FROM account WHERE username = 'new_user1'`)
			e.Exec(`DELETE FROM outbox WHERE position(convert_to('new_user1', 'UTF8') IN payload) > 0`)
			continue
		}
		e.is(got, `{"create_account":"false","errors":{"firstname":`+orTrue(c.firstname)+`,"lastname":`+orTrue(c.lastname)+
			`,"username":`+orTrue(c.username)+`,"email-address":`+orTrue(c.email)+`,"password":`+orTrue(c.password)+`}}`)
		if sessionOf(got).Action != "" {
			t.Errorf("%v opened a session", c.changes)
		}
	}

	if after := e.Number(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM account)`); after != before {
		t.Errorf("refusals left %d rows", after-before)
	}
}

// Only the exact user name with the right password logs in, and remember_me counts only if it is
// "true".
func TestLogin(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	for _, c := range []struct{ username, password, want string }{
		{"ann_lee", "wrong", "false"}, {"Ann_lee", goodPassword, "false"}, {"ann@mail.example.com", goodPassword, "false"},
		{"", "", "false"}, {"nobody", goodPassword, "false"}, {"ann_lee", "", "false"}, {"ann_lee", goodPassword + " ", "false"},
		{"ann_lee", goodPassword, "true"},
	} {
		got := e.Post("/user/login", "username", c.username, "password", c.password, "remember_me", "true")
		e.is(got, `{"login":"`+c.want+`"}`)
		open := sessionOf(got).Action == web.SessionOpen
		if open != (c.want == "true") || open && (sessionOf(got).KeepCart ||
			string(sessionOf(got).Overtaken) != `{"login":"false","user-api-version":"0.0.1"}` ||
			!sessionOf(got).Remember || sessionOf(got).Member.ID != id) {
			t.Errorf("%v: session %+v", c, sessionOf(got))
		}
	}
	if got := e.Post("/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", "TRUE"); sessionOf(got).Remember {
		t.Error("remembered although remember_me was not true")
	}
}

// A login is stamped and renews an outdated hash; an unusable hash opens nothing.
func TestLoginStampsAndRehashes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	for _, stored := range []string{djangoHash, hashed(Cost{Time: 1, Memory: 32, Threads: 1}, djangoPassword)} {
		e.Exec(`UPDATE account SET password = $2, last_login = NULL WHERE id = $1`, id, stored)
		e.is(e.Post("/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "false"), `{"login":"true"}`)
		a := e.account(id)
		if p, err := parsePHC(a.Password); err != nil || p.cost != testCost || a.LastLogin == nil {
			t.Errorf("after the login: %s, %v, %v", a.Password, err, a.LastLogin)
		}
		e.is(e.Post("/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "false"), `{"login":"true"}`)
	}

	e.Exec(`UPDATE account SET password = '!unusable' WHERE id = $1`, id)
	e.is(e.Post("/user/login", "username", "ann_lee", "password", "!unusable", "remember_me", "false"), `{"login":"false"}`)
}

// Each path that needs parameters names the first one that is missing, and none answers 5xx.
func TestMissingParameters(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")

	for path, names := range map[string]string{
		"/user/create-account": "firstname lastname username email_address password confirm_password newsletter " +
			"remember_me",
		"/user/login":                         "username password remember_me",
		"/user/verify-email-address-response": "email_verification_code",
		"/user/reset-password":                "username email_address",
		"/user/set-new-password":              "username password_reset_code new_password confirm_new_password",
		"/user/forgot-username":               "email_address",
		"/user/update-my-information":         "firstname lastname email_address",
		"/user/change-my-password":            "current_password new_password confirm_new_password",
		"/user/put-chat-message":              "name email_address message",
		"/user/pythonabot-notify-me":          "email_address how_excited",
		"/user/update-communication-preferences": "newsletter email_unsubscribe no_longer_want_to_receive never_signed_up inappropriate " +
			"spam other",
	} {
		var sent []string
		for _, name := range strings.Fields(names) {
			got := e.As(member(id)).Post(path, sent...)
			sent = append(sent, name, "false")
			if name == "newsletter" && path == "/user/update-communication-preferences" || name == "email_unsubscribe" {
				e.is(got, `{"update_communication_preferences":"errors","errors":{"data_missing":"Please set both switches."}}`)
				continue
			}
			if want := `{"error":"bad-request","parameter":"` + name + `"}`; got.Status != http.StatusBadRequest || got.Body != want {
				t.Errorf("%s without %s answered %d %s", path, name, got.Status, got.Body)
			}
		}
	}
}

// Other methods, unknown paths and requests without an identity are refused.
func TestMethodsAndUnknownPaths(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for path, method := range map[string]string{"/user/login": "GET", "/user/create-account": "PUT", "/user/terms-of-use-agree": "DELETE",
		"/user/verify-email-address": "POST", "/user/email-unsubscribe-lookup": "DELETE", "/user/put-chat-message": "GET"} {
		if got := e.Ask(method, path); got.Status != http.StatusMethodNotAllowed || got.Body != `{"error":"method-not-allowed"}` ||
			got.Header.Get("Allow") == "" {
			t.Errorf("%s %s answered %d %s %v", method, path, got.Status, got.Body, got.Header)
		}
	}

	for _, path := range []string{"/user/login/", "/user", "/user/nothing", "/internal/"} {
		if got := e.Get(path); got.Status != http.StatusNotFound {
			t.Errorf("%s answered %d", path, got.Status)
		}
	}

	if got := e.Get("/user/"); got.Status != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/html") {
		t.Errorf("/user/ answered %d %s", got.Status, got.Body)
	}

	rec := httptest.NewRecorder()
	e.Handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/user/", nil))
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("without an identity: %d", rec.Code)
	}
}

// Bodies that no browser sends change nothing and are not answered 5xx.
func TestGarbageIsNoServerError(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	for _, path := range []string{"/user/login", "/user/create-account", "/user/put-chat-message", "/user/terms-of-use-agree",
		"/user/email-unsubscribe-why", "/user/reset-password"} {
		for _, body := range []string{"username=%ff%fe", "%zz", "username=a%00b", strings.Repeat("a=b&", 40_000), "username[]=1", "{}",
			"version=\x01", "token=%f0%9f%98%80"} {
			for _, kind := range []string{"application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""} {
				r := e.Body(http.MethodPost, path, body)
				r.Header.Set("Content-Type", kind)
				if got := e.As(member(id)).Do(r); got.Status >= 500 {
					t.Errorf("%s with %.20q (%s) answered %d %s", path, body, kind, got.Status, got.Body)
				}
			}
		}
	}
	for _, query := range []string{"?token=%ff", "?token=%00", "?pr_token=" + strings.Repeat("x", 10_000), "?%zz", "?token[]=1"} {
		if got := e.Get("/user/email-unsubscribe-lookup" + query); got.Status >= 500 {
			t.Errorf("%s answered %d", query, got.Status)
		}
	}
}

// Members change their name and address; a new address has to be proved again and gets a mail, as
// the old one does.
func TestUpdateMyInformation(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const path = "/user/update-my-information"
	id := e.verified("ann_lee", "ann@mail.example.com")
	version := e.account(id).Version

	// Visitors, and what breaks the rules.
	e.is(e.Post(path), `{"update_my_information":"user_not_authenticated"}`)
	e.is(e.As(member(id)).Post(path, "firstname", "", "lastname", "Lee", "email_address", "x@y"),
		`{"update_my_information":"errors","errors":{"firstname":[{"type":"required","description":"*"}],"lastname":true,`+
			`"email-address":[{"type":"not_valid","description":"*"}]}}`)

	// A form without a change changes nothing.
	e.is(e.As(member(id)).Post(path, "firstname", "Ann", "lastname", "Lee", "email_address", "ann@mail.example.com"),
		`{"update_my_information":"success"}`)
	if v := e.account(id).Version; v != version {
		t.Errorf("version %d after nothing changed, %d before", v, version)
	}

	// A new name alone.
	got := e.As(member(id)).Post(path, "firstname", "Anna", "lastname", "Lee", "email_address", "ann@Mail.example.com")
	e.is(got, `{"update_my_information":"success"}`)
	if a := e.account(id); !a.EmailVerified || a.FirstName != "Anna" || len(e.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("only the name changed, but %+v", a)
	}
	if sessionOf(got).Action != web.SessionUpdate || sessionOf(got).Member.FirstName != "Anna" {
		t.Errorf("session %+v", sessionOf(got))
	}

	// A new address.
	e.is(e.As(member(id)).Post(path, "firstname", "Anna", "lastname", "Lee", "email_address", "new@mail.example.com"),
		`{"update_my_information":"success"}`)
	a := e.account(id)
	mail := e.lastMail(msg.MailAddressChanged)
	if a.EmailVerified || a.Email != "new@mail.example.com" ||
		cmp.Diff([]string{"new@mail.example.com", "ann@mail.example.com"}, mail.To) != "" ||
		mail.Data["email"] != a.Email || mail.Data["old_email"] != "ann@mail.example.com" {
		t.Errorf("%+v, mail %+v", a, mail)
	}

	events := outboxPayloads[msg.Member](e, msg.UserProfileChanged)
	if len(events) != 2 || events[1].Email != a.Email || events[1].EmailVerified || events[1].Version != events[0].Version+1 {
		t.Errorf("events %+v", events)
	}

	e.is(e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", mail.Data["code"]),
		`{"verify_email_address_response":"success"}`)
	e.is(e.As(member(999)).Post(path, "firstname", "A", "lastname", "B", "email_address", "a@b.cd"),
		`{"update_my_information":"user_not_authenticated"}`)
}

// The account page has user's part as edge composes it, for members only.
func TestInternalAccount(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	page := func() testenv.Answer { return e.As(member(id)).Get("/internal/account") }
	at := func(tm time.Time) string { return tm.UTC().Format("2006-01-02T15:04:05.000Z") }

	a, _, err := readAccountPage(t.Context(), e.pool, id)
	if err != nil {
		t.Fatal(err)
	}
	page().Golden("testdata/account.json", "joined", at(a.Joined), "login", at(*a.LastLogin), "agreed", at(*a.TermsAgreed))

	e.Exec(`UPDATE code SET expires = now() - interval '1 second'`)
	e.Exec(`UPDATE account SET last_login = NULL`)
	e.Exec(`DELETE FROM terms_agreed`)
	if got := page().Body; !strings.Contains(got, `"verification_request_sent_within_24_hours":false`) ||
		!strings.Contains(got, `"terms_of_use_agreed_date_time":null`) ||
		!strings.Contains(got, `"last_login_date_time":"`+at(a.Joined)+`"`) {
		t.Error(got)
	}

	if got := e.Get("/internal/account"); got.Status != http.StatusNotFound {
		t.Errorf("for a visitor: %d", got.Status)
	}
	if got := e.Get("/internal/address-of-member"); got.Status != http.StatusBadRequest {
		t.Errorf("without an address: %d", got.Status)
	}
}
