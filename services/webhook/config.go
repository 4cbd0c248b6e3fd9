package webhook

import (
	"errors"
	"net"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config holds the settings of webhook.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Staff
	Addr string `envconfig:"WEBHOOK_ADDR" default:"127.0.0.1:8081" desc:"listener of webhook; edge forwards POST /order/stripe-webhook to it"`
	// Secrets has two values while one is being rolled.
	Secrets []string `envconfig:"STRIPE_WEBHOOK_SECRET" desc:"signing secret of the Stripe endpoint; two, separated by a comma, while it is rotated"`
	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	errs := []error{c.Common.Validate()}
	if c.Production() && len(c.secrets()) == 0 {
		errs = append(errs, errors.New("STRIPE_WEBHOOK_SECRET must be set in production"))
	}
	return errors.Join(errs...)
}

// secrets are the configured secrets without blanks.
func (c Config) secrets() []string {
	var all []string
	for _, s := range c.Secrets {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	return all
}
