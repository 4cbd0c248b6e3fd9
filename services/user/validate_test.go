package user

import (
	"net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/startupwebapp/startupwebapp/pkg/email"
)

// Addresses of the contract's shape pass, before and after normalization, and no others.
func TestEmailShape(t *testing.T) {
	t.Parallel()
	for s, good := range map[string]bool{
		"ann@mail.example.com": true, "a@b.cd": true, "1@2.34": true, "a.b_c+d-e@x-y.example.org": true, "a..b@c.de": true, "A@B.CD": true,
		"a@-.de": true, "a@b.c1": true,
		"ann": false, "@b.cd": false, "a@": false, "a@b": false, "a@b.c": false, "a@b..cd": false, "a@.cd": false, ".a@b.cd": false,
		"a.@b.cd": false,
		"_a@b.cd": false, "a+@b.cd": false, "a b@c.de": false, "a@b c.de": false, "a@b.cd\n": false, "\na@b.cd": false, "a@b.cd ": false,
		"a@b@c.de": false, "ä@b.cd": false, "a@bü.cd": false, "a'b@c.de": false, "a@b.c-d": false, "a@b_c.de": false,
		"a@[127.0.0.1]": false, "a@b.cd\x00": false,
		"a@\u212aelvin.com": false, "a@b.cd\u0130": false,
	} {
		if got, normal := len(checkEmail(s)) == 0, len(checkEmail(normalEmail(s))) == 0; got != good || normal != good {
			t.Errorf("%q: %t, in its normal form %t", s, got, normal)
		}
	}
}

// A password needs a capital from A to Z and one of the special characters, and may have 150
// characters.
func TestPasswordCharacters(t *testing.T) {
	t.Parallel()
	for _, c := range "!@#$%^&*()~{}[]" {
		if p := checkPassword("Abcdefg"+string(c), "Abcdefg"+string(c)); len(p) != 0 {
			t.Errorf("%c: %v", c, p)
		}
	}
	for _, c := range `-_=+;:'",.<>/?\| ` + "`" {
		if p := checkPassword("Abcdefg"+string(c), "Abcdefg"+string(c)); len(p) != 1 || p[0].Type != "no_special_character" {
			t.Errorf("%c: %v", c, p)
		}
	}
	if p := checkPassword("Äbcdefg!", "Äbcdefg!"); len(p) != 1 || p[0].Type != "no_capital_letter" {
		t.Errorf("a capital beyond A-Z: %v", p)
	}
	long := "A!" + strings.Repeat("ß", 148)
	if p := checkPassword(long, long); len(p) != 0 {
		t.Errorf("150 characters: %v", p)
	}
}

// A masked address shows four characters of the local part, and the domain.
func TestMaskEmail(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{"annlee1@mail.example.com": "annl***@mail.example.com", "ann@b.cd": "ann@b.cd",
		"anna@b.cd": "anna@b.cd", "annas@b.cd": "anna*@b.cd"} {
		if got := maskEmail(s); got != want {
			t.Errorf("%s: %s", s, got)
		}
	}
}

// An address that passes is one for net/mail, too, and stays valid when it is normalized.
func TestValidEmailsAreAddresses(t *testing.T) {
	t.Parallel()
	local := rapid.StringMatching(`[A-Za-z0-9]([A-Za-z0-9._+-]{0,10}[A-Za-z0-9])?`)
	domain := rapid.StringMatching(`([A-Za-z0-9]{1,8}\.){1,3}[A-Za-z0-9]{2,5}`)
	rapid.Check(t, func(t *rapid.T) {
		s := local.Draw(t, "local") + "@" + domain.Draw(t, "domain")
		if p := checkEmail(s); len(p) != 0 {
			t.Fatalf("%q: %v", s, p)
		}
		n := normalEmail(s)
		if len(checkEmail(n)) != 0 || normalEmail(n) != n || !strings.EqualFold(n, s) {
			t.Fatalf("%q becomes %q", s, n)
		}
		if a, err := mail.ParseAddress(email.Path(n)); err != nil || a.Address != n {
			t.Fatalf("%q: %v", n, err)
		}
	})
}

// No value that passes is too long or has characters that could break out of a page, a header or a
// mail.
func FuzzValidators(f *testing.F) {
	for _, s := range []string{"", "ann_lee", "ann@mail.example.com", "a\nb", "\xff", "é", strings.Repeat("a", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(checkName(s, maxLastName)) == 0 && (s == "" || len(s) > maxLastName || strings.ContainsAny(s, "<>&\"'\n\r")) {
			t.Errorf("name %q", s)
		}
		if len(checkUsername(s)) == 0 && (len(s) < 6 || len(s) > maxUsername || strings.ContainsAny(s, " <>&\"'\n\r@:")) {
			t.Errorf("user name %q", s)
		}
		if len(checkEmail(s)) == 0 && (len(s) > maxEmail || strings.Count(s, "@") != 1 || strings.ContainsAny(s, " <>&\"'\n\r")) {
			t.Errorf("address %q", s)
		}
		if len(checkPassword(s, s)) == 0 && (utf8.RuneCountInString(s) < 8 || utf8.RuneCountInString(s) > maxPassword) {
			t.Errorf("password %q", s)
		}
		if len(checkExcited(s)) == 0 && !strings.Contains("12345", s) {
			t.Errorf("excitement %q", s)
		}
		maskEmail(normalEmail(s))
	})
}
