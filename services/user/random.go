package user

import (
	"crypto/rand"
	"fmt"
)

// alphabet is what codes in links are made of: plain in URLs, and in nobody's way.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomCode is n letters and digits, each equally likely.
func randomCode(n int) string {
	const fair = 256 - 256%len(alphabet) // bytes from here on would favour the first letters
	code, buf := make([]byte, 0, n), make([]byte, 2*n)
	for len(code) < n {
		if _, err := rand.Read(buf); err != nil {
			panic(fmt.Sprintf("read random bytes: %v", err)) // crypto/rand ends the process itself
		}
		for _, b := range buf {
			if int(b) < fair && len(code) < n {
				code = append(code, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(code)
}

// memberCode and prospectCode are the contract's mb_cd and pr_cd; 119 bits.
func memberCode() string { return randomCode(20) }

// unsubscribeToken has 190 bits, so that looking it up is all the proof it needs.
func unsubscribeToken() string { return randomCode(32) }
