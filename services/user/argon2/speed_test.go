package argon2_test

import (
	"testing"

	original "golang.org/x/crypto/argon2"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/services/user/argon2"
)

// small is as many objects as a process of six services holds beside its hashes: the garbage
// collector scans all of them whenever the garbage of hashes makes it run.
func small() (held [][]*[64]byte) {
	for range 100 {
		part := make([]*[64]byte, 1500)
		for i := range part {
			part[i] = new([64]byte)
		}
		held = append(held, part)
	}
	return held
}

// BenchmarkHash measures one password hash of the shop's cost: docs/adr/0019 says what is compared.
func BenchmarkHash(b *testing.B) {
	held := small()
	password, salt := []byte("Nine green bottles 42!"), []byte("0123456789abcdef")
	b.Run("plain", func(b *testing.B) {
		defer testenv.CPUTime(b, 1)()
		for b.Loop() {
			original.IDKey(password, salt, 2, 19456, 1, 32)
		}
	})
	b.Run("as it is", func(b *testing.B) {
		var m argon2.Memory
		defer testenv.CPUTime(b, 1)()
		for b.Loop() {
			m.IDKey(password, salt, 2, 19456, 1, 32)
		}
	})
	_ = held[0][0][0]
}
