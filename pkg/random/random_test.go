package random_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// Codes have the length that was asked for, differ, and use all letters equally often.
func TestCode(t *testing.T) {
	t.Parallel()
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 2000 {
		c := random.Code(20)
		if len(c) != 20 || seen[c] || strings.Trim(c, random.Letters) != "" {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
		for _, r := range c {
			letters[r]++
		}
	}

	for _, r := range random.Letters { // 645 each are expected; 6 standard deviations either way
		if n := letters[r]; n < 490 || n > 800 {
			t.Errorf("%c came %d times in 40,000", r, n)
		}
	}

	for n := range 9 {
		if c := random.Code(n); len(c) != n {
			t.Errorf("a code of %d letters is %q", n, c)
		}
	}

	if _, err := base64.RawURLEncoding.DecodeString(random.Code(32)); err != nil {
		t.Error(err)
	}
}
