package testenv

import (
	"bytes"
	"crypto/ed25519"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Staff is the person of the staff who sends requests, as services/admin signs it.
type Staff struct {
	adminui.Identity
	Service string
	Key     ed25519.PrivateKey
}

// StaffKey is the key with which Mount believes an identity.
func StaffKey() ed25519.PrivateKey { return boot.Keys{}.StaffSigner() }

// AsStaff is the client of a person with these roles and a fresh second factor, who asks a service
// whose handler Mount made.
func (c *Client) AsStaff(service string, roles ...adminui.Role) *Client {
	other := *c
	other.Staff = &Staff{
		Service:  service,
		Key:      StaffKey(),
		Identity: adminui.Identity{Person: 7, Name: "Ada", Roles: roles, FreshUntil: time.Now().Add(time.Hour)},
	}
	other.Key, other.Check = nil, nil
	return &other
}

func (s *Staff) sign(tb testing.TB, r *http.Request) {
	tb.Helper()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			tb.Fatal(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if err := adminui.Sign(r, s.Key, s.Service, body, s.Identity); err != nil {
		tb.Fatal(err)
	}
}

// Mount puts a service's staff pages before its other routes, as the skeleton of services does.
func Mount(tb testing.TB, service string, pages adminui.Pages, others http.Handler) http.Handler {
	tb.Helper()
	staff, err := adminui.Mount(Log(tb), service, boot.Staff{}.StaffVerifier(boot.Keys{}), pages)
	if err != nil {
		tb.Fatal(err)
	}
	return adminui.Below(staff, others)
}
