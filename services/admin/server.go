package admin

import (
	"crypto/cipher"
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"log/slog"

	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

//go:embed pages/*.html
var templates embed.FS

// server is what the handlers and consumers of admin share.
type server struct {
	cfg         Config
	log         *slog.Logger
	pool        *pgxpool.Pool
	outbox      *bus.Outbox
	kit         *adminui.Kit
	addresses   addresses
	owners      map[string]*web.Owner
	signer      ed25519.PrivateKey
	csrfKey     []byte
	guessKey    []byte
	recoveryKey []byte
	sealer      cipher.AEAD
	hasher      *hasher
	webauthn    *webauthn.WebAuthn
	heard       *changes
}

func newServer(core *service.Core, cfg Config) (*server, error) {
	s := &server{
		cfg:         cfg,
		log:         core.Log,
		pool:        core.Pool,
		outbox:      core.Outbox,
		heard:       newChanges(),
		signer:      cfg.StaffSigner(),
		csrfKey:     cfg.Key("staff csrf"),
		guessKey:    cfg.Key("staff guesses"),
		recoveryKey: cfg.Key("staff recovery codes"),
	}

	var errs [6]error
	s.addresses, errs[0] = cfg.parse()
	s.kit, errs[1] = adminui.NewKit(templates)
	s.owners, errs[2] = s.findOwners(cfg.InsideFiles())
	s.sealer, errs[3] = newSealer(cfg.Key("staff authenticator apps"))
	s.hasher, errs[4] = newHasher(cfg.PasswordCost)
	if errs[0] == nil {
		s.webauthn, errs[5] = newWebAuthn(s.addresses)
	}

	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("make the back office: %w", err)
	}
	s.kit.Confirm, s.kit.Notice = s.showConfirm, s.keepNotice

	return s, nil
}
