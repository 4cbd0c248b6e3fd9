package listing

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxWords bounds a search, in letters; the rest is cut off.
const maxWords = 100

// Found is the result of a search, the best first.
type Found struct {
	Products []*Product
	// Meant is the corrected search, used because no product has the words as typed; "" otherwise.
	Meant string
}

// ReadQuery reads page, sort and at from an address. Invalid values count as missing.
func ReadQuery(collection string, values url.Values) Query {
	q := Query{Collection: collection, Page: ReadPage(values.Get("page"))}
	if sort := Sort(values.Get("sort")); slices.Contains(Sorts, sort) {
		q.Sort = sort
	}
	if at, err := strconv.ParseInt(values.Get("at"), 10, 64); err == nil && q.Sort.ByPrice() {
		q.At = at
	}
	return q
}

// ReadPage reads the number of a page: 1 if it is not a number. A number too large for any list
// stays so.
func ReadPage(text string) int {
	digits := strings.TrimLeft(text, "0")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 1
	}
	if len(digits) > 9 {
		return 1e9
	}
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1
	}
	return n
}

// CleanWords normalizes a search: equal searches become the same text.
func CleanWords(text string) string { return CleanText(strings.ToLower(CleanText(text))) }

// CleanText makes one line of typed text: valid, bounded, without invisible characters.
func CleanText(text string) string {
	if len(text) > 16*maxWords {
		text = text[:16*maxWords]
	}
	text = strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, " "))
	words := []rune(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(string(words[:min(len(words), maxWords)]))
}
