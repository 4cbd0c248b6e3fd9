package adminui

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// IdentityHeader carries who is asking from services/admin to the owners.
const IdentityHeader = "X-Shop-Staff"

const (
	// FreshTTL is how long a second factor counts as fresh.
	FreshTTL = 5 * time.Minute
	// identityTTL is how old an identity may be, and how long it is remembered so that it counts
	// once.
	identityTTL = 30 * time.Second
	// MaxBody is the largest body of a request to a staff route, in bytes.
	MaxBody = 8 << 20
	// MaxUpload is the largest body of a request that uploads files, in bytes: one to a path that
	// ends in /upload.
	MaxUpload = 32 << 20
	// uploadTimeout is how long the body of an upload may take.
	uploadTimeout = 5 * time.Minute
	// signed is the prefix of what is signed, so that no signature for another purpose is valid
	// here.
	signed = "startupwebapp staff identity\n"
)

// Identity is a person of the staff and the one request that they make. services/admin signs it
// with Ed25519 (RFC 8032); owners have only the public key, so that no other service can make one.
type Identity struct {
	Person int64  `json:"person"`
	Name   string `json:"name"`
	Roles  []Role `json:"roles"`
	// Token is set for requests with an API token, which may do no more than its scopes, and
	// nothing that asks for a fresh second factor.
	Token  bool     `json:"token,omitempty"`
	Scopes []Action `json:"scopes,omitempty"`
	// FreshUntil is when the second factor is no longer fresh.
	FreshUntil time.Time `json:"fresh_until,omitzero"`
	// Session is the session at services/admin; owners do not get it.
	Session string `json:"-"`
	// Form is the token that every form of this session posts as csrf; services/admin checks it.
	Form string `json:"form,omitempty"`
	// Notice is the result of the last command, to be shown once.
	Notice string `json:"notice,omitempty"`
	// From is the client's address.
	From string `json:"from,omitempty"`

	// Service, Method, URI and Body (SHA-256, hex) are the request that the identity is valid for.
	Service string `json:"service"`
	Method  string `json:"method"`
	URI     string `json:"uri"`
	Body    string `json:"body"`
	// At is when it was signed; Request is an id of the request and is valid once.
	At      time.Time `json:"at"`
	Request string    `json:"request"`
}

// May reports whether the person may do an action, by role and by the scopes of a token. It does
// not ask for a fresh second factor: pages show what can be done, and Require asks for it when it
// is done.
func (id Identity) May(a Action) bool {
	return Allowed(id.Roles, a) && (!id.Token || slices.Contains(id.Scopes, a) && !NeedsFresh(a))
}

// Fresh reports whether the second factor is fresh now.
func (id Identity) Fresh() bool { return time.Now().Before(id.FreshUntil) }

// Sign puts an identity on a request with this body to a service.
func Sign(r *http.Request, key ed25519.PrivateKey, service string, body []byte, id Identity) error {
	sum := sha256.Sum256(body)
	id.Service, id.Method, id.URI, id.Body = service, r.Method, r.URL.RequestURI(), hex.EncodeToString(sum[:])
	id.At, id.Request = time.Now().UTC(), rand.Text()
	raw, err := json.Marshal(id)
	if err != nil {
		return fmt.Errorf("marshal a staff identity: %w", err)
	}
	r.Header.Set(IdentityHeader, base64.RawURLEncoding.EncodeToString(raw)+"."+
		base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, append([]byte(signed), raw...))))
	return nil
}

type identityKey struct{}

// Who is the identity of a request to a staff route.
func Who(r *http.Request) Identity { return WhoIn(r.Context()) }

// WhoIn is Who by the context of the request.
func WhoIn(ctx context.Context) Identity {
	id, ok := ctx.Value(identityKey{}).(Identity)
	if !ok {
		return Identity{}
	}
	return id
}

// WithIdentity is the request of a person whom services/admin knows, for its own pages.
func WithIdentity(r *http.Request, id Identity) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), identityKey{}, id))
}

// verifier checks identities for one service.
type verifier struct {
	service string
	key     ed25519.PublicKey

	mu    sync.Mutex
	seen  map[string]time.Time // requests that were let through, and until when they are remembered
	sweep time.Time
}

var errIdentity = errors.New("no valid staff identity")

func newVerifier(service string, key ed25519.PublicKey) *verifier {
	return &verifier{service: service, key: key, seen: map[string]time.Time{}}
}

// verify reads the identity of a request, and its body, which can be read again.
func (v *verifier) verify(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	id, err := v.read(r.Header.Get(IdentityHeader))
	if err != nil {
		return nil, unauthorized(err)
	}
	body, err := ReadBody(w, r)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(body)
	switch age := time.Since(id.At); {
	case id.Service != v.service, id.Method != r.Method, id.URI != r.URL.RequestURI():
		return nil, unauthorized(fmt.Errorf("%w for this request", errIdentity))
	case id.Body != hex.EncodeToString(sum[:]):
		return nil, unauthorized(fmt.Errorf("%w for this body", errIdentity))
	case age > identityTTL || age < -identityTTL:
		return nil, unauthorized(fmt.Errorf("%w of this time", errIdentity))
	case !v.first(id):
		return nil, unauthorized(fmt.Errorf("%w: it was used before", errIdentity))
	}
	return WithIdentity(r, id), nil
}

func unauthorized(err error) error {
	return &web.Error{Status: http.StatusUnauthorized, Code: "staff-identity-required", Err: err}
}

func (v *verifier) read(header string) (id Identity, err error) {
	payload, signature, ok := strings.Cut(header, ".")
	if !ok || len(v.key) != ed25519.PublicKeySize {
		return id, errIdentity
	}
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return id, errIdentity
	}
	sig, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !ed25519.Verify(v.key, append([]byte(signed), raw...), sig) {
		return id, errIdentity
	}
	if err := json.Unmarshal(raw, &id); err != nil {
		return id, fmt.Errorf("read a staff identity: %w", err)
	}
	return id, nil
}

// first reports whether this process sees a request for the first time. Other processes of the
// service do not know: what must not happen twice is protected by the row that a command changes.
func (v *verifier) first(id Identity) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := time.Now()
	if now.After(v.sweep) {
		v.sweep = now.Add(identityTTL)
		for request, until := range v.seen {
			if now.After(until) {
				delete(v.seen, request)
			}
		}
	}
	if _, ok := v.seen[id.Request]; ok || id.Request == "" {
		return false
	}
	v.seen[id.Request] = now.Add(2 * identityTTL)
	return true
}

// ReadBody reads a whole body of at most MaxBody, or MaxUpload for uploads, and puts it back.
func ReadBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	most := int64(MaxBody)
	if strings.HasSuffix(r.URL.Path, "/upload") {
		most = MaxUpload
		// A server that keeps no deadlines has none to move.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTimeout))
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(uploadTimeout))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "body-too-large", Err: err}
	}
	if err != nil {
		return nil, &web.Error{Status: http.StatusBadRequest, Code: "bad-request", Err: err}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, nil
}
