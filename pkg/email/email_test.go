package email_test

import (
	"net/mail"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/email"
)

func TestValid(t *testing.T) {
	t.Parallel()
	for _, good := range []string{
		"a@b.co", "Ann.Lee+tag@Mail.Example.COM", "a..b@mail.example", "x-1_y@1-2.example.museum", "7@7.77", "a@-b.example",
		strings.Repeat("a", 242) + "@example.com",
	} {
		if !email.Valid(good) {
			t.Errorf("%q is refused", good)
		}
		if a, err := mail.ParseAddress(email.Path(good)); err != nil || a.Address != good {
			t.Errorf("%q cannot be mailed: %v, %v", good, a, err)
		}
	}
	for _, bad := range []string{
		"", "a", "a@b", "a@b.c", "@b.co", ".a@b.co", "a.@b.co", "a b@c.co", " a@b.co", "a@b.co\n", "a@b@c.co", "a@b..co", "ä@b.co",
		"a@ä.co",
		`"a"@b.co`, "a'b@c.co", "<a@b.co>", "a@b.co,c@d.co", "a@b.c\u212ao", strings.Repeat("a", 243) + "@example.com",
	} {
		if email.Valid(bad) {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// Spellings that lead to the same mailbox are one person, others are not.
func TestPerson(t *testing.T) {
	t.Parallel()
	for _, same := range [][]string{
		{"ann@mail.example", "Ann@Mail.Example", " ANN@mail.EXAMPLE ", "ann+shop@mail.example", "ann+a+b@mail.example",
			"ann+@mail.example"},
		{"annlee@gmail.com", "ann.lee@gmail.com", "A.n.n.Lee+x.y@GoogleMail.com", "annlee@googlemail.com"},
		{"ann.lee@mail.example", "Ann.Lee+1@mail.example"},
		{"+ann@mail.example"},
		{"annlee@mail.example", "annlee+ann.lee@mail.example"},
		{"no address"},
		{"a@b@mail.example"},
	} {
		for _, other := range same {
			if got, want := email.Person(other), email.Person(same[0]); got != want {
				t.Errorf("Person(%q) = %q, not %q", other, got, want)
			}
		}
	}

	people := map[string]string{}
	for _, one := range []string{"ann@mail.example", "ann@mail2.example", "ann.lee@mail.example", "annlee@mail.example",
		"ann-lee@mail.example", "ann_lee@mail.example", "annlee@gmail.com", "ann@gmail.com"} {
		if before, taken := people[email.Person(one)]; taken {
			t.Errorf("%s counts as %s", one, before)
		}
		people[email.Person(one)] = one
	}
}

func TestPathQuotesWhatMailHostsWouldRefuse(t *testing.T) {
	t.Parallel()
	for address, path := range map[string]string{
		"ann@mail.example": "ann@mail.example", "a..b@mail.example": `"a..b"@mail.example`, `"a..b"@mail.example`: `"a..b"@mail.example`,
		"": "", "staff": "staff",
	} {
		if got := email.Path(address); got != path {
			t.Errorf("Path(%q) = %q", address, got)
		}
	}
}
