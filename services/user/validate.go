package user

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// problem is one rule that a field breaks; Type is the contract's, Description is for the shopper.
type problem struct {
	Type        string `json:"type"`
	Description string `json:"description"`
}

// problems are the rules that a field breaks. None marshals as the contract's literal true.
type problems []problem

func (p *problems) add(broken bool, kind, description string) {
	if broken {
		*p = append(*p, problem{kind, description})
	}
}

// result is what the contract shows for a field: true, or the list.
func (p problems) result() any {
	if len(p) == 0 {
		return true
	}
	return p
}

// fields are the results of a form, in the order of the contract.
type fields []struct {
	key string
	problems
}

func (f *fields) add(key string, p problems) {
	*f = append(*f, struct {
		key string
		problems
	}{key, p})
}

func (f fields) ok() bool {
	for _, field := range f {
		if len(field.problems) > 0 {
			return false
		}
	}
	return true
}

func (f fields) object() web.Object {
	o := make(web.Object, len(f))
	for i, field := range f {
		o[i] = web.Field{Key: field.key, Value: field.result()}
	}
	return o
}

// Longest values in characters, from the contract.
const (
	maxFirstName = 30
	maxLastName  = 150
	maxUsername  = 150
	maxEmail     = email.MaxLength
	maxPassword  = 150
	maxText      = 5000
	maxPhone     = 100
)

// The shapes of the contract. Only ASCII; $ is the end of the text, so no newline slips through.
var (
	nameShape     = regexp.MustCompile(`^[A-Za-z0-9 ]*$`)
	usernameShape = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)
)

// required reads parameters that must all be there.
func required(v web.Values, names ...string) ([]string, error) {
	values := make([]string, len(names))
	for i, name := range names {
		var err error
		if values[i], err = v.Required(name); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// isTrue reads a switch: only the word true is true.
func isTrue(s string) bool { return s == "true" }

func checkName(s string, limit int) problems {
	var p problems
	p.add(s == "", "required", "Please fill this in.")
	p.add(!nameShape.MatchString(s), "not_valid", "Only letters, digits and spaces are possible here.")
	p.add(utf8.RuneCountInString(s) > limit, "too_many_chars", "This is longer than we can store.")
	return p
}

// checkUsername knows nothing of other accounts: its caller adds whether the name is unavailable.
func checkUsername(s string) problems {
	if s == "" {
		return problems{{"required", "Please choose a user name."}}
	}
	var p problems
	n := utf8.RuneCountInString(s)
	p.add(!usernameShape.MatchString(s), "not_valid", "A user name has only letters, digits, underscores and hyphens.")
	p.add(n > maxUsername, "too_many_chars", "A user name has at most 150 characters.")
	p.add(n < 6, "too_short", "A user name has at least 6 characters.")
	return p
}

func checkEmail(s string) problems {
	if s == "" {
		return problems{{"required", "Please give an email address."}}
	}
	var p problems
	p.add(!email.HasShape(s), "not_valid", "This does not look like an email address.")
	p.add(utf8.RuneCountInString(s) > maxEmail, "too_many_chars", "An email address has at most 254 characters.")
	return p
}

// specials are the characters of which a password needs one.
const specials = "!@#$%^&*()~{}[]"

func checkPassword(s, again string) problems {
	if s == "" {
		return problems{{"required", "Please choose a password."}}
	}
	var p problems
	n := utf8.RuneCountInString(s)
	p.add(n > maxPassword, "too_many_chars", "A password has at most 150 characters.")
	p.add(n < 8, "too_short", "A password has at least 8 characters.")
	p.add(!strings.ContainsAny(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "no_capital_letter",
		"A password needs a capital letter.")
	p.add(!strings.ContainsAny(s, specials), "no_special_character",
		"A password needs one of these: ! @ # $ % ^ & * ( ) ~ { } [ ]")
	p.add(s != again, "confirm_password_doesnt_match", "The two passwords differ.")
	return p
}

func checkMessage(s string) problems {
	var p problems
	p.add(s == "", "required", "Please write a message.")
	p.add(utf8.RuneCountInString(s) > maxText, "too_many_chars", "A message has at most 5000 characters.")
	return p
}

func checkExcited(s string) problems {
	if s == "" {
		return problems{{"required", "Please choose a number from 1 to 5."}}
	}
	var p problems
	p.add(len(s) != 1 || s[0] < '1' || s[0] > '5', "out_of_range", "Please choose a number from 1 to 5.")
	return p
}

// normalEmail puts the domain of an address in lower case; the local part is its host's business.
// Letters beyond ASCII stay: the lower case of the Kelvin sign, for one, would pass for a k.
func normalEmail(s string) string {
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return s
	}
	return s[:at] + strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s[at:])
}

// maskEmail shows the first four characters of the local part and the domain.
func maskEmail(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	if n := utf8.RuneCountInString(local); n > 4 {
		local = string([]rune(local)[:4]) + strings.Repeat("*", n-4)
	}
	return local + "@" + domain
}
