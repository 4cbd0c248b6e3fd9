package web

import "strconv"

// Number reads a whole number that a client sent: plain digits, no sign, at most limit. What is none is 0
// and false.
func Number(text string, limit int64) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(n) > limit {
		return 0, false
	}
	return int64(n), true
}
