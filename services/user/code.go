package user

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The kinds of code that mail links carry, and how long each is valid.
const (
	codeVerify = "verify"
	codeReset  = "reset"
	codeUndo   = "undo" // undoes a change of address

	verifyTTL = 24 * time.Hour
	resetTTL  = time.Hour
	undoTTL   = 7 * 24 * time.Hour
)

// The contract's outcomes for a code that cannot be redeemed.
const (
	codeForeign = "code-doesnt-match"
	codeForged  = "signature-invalid"
	codeExpired = "signature-expired"
)

// newCode makes a code of a kind: random letters and digits, the second at which it expires, and a
// signature, so that forged, expired and used codes can be told apart. Mail links carry it
// unescaped, hence only characters that are plain in URLs.
func newCode(key []byte, kind string, expires time.Time) string {
	random, until := random.Code(22), strconv.FormatInt(expires.Unix(), 36)
	return random + "." + until + "." + web.MAC(key, kind, random, until)
}

// readCode checks what a code says by itself. It returns codeForged, codeExpired or "".
func readCode(key []byte, kind, code string, now time.Time) (refusal string) {
	parts := strings.Split(code, ".")
	if len(parts) != 3 || !web.ValidMAC(key, parts[2], kind, parts[0], parts[1]) {
		return codeForged
	}
	until, err := strconv.ParseInt(parts[1], 36, 64)
	if err != nil {
		return codeForged // we never signed this
	}
	if now.Unix() > until {
		return codeExpired
	}
	return ""
}

// hashCode is what the database stores of a code: reading the table does not help to redeem one.
func hashCode(code string) []byte {
	sum := sha256.Sum256([]byte(code))
	return sum[:]
}

// memberCode makes the contract's mb_cd and pr_cd, with 119 random bits.
func memberCode() string { return random.Code(20) }

// unsubscribeToken has 190 random bits, so knowing it is proof enough.
func unsubscribeToken() string { return random.Code(32) }
