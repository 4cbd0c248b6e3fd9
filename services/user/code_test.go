package user

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

var plainInLinks = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// A code counts only as it was made, for its kind and until it expires.
func TestReadCode(t *testing.T) {
	t.Parallel()
	key, other := web.Key([]byte("a secret"), "codes"), web.Key([]byte("another secret"), "codes")
	now := time.Unix(1_800_000_000, 0)
	code := newCode(key, codeVerify, now.Add(time.Hour))
	parts := strings.Split(code, ".")
	later := newCode(key, codeVerify, now.Add(48*time.Hour))

	for _, c := range []struct {
		name, kind, code string
		at               time.Time
		want             string
	}{
		{name: "genuine", kind: codeVerify, code: code, at: now},
		{name: "in its last second", kind: codeVerify, code: code, at: now.Add(time.Hour)},
		{name: "a second too late", kind: codeVerify, code: code, at: now.Add(time.Hour + time.Second), want: codeExpired},
		{name: "of another kind", kind: codeReset, code: code, at: now, want: codeForged},
		{name: "of another shop", kind: codeVerify, code: newCode(other, codeVerify, now.Add(time.Hour)), at: now, want: codeForged},
		{name: "prolonged", kind: codeVerify, code: parts[0] + "." + strings.Split(later, ".")[1] + "." + parts[2], at: now,
			want: codeForged},
		{name: "altered", kind: codeVerify, code: string(code[0]^1) + code[1:], at: now, want: codeForged},
		{name: "cut", kind: codeVerify, code: code[:len(code)-1], at: now, want: codeForged},
		{name: "longer", kind: codeVerify, code: code + "A", at: now, want: codeForged},
		{name: "with more parts", kind: codeVerify, code: code + ".A", at: now, want: codeForged},
		{name: "empty", kind: codeVerify, at: now, want: codeForged},
		{name: "dots", kind: codeVerify, code: "..", at: now, want: codeForged},
		{name: "old and forged", kind: codeVerify, code: parts[0] + ".1." + parts[2], at: now, want: codeForged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := readCode(key, c.kind, c.code, c.at); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// Every code is plain in a link, is accepted until it expires, and is refused if one character is
// altered.
func TestCodesArePlainAndTheirOwn(t *testing.T) {
	t.Parallel()
	key := web.Key([]byte("a secret"), "codes")
	rapid.Check(t, func(t *rapid.T) {
		expires := time.Unix(rapid.Int64Range(0, 1<<36).Draw(t, "expires"), 0)
		code := newCode(key, codeReset, expires)
		if !plainInLinks.MatchString(code) || len(code) > 200 {
			t.Fatalf("%q is not plain in a link", code)
		}
		if got := readCode(key, codeReset, code, expires); got != "" {
			t.Fatalf("%q is %s", code, got)
		}
		i := rapid.IntRange(0, len(code)-1).Draw(t, "at")
		with := rapid.SampledFrom([]byte(random.Letters+"-_.")).Draw(t, "with")
		if with == code[i] {
			return
		}
		if got := readCode(key, codeReset, code[:i]+string(with)+code[i+1:], expires); got != codeForged {
			t.Fatalf("altered at %d to %q: %q", i, with, got)
		}
	})
}

// No text that was not signed is accepted.
func FuzzReadCode(f *testing.F) {
	key := web.Key([]byte("a secret"), "codes")
	f.Add("abc.1.def")
	f.Add("..")
	f.Add("\x00.\xff.")
	f.Fuzz(func(t *testing.T, code string) {
		if got := readCode(key, codeVerify, code, time.Now()); got != codeForged {
			t.Errorf("%q is %q", code, got)
		}
	})
}
