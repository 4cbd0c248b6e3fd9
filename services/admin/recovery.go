package admin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// recoveryCodes is how many codes a person has.
const recoveryCodes = 10

// newRecoveryCodes makes codes of 50 bits each, in two groups that are easy to copy by hand.
func newRecoveryCodes() []string {
	codes := make([]string, recoveryCodes)
	for i := range codes {
		text := rand.Text()
		codes[i] = text[:5] + "-" + text[5:10]
	}
	return codes
}

// recoveryHash is the stored form of a code: hashed under a key, so that the table alone cannot be
// searched for codes.
func (s *server) recoveryHash(person int64, code string) []byte {
	code = strings.ToUpper(strings.NewReplacer("-", "", " ", "").Replace(code))
	m := hmac.New(sha256.New, s.recoveryKey)
	m.Write([]byte(web.ID(person) + " " + code))
	return m.Sum(nil)
}
