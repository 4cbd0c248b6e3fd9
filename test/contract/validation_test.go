package contract

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var validation = map[string]func(*testing.T, *env){
	"names and usernames": testNames,
	"email addresses":     testAddresses,
	"passwords":           testPasswords,
	"chat":                testChatFields,
	"waiting list":        testWaitingListFields,
	"my information":      testInformationFields,
	"new password":        testNewPasswordFields,
}

// types are the codes of a field's broken rules, "true" when it is fine.
func types(t *testing.T, a testenv.Answer, field string) string {
	t.Helper()
	switch v := a.At("errors", field).(type) {
	case bool:
		return fmt.Sprint(v)
	case []any:
		var codes []string
		for i := range v {
			codes = append(codes, a.Text("errors", field, fmt.Sprint(i), "type"))
		}
		return strings.Join(codes, " ")
	}
	t.Errorf("no %s in %d %.300s", field, a.Status, a.Body)
	return ""
}

type field struct{ value, types string }

// createAccount tries a registration that always fails, because of its last name unless pairs has
// another.
func (b *browser) createAccount(pairs ...string) testenv.Answer {
	b.TB.Helper()
	values := map[string]string{"firstname": "Ann", "lastname": "!", "username": name("member_"), "email_address": email(),
		"password":         password,
		"confirm_password": password, "newsletter": "false", "remember_me": "false"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	var flat []string
	for name, value := range values {
		flat = append(flat, name, value)
	}
	a := b.post("/user/create-account", flat...)
	a.Want("false", "create_account")
	return a
}

func repeat(n int) string { return strings.Repeat("a", n) }

var nameFields = []field{
	{"", "required"}, {"Ann", "true"}, {"ann lee 3", "true"}, {"Ann-Lee", "not_valid"}, {"Zoë", "not_valid"}, {"Ann\n", "not_valid"},
	{"A<b>", "not_valid"},
	{repeat(30), "true"}, {repeat(31), "too_many_chars"}, {strings.Repeat("é", 30), "not_valid"},
	{strings.Repeat("é", 31), "not_valid too_many_chars"},
	{"O'Hara", "not_valid"}, {"a\tb", "not_valid"}, {"\u00a0", "not_valid"}, {"_", "not_valid"}, {"٣", "not_valid"},
}

// Names and usernames are checked for length and characters.
func testNames(t *testing.T, e *env) {
	b := e.browser(t)
	taken := b.register()
	b = e.browser(t)
	for _, f := range nameFields {
		want(t, fmt.Sprintf("first name %.40q", f.value), types(t, b.createAccount("firstname", f.value), "firstname"), f.types)
	}
	for _, f := range []field{{"", "required"}, {"Lee\n", "not_valid"}, {repeat(151), "too_many_chars"},
		{repeat(150) + "!", "not_valid too_many_chars"}} {
		want(t, fmt.Sprintf("last name %.40q", f.value), types(t, b.createAccount("lastname", f.value), "lastname"), f.types)
	}
	want(t, "a last name of 150", types(t, b.createAccount("lastname", repeat(150), "firstname", "!"), "lastname"), "true")
	for _, f := range []field{
		{"", "required"}, {"abcde", "too_short"}, {"abcdef", "true"}, {"a", "too_short"}, {"a b", "not_valid too_short"},
		{"ab cdef", "not_valid"}, {"abcdef\n", "not_valid"},
		{"Ab_c-9", "true"}, {"abcdéf", "not_valid"}, {"éééé", "not_valid too_short"}, {repeat(150), "true"},
		{repeat(151), "too_many_chars"}, {repeat(150) + "!", "not_valid too_many_chars"},
		{taken.username, "unavailable"}, {strings.ToUpper(taken.username), "true"}, {"ann@lee.example", "not_valid"},
	} {
		want(t, fmt.Sprintf("username %.40q", f.value), types(t, b.createAccount("username", f.value), "username"), f.types)
	}
	b.createAccount("firstname", "", "lastname", "", "username", "", "email_address", "", "password", "", "confirm_password",
		"x").Golden("testdata/create_account_required.json")
	b.createAccount().Is(`{"create_account":"false","errors":{"firstname":true,"lastname":[{"type":"not_valid","description":"*"}],` +
		`"username":true,"email-address":true,"password":true},"user-api-version":"0.0.1"}`)
}

var addressFields = []field{
	{"", "required"}, {"a@b.cc", "true"}, {"A.b_c+d-e9@x-y.z.example", "true"}, {"a@b.c", "not_valid"}, {"a@b", "not_valid"},
	{"@b.cc", "not_valid"}, {"a@", "not_valid"}, {"plain", "not_valid"},
	{".a@b.cc", "not_valid"}, {"a.@b.cc", "not_valid"}, {"_a@b.cc", "not_valid"}, {"a+@b.cc", "not_valid"}, {"-a@b.cc", "not_valid"},
	{"a b@c.dd", "not_valid"}, {"a@b c.dd", "not_valid"},
	{"a@b..cc", "not_valid"}, {"a@.cc", "not_valid"}, {"a@b.cc\n", "not_valid"}, {"é@b.cc", "not_valid"}, {"a@é.cc", "not_valid"},
	{"a@b.éé", "not_valid"}, {"a@b.c1", "true"}, {"a@1.22", "true"},
	{"a@@b.cc", "not_valid"}, {"a'b@c.dd", "not_valid"}, {"a@b_c.dd", "not_valid"}, {"a@b.c-d", "not_valid"}, {"a@b.cc.", "not_valid"},
	{"a@b.cc ", "not_valid"}, {" a@b.cc", "not_valid"},
	{"Ann <a@b.cc>", "not_valid"}, {"a@b.cc,d@e.ff", "not_valid"}, {"a..b@c.dd", "true"}, {repeat(246) + "@mail.ex", "true"},
	{repeat(247) + "@mail.ex", "too_many_chars"},
	{repeat(260), "not_valid too_many_chars"}, {strings.Repeat("é", 254), "not_valid"},
	{strings.Repeat("é", 255), "not_valid too_many_chars"},
	{"a@-b.cc", "true"}, {"1@b.cc", "true"},
}

// Addresses of mail are checked for length and form.
func testAddresses(t *testing.T, e *env) {
	b := e.browser(t)
	for _, f := range addressFields {
		want(t, fmt.Sprintf("address %.60q", f.value), types(t, b.createAccount("email_address", f.value), "email-address"), f.types)
	}
}

var passwordFields = []struct{ value, confirm, types string }{
	{"", "", "required"}, {"", "x", "required"}, {password, password, "true"}, {password, "", "confirm_password_doesnt_match"},
	{password, password + " ", "confirm_password_doesnt_match"},
	{"Abcdef!", "Abcdef!", "too_short"}, {"Abcdefg!", "Abcdefg!", "true"},
	{"a", "b", "too_short no_capital_letter no_special_character confirm_password_doesnt_match"},
	{"abcdefg!", "abcdefg!", "no_capital_letter"}, {"Abcdefgh", "Abcdefgh", "no_special_character"},
	{"Ébcdefg!", "Ébcdefg!", "no_capital_letter"}, {"Abcdefg?", "Abcdefg?", "no_special_character"},
	{"Abcdefg+-_=.,;:", "Abcdefg+-_=.,;:", "no_special_character"}, {"A" + repeat(148) + "!", "A" + repeat(148) + "!", "true"},
	{"A" + repeat(149) + "!", "A" + repeat(149) + "!", "too_many_chars"},
	{"A!" + strings.Repeat("é", 148), "A!" + strings.Repeat("é", 148), "true"},
	{"A!" + strings.Repeat("é", 149), "A!" + strings.Repeat("é", 149), "too_many_chars"},
	{repeat(151), "", "too_many_chars no_capital_letter no_special_character confirm_password_doesnt_match"},
	{"A!ééééé", "A!ééééé", "too_short"}, {"A!éééééé", "A!éééééé", "true"},
}

// Passwords are checked for length and kinds of characters, and against their confirmation.
func testPasswords(t *testing.T, e *env) {
	b := e.browser(t)
	for _, f := range passwordFields {
		want(t, fmt.Sprintf("password %.40q", f.value),
			types(t, b.createAccount("password", f.value, "confirm_password", f.confirm), "password"), f.types)
	}
	for special := range strings.SplitSeq("!@#$%^&*(){}[]~", "") {
		p := "Abcdefgh" + special
		want(t, p, types(t, b.createAccount("password", p, "confirm_password", p), "password"), "true")
	}
}

// A chat message is checked field by field.
func testChatFields(t *testing.T, e *env) {
	b := e.browser(t)
	chat := func(name, address, message string) testenv.Answer {
		return b.post("/user/put-chat-message", "name", name, "email_address", address, "message", message)
	}
	for _, f := range nameFields {
		a := chat(f.value, email(), "")
		a.Want("validation_error", "put_chat_message")
		want(t, fmt.Sprintf("name %.40q", f.value), types(t, a, "name"), f.types)
	}
	for _, f := range addressFields {
		want(t, fmt.Sprintf("address %.60q", f.value), types(t, chat("Ann", f.value, ""), "email_address"), f.types)
	}
	chat("", "", "").Is(`{"put_chat_message":"validation_error","errors":{"name":[{"type":"required","description":"*"}],"email_address":[{"type":"required","description":"*"}],
		"message":[{"type":"required","description":"*"}]},"user-api-version":"0.0.1"}`)
	chat("Ann", email(), strings.Repeat("é", 5001)).Is(
		`{"put_chat_message":"validation_error","errors":{"name":true,"email_address":true,"message":[{"type":"too_many_chars",` +
			`"description":"*"}]},"user-api-version":"0.0.1"}`)
	chat("Ann", email(), strings.Repeat("é", 5000)).Is(`{"put_chat_message":"true","user-api-version":"0.0.1"}`)
	chat("Ann", email(), "<b>\n😀'; drop").Is(`{"put_chat_message":"true","user-api-version":"0.0.1"}`)
}

// An entry of the waiting list is checked field by field.
func testWaitingListFields(t *testing.T, e *env) {
	b := e.browser(t)
	notify := func(address, excited string) testenv.Answer {
		return b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", excited)
	}
	for _, f := range []field{{"", "required"}, {"0", "out_of_range"}, {"6", "out_of_range"}, {"x", "out_of_range"}, {"-1", "out_of_range"},
		{"1.0", "out_of_range"}, {"3\n", "out_of_range"}, {"٣", "out_of_range"}, {"33", "out_of_range"}} {
		a := notify(email(), f.value)
		a.Want("validation_error", "pythonabot_notify_me")
		want(t, fmt.Sprintf("excitement %q", f.value), types(t, a, "how_excited"), f.types)
		want(t, "address", types(t, a, "email_address"), "true")
	}
	for _, f := range addressFields {
		a := notify(f.value, "")
		want(t, fmt.Sprintf("address %.60q", f.value), types(t, a, "email_address"), f.types)
	}
	for _, good := range []string{"1", "2", "3", "4", "5"} {
		notify(email(), good).Is(`{"pythonabot_notify_me":"success","user-api-version":"0.0.1"}`)
	}
}

// Changes of a member's information are checked field by field, and a refused one changes nothing.
func testInformationFields(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	for _, f := range nameFields {
		a := b.post("/user/update-my-information", "firstname", f.value, "lastname", "", "email_address", m.email)
		want(t, fmt.Sprintf("first name %.40q", f.value), types(t, a, "firstname"), f.types)
		want(t, "last name", types(t, a, "lastname"), "required")
		want(t, "address", types(t, a, "email-address"), "true")
	}
	for _, f := range addressFields {
		a := b.post("/user/update-my-information", "firstname", "", "lastname", repeat(150), "email_address", f.value)
		want(t, fmt.Sprintf("address %.60q", f.value), types(t, a, "email-address"), f.types)
		a.Want("errors", "update_my_information")
	}
	b.get("/user/logged-in").Want("Ann", "first_name")
}

// A reset and a change of the password check the new one.
func testNewPasswordFields(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	b.post("/user/reset-password", "username", m.username, "email_address", m.email)
	code := codeIn(t, e.awaitMailWith(t, m.email, resetLink, 1).Text, resetLink)
	visitor := e.browser(t)
	for _, f := range passwordFields {
		if f.types == "true" {
			continue
		}
		a := visitor.post("/user/set-new-password", "username", m.username, "password_reset_code", code, "new_password", f.value,
			"confirm_new_password", f.confirm)
		a.Want("password-error", "set_new_password")
		want(t, fmt.Sprintf("new password %.40q", f.value), types(t, a, "new-password"), f.types)
	}
	skip := []string{password}
	for i, f := range passwordFields {
		if f.types == "true" || slices.Contains(skip, f.value) || i > 8 {
			continue
		}
		a := b.post("/user/change-my-password", "current_password", password, "new_password", f.value, "confirm_new_password", f.confirm)
		a.Want("errors", "change_my_password")
		want(t, fmt.Sprintf("changed password %.40q", f.value), types(t, a, "password"), f.types)
	}
}
