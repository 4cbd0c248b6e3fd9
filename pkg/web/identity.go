package web

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// IdentityHeader carries who is asking from edge to the owners. Edge strips it from outside
// requests.
const IdentityHeader = "X-Shop-Identity"

// identityTTL is how old a forwarded identity may be: requests inside take milliseconds.
const identityTTL = 60 * time.Second

// Identity is who is asking, as edge resolved it from the cookies.
type Identity struct {
	// MemberID is 0 for a visitor; the fields up to Code are then empty.
	MemberID  int64  `json:"member,omitempty"`
	Username  string `json:"username,omitempty"`
	FirstName string `json:"first_name,omitempty"`
	LastName  string `json:"last_name,omitempty"`
	Email     string `json:"email,omitempty"`
	Code      string `json:"mb_cd,omitempty"`
	// Session is the hash of the session token, hex, for calls that end the other sessions.
	Session string `json:"session,omitempty"`
	// Remember reports whether the session outlives the browser.
	Remember bool `json:"remember,omitempty"`
	// Cart is the visitor's cart, from a cookie with a valid signature.
	Cart string `json:"cart,omitempty"`
	// AddressOfMember says, for the call that names a receipt address, that it is a member's.
	AddressOfMember bool `json:"address_of_member,omitempty"`
	// Client is the client's address, from a trusted proxy or the connection.
	Client string `json:"client,omitempty"`
	// KnownBrowser says, for calls that name an account, that this browser has logged in to it
	// before, or is logged in.
	KnownBrowser bool `json:"known_browser,omitempty"`
	// NoMail says that a limit is used up: the owner answers as always and leaves the mail out.
	NoMail bool `json:"no_mail,omitempty"`
	// Click is a random key of a POST that may be sent to another process once more (see
	// Repeatable): then it is the same.
	Click string `json:"click,omitempty"`
	// IssuedAt is when edge signed, in Unix seconds.
	IssuedAt int64 `json:"at"`
}

// Network is what an address counts as where clients are told apart: one household of IPv6 has a
// whole /64, and can use any address of it.
func Network(a netip.Addr) string {
	if a = a.Unmap().WithZone(""); a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Member reports whether someone is logged in.
func (id Identity) Member() bool { return id.MemberID != 0 }

// Key derives a key for one purpose from the shop's secret (HKDF, RFC 5869).
func Key(secret []byte, purpose string) []byte {
	key, err := hkdf.Key(sha256.New, secret, nil, "startupwebapp "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths beyond 255 hashes
	}
	return key
}

// MAC is the HMAC-SHA256 of parts under key, base64url. Parts are length-prefixed, so that no two
// lists of parts look the same.
func MAC(key []byte, parts ...string) string {
	m := hmac.New(sha256.New, key)
	for _, p := range parts {
		fmt.Fprintf(m, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// ValidMAC compares in constant time.
func ValidMAC(key []byte, mac string, parts ...string) bool {
	return hmac.Equal([]byte(mac), []byte(MAC(key, parts...)))
}

// SignIdentity puts id on a request inside; method and path are part of the signature.
func SignIdentity(r *http.Request, key []byte, id Identity) error {
	id.IssuedAt = time.Now().Unix()
	raw, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("marshal an identity: %w", err)
	}
	payload := base64.RawURLEncoding.EncodeToString(raw)
	r.Header.Set(IdentityHeader, payload+"."+MAC(key, payload, r.Method, r.URL.Path))
	return nil
}

type identityKey struct{}

// RequireIdentity lets only requests with a valid identity through.
func RequireIdentity(key []byte) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return Handle(func(w http.ResponseWriter, r *http.Request) error {
			id, ok := readIdentity(r, key)
			if !ok {
				return &Error{Status: http.StatusUnauthorized, Code: "identity-required"}
			}
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, id)))
			return nil
		})
	}
}

func readIdentity(r *http.Request, key []byte) (Identity, bool) {
	payload, mac, ok := strings.Cut(r.Header.Get(IdentityHeader), ".")
	if !ok || !ValidMAC(key, mac, payload, r.Method, r.URL.Path) {
		return Identity{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return Identity{}, false
	}
	var id Identity
	if err := json.Unmarshal(raw, &id); err != nil {
		return Identity{}, false
	}
	age := time.Since(time.Unix(id.IssuedAt, 0))
	return id, age < identityTTL && age > -identityTTL
}

// Who is the identity of a request that RequireIdentity let through.
func Who(r *http.Request) Identity { return WhoIn(r.Context()) }

// WhoIn is Who by the context of the request.
func WhoIn(ctx context.Context) Identity {
	id, ok := ctx.Value(identityKey{}).(Identity)
	if !ok {
		return Identity{}
	}
	return id
}
