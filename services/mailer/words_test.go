package mailer

import (
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A brace that is not part of a name is found where it stands; those of style sheets are allowed.
func TestLoneBrace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{code} and {first_name}": "", "<style>p { color: red }\n@media x { p { top: 0 } }</style>{code}": "",
		"{":              "Line 1, character 1: a lone “{” is part of no field.",
		"{code}\nä {c}}": "Line 2, character 6: a lone “}” is part of no field.",
	} {
		if got := loneBrace(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// The confirmation of an order holds its lines and its total, as text and as HTML.
func TestConfirmationsSayWhatWasBought(t *testing.T) {
	t.Parallel()
	s := newEnv(t, 1, nil).server()
	for _, kind := range []string{msg.MailOrderMember, msg.MailOrderVisitor} {
		k, _ := kindOf(kind)
		m := k.builtIn()
		m.BodyText, m.BodyHTML = "{identifier} {product_information}", "{identifier} {order_total_information}"
		wrong := s.check(k, m)
		wantContains(t, kind+" as text", wrong["body_text"], "{order_total_information} is missing")
		wantContains(t, kind+" as HTML", wrong["body_html"], "{product_information} is missing")
	}
}

// Links that name only the newsletter are not counted: the editor says which.
func TestUncountedLinks(t *testing.T) {
	t.Parallel()
	words := `a https://shop.example/a?em_cd={em_cd} b https://shop.example/b?em_cd={em_cd}&pr_cd={pr_cd}
		c {ENVIRONMENT_DOMAIN}/c?x=1&em_cd={em_cd}&mb_cd={mb_cd} d {shop_link} e https://shop.example/?{link_codes}`
	for audience, want := range map[string]int{"members": 2, "prospects": 2, "both": 3} {
		got := uncounted(campaign{Audience: audience, BodyText: words, BodyHTML: `<a href="https://shop.example/a?em_cd={em_cd}">a</a>`})
		if len(got) != want || !slices.Contains(got, "https://shop.example/a?em_cd={em_cd}") {
			t.Errorf("%s: %v", audience, got)
		}
	}
}
