package user

import (
	_ "embed"
	"net/mail"
	"strings"
	"sync"
	"unicode/utf8"
)

// commonPasswords are the 10,000 commonest passwords that keep the composition rules, commonest
// first where that is known (see docs/adr/0015).
//
//go:embed common-passwords.txt
var commonPasswords string

// folded are the common passwords as foldPassword returns them.
var folded = sync.OnceValue(func() map[string]struct{} {
	set := make(map[string]struct{}, 10_000)
	for line := range strings.Lines(commonPasswords) {
		set[foldPassword(strings.TrimSuffix(line, "\n"))] = struct{}{}
	}
	return set
})

// lookalikes are the digits and signs that people write for letters.
var lookalikes = strings.NewReplacer("@", "a", "4", "a", "3", "e", "8", "b", "0", "o", "!", "i", "1", "i", "|", "i",
	"l", "i", "$", "s", "5", "s",
	"7", "t", "+", "t", "6", "g", "9", "g")

// foldPassword returns the same text for passwords that differ only in case and lookalikes.
func foldPassword(s string) string { return lookalikes.Replace(strings.ToLower(s)) }

const (
	// frillLength is how many digits and signs at either end do not make a common word another
	// password.
	frillLength = 6
	// minWord is the length of the shortest word that is looked up without its frills.
	minWord = 6
	// minName is the length of the shortest name that a password must not contain: shorter ones are
	// parts of many words.
	minName = 4
)

// common reports whether a password is one of the most common, or a variation of one: with other
// case, lookalikes, other digits and signs at its ends.
func common(password string) bool {
	known := func(s string) bool { _, ok := folded()[foldPassword(s)]; return ok }
	if known(password) {
		return true
	}
	behind := strings.TrimRightFunc(password, frill)
	before := strings.TrimLeftFunc(password, frill)
	both := strings.TrimLeftFunc(behind, frill)
	for _, word := range []string{behind, before, both} {
		if len(word) >= minWord && len(password)-len(word) <= 2*frillLength && known(word+"!") {
			return true
		}
	}
	return false
}

// frill reports whether a character is not part of a word.
func frill(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r < utf8.RuneSelf }

// personal reports whether a password contains one of the names, as it is, with lookalikes, or
// without the signs between its letters and digits.
func personal(password string, names ...string) bool {
	for _, name := range names {
		if utf8.RuneCountInString(name) < minName {
			continue
		}
		if strings.Contains(foldPassword(password), foldPassword(name)) {
			return true
		}
		if plain := lettersAndDigits(name); len(plain) >= minName &&
			strings.Contains(lettersAndDigits(password), plain) {
			return true
		}
	}
	return false
}

// lettersAndDigits returns the letters and digits of a text, in lower case.
func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r >= utf8.RuneSelf {
			return r
		}
		return -1
	}, strings.ToLower(s))
}

// checkNewPassword is checkPassword and then checks whether the password is easily guessed: because
// many people have it, or because it contains the user name, the name in the address or the shop's
// name.
func (s *server) checkNewPassword(password, again, username, email string) problems {
	p := checkPassword(password, again)
	if password == "" || utf8.RuneCountInString(password) > maxPassword {
		return p
	}
	local, _, _ := strings.Cut(email, "@")
	names := []string{username, local, s.shop}
	if name, _, tagged := strings.Cut(local, "+"); tagged && len(name) > minName {
		names = append(names, name)
	}
	p.add(common(password), "too_common", "Many people use this password, so it is one of the first to be tried. "+
		"Please choose another.")
	p.add(personal(password, names...), "contains_name",
		"A password must not contain your user name, the name in your e-mail address, or the shop's name.")
	return p
}

// shopName is the shop's name as mails have it.
func shopName(from string) string {
	const builtIn = "StartUpWebApp"
	a, err := mail.ParseAddress(from)
	if err != nil || a.Name == "" {
		return builtIn
	}
	return a.Name
}
