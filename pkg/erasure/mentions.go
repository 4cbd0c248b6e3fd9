package erasure

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// SearchTerms are texts in lower case: whatever mentions the person contains one of them. They find
// too much: joann@mail.example.com contains ann@mail.example.com. Mentions is exact.
func (p Person) SearchTerms() []string { return append(p.addresses(), p.codes()...) }

// addresses are the ways to write the person's addresses: as they are, in Go's JSON, in a URL.
func (p Person) addresses() (forms []string) {
	for _, address := range p.Emails {
		if lower := strings.ToLower(strings.TrimSpace(address)); lower != "" {
			forms = append(forms, lower, strings.ReplaceAll(lower, "&", `\u0026`),
				strings.ToLower(url.QueryEscape(lower)))
		}
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

func (p Person) codes() (codes []string) {
	for _, code := range p.Codes {
		if code != "" {
			codes = append(codes, strings.ToLower(code))
		}
	}
	return codes
}

// AddressesIn are the e-mail addresses that are values in a JSON text, each once; text that is not
// JSON has none.
func AddressesIn(data []byte) (list []string) {
	for in := json.NewDecoder(bytes.NewReader(data)); ; {
		token, err := in.Token()
		if err != nil {
			slices.Sort(list)
			return slices.Compact(list)
		}
		if text, ok := token.(string); ok && isAddress.MatchString(text) {
			list = append(list, text)
		}
	}
}

var isAddress = regexp.MustCompile(`^[^\s@<>]{1,64}@[^\s@<>]{1,255}$`)

// Mentions reports whether a text names one of the person's addresses or codes.
func (p Person) Mentions(text []byte) bool {
	lower := bytes.ToLower(text)
	return slices.ContainsFunc(p.addresses(), func(address string) bool { return containsAddress(lower, address) }) ||
		slices.ContainsFunc(p.codes(), func(code string) bool { return bytes.Contains(lower, []byte(code)) })
}

// MentionedIn reports whether a message is about the person: it names an address, a code, or the
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
		if strings.HasPrefix(subject, "user.") && subject != msg.ProspectChanged &&
			bytes.Contains(data, []byte(`{"id":`+number+`,`)) {
			return true
		}
	}
	return false
}

// Mentioning runs a query of id, subject and payload that finds too much by the person's
// SearchTerms, $1 (more is $2 and so on), and returns the ids of the rows that name an address or a
// code of the person. An id alone does not count: messages to others have it, too. The subject is
// empty for rows that are not messages.
func Mentioning[ID any](ctx context.Context, db pg.DB, p Person, what, sql string,
	more ...any) ([]ID, error) {
	named := Person{Emails: p.Emails, Codes: p.Codes}
	rows, err := db.Query(ctx, sql, append([]any{named.SearchTerms()}, more...)...)
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

// InText is the SQL condition that one of the texts in a parameter, which are in lower case, stands
// in a column in whatever case.
func InText(column, param string) string {
	return `EXISTS (SELECT FROM unnest(` + param + `::text[]) AS n (needle) WHERE position(needle IN lower(` + column +
		`)) > 0)`
}

// InBytes is InText for a column of bytes.
func InBytes(column, param string) string {
	return `EXISTS (SELECT FROM unnest(` + param + `::text[]) AS n (needle)
		WHERE position(encode(convert_to(needle, 'UTF8'), 'escape') IN lower(encode(` + column + `, 'escape'))) > 0)`
}

// An address stands alone if the text around it, in lower case, is neither the end nor the
// beginning of another one. Around it stands a sign that no address of the shop has (the contract,
// section 3; other signs that mail knows end words more often), or an escape before it (\n, \u003c,
// %3d), or the dot at the end of a sentence behind it.
const (
	beforeAddress = `(?:^|[^a-z0-9\x{80}-\x{10ffff}+_.-]|\\[bfnrt]|\\u[0-9a-f]{4}|%[0-9a-f]{2})`
	afterAddress  = `(?:$|[^a-z0-9\x{80}-\x{10ffff}.-]|\.$|\.[^a-z0-9\x{80}-\x{10ffff}])`
)

// containsAddress reports whether an address stands in a text by itself. Both are in lower case.
func containsAddress(text []byte, address string) bool {
	if !bytes.Contains(text, []byte(address)) {
		return false
	}
	alone, err := regexp.Compile(beforeAddress + regexp.QuoteMeta(address) + afterAddress)
	return err != nil || alone.Match(text) // text that cannot be searched counts as the address
}
