package argon2_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	original "golang.org/x/crypto/argon2"

	"github.com/startupwebapp/startupwebapp/services/user/argon2"
)

// One memory gives the same keys as the original, whatever the cost of the hash that used it
// before.
func TestKeysAreTheOriginals(t *testing.T) {
	t.Parallel()
	var m argon2.Memory
	salt := []byte(rand.Text())
	for _, cost := range []struct {
		time, memory uint32
		threads      uint8
		keyLen       uint32
	}{
		{time: 2, memory: 19456, threads: 1, keyLen: 32}, {time: 1, memory: 8, threads: 1, keyLen: 16},
		{time: 3, memory: 1000, threads: 3, keyLen: 64}, {time: 1, memory: 32 << 10, threads: 4, keyLen: 32},
		{time: 2, memory: 19456, threads: 1, keyLen: 32}, {time: 16, memory: 64, threads: 8, keyLen: 100},
		{time: 1, memory: 1, threads: 1, keyLen: 4},
	} {
		for _, password := range []string{"", "Nine green bottles 42!", strings.Repeat("long", 100)} {
			got := m.IDKey([]byte(password), salt, cost.time, cost.memory, cost.threads, cost.keyLen)
			want := original.IDKey([]byte(password), salt, cost.time, cost.memory, cost.threads, cost.keyLen)
			if !bytes.Equal(got, want) {
				t.Errorf("%+v of %q is %x, the original's %x", cost, password, got, want)
			}
		}
	}
}

// A hash in a memory that was used before allocates next to nothing. The test is not parallel,
// because what others allocate would count.
func TestMemoryIsUsedAgain(t *testing.T) {
	var m argon2.Memory
	m.IDKey(nil, []byte("saltsalt"), 1, 9<<10, 1, 32)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m.IDKey(nil, []byte("saltsalt"), 1, 8<<10, 1, 32)
	runtime.ReadMemStats(&after)
	if size := after.TotalAlloc - before.TotalAlloc; size > 1<<20 {
		t.Errorf("a hash of 8 MiB allocates %d bytes", size)
	}
}

// The files that compute are the original's, byte for byte. If the original has changed, copy the
// files and compare argon2.go with it.
func TestFilesAreTheOriginals(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.Dir}}", "golang.org/x/crypto/argon2").Output()
	if err != nil {
		t.Fatal(err)
	}
	there := strings.TrimSpace(string(out))
	all, err := filepath.Glob("b*.*")
	if err != nil || len(all) != 7 {
		t.Fatalf("%v: %q", err, all)
	}
	for _, name := range all {
		ours, oerr := os.ReadFile(name)
		theirs, terr := os.ReadFile(filepath.Join(there, name))
		if oerr != nil || terr != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s is not the one of golang.org/x/crypto: %v, %v", name, oerr, terr)
		}
	}
}
