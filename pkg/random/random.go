// Package random makes the codes of the shop: identifiers of orders, tokens of links, codes of
// people.
package random

import (
	"crypto/rand"
)

// Letters is what codes are made of: plain in URLs.
const Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// Code is n of Letters from crypto/rand, each equally likely: 5.95 bits a letter.
func Code(n int) string {
	const fair = 256 - 256%len(Letters) // bytes from here on would favor the first letters
	code, buf := make([]byte, 0, n), make([]byte, n+n/4+1)
	for len(code) < n {
		rand.Read(buf) //nolint:errcheck // never fails (since Go 1.24)
		for _, b := range buf {
			if int(b) < fair && len(code) < n {
				code = append(code, Letters[int(b)%len(Letters)])
			}
		}
	}
	return string(code)
}
