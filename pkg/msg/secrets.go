package msg

import (
	"regexp"
	"slices"
	"strings"
)

// opening are the fields whose value opens something for anyone who has it: an account, a
// preference, a payment.
var opening = []string{
	"unsubscribe_token",             // of Member and Prospect
	"client_secret",                 // of Stripe's payment intents, setup intents and checkout sessions
	"password", "secret", "api_key", // in no payload yet; hidden should one ever have them
}

// Opens reports whether the value at a path of a payload opens something, so that no page may show
// it. A path is the names of the fields that lead there; "[]" stands for an element of an array. As
// in encoding/json, case does not matter.
func Opens(path []string) bool {
	for i, name := range path {
		switch name = strings.ToLower(name); {
		case slices.Contains(opening, name):
			return true
		// SendMail: code resets a password or proves an address, undo_code takes a change of it
		// back.
		case i == 1 && strings.EqualFold(path[0], "data") && strings.HasSuffix(name, "code"):
			return true
		// Erased: the tokens of unsubscribe links are among its codes.
		case i == 1 && strings.EqualFold(path[0], "codes") && name == "[]" && len(path) == 2:
			return true
		}
	}
	return false
}

// openingLinks are links that open something by themselves: to Stripe's pages of one payment or
// customer, and those that carry a token or a code.
var openingLinks = regexp.MustCompile(`(?i)https?://[a-z0-9.-]*\bstripe\.com/[^\s"'<>]*|` +
	`\b[a-z_]*(?:token|code|secret)=[^&\s"'<>]+`)

// WithoutLinks is a text without the links in it that open something by themselves.
func WithoutLinks(text, instead string) string {
	return openingLinks.ReplaceAllLiteralString(text, instead)
}
