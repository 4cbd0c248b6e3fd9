package user

import (
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// server is what the handlers and consumers of user share.
type server struct {
	log         *slog.Logger
	pool        *pgxpool.Pool
	outbox      *bus.Outbox
	shop        string // the shop's name
	hasher      *hasher
	codeKey     []byte // signs the codes of mail links
	identityKey []byte // checks the identity that edge signs
	mailerKey   []byte // checks that mailer is calling
	logKey      []byte // makes marks of accounts for logs
	// requested wakes the worker that answers requests for mails.
	requested chan struct{}
}

func newServer(core *service.Core, cfg Config) *server {
	return &server{
		log:         core.Log,
		pool:        core.Pool,
		outbox:      core.Outbox,
		shop:        shopName(cfg.MailFrom),
		hasher:      newHasher(cfg.HashCost),
		codeKey:     cfg.Key("codes"),
		identityKey: cfg.Key("identity"),
		mailerKey:   cfg.Key(boot.MailerKey),
		logKey:      cfg.Key("accounts in logs"),
		requested:   make(chan struct{}, 1),
	}
}
