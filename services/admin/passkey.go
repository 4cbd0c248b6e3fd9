package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// ceremonyTTL is how long a person has to answer an authenticator.
const ceremonyTTL = 5 * time.Minute

// The purposes of a ceremony: the answer to one is not valid for another.
const (
	toSignIn  = "sign-in"
	toConfirm = "confirm"
	toAdd     = "add"
)

// newWebAuthn describes the back office to authenticators. A passkey is two factors in one: the
// device, and the finger, face or number that it asks for, which is therefore required.
func newWebAuthn(a addresses) (*webauthn.WebAuthn, error) {
	return webauthn.New(&webauthn.Config{
		RPID: a.own.Hostname(), RPDisplayName: "Back office", RPOrigins: []string{a.origin()},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, UserVerification: protocol.VerificationRequired,
		},
	})
}

// authUser is a person as go-webauthn sees one.
type authUser struct {
	account
	passkeys []webauthn.Credential
}

// WebAuthnID implements webauthn.User.
func (u authUser) WebAuthnID() []byte { return []byte(u.Handle) }

// WebAuthnName implements webauthn.User.
func (u authUser) WebAuthnName() string { return u.Username }

// WebAuthnDisplayName implements webauthn.User.
func (u authUser) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials implements webauthn.User.
func (u authUser) WebAuthnCredentials() []webauthn.Credential { return u.passkeys }

// authUser reads a person with their passkeys.
func (s *server) authUser(ctx context.Context, a account) (authUser, error) {
	u := authUser{account: a}
	stored, err := listCredentials(ctx, s.pool, a.ID)
	if err != nil {
		return u, err
	}
	for _, raw := range stored {
		var c webauthn.Credential
		if err := json.Unmarshal(raw, &c); err != nil {
			return u, fmt.Errorf("read a passkey of person %d: %w", a.ID, err)
		}
		u.passkeys = append(u.passkeys, c)
	}
	return u, nil
}

// ceremonyStart is what a page needs to begin a ceremony.
type ceremonyStart struct {
	Token   string `json:"token"`
	Options any    `json:"options"`
}

// startCeremony stores a ceremony until its answer comes.
func (s *server) startCeremony(ctx context.Context, person int64, purpose string, data *webauthn.SessionData,
	options any) (adminui.Answer, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("marshal a ceremony: %w", err)
	}
	token, hash := newToken()
	if err := insertCeremony(ctx, s.pool, hash, person, purpose, raw, ceremonyTTL); err != nil {
		return nil, err
	}
	return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		return web.JSON(w, http.StatusOK, ceremonyStart{token, options})
	}), nil
}

// beginPasskey begins a ceremony that signs in: with any passkey of the back office, or with one of
// a person who has given the first factor or confirms an act.
func (s *server) beginPasskey(r *http.Request, person int64, purpose string) (adminui.Answer, error) {
	if person == 0 {
		options, data,
			err := s.webauthn.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
		if err != nil {
			return nil, fmt.Errorf("begin a ceremony: %w", err)
		}
		return s.startCeremony(r.Context(), 0, purpose, data, options.Response)
	}
	u, err := s.readAuthUser(r.Context(), person)
	if err != nil {
		return nil, err
	}
	if len(u.passkeys) == 0 {
		return nil, web.NotFound()
	}
	options, data, err := s.webauthn.BeginLogin(u, webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, fmt.Errorf("begin a ceremony: %w", err)
	}
	return s.startCeremony(r.Context(), person, purpose, data, options.Response)
}

func (s *server) readAuthUser(ctx context.Context, person int64) (authUser, error) {
	a, found, err := findAccount(ctx, s.pool, person)
	if err != nil {
		return authUser{}, err
	}
	if !found {
		return authUser{}, web.NotFound()
	}
	return s.authUser(ctx, a)
}

// errPasskey says that the answer does not match the ceremony.
var errPasskey = errors.New("the passkey does not fit")

// endPasskey checks the answer to a ceremony, which ends with it, and returns the person.
func (s *server) endPasskey(ctx context.Context, token, response string, person int64, purpose string) (int64, error) {
	raw, ok, err := useCeremony(ctx, s.pool, hashOf(token), person, purpose)
	if err != nil {
		return 0, err
	}
	var data webauthn.SessionData
	if !ok || json.Unmarshal(raw, &data) != nil {
		return 0, errPasskey
	}

	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(response))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPasskey, err)
	}
	var u authUser
	var used *webauthn.Credential
	var failed error // from the database: it says nothing about the passkey, and go-webauthn drops causes
	if person == 0 {
		used, err = s.webauthn.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
			var found bool
			if u, found, failed = s.userOfHandle(ctx, string(handle)); failed == nil && !found {
				return nil, errPasskey
			}
			return u, failed
		}, data, parsed)
	} else if u, failed = s.readAuthUser(ctx, person); failed == nil {
		used, err = s.webauthn.ValidateLogin(u, data, parsed)
	}
	if failed != nil {
		return 0, failed
	}
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errPasskey, err)
	}
	if used.Authenticator.CloneWarning {
		return 0, fmt.Errorf("%w: its counter went back, so there may be a copy of it", errPasskey)
	}

	stored, err := json.Marshal(used)
	if err != nil {
		return 0, fmt.Errorf("marshal a passkey: %w", err)
	}

	return u.ID, usePasskey(ctx, s.pool, used.ID, stored)
}

// userOfHandle is the person whom a passkey names.
func (s *server) userOfHandle(ctx context.Context, handle string) (u authUser, found bool, err error) {
	a, found, err := findAccountByHandle(ctx, s.pool, handle)
	if err != nil || !found {
		return u, false, err
	}
	u, err = s.authUser(ctx, a)
	return u, true, err
}

// beginAddPasskey begins the ceremony that makes a passkey.
func (s *server) beginAddPasskey(r *http.Request) (adminui.Answer, error) {
	u, err := s.readAuthUser(r.Context(), adminui.Who(r).Person)
	if err != nil {
		return nil, err
	}
	options, data, err := s.webauthn.BeginRegistration(u,
		webauthn.WithExclusions(webauthn.Credentials(u.passkeys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("begin to make a passkey: %w", err)
	}
	return s.startCeremony(r.Context(), u.ID, toAdd, data, options.Response)
}

// endAddPasskey checks the answer of the authenticator and returns the passkey.
func (s *server) endAddPasskey(ctx context.Context, token, response string,
	person int64) (*webauthn.Credential, error) {
	raw, ok, err := useCeremony(ctx, s.pool, hashOf(token), person, toAdd)
	if err != nil {
		return nil, err
	}
	var data webauthn.SessionData
	if !ok || json.Unmarshal(raw, &data) != nil {
		return nil, errPasskey
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(response))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPasskey, err)
	}
	u, err := s.readAuthUser(ctx, person)
	if err != nil {
		return nil, err
	}
	made, err := s.webauthn.CreateCredential(u, data, parsed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errPasskey, err)
	}
	return made, nil
}

// passkeyName is a person's name for a passkey.
func passkeyName(typed string) string {
	if typed = strings.TrimSpace(typed); typed == "" {
		return "Passkey"
	}
	return typed
}

// madePasskey checks a form with a new passkey, and returns its id and its stored form.
func (s *server) madePasskey(ctx context.Context, form adminui.PostedForm,
	person int64) (credential, stored []byte, err error) {
	made, err := s.endAddPasskey(ctx, form.Get("token"), form.Get("response"), person)
	if errors.Is(err, errPasskey) {
		return nil, nil, &web.Error{Status: http.StatusUnprocessableEntity, Code: "passkey", Err: err}
	}
	if err != nil {
		return nil, nil, err
	}
	if stored, err = json.Marshal(made); err != nil {
		return nil, nil, fmt.Errorf("marshal a passkey: %w", err)
	}
	return made.ID, stored, nil
}
