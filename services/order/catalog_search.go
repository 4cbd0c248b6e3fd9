package order

import (
	"net/http"
	"slices"
	"strings"
	"unicode"
)

const (
	// maxFound bounds what a search finds; a shopper who wants more adds a word.
	maxFound = 480
	// maxSearchWords and maxSearchWord (in letters) bound the words of a search; the rest of a
	// longer text is ignored.
	maxSearchWords = 8
	maxSearchWord  = 40
)

// catalogSearch finds the products that have all words of "q", the best first. A word that no
// product has is replaced by the nearest word of a title, and "meant" is the search that was made
// instead.
func (s *server) catalogSearch(w http.ResponseWriter, r *http.Request) error {
	words := searchWords(r.URL.Query().Get("q"))
	found, err := searchProducts(r.Context(), s.pool, words)
	if err != nil {
		return err
	}
	meant := ""
	if len(found) == 0 && len(words) > 0 {
		near, err := nearWords(r.Context(), s.pool, words)
		if err != nil {
			return err
		}
		if !slices.Equal(near, words) {
			if found, err = searchProducts(r.Context(), s.pool, near); err != nil {
				return err
			}
			meant = strings.Join(near, " ")
		}
	}
	return answer(w, struct {
		Found []string `json:"found"`
		Meant string   `json:"meant"`
	}{Found: found, Meant: meant})
}

// searchWords are the words of a text in lower case: its runs of letters and digits.
func searchWords(text string) []string {
	words := strings.FieldsFunc(strings.ToLower(strings.ToValidUTF8(text, " ")), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	words = words[:min(len(words), maxSearchWords)]
	for i, word := range words {
		if letters := []rune(word); len(letters) > maxSearchWord {
			words[i] = string(letters[:maxSearchWord])
		}
	}
	return words
}
