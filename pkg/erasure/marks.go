package erasure

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
)

// Fingerprints are numbers by which an event of Stripe is found again: of the ends of the e-mail
// addresses in it, and of its StripeObjects. They find too much, as SearchTerms do, and reveal no
// address.
func Fingerprints(event []byte) []int64 {
	lower := bytes.ToLower(event)
	names := addressEnds(lower)
	for _, id := range StripeObjects(lower) {
		names = append(names, id)
		if own, _, secret := strings.Cut(id, "_secret"); secret { // of a client secret, which begins with the id
			names = append(names, own)
		}
	}
	return MarksOf(names)
}

// Fingerprints are the numbers of the person's addresses. An event that names an address has one of
// its numbers.
func (p Person) Fingerprints() []int64 {
	return MarksOf(addressEnds([]byte(strings.Join(p.addresses(), " "))))
}

// MarksOf are the marks of names, which are in lower case: the first eight bytes of their SHA-256.
func MarksOf(names []string) []int64 {
	marks := make([]int64, len(names))
	for i, name := range names {
		sum := sha256.Sum256([]byte(name))
		marks[i] = int64(binary.BigEndian.Uint64(sum[:])) //nolint:gosec // any number will do
	}
	slices.Sort(marks)
	return slices.Compact(marks)
}

// addressEnds are the last word of each address's local part and the first of its domain. Text
// between an address and the word before it may be an escape (\n, \u003c, %3d), whose letters look
// like the address's own: then the end counts with them and without.
func addressEnds(lower []byte) (ends []string) {
	lower = bytes.ReplaceAll(lower, []byte("%40"), []byte("@"))
	for rest, from := lower, 0; ; {
		at := bytes.IndexByte(rest, '@')
		if at < 0 {
			return ends
		}
		at += from
		begin, end := at, at+1
		for begin > 0 && isWord(lower[begin-1]) {
			begin--
		}
		for end < len(lower) && isWord(lower[end]) {
			end++
		}
		ends = append(ends, string(lower[begin:end]))
		if skip := escape(lower, begin); skip > 0 && begin+skip <= at {
			ends = append(ends, string(lower[begin+skip:end]))
		}
		rest, from = lower[at+1:], at+1
	}
}

// escape is how many of the letters at a place belong to an escape that begins before it.
func escape(text []byte, at int) int {
	switch {
	case at == 0:
		return 0
	case text[at-1] == '%':
		return 2
	case text[at-1] == '\\' && text[at] == 'u':
		return 5
	case text[at-1] == '\\':
		return 1
	}
	return 0
}

// isWord leaves letters beyond ASCII out: ends are a little less exact, and always text.
func isWord(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// StripeObjects are the ids in an event of Stripe that lead to others of the same purchase. Not all
// of those name an address: a payment intent may hold a name, a telephone number and a postal
// address alone.
//
// An id is a kind, "_", and 6 to 255 letters, digits and "_". This looks at each "_" alone, since a
// regular expression over a whole event takes longer than everything else that is done with one.
func StripeObjects(event []byte) (ids []string) {
	for from := 0; ; {
		i := bytes.IndexByte(event[from:], '_')
		if i < 0 {
			return ids
		}
		i += from
		begin, end := i, i+1
		for begin > 0 && isIDSign(event[begin-1]) {
			begin--
		}
		for end < len(event) && isIDSign(event[end]) {
			end++
		}
		if n := end - i - 1; n >= 6 && n <= 255 && slices.Contains(objectKinds, string(event[begin:i])) {
			ids = append(ids, string(event[begin:end]))
		}
		from = end
	}
}

// objectKinds are what the ids of what belongs to one purchase or customer begin with, up to the
// first "_".
var objectKinds = []string{"cs", "pi", "ch", "py", "cus", "re", "pyr", "dp", "du"}

func isIDSign(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}
