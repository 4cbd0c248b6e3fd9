package user

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/services/user/argon2"
)

// Cost is the cost of one argon2id hash.
type Cost struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// DefaultCost is OWASP's minimum for argon2id. Chosen by measurement on two idle cores: 22 ms a
// hash, 44 logins a second one at a time, 69 with two at once, and no more with four or eight; t=3
// m=12 MiB took 20 ms, t=1 m=46 MiB 30, t=2 m=64 MiB 83. BenchmarkHash again, best of 8 on two
// cores that had three to five other processes to run: 37 ms; the others 33, 55 and 111 ms: the
// same order, so the choice stands. Each hash takes 19 MiB, in memory that the next one uses again.
var DefaultCost = Cost{Time: 2, Memory: 19456, Threads: 1}

// Limits on what a stored hash may ask for: someone who can write one must not be able to stop the
// service with it.
const (
	maxArgonTime     = 16
	maxArgonMemory   = 256 << 10
	maxArgonThreads  = 8
	maxDjangoRounds  = 2_000_000
	argonSaltLength  = 16
	argonKeyLength   = 32
	maxEncodedLength = 512
)

// hasher makes and checks password hashes, two at a time: more would only take cores and memory
// from each other. Further requests wait in a queue (hashSlots), or are sent away with 503 if it is
// full, so that a storm of logins cannot take the service down.
type hasher struct {
	cost  Cost
	slots *hashSlots
	// memories has the memory in which each slot computes its hashes.
	memories chan *argon2.Memory
	idle     *time.Timer // frees memories after memoryTTL
	// dummy is checked for user names that do not exist, so that these take as long as those that
	// do.
	dummy string
}

// memoryTTL is how long memory is kept for the next hash.
const memoryTTL = 5 * time.Second

func newHasher(cost Cost) *hasher {
	if cost == (Cost{}) {
		cost = DefaultCost
	}
	h := &hasher{cost: cost, slots: newHashSlots(), memories: make(chan *argon2.Memory, hashConcurrency)}
	for range hashConcurrency {
		h.memories <- new(argon2.Memory)
	}
	h.idle = time.AfterFunc(memoryTTL, h.evictMemories)
	h.dummy = cost.hash(random.Code(20), new(argon2.Memory))
	return h
}

// hash returns the stored form of a password.
func (h *hasher) hash(ctx context.Context, password string) (stored string, err error) {
	err = h.inSlot(ctx, func(m *argon2.Memory) { stored = h.cost.hash(password, m) })
	return stored, err
}

// verify reports whether a password matches a stored form; the stored form "" matches none.
func (h *hasher) verify(ctx context.Context, password, stored string) (right bool, err error) {
	err = h.inSlot(ctx, func(m *argon2.Memory) {
		if stored == "" {
			verifyHash(password, h.dummy, m)
			return
		}
		if p, err := parsePHC(stored); err == nil && p.cost.Memory > h.cost.Memory {
			m = new(argon2.Memory) // the slot's memory must not grow to what a hash from elsewhere needs
		}
		right = verifyHash(password, stored, m)
	})
	return right, err
}

// inSlot waits for a slot and computes in its memory.
func (h *hasher) inSlot(ctx context.Context, compute func(*argon2.Memory)) error {
	if err := h.slots.acquire(ctx); err != nil {
		return err
	}
	defer h.slots.release()
	m := <-h.memories // there is one for each slot
	defer func() {
		h.memories <- m
		h.idle.Reset(memoryTTL)
	}()
	compute(m)
	return nil
}

// evictMemories frees the memory of slots that are not in use.
func (h *hasher) evictMemories() {
	for range hashConcurrency {
		select {
		case m := <-h.memories:
			*m = argon2.Memory{}
			h.memories <- m
		default:
		}
	}
}

// outdated reports whether a stored form should be renewed while the password is at hand.
func (h *hasher) outdated(stored string) bool {
	p, err := parsePHC(stored)
	return err != nil || p.cost != h.cost || len(p.key) != argonKeyLength || len(p.salt) < argonSaltLength
}

func (c Cost) hash(password string, m *argon2.Memory) string {
	salt := make([]byte, argonSaltLength)
	if _, err := rand.Read(salt); err != nil {
		panic(fmt.Sprintf("read random bytes: %v", err)) // crypto/rand ends the process itself
	}
	return phc{c, salt, m.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, argonKeyLength)}.String()
}

func verifyHash(password, stored string, m *argon2.Memory) bool {
	if strings.HasPrefix(stored, "pbkdf2_sha256$") {
		return verifyDjango(password, stored)
	}
	p, err := parsePHC(stored)
	if err != nil {
		return false
	}
	key := m.IDKey([]byte(password), p.salt, p.cost.Time, p.cost.Memory, p.cost.Threads,
		uint32(len(p.key))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(key, p.key) == 1
}

// phc is an argon2id hash in the PHC string format, $argon2id$v=19$m=…,t=…,p=…$salt$key.
type phc struct {
	cost      Cost
	salt, key []byte
}

// String implements fmt.Stringer.
func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Time,
		p.cost.Threads, b64(p.salt), b64(p.key))
}

var errPHC = errors.New("not an argon2id hash that we accept")

func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > maxEncodedLength || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" ||
		parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return phc{}, errPHC
	}
	m, okM := parameter(params[0], "m=", maxArgonMemory)
	t, okT := parameter(params[1], "t=", maxArgonTime)
	n, okP := parameter(params[2], "p=", maxArgonThreads)
	salt, errS := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, errK := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if !okM || !okT || !okP || errS != nil || errK != nil || m < 8*n ||
		len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 || strings.ContainsAny(s, "\r\n") {
		return phc{}, errPHC
	}
	return phc{Cost{Time: t, Memory: m, Threads: uint8(n)}, salt, key}, nil //nolint:gosec // at most maxArgonThreads
}

// parameter reads name=number, plain digits from 1 to limit.
func parameter(s, name string, limit uint64) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, name)
	if !ok || digits == "" || digits[0] < '1' || digits[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), err == nil && n <= limit //nolint:gosec // parsed as 32 bits
}

// verifyDjango checks pbkdf2_sha256$iterations$salt$base64, so that an existing list of members can
// move here; the first login stores a new hash.
func verifyDjango(password, stored string) bool {
	parts := strings.Split(stored, "$")
	// The base64 decoder ignores line breaks.
	if len(stored) > maxEncodedLength || len(parts) != 4 || parts[2] == "" || strings.ContainsAny(stored, "\r\n") {
		return false
	}
	rounds, ok := parameter(parts[1], "", maxDjangoRounds)
	want, err := base64.StdEncoding.Strict().DecodeString(parts[3])
	if !ok || err != nil || len(want) != sha256.Size {
		return false
	}
	key, err := pbkdf2.Key(sha256.New, password, []byte(parts[2]), int(rounds), sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1
}
