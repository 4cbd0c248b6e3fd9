package allinone

import (
	"errors"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config holds the settings of the one process beyond those of the services in it.
type Config struct {
	boot.Common
	boot.Public
	Copies
	DBPasswords
	BrokerLogins
	ShopSecret      string `envconfig:"SHOP_SECRET" desc:"at least 32 random characters; made in DATA_DIR when empty"`
	DataDir         string `envconfig:"DATA_DIR" default:".data" desc:"where make run keeps its database, broker, mails and secret"`
	StripeSecretKey string `envconfig:"STRIPE_SECRET_KEY" desc:"Stripe's secret or restricted key; when empty, make run starts a stand-in for Stripe"`
	SMTPHost        string `envconfig:"SMTP_HOST" desc:"mail server; when empty, make run starts a mail inbox"`
	NATSAddr        string `envconfig:"NATS_ADDR" default:"127.0.0.1:4222" desc:"client port of the embedded broker; if the default is taken, a free port is used"`
	NATSMonitorAddr string `envconfig:"NATS_MONITOR_ADDR" default:"127.0.0.1:8222" desc:"monitoring port of the embedded broker; the same applies"`
	StandInAddr     string `envconfig:"STANDIN_ADDR" default:"127.0.0.1:8090" desc:"the stand-in for Stripe; the same applies"`
	InboxAddr       string `envconfig:"MAIL_INBOX_HTTP_ADDR" default:"127.0.0.1:8025" desc:"pages of the mail inbox; the same applies"`
	InboxSMTPAddr   string `envconfig:"MAIL_INBOX_SMTP_ADDR" default:"127.0.0.1:1025" desc:"SMTP port of the mail inbox; the same applies"`
	InboxKeep       int    `envconfig:"MAIL_INBOX_KEEP" default:"1000" desc:"how many mails the inbox keeps; the oldest are dropped first"`
}

// live reports whether real money moves: in production, or with a live key of Stripe.
func (c Config) live() bool {
	return c.Production() || strings.HasPrefix(c.StripeSecretKey, "sk_live_") ||
		strings.HasPrefix(c.StripeSecretKey, "rk_live_")
}

// Validate refuses stand-ins and test keys where real money moves.
func (c Config) Validate() error {
	var errs []error
	if c.live() {
		switch {
		case c.StripeSecretKey == "":
			errs = append(errs, errors.New(
				"STRIPE_SECRET_KEY is not set, and the stand-in for Stripe refuses to start in production"))
		case !strings.HasPrefix(c.StripeSecretKey, "sk_live_") && !strings.HasPrefix(c.StripeSecretKey, "rk_live_"):
			errs = append(errs, errors.New("STRIPE_SECRET_KEY is not a live key: production takes no other"))
		}
		if c.SMTPHost == "" {
			errs = append(errs, errors.New("SMTP_HOST is not set, and the mail inbox refuses to start in production"))
		}
	}
	if c.ShopSecret != "" { // without a secret, one is made in DATA_DIR
		errs = append(errs, boot.CheckSecret(c.ShopSecret, c.Production()))
	}
	if c.NATSReplicas > 1 && c.NATSURL == "" {
		errs = append(errs, errors.New("NATS_REPLICAS needs as many brokers, and NATS_URL to name them: "+
			"the one process brings a single one"))
	}
	if c.NATSSecret != "" && c.NATSURL == "" {
		errs = append(errs, errors.New("NATS_SECRET is set, and NATS_URL names no broker that shops share"))
	}
	return errors.Join(append(errs, c.Common.Validate(), c.Copies.validate())...)
}
