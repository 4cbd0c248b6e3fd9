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

// sessionLookupTimeout bounds how long the database may take to find sessions.
const sessionLookupTimeout = 3 * time.Second

const (
	// cacheTTL is how long an ended session may live on if the signal that ended it was lost.
	cacheTTL = 10 * time.Second
	// cacheLimit bounds the cache; a full one is emptied.
	cacheLimit = 50_000
	// seenEvery is the precision of a session's last use: the session may end idle that much too
	// early.
	seenEvery = 5 * time.Minute
	// tokenLength is the length of 32 bytes in base64url.
	tokenLength = 43
	// sessionRevoked signals every edge to evict a member's sessions; the payload is the member's
	// id.
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

// sessions caches sessions by their tokens for a few seconds.
type sessions struct {
	mu     sync.RWMutex
	cached map[hash]cachedSession
	// evictions counts evictions, so that a lookup that began before one is not cached.
	evictions int
}

type cachedSession struct {
	*session
	until time.Time
}

func newSessions() *sessions { return &sessions{cached: map[hash]cachedSession{}} }

// session is the first living session among the tokens that a client sent, or nil. However many
// tokens there are, they cost one query. Only found sessions are cached.
func (s *server) session(ctx context.Context, client netip.Addr, tokens ...string) (*session, error) {
	known, unknown, evictions := s.sessions.look(tokens)
	if len(unknown) == 0 {
		return known, nil
	}
	ctx, cancel := context.WithTimeout(ctx, sessionLookupTimeout)
	defer cancel()
	found, err := findSessions(ctx, s.pool, unknown)
	if err != nil {
		return nil, err
	}

	first, rank := known, len(unknown)
	for i := range found {
		sess := &found[i]
		if i := slices.IndexFunc(unknown, func(h []byte) bool { return bytes.Equal(h, sess.TokenHash) }); i < rank {
			first, rank = sess, i
		}
	}
	if first == known {
		return known, nil
	}
	if time.Since(first.SeenAt) > seenEvery {
		if err := touchSession(ctx, s.pool, first.TokenHash, place(client)); err != nil {
			s.log.Warn("touching a session failed", "error", err) // the next request notes it
		}
	}

	s.sessions.keep(hash(first.TokenHash), first, evictions)
	return first, nil
}

// look is the first cached session, and the hashes of the tokens before it, which must be looked
// up.
func (c *sessions) look(tokens []string) (known *session, unknown [][]byte, evictions int) {
	now := time.Now()
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, token := range tokens {
		if len(token) != tokenLength || !plain(token) {
			continue
		}
		h := sha256.Sum256([]byte(token))
		if s, ok := c.cached[h]; ok && now.Before(s.until) {
			return s.session, unknown, c.evictions
		}
		unknown = append(unknown, h[:])
	}
	return nil, unknown, c.evictions
}

func (c *sessions) keep(h hash, s *session, evictions int) {
	until := time.Now().Add(cacheTTL)
	if s.ExpiresAt.Before(until) {
		until = s.ExpiresAt
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.evictions != evictions {
		return
	}
	if len(c.cached) >= cacheLimit {
		clear(c.cached)
	}
	c.cached[h] = cachedSession{s, until}
}

// evict evicts the sessions of a member.
func (c *sessions) evict(memberID int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evictions++
	for h, s := range c.cached {
		if s.MemberID == memberID {
			delete(c.cached, h)
		}
	}
}

// evictAll evicts all sessions, because signals may have been missed.
func (c *sessions) evictAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evictions++
	clear(c.cached)
}

// evictExpired evicts expired sessions.
func (c *sessions) evictExpired() {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for h, s := range c.cached {
		if now.After(s.until) {
			delete(c.cached, h)
		}
	}
}

// revoke evicts a member's sessions here and, by a signal, on every other edge. An edge that misses
// the signal evicts them within cacheTTL.
func (s *server) revoke(memberID int64) {
	s.sessions.evict(memberID)
	if err := s.bus.Signal(sessionRevoked, strconv.AppendInt(nil, memberID, 10)); err != nil {
		s.log.Warn("other edges were not told of ended sessions", "error", err)
	}
}

// listen evicts the sessions that signals name, and all of them after a reconnect.
func (s *server) listen(ctx context.Context) error {
	err := s.bus.Listen(sessionRevoked, func(_ string, data []byte) {
		if id, err := strconv.ParseInt(string(data), 10, 64); err == nil {
			s.sessions.evict(id)
		}
	})
	if err != nil {
		return err
	}
	s.bus.OnConnect(ctx, s.sessions.evictAll)
	return nil
}

// hexHash is the name of a session in identities and messages.
func (s *session) hexHash() string { return hex.EncodeToString(s.TokenHash) }
