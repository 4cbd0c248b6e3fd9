package admin

import (
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

//go:embed pages/*.html
var templates embed.FS

// server is what handlers and consumers share.
type server struct {
	cfg       Config
	log       *slog.Logger
	pool      *pgxpool.Pool
	outbox    *bus.Outbox
	kit       *adminui.Kit
	addresses addresses
	transport *http.Transport
	signer    ed25519.PrivateKey
	csrfKey   []byte
}

func newServer(core *service.Core, cfg Config) (*server, error) {
	s := &server{cfg: cfg, log: core.Log, pool: core.Pool, outbox: core.Outbox,
		signer: cfg.StaffSigner(), csrfKey: cfg.Key("staff csrf")}
	var errs [3]error
	s.addresses, errs[0] = cfg.parse()
	s.kit, errs[1] = adminui.NewKit(templates)
	s.transport, errs[2] = newTransport(cfg.InsideFiles())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("make the back office: %w", err)
	}
	return s, nil
}
