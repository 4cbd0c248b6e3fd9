package user

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/startupwebapp/startupwebapp/services/user/argon2"
)

// hashed returns the stored form of a password, and matches reports whether a password has this
// stored form.
func hashed(c Cost, password string) string { return c.hash(password, new(argon2.Memory)) }

func matches(password, stored string) bool { return verifyHash(password, stored, new(argon2.Memory)) }

// A password and its hash, made by Python's hashlib in Django's form.
const (
	djangoPassword = "Old!Django1"
	djangoHash     = "pbkdf2_sha256$1000$qW3eR5tY7u$vBJmIQHpXY6eQfQDWzRjbu7Hmg6spzWyX1LXGaAK4h8="
)

// Hashes have the form of the reference implementation, which is accepted as well; only hashes of
// the present cost are up to date.
func TestHashesHaveTheReferenceForm(t *testing.T) {
	t.Parallel()
	stored := hashed(DefaultCost, goodPassword)
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") || !matches(goodPassword, stored) ||
		matches(goodPassword+"x", stored) {
		t.Errorf("stored %s", stored)
	}

	// argon2's own command line tool: echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -e
	const reference = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !matches("password", reference) || matches("Password", reference) {
		t.Error("the reference implementation's hash is not accepted, or too much is")
	}

	if h := newHasher(Cost{}); h.cost != DefaultCost || h.outdated(stored) || !h.outdated(reference) || !h.outdated(djangoHash) {
		t.Error("the wrong hashes count as outdated")
	}
}

// Django's hash opens with its password, and not if it is malformed or too costly.
func TestDjangoHash(t *testing.T) {
	t.Parallel()
	if !matches(djangoPassword, djangoHash) || matches("old!Django1", djangoHash) || matches("", djangoHash) {
		t.Error("Django's hash is not read as it was made")
	}
	for _, bad := range []string{
		"", "pbkdf2_sha256$", "pbkdf2_sha256$1000$salt", strings.Replace(djangoHash, "1000", "0", 1),
		strings.Replace(djangoHash, "1000", "-1", 1),
		strings.Replace(djangoHash, "1000", "+1000", 1), strings.Replace(djangoHash, "1000", "2000001", 1),
		strings.Replace(djangoHash, "1000", "99999999999999999999", 1),
		strings.Replace(djangoHash, "sha256", "sha1", 1), djangoHash[:len(djangoHash)-1], djangoHash + "$", djangoHash + "\n",
		strings.Replace(djangoHash, "qW3eR5tY7u", "", 1),
	} {
		if matches(djangoPassword, bad) {
			t.Errorf("accepted %q", bad)
		}
	}
}

// Hashes that are malformed or too costly are refused.
func TestParsePHCRefuses(t *testing.T) {
	t.Parallel()
	good := hashed(testCost, "x")
	salt := strings.Split(good, "$")[4]
	for _, bad := range []string{
		"", "$", "$$$$$", "argon2id" + good, strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=64", "m=7", 1), strings.Replace(good, "m=64", "m=262145", 1), strings.Replace(good, "m=64", "m=064", 1),
		strings.Replace(good, "t=1", "t=0", 1), strings.Replace(good, "t=1", "t=17", 1), strings.Replace(good, "p=1", "p=9", 1),
		strings.Replace(good, "m=64,t=1", "t=1,m=64", 1), strings.Replace(good, "p=1", "p=1,q=1", 1),
		strings.Replace(good, "$"+salt, "$YWI", 1),
		strings.Replace(good, "$"+salt, "$"+salt+"==", 1), good + "$", good + "\n", good[:60],
	} {
		if p, err := parsePHC(bad); err == nil {
			t.Errorf("accepted %q as %+v", bad, p)
		}
	}
}

// A hash that is accepted is printed as it was read, and costs no more than the limits.
func FuzzParsePHC(f *testing.F) {
	f.Add(hashed(testCost, "x"))
	f.Add(djangoHash)
	f.Add("$argon2id$v=19$m=64,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q reads as %q", s, p)
		}
		if p.cost.Memory > maxArgonMemory || p.cost.Time > maxArgonTime || p.cost.Threads > maxArgonThreads || p.cost.Threads == 0 {
			t.Errorf("%q costs %+v", s, p.cost)
		}
	})
}

// Every hash within the limits is read as it was printed.
func TestPHCRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		threads := rapid.Uint8Range(1, maxArgonThreads).Draw(t, "threads")
		want := phc{Cost{Time: rapid.Uint32Range(1, maxArgonTime).Draw(t, "time"),
			Memory: rapid.Uint32Range(8*uint32(threads), maxArgonMemory).Draw(t, "memory"), Threads: threads},
			rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "salt"), rapid.SliceOfN(rapid.Byte(), 16, 64).Draw(t, "key")}
		got, err := parsePHC(want.String())
		if err != nil || got.String() != want.String() || got.cost != want.cost {
			t.Fatalf("%s reads as %s, %v", want, got, err)
		}
	})
}

// BenchmarkHash measures what one login costs; the figures stand at DefaultCost.
func BenchmarkHash(b *testing.B) {
	for _, c := range []struct {
		name string
		cost Cost
	}{{"t=2,m=19MiB,p=1", DefaultCost}, {"t=3,m=12MiB,p=1", Cost{3, 12 << 10, 1}}, {"t=1,m=46MiB,p=1", Cost{1, 46 << 10, 1}},
		{"t=2,m=64MiB,p=1", Cost{2, 64 << 10, 1}}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				hashed(c.cost, goodPassword)
			}
		})
	}
	b.Run("default, two at once", func(b *testing.B) {
		b.SetParallelism(1)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				hashed(DefaultCost, goodPassword)
			}
		})
	})
}
