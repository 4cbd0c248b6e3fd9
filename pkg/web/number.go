package web

import "strconv"

// Number reads a whole number that a client sent: plain digits, no sign, at most limit. It returns
// 0 and false for any other text.
func Number(text string, limit int64) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil || int64(n) > limit {
		return 0, false
	}
	return int64(n), true
}

// ID formats an id as the text that paths, keys and answers have.
func ID(id int64) string { return strconv.FormatInt(id, 10) }
