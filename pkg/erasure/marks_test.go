package erasure

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A text that mentions a person has one of the person's fingerprints, in whatever way it is
// written.
func TestMentionsHaveFingerprints(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"ann@mail.example.com", "Ann.Lee+shop@mail.example.com", "a&b@mail.example.com",
		"jürgen@mail.example.com", "mü@mail.example.com", "x_1@mail.example.com"} {
		who := Person{Emails: []string{address}}
		for _, form := range who.addresses() {
			for _, around := range []string{`*`, `{"to":["*"]}`, `\n*`, `\u003c*\u003e`, "?email=*&y=1", "%3D*%26", "say *.", "\xbf*\xff"} {
				text := strings.Replace(around, "*", form, 1)
				if !who.Mentions([]byte(text)) {
					continue
				}
				if !slices.ContainsFunc(who.Fingerprints(), func(m int64) bool { return slices.Contains(Fingerprints([]byte(text)), m) }) {
					t.Errorf("%q of %s is not found", text, address)
				}
			}
		}
	}
	if marks := (Person{Codes: []string{"Code12345678"}}).Fingerprints(); len(marks) != 0 {
		t.Errorf("without an address: %d", marks)
	}
}

// StripeObjects are those of a regular expression that says what they are.
func TestStripeObjects(t *testing.T) {
	t.Parallel()
	object := regexp.MustCompile(`\b(?:cs|pi|ch|py|cus|re|pyr|dp|du)_[A-Za-z0-9_]{6,255}\b`)
	compare := func(t interface{ Errorf(string, ...any) }, text string) {
		got, want := StripeObjects([]byte(text)), object.FindAllString(text, -1)
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, text := range []string{"", "_", `"cs_test_a1B2c3"`, "pi_123456_secret_9", "pi_12345", "xpi_123456",
		"cus_1234567 re_abcdefg", "a_pi_123456", "du_" + strings.Repeat("x", 255), "du_" + strings.Repeat("x", 256),
		"__pi_123456__", "éch_123456é"} {
		compare(t, text)
	}
	rapid.Check(t, func(t *rapid.T) {
		compare(t, rapid.StringMatching(`(cs|pi|x|re|_|-|"|[0-9]{3}|[a-z]{2}){0,20}`).Draw(t, "text"))
	})
	got := Fingerprints([]byte(`{"id":"pi_1234567","client_secret":"pi_1234567_secret_X","email":"Ann@Mail.example.com"}`))
	if want := MarksOf([]string{"ann@mail", "pi_1234567", "pi_1234567_secret_x"}); !slices.Equal(got, want) {
		t.Errorf("marks %d, want %d", got, want)
	}
}
