package user

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The list has 10,000 different passwords that satisfy the rules, and each is refused.
func TestCommonPasswordsKeepTheRules(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for line := range strings.Lines(commonPasswords) {
		p := strings.TrimSuffix(line, "\n")
		if broken := checkPassword(p, p); len(broken) > 0 {
			t.Errorf("%q breaks the rules and needs no place on the list: %v", p, broken)
		}
		if seen[p] {
			t.Errorf("%q is there twice", p)
		}
		seen[p] = true
		if !common(p) {
			t.Errorf("%q passes", p)
		}
	}
	if len(seen) != 10_000 {
		t.Errorf("%d passwords", len(seen))
	}
}

// Common passwords are refused with other case, lookalikes and frills, others are not.
func TestCommonPasswordsAreFound(t *testing.T) {
	t.Parallel()
	for _, p := range []string{
		"Password!", "Password1!", "PASSWORD1!", "P@ssw0rd", "P@55w0rd!", "pAsSwOrD!1", "!Password", "#1Password", "Password!2024",
		"P@ssword123", "Welcome1!", "Welcome@123",
		"Qwerty123!", "QWERTY!123", "Admin@123", "Letmein1!", "Il0veyou!", "ILOVEYOU!!", "Summer2025!", "!QAZ2wsx", "1qaz!QAZ", "ZAQ!2wsx",
		"Football#1", "Abc123!@#", "Dr@gon123!",
		"Sunshine!", "$unsh1ne!", "!!Princess!!",
	} {
		if !common(p) {
			t.Errorf("%q passes", p)
		}
	}
	for _, p := range []string{goodPassword, nextPassword, "Secret!word1", "Tr0ub4dor&3", "kT9!vQz#Lm2", "Correct-Horse!7",
		"Blue(whale)sings4", "A!éééééé", "Abcdefg!",
		"Passwords are like underwear!", "MyPassword!isnotyours", strings.Repeat("A!", 75)} {
		if common(p) {
			t.Errorf("%q is refused", p)
		}
	}
}

// A password with a name in it is refused, in whatever form; the shop's name is that of MAIL_FROM.
func TestPasswordsWithNamesAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		password string
		names    []string
		want     bool
	}{
		{"Ann_lee!99", []string{"ann_lee"}, true}, {"xANN_LEEx!", []string{"ann_lee"}, true}, {"Ann.Lee!99", []string{"ann_lee"}, true},
		{"@nn_l33!Xy", []string{"ann_lee"}, true},
		{"Paper&Co!2026", []string{"Paper & Co"}, true}, {"paperCO!2026", []string{"Paper & Co"}, true},
		{"St@rtUpW3b4pp!", []string{"StartUpWebApp"}, true},
		{"Ann!horse9", []string{"ann", ""}, false}, {goodPassword, []string{"ann_lee", "ann", "StartUpWebApp"}, false},
		{"Maria!9zx", []string{"mariasolo"}, false},
		{"Quiet(river)7", []string{"----"}, false},
	} {
		if got := personal(c.password, c.names...); got != c.want {
			t.Errorf("%q with %q: %t", c.password, c.names, got)
		}
	}

	for from, want := range map[string]string{"": "StartUpWebApp", "shop@x.example": "StartUpWebApp",
		`"Paper & Co" <shop@x.example>`: "Paper & Co"} {
		if got := shopName(from); got != want {
			t.Errorf("%s: %s", from, got)
		}
	}
}

// Registration, change and reset refuse passwords that are easily guessed, in the contract's form.
func TestGuessedPasswordsAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	create := func(username, email, password string) testenv.Answer {
		return e.Post("/user/create-account", form(username, email, "password", password, "confirm_password", password)...)
	}
	refused := func(kinds ...string) string {
		var list []string
		for _, k := range kinds {
			list = append(list, `{"type":"`+k+`","description":"*"}`)
		}
		return `[` + strings.Join(list, ",") + `]`
	}
	registration := func(kinds ...string) string {
		return `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":true,"email-address":true,"password":` +
			refused(kinds...) + `}}`
	}

	e.is(create("ann_lee", "ann@mail.example.com", "Password1!"), registration("too_common"))
	e.is(create("ann_lee", "ann@mail.example.com", "Ann_Lee!2026"), registration("contains_name"))
	e.is(create("ann_lee", "rosalind@mail.example.com", "R0salind#4711"), registration("contains_name"))
	e.is(create("ann_lee", "rosalind+shop@mail.example.com", "Rosalind#4711"), registration("contains_name"))
	e.is(create("ann_lee", "ann@mail.example.com", "StartUpWebApp#4711"), registration("contains_name"))
	e.is(create("dragon_one", "dragon@mail.example.com", "Dragon123!"), registration("too_common", "contains_name"))
	e.is(create("ann_lee", "ann@mail.example.com", "password1!"), registration("no_capital_letter", "too_common"))

	id := e.register("ann_lee", "rosalind@mail.example.com")
	for password, kind := range map[string]string{"Welcome@123": "too_common", "Rosalind#4711": "contains_name",
		"ANN-LEE#4711": "contains_name"} {
		e.is(e.As(member(id)).Post("/user/change-my-password", "current_password", goodPassword, "new_password", password,
			"confirm_new_password", password),
			`{"change_my_password":"errors","errors":{"password":`+refused(kind)+`}}`)
		e.resetTo("ann_lee", "rosalind@mail.example.com")
		e.is(e.Post("/user/set-new-password", "username", "ann_lee", "password_reset_code", e.lastMail(msg.MailReset).Data["code"],
			"new_password", password, "confirm_new_password", password),
			`{"set_new_password":"password-error","errors":{"new-password":`+refused(kind)+`}}`)
	}
}
