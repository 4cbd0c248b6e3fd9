package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Needles are the texts, in lower case, of which one stands in whatever mentions the person. They
// find too much: ann@mail.example.com stands in joann@mail.example.com. Mentions looks closer.
func (p Person) Needles() []string {
	var all []string
	for _, address := range p.Emails {
		all = append(all, addressForms(address)...)
	}
	for _, code := range p.Codes {
		if code != "" {
			all = append(all, strings.ToLower(code))
		}
	}
	return all
}

// addressForms are the ways to write an address: as it is, in Go's JSON, in a URL.
func addressForms(address string) []string {
	lower := strings.ToLower(strings.TrimSpace(address))
	if lower == "" {
		return nil
	}
	forms := []string{lower}
	for _, other := range []string{strings.ReplaceAll(lower, "&", `\u0026`), strings.ToLower(url.QueryEscape(lower))} {
		if other != lower {
			forms = append(forms, other)
		}
	}
	return forms
}

// Mentions says whether a text names one of the person's addresses or codes.
func (p Person) Mentions(text []byte) bool {
	lower := bytes.ToLower(text)
	for _, address := range p.Emails {
		for _, form := range addressForms(address) {
			if containsAddress(lower, []byte(form)) {
				return true
			}
		}
	}
	for _, code := range p.Codes {
		if code != "" && bytes.Contains(lower, []byte(strings.ToLower(code))) {
			return true
		}
	}
	return false
}

// MentionedIn says whether a message is about the person: it names an address, a code, or the
// member's id where ids of members stand.
func (p Person) MentionedIn(subject string, data []byte) bool {
	if strings.HasPrefix(subject, "dead.") {
		var letter struct{ Payload []byte }
		if json.Unmarshal(data, &letter) == nil {
			data = append(append([]byte{}, data...), letter.Payload...) // the copy is base64
		}
	}
	if p.Mentions(data) {
		return true
	}
	for _, id := range p.MemberIDs {
		number := strconv.FormatInt(id, 10)
		for _, field := range []string{`"member_id":`, `"user_id":`} {
			if bytes.Contains(data, []byte(field+number+",")) || bytes.Contains(data, []byte(field+number+"}")) {
				return true
			}
		}
		if strings.HasPrefix(subject, "user.") && subject != msg.ProspectChanged && bytes.Contains(data, []byte(`{"id":`+number+`,`)) {
			return true
		}
	}
	return false
}

// Mentioning runs a query of id, subject and payload that finds too much by the person's Needles, $1, and
// returns the ids of what names an address or a code of the person. An id of theirs alone does not count:
// it stands in messages to others, too. The subject of what is no message is empty.
func Mentioning[ID any](ctx context.Context, db pg.DB, p Person, what, sql string) ([]ID, error) {
	named := Person{Emails: p.Emails, Codes: p.Codes}
	rows, err := db.Query(ctx, sql, named.Needles())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	var found []ID
	var id ID
	var subject string
	var payload []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &subject, &payload}, func() error {
		if named.MentionedIn(subject, payload) {
			found = append(found, id)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return found, nil
}

// InText is the SQL condition that one of the texts in a parameter, which are in lower case, stands in a
// column in whatever case.
func InText(column, param string) string {
	return `EXISTS (SELECT FROM unnest(` + param + `::text[]) AS n (needle) WHERE position(needle IN lower(` + column + `)) > 0)`
}

// InBytes is InText for a column of bytes.
func InBytes(column, param string) string {
	return `EXISTS (SELECT FROM unnest(` + param + `::text[]) AS n (needle)
		WHERE position(encode(convert_to(needle, 'UTF8'), 'escape') IN lower(encode(` + column + `, 'escape'))) > 0)`
}

// containsAddress finds an address that is not the end or the beginning of another one. Both are in
// lower case.
func containsAddress(text, address []byte) bool {
	for from := 0; ; {
		i := bytes.Index(text[from:], address)
		if i < 0 {
			return false
		}
		i += from
		if beginsAddress(text[:i]) && endsAddress(text[i+len(address):]) {
			return true
		}
		from = i + 1
	}
}

// beginsAddress says whether an address can begin behind this text: what stands there belongs to no
// address, or is the end of an escape (\n, \u003c, %3d).
func beginsAddress(before []byte) bool {
	n := len(before)
	if n == 0 || !inAddress(before[n-1]) {
		return true
	}
	return (n >= 2 && before[n-2] == '\\' && bytes.IndexByte([]byte("bfnrt"), before[n-1]) >= 0) ||
		(n >= 6 && before[n-6] == '\\' && before[n-5] == 'u' && hexDigits(before[n-4:])) ||
		(n >= 3 && before[n-3] == '%' && hexDigits(before[n-2:]))
}

// endsAddress says whether an address can end before this text. A dot at the end of a sentence does
// not go on.
func endsAddress(after []byte) bool {
	switch {
	case len(after) == 0:
		return true
	case after[0] == '.':
		return len(after) == 1 || !alphanumeric(after[1])
	}
	return !alphanumeric(after[0]) && after[0] != '-'
}

// inAddress names what may stand in an address of the shop's (the contract, section 3); other signs that
// mail knows in addresses end words more often.
func inAddress(c byte) bool {
	return alphanumeric(c) || bytes.IndexByte([]byte("+_.-"), c) >= 0
}

func alphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c >= 0x80 }

func hexDigits(b []byte) bool { return len(bytes.Trim(b, "0123456789abcdef")) == 0 }

// stripeObject matches the ids of what belongs to one purchase or customer.
var stripeObject = regexp.MustCompile(`\b(?:cs|pi|ch|py|cus|re|pyr|dp|du)_[A-Za-z0-9_]{6,255}\b`)

// StripeObjects are the ids in an event of Stripe that lead to others of the same purchase. Not all
// of those name an address: a payment intent may hold a name, a telephone number and a postal
// address alone.
func StripeObjects(event []byte) []string {
	var ids []string
	for _, id := range stripeObject.FindAll(event, -1) {
		ids = append(ids, string(id))
	}
	return ids
}
