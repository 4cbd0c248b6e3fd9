package mailer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

const (
	senderCount = 4
	// stopTimeout bounds how long a stop waits for mails in flight. A mail that takes longer is
	// left in the ledger as a maybe, as after a crash.
	stopTimeout = 8 * time.Second
)

// server is what the handlers and consumers of mailer share.
type server struct {
	cfg          Config
	log          *slog.Logger
	pool         *pgxpool.Pool
	outbox       *bus.Outbox
	from         *mail.Address
	replyTo      *mail.Address
	staffAddress *mail.Address
	bounces      *mail.Address          // nil: each mail's own sender
	name         atomic.Pointer[string] // name of the shop in its settings
	hashKey      []byte
	owners       owners
	timing       timing
	circuit      *circuit
	wakeups      chan struct{}
}

func newServer(core *service.Core, cfg Config, t timing) (*server, error) {
	if cfg.SMTPHost == "" {
		return nil, errors.New("SMTP_HOST is not set; make run brings its own inbox, a mailer alone needs a server")
	}
	s := &server{
		cfg:     cfg,
		log:     core.Log,
		pool:    core.Pool,
		outbox:  core.Outbox,
		hashKey: cfg.Key("mail address"),
		timing:  t,
		circuit: newCircuit(t),
		wakeups: make(chan struct{}, senderCount),
	}
	s.cfg.PublicURL = strings.TrimRight(cfg.PublicURL, "/")
	var err error
	if s.owners, err = findOwners(cfg, core.Log); err != nil {
		return nil, err
	}

	if s.from, err = parseAddress(cfg.MailFrom); err != nil {
		return nil, fmt.Errorf("read MAIL_FROM: %w", err)
	}
	if s.staffAddress, err = parseAddress(cfg.MailStaff); err != nil {
		return nil, fmt.Errorf("read MAIL_STAFF: %w", err)
	}
	if cfg.MailBounces != "" {
		if s.bounces, err = parseAddress(cfg.MailBounces); err != nil {
			return nil, fmt.Errorf("read MAIL_BOUNCES: %w", err)
		}
	}

	s.replyTo = s.from
	if cfg.MailReplyTo != "" {
		if s.replyTo, err = parseAddress(cfg.MailReplyTo); err != nil {
			return nil, fmt.Errorf("read MAIL_REPLY_TO: %w", err)
		}
	}

	return s, nil
}
