package edge

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// sessionTime is how long the database may take to find sessions before the shop answers without it.
const sessionTime = 3 * time.Second

const (
	// cacheLife is how long an ended session may live on when the signal that ended it was lost.
	cacheLife = 10 * time.Second
	// cacheLimit bounds the cache; a full one is emptied.
	cacheLimit = 50_000
	// seenEvery is how coarse a session's last use is noted: it ends idle by as much earlier at most.
	seenEvery = 5 * time.Minute
	// tokenLength is that of 32 bytes in base64url.
	tokenLength = 43
	// sessionRevoked tells every edge to drop what it knows of a member's sessions; the payload is
	// the member's id.
	sessionRevoked = "session.revoked"
)

type hash = [sha256.Size]byte

// newToken makes a session token and its hash.
func newToken() (token string, h hash) {
	b := make([]byte, 32)
	rand.Read(b) //nolint:errcheck // crypto/rand.Read never fails (since Go 1.24)
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, sha256.Sum256([]byte(token))
}

// sessions finds the session of a token, from memory for a few seconds.
type sessions struct {
	mu     sync.RWMutex
	cached map[hash]cachedSession
	// dropped counts what was dropped, so that a look-up that began before a drop is not kept.
	dropped int
}

type cachedSession struct {
	*session
	until time.Time
}

func newSessions() *sessions { return &sessions{cached: map[hash]cachedSession{}} }

// session is the first living session among the tokens that a client sent, or nil. However many there
// are, they cost one query. Only found ones are remembered.
func (e *server) session(ctx context.Context, client netip.Addr, tokens ...string) (*session, error) {
	known, unknown, dropped := e.sessions.look(tokens)
	if len(unknown) == 0 {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	found, err := findSessions(ctx, e.pool, unknown)
	if err != nil {
		return nil, err
	}
	first, rank := known, len(unknown)
	for i := range found {
		s := &found[i]
		if i := slices.IndexFunc(unknown, func(h []byte) bool { return bytes.Equal(h, s.TokenHash) }); i < rank {
			first, rank = s, i
		}
	}
	if first == known {
		return known, nil
	}
	if time.Since(first.SeenAt) > seenEvery {
		if err := touchSession(ctx, e.pool, first.TokenHash, place(client)); err != nil {
			e.log.Warn("session", "error", err) // the next request notes it
		}
	}
	e.sessions.keep(hash(first.TokenHash), first, dropped)
	return first, nil
}

// look is the first session that is known, and the hashes of the tokens before it, which have to be
// asked about.
func (c *sessions) look(tokens []string) (known *session, unknown [][]byte, dropped int) {
	now := time.Now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, token := range tokens {
		if len(token) != tokenLength || !plain(token) {
			continue
		}
		h := sha256.Sum256([]byte(token))
		if s, ok := c.cached[h]; ok && now.Before(s.until) {
			return s.session, unknown, c.dropped
		}
		unknown = append(unknown, h[:])
	}
	return nil, unknown, c.dropped
}

func (c *sessions) keep(h hash, s *session, dropped int) {
	until := time.Now().Add(cacheLife)
	if s.ExpiresAt.Before(until) {
		until = s.ExpiresAt
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dropped != dropped {
		return
	}
	if len(c.cached) >= cacheLimit {
		clear(c.cached)
	}
	c.cached[h] = cachedSession{s, until}
}

// drop removes the sessions of a member.
func (c *sessions) drop(memberID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
	for h, s := range c.cached {
		if s.MemberID == memberID {
			delete(c.cached, h)
		}
	}
}

// dropAll removes all: signals may have been missed.
func (c *sessions) dropAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropped++
	clear(c.cached)
}

// sweep drops what is over.
func (c *sessions) sweep() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, s := range c.cached {
		if now.After(s.until) {
			delete(c.cached, h)
		}
	}
}

// revoke drops a member's sessions here and, by a signal, on every other edge. One that the signal
// does not reach drops them within cacheLife.
func (e *server) revoke(memberID int64) {
	e.sessions.drop(memberID)
	if err := e.bus.Signal(sessionRevoked, strconv.AppendInt(nil, memberID, 10)); err != nil {
		e.log.Warn("other edges were not told of ended sessions", "error", err)
	}
}

// listen drops what signals say is out of date, and everything after a reconnect.
func (e *server) listen(ctx context.Context) error {
	err := e.bus.Listen(sessionRevoked, func(_ string, data []byte) {
		if id, err := strconv.ParseInt(string(data), 10, 64); err == nil {
			e.sessions.drop(id)
		}
	})
	if err != nil {
		return err
	}
	e.bus.OnConnect(ctx, e.sessions.dropAll)
	return nil
}

// hexHash is how identities and messages name a session.
func (s *session) hexHash() string { return hex.EncodeToString(s.TokenHash) }
