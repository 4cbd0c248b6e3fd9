package boot

import (
	"strings"
	"unicode"
)

// guessable says why a text is not a random secret, or "". It errs on the side of accepting: random
// bytes as hexadecimal digits, base32, base64 or decimal digits pass, texts that people type into a
// settings file do not.
func guessable(secret string) string {
	text := strings.ToLower(secret)
	letters := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, secret)
	word := strings.ToLower(letters)
	for _, p := range placeholders {
		if strings.Contains(word, p) {
			return "holds a word that stands in examples"
		}
	}
	switch {
	case distinct(text, 1) < 7:
		return "has fewer than 7 different characters"
	case distinct(text, 3)*10 < (len(text)-2)*6:
		return "repeats itself"
	case share(word, isRow) > 0.75:
		return "is a row of the alphabet or the keyboard"
	case isLanguage(letters):
		return "consists of words"
	}
	return ""
}

// placeholders have at least six letters: shorter ones occur in random base64.
var placeholders = []string{"changeme", "changeit", "secret", "passwor", "example", "placeholder", "development",
	"production",
	"startupwebapp", "default", "insecure", "replace", "deadbeef", "cafebabe", "testing", "letmein", "notsecure",
	"sample"}

// distinct counts the different pieces of n bytes in a text.
func distinct(s string, n int) int {
	seen := map[string]bool{}
	for i := 0; i+n <= len(s); i++ {
		seen[s[i:i+n]] = true
	}
	return len(seen)
}

// share is the fraction of a text's pairs of adjacent bytes for which is holds.
func share(s string, is func(a, b byte) bool) float64 {
	n := 0
	for i := 1; i < len(s); i++ {
		if is(s[i-1], s[i]) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(s)-1))
}

var keyboardRows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm"}

// isRow reports whether two characters are equal or stand beside one another.
func isRow(a, b byte) bool {
	if d := int(a) - int(b); d >= -1 && d <= 1 {
		return true
	}
	for _, row := range keyboardRows {
		if i, j := strings.IndexByte(row, a), strings.IndexByte(row, b); i >= 0 && j >= 0 && (i-j == 1 || j-i == 1) {
			return true
		}
	}
	return false
}

// common are pairs of letters that make up half of any English, French, German or Spanish text, but
// one thirteenth of random letters.
const common = " th he in er an re on at en nd ti es or te of ed is it al ar st to nt ng se ha as ou io le ve co me " +
	"de hi ri ro ic ne ea ra ce li ch ll be ma si om ur "

// isLanguage reports whether a text's letters follow one another as those of words do.
func isLanguage(text string) bool {
	pairs, hits := 0, 0
	foreign := map[byte]bool{} // letters that are no hexadecimal digits
	word := strings.ToLower(text)
	for i := range min(len(text), len(word)) {
		if word[i] > 'f' && word[i] <= 'z' {
			foreign[word[i]] = true
		}
		if i == 0 || word[i] < 'a' || word[i] > 'z' || word[i-1] < 'a' || word[i-1] > 'z' {
			continue
		}
		pairs++
		capital := text[i] != word[i] && text[i-1] == word[i-1] // in the middle of a word there is none
		if !capital && strings.Contains(common, " "+word[i-1:i+1]+" ") {
			hits++
		}
	}
	return len(foreign) > 3 && pairs >= 12 && hits*100 >= len(text)*30
}
