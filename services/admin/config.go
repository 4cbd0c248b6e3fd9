package admin

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/alexedwards/argon2id"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Config holds the settings of admin.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Keys
	TrustedProxies string `envconfig:"TRUSTED_PROXIES" default:"loopback" desc:"whose X-Forwarded-For is believed: addresses, networks (10.0.0.0/8) or the word loopback; comma-separated"`
	Addr           string `envconfig:"ADMIN_ADDR" default:"127.0.0.1:8086" desc:"listener of the back office"`
	URL            string `envconfig:"ADMIN_URL" default:"http://localhost:8086" desc:"address at which staff reach the back office, a host of its own; production requires https, or localhost through a tunnel; passkeys belong to its host; make run uses the port of ADMIN_ADDR if it is empty"`
	UserURL        string `envconfig:"USER_URL" default:"http://127.0.0.1:8082" desc:"address of user; comma-separated if there are several"`
	OrderURL       string `envconfig:"ORDER_URL" default:"http://127.0.0.1:8083" desc:"address of order; comma-separated if there are several"`
	EventsURL      string `envconfig:"EVENTS_URL" default:"http://127.0.0.1:8084" desc:"address of events; comma-separated if there are several"`
	MailerURL      string `envconfig:"MAILER_URL" default:"http://127.0.0.1:8085" desc:"address of mailer; comma-separated if there are several"`
	WebhookURL     string `envconfig:"WEBHOOK_URL" default:"http://127.0.0.1:8081" desc:"address of webhook; comma-separated if there are several"`
	PublicURL      string `envconfig:"PUBLIC_URL" default:"http://127.0.0.1:8080" desc:"the shop's address, where pages find its pictures"`
	EdgeURL        string `envconfig:"EDGE_URL" default:"http://127.0.0.1:8080" desc:"address of edge; comma-separated if there are several"`
	// PasswordCost is only for tests, which would spend their time on hashing; nil is the usual
	// cost.
	PasswordCost *argon2id.Params `ignored:"true"`
	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports all settings that cannot work.
func (c Config) Validate() error {
	_, err := c.parse()
	return errors.Join(c.Common.Validate(), err)
}

// addresses are the parsed addresses of Config.
type addresses struct {
	own     *url.URL
	shop    *url.URL
	owners  map[string]web.Addresses // by name of the service
	proxies web.Proxies
}

// secure reports whether the back office is served under https.
func (a addresses) secure() bool { return a.own.Scheme == "https" }

// origin is the back office's origin as browsers send it.
func (a addresses) origin() string { return a.own.Scheme + "://" + strings.ToLower(a.own.Host) }

func (c Config) parse() (addresses, error) {
	var errs []error
	own, err := web.ParseAddress("ADMIN_URL", c.URL)
	errs = append(errs, err)
	shop, err := web.ParseAddress("PUBLIC_URL", c.PublicURL)
	errs = append(errs, err)
	owner := func(name, value string) web.Addresses {
		at, err := web.ParseAddresses(name, value)
		errs = append(errs, err)
		return at
	}
	a := addresses{own: own, shop: shop, owners: map[string]web.Addresses{
		"user": owner("USER_URL", c.UserURL), "order": owner("ORDER_URL", c.OrderURL),
		"events": owner("EVENTS_URL", c.EventsURL), "mailer": owner("MAILER_URL", c.MailerURL),
		"webhook": owner("WEBHOOK_URL", c.WebhookURL), "edge": owner("EDGE_URL", c.EdgeURL),
	}}
	if a.own != nil && net.ParseIP(a.own.Hostname()) != nil {
		errs = append(errs, fmt.Errorf("ADMIN_URL is %q: want a name, not an address: passkeys belong to one", c.URL))
	}

	if a.proxies, err = web.ParseProxies(c.TrustedProxies); err != nil {
		errs = append(errs, err)
	}
	if a.own != nil && c.Production() && a.own.Scheme != "https" && a.own.Hostname() != "localhost" {
		errs = append(errs, fmt.Errorf("ADMIN_URL is %q: production requires https://, or localhost through a tunnel",
			c.URL))
	}

	return a, errors.Join(errs...)
}
