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

func TestSchema(t *testing.T) {
	t.Parallel()
	testenv.CheckSchema(t, testenv.Pool(t, "user", Migrations()...), "schema.sql")
}

func TestCreateAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.post(web.Identity{Cart: "c1"}, "/user/create-account", form("ann_lee", "Ann@Mail.EXAMPLE.com", "newsletter", "true", "remember_me", "true")...)
	w.is(got, `{"create_account":"true"}`)

	a := w.account(got.session.Member.ID)
	want := web.SessionChange{
		Action: web.SessionOpen, Remember: true, At: a.LastLogin.UTC(), KeepCart: true,
		Member: web.SessionMember{ID: a.ID, Username: "ann_lee", FirstName: "Ann", LastName: "Lee", Email: "Ann@mail.example.com", Code: a.MbCd},
		Failed: []byte(`{"create_account":"created_but_login_failed","user-api-version":"0.0.1"}`),
	}
	if diff := cmp.Diff(want, got.session); diff != "" {
		t.Errorf("session (-want +got):\n%s", diff)
	}
	if a.Email != "Ann@mail.example.com" || !a.Newsletter || a.EmailVerified || a.LastLogin == nil || len(a.MbCd) != 20 || len(a.UnsubscribeToken) != 32 {
		t.Errorf("stored %+v", a)
	}
	if !verifyHash(goodPassword, a.Password) || strings.Contains(a.Password, goodPassword) {
		t.Errorf("stored password %s", a.Password)
	}
	if n := w.count(`SELECT count(*) FROM terms_agreed WHERE member_id = $1 AND version = 1`, a.ID); n != 1 {
		t.Errorf("%d agreements to the terms", n)
	}
	if n := w.count(`SELECT count(*) FROM consent WHERE member_id = $1 AND given AND source = 'registration'`, a.ID); n != 2 {
		t.Errorf("%d consents", n)
	}
	mail := w.lastMail(msg.MailWelcome)
	if mail.To[0] != a.Email || mail.Data["first_name"] != "Ann" || mail.Data["username"] != "ann_lee" || readCode(w.codeKey, codeVerify, mail.Data["code"], time.Now()) != "" {
		t.Errorf("welcome mail %+v", mail)
	}
	events := said[msg.Member](w, msg.UserRegistered)
	if len(events) != 1 || events[0].ID != a.ID || events[0].Version != 1 || events[0].Code != a.MbCd || !events[0].Newsletter {
		t.Errorf("events %+v", events)
	}
	if n := w.count(`SELECT count(*) FROM outbox WHERE key = 'welcome:' || $1::bigint`, a.ID); n != 1 {
		t.Error("the welcome mail has another key")
	}
}

func TestCreateAccountRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.register("ann_lee", "ann@mail.example.com")
	before := w.count(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM account)`)
	one := func(codes ...string) string {
		var list []string
		for _, c := range codes {
			list = append(list, `{"type":"`+c+`","description":"…"}`)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	const fine = "true"
	for _, c := range []struct {
		changes                              []string
		first, last, username, email, secret string
	}{
		{[]string{"firstname", ""}, one("required"), fine, fine, fine, fine},
		{[]string{"firstname", "Zoë"}, one("not_valid"), fine, fine, fine, fine},
		{[]string{"firstname", "Ann\n"}, one("not_valid"), fine, fine, fine, fine},
		{[]string{"firstname", strings.Repeat("a", 31)}, one("too_many_chars"), fine, fine, fine, fine},
		{[]string{"firstname", strings.Repeat("é", 31)}, one("not_valid", "too_many_chars"), fine, fine, fine, fine},
		{[]string{"lastname", strings.Repeat("a", 150), "username", "new_user1"}, fine, fine, fine, fine, fine},
		{[]string{"lastname", strings.Repeat("a", 151)}, fine, one("too_many_chars"), fine, fine, fine},
		{[]string{"lastname", "O'Hara"}, fine, one("not_valid"), fine, fine, fine},
		{[]string{"username", ""}, fine, fine, one("required"), fine, fine},
		{[]string{"username", "ann lee"}, fine, fine, one("not_valid"), fine, fine},
		{[]string{"username", "a!"}, fine, fine, one("not_valid", "too_short"), fine, fine},
		{[]string{"username", strings.Repeat("u", 151)}, fine, fine, one("too_many_chars"), fine, fine},
		{[]string{"username", "short"}, fine, fine, one("too_short"), fine, fine},
		{[]string{"username", "ann_lee"}, fine, fine, one("unavailable"), fine, fine},
		{[]string{"email_address", ""}, fine, fine, fine, one("required"), fine},
		{[]string{"email_address", "ann"}, fine, fine, fine, one("not_valid"), fine},
		{[]string{"email_address", strings.Repeat("a", 250) + "@b.com"}, fine, fine, fine, one("too_many_chars"), fine},
		{[]string{"password", ""}, fine, fine, fine, fine, one("required")},
		{[]string{"password", "a"}, fine, fine, fine, fine, one("too_short", "no_capital_letter", "no_special_character", "confirm_password_doesnt_match")},
		{[]string{"password", "lower!case", "confirm_password", "lower!case"}, fine, fine, fine, fine, one("no_capital_letter")},
		{[]string{"password", "Plain+text", "confirm_password", "Plain+text"}, fine, fine, fine, fine, one("no_special_character")},
		{[]string{"confirm_password", "Other!horse"}, fine, fine, fine, fine, one("confirm_password_doesnt_match")},
		{[]string{"password", "A!" + strings.Repeat("x", 149), "confirm_password", "A!" + strings.Repeat("x", 149)}, fine, fine, fine, fine, one("too_many_chars")},
	} {
		got := w.post(web.Identity{}, "/user/create-account", form("new_user0", "bob@mail.example.com", c.changes...)...)
		if c.username == fine && c.first == fine && c.last == fine && c.email == fine && c.secret == fine {
			w.is(got, `{"create_account":"true"}`)
			w.exec(`DELETE FROM account WHERE username = 'new_user1'`)
			w.exec(`DELETE FROM outbox WHERE position(convert_to('new_user1', 'UTF8') IN payload) > 0`)
			continue
		}
		w.is(got, `{"create_account":"false","errors":{"firstname":`+c.first+`,"lastname":`+c.last+`,"username":`+c.username+`,"email-address":`+c.email+`,"password":`+c.secret+`}}`)
		if got.session.Action != "" {
			t.Errorf("%v opened a session", c.changes)
		}
	}
	if after := w.count(`SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM account)`); after != before {
		t.Errorf("refusals left %d rows", after-before)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	for _, c := range []struct{ username, password, want string }{
		{"ann_lee", "wrong", "false"}, {"Ann_lee", goodPassword, "false"}, {"ann@mail.example.com", goodPassword, "false"},
		{"", "", "false"}, {"nobody", goodPassword, "false"}, {"ann_lee", "", "false"}, {"ann_lee", goodPassword + " ", "false"},
		{"ann_lee", goodPassword, "true"},
	} {
		got := w.post(web.Identity{}, "/user/login", "username", c.username, "password", c.password, "remember_me", "true")
		w.is(got, `{"login":"`+c.want+`"}`)
		open := got.session.Action == web.SessionOpen
		if open != (c.want == "true") || open && (got.session.KeepCart || string(got.session.Overtaken) != `{"login":"false","user-api-version":"0.0.1"}` ||
			!got.session.Remember || got.session.Member.ID != id) {
			t.Errorf("%v: session %+v", c, got.session)
		}
	}
	if got := w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", goodPassword, "remember_me", "TRUE"); got.session.Remember {
		t.Error("remembered although remember_me was not true")
	}
}

func TestLoginStampsAndRehashes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	for _, stored := range []string{djangoHash, Cost{Time: 1, Memory: 32, Threads: 1}.hash(djangoPassword)} {
		w.exec(`UPDATE account SET password = $2, last_login = NULL WHERE id = $1`, id, stored)
		w.is(w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "false"), `{"login":"true"}`)
		a := w.account(id)
		if p, err := parsePHC(a.Password); err != nil || p.cost != testCost || a.LastLogin == nil {
			t.Errorf("after the login: %s, %v, %v", a.Password, err, a.LastLogin)
		}
		w.is(w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "false"), `{"login":"true"}`)
	}
	w.exec(`UPDATE account SET password = '!unusable' WHERE id = $1`, id)
	w.is(w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", "!unusable", "remember_me", "false"), `{"login":"false"}`)
}

// Every path that needs parameters names the first one that is missing, and nothing answers 5xx.
func TestMissingParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	for path, names := range map[string]string{
		"/user/create-account":                   "firstname lastname username email_address password confirm_password newsletter remember_me",
		"/user/login":                            "username password remember_me",
		"/user/verify-email-address-response":    "email_verification_code",
		"/user/reset-password":                   "username email_address",
		"/user/set-new-password":                 "username password_reset_code new_password confirm_new_password",
		"/user/forgot-username":                  "email_address",
		"/user/update-my-information":            "firstname lastname email_address",
		"/user/change-my-password":               "current_password new_password confirm_new_password",
		"/user/put-chat-message":                 "name email_address message",
		"/user/pythonabot-notify-me":             "email_address how_excited",
		"/user/update-communication-preferences": "newsletter email_unsubscribe no_longer_want_to_receive never_signed_up inappropriate spam other",
	} {
		var sent []string
		for _, name := range strings.Fields(names) {
			got := w.post(member(id), path, sent...)
			sent = append(sent, name, "false")
			if name == "newsletter" && path == "/user/update-communication-preferences" || name == "email_unsubscribe" {
				w.is(got, `{"update_communication_preferences":"errors","errors":{"data_missing":"Please set both switches."}}`)
				continue
			}
			if want := `{"error":"bad-request","parameter":"` + name + `"}`; got.status != http.StatusBadRequest || got.body != want {
				t.Errorf("%s without %s answered %d %s", path, name, got.status, got.body)
			}
		}
	}
}

func TestMethodsAndUnknownPaths(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for path, method := range map[string]string{"/user/login": "GET", "/user/create-account": "PUT", "/user/terms-of-use-agree": "DELETE",
		"/user/verify-email-address": "POST", "/user/email-unsubscribe-lookup": "DELETE", "/user/put-chat-message": "GET"} {
		if got := w.do(web.Identity{}, httptest.NewRequest(method, path, nil)); got.status != http.StatusMethodNotAllowed || got.body != `{"error":"method-not-allowed"}` || got.header.Get("Allow") == "" {
			t.Errorf("%s %s answered %d %s %v", method, path, got.status, got.body, got.header)
		}
	}
	for _, path := range []string{"/user/login/", "/user", "/user/nothing", "/internal/"} {
		if got := w.do(web.Identity{}, httptest.NewRequest(http.MethodGet, path, nil)); got.status != http.StatusNotFound {
			t.Errorf("%s answered %d", path, got.status)
		}
	}
	if got := w.get(web.Identity{}, "/user/"); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		t.Errorf("/user/ answered %d %s", got.status, got.body)
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/user/", nil))
	if rec.Code != http.StatusUnauthorized {
		t.Errorf("without an identity: %d", rec.Code)
	}
}

// Bodies that no browser sends change nothing and are no server's fault.
func TestGarbage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	for _, path := range []string{"/user/login", "/user/create-account", "/user/put-chat-message", "/user/terms-of-use-agree", "/user/email-unsubscribe-why", "/user/reset-password"} {
		for _, body := range []string{"username=%ff%fe", "%zz", "username=a%00b", strings.Repeat("a=b&", 40_000), "username[]=1", "{}", "version=\x01", "token=%f0%9f%98%80"} {
			for _, kind := range []string{"application/x-www-form-urlencoded", "application/json", "multipart/form-data", ""} {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
				r.Header.Set("Content-Type", kind)
				if got := w.do(member(id), r); got.status >= 500 {
					t.Errorf("%s with %.20q (%s) answered %d %s", path, body, kind, got.status, got.body)
				}
			}
		}
	}
	for _, query := range []string{"?token=%ff", "?token=%00", "?pr_token=" + strings.Repeat("x", 10_000), "?%zz", "?token[]=1"} {
		if got := w.do(web.Identity{}, httptest.NewRequest(http.MethodGet, "/user/email-unsubscribe-lookup"+query, nil)); got.status >= 500 {
			t.Errorf("%s answered %d", query, got.status)
		}
	}
}

func TestUpdateMyInformation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const path = "/user/update-my-information"
	id := w.verified("ann_lee", "ann@mail.example.com")
	version := w.account(id).Version
	w.is(w.post(web.Identity{}, path), `{"update_my_information":"user_not_authenticated"}`)
	w.is(w.post(member(id), path, "firstname", "", "lastname", "Lee", "email_address", "x@y"),
		`{"update_my_information":"errors","errors":{"firstname":[{"type":"required","description":"…"}],"lastname":true,"email-address":[{"type":"not_valid","description":"…"}]}}`)
	w.is(w.post(member(id), path, "firstname", "Ann", "lastname", "Lee", "email_address", "ann@mail.example.com"), `{"update_my_information":"success"}`)
	if v := w.account(id).Version; v != version {
		t.Errorf("version %d after nothing changed, %d before", v, version)
	}
	got := w.post(member(id), path, "firstname", "Anna", "lastname", "Lee", "email_address", "ann@Mail.example.com")
	w.is(got, `{"update_my_information":"success"}`)
	if a := w.account(id); !a.EmailVerified || a.FirstName != "Anna" || len(w.mails(msg.MailAddressChanged)) != 0 {
		t.Errorf("only the name changed, but %+v", a)
	}
	if got.session.Action != web.SessionUpdate || got.session.Member.FirstName != "Anna" {
		t.Errorf("session %+v", got.session)
	}
	w.is(w.post(member(id), path, "firstname", "Anna", "lastname", "Lee", "email_address", "new@mail.example.com"), `{"update_my_information":"success"}`)
	a := w.account(id)
	mail := w.lastMail(msg.MailAddressChanged)
	if a.EmailVerified || a.Email != "new@mail.example.com" || cmp.Diff([]string{"new@mail.example.com", "ann@mail.example.com"}, mail.To) != "" ||
		mail.Data["email"] != a.Email || mail.Data["old_email"] != "ann@mail.example.com" {
		t.Errorf("%+v, mail %+v", a, mail)
	}
	events := said[msg.Member](w, msg.UserProfileChanged)
	if len(events) != 2 || events[1].Email != a.Email || events[1].EmailVerified || events[1].Version != events[0].Version+1 {
		t.Errorf("events %+v", events)
	}
	w.is(w.post(member(id), "/user/verify-email-address-response", "email_verification_code", mail.Data["code"]), `{"verify_email_address_response":"success"}`)
	w.is(w.post(member(999), path, "firstname", "A", "lastname", "B", "email_address", "a@b.cd"), `{"update_my_information":"user_not_authenticated"}`)
}

func TestInternalAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	page := func() string { return w.get(member(id), "/internal/account").body }
	at := func(tm time.Time) string { return tm.UTC().Format(`"2006-01-02T15:04:05.000Z"`) }
	a, _, err := readAccountPage(t.Context(), w.pool, id)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"personal_data":{"username":"ann_lee","first_name":"Ann","last_name":"Lee","newsletter_subscriber":false,"email_unsubscribed":false,"joined_date_time":` +
		at(a.Joined) + `,"last_login_date_time":` + at(*a.LastLogin) + `,"terms_of_use_agreed_date_time":` + at(*a.TermsAgreed) +
		`},"email_data":{"email_address":"ann@mail.example.com","email_verified":false,"verification_request_sent_within_24_hours":true}}`
	if diff := cmp.Diff(want, page()); diff != "" {
		t.Error(diff)
	}
	w.exec(`UPDATE code SET expires = now() - interval '1 second'`)
	w.exec(`UPDATE account SET last_login = NULL`)
	w.exec(`DELETE FROM terms_agreed`)
	if got := page(); !strings.Contains(got, `"verification_request_sent_within_24_hours":false`) || !strings.Contains(got, `"terms_of_use_agreed_date_time":null`) ||
		!strings.Contains(got, `"last_login_date_time":`+at(a.Joined)) {
		t.Error(got)
	}
	if got := w.get(web.Identity{}, "/internal/account"); got.status != http.StatusNotFound {
		t.Errorf("for a visitor: %d", got.status)
	}
	if got := w.get(web.Identity{}, "/internal/address-of-member"); got.status != http.StatusBadRequest {
		t.Errorf("without an address: %d", got.status)
	}
}
