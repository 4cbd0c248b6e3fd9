package edge

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Config holds the settings of edge.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Public
	boot.Keys
	boot.Staff
	Addr           string `envconfig:"EDGE_ADDR" default:"127.0.0.1:8080" desc:"listener for shoppers"`
	AllowedOrigins string `envconfig:"ALLOWED_ORIGINS" desc:"further frontends, e.g. https://www.example.com; comma-separated (CORS with credentials, CSRF)"`
	CookieDomain   string `envconfig:"COOKIE_DOMAIN" desc:"parent domain of the cookies, for a frontend on another host; when empty, this host only"`
	TrustedProxies string `envconfig:"TRUSTED_PROXIES" default:"loopback" desc:"whose X-Forwarded-For is believed: addresses, networks (10.0.0.0/8) or the word loopback; comma-separated"`
	HSTSSubDomains bool   `envconfig:"HSTS_SUBDOMAINS" default:"false" desc:"Strict-Transport-Security (with an https PUBLIC_URL) covers all hosts below this one, too"`
	HSTSPreload    bool   `envconfig:"HSTS_PRELOAD" default:"false" desc:"asks browsers' lists of https-only hosts to take this one; requires HSTS_SUBDOMAINS; hard to take back"`
	UserURL        string `envconfig:"USER_URL" default:"http://127.0.0.1:8082" desc:"address of user; comma-separated if there are several"`
	OrderURL       string `envconfig:"ORDER_URL" default:"http://127.0.0.1:8083" desc:"address of order; comma-separated if there are several"`
	EventsURL      string `envconfig:"EVENTS_URL" default:"http://127.0.0.1:8084" desc:"address of events; comma-separated if there are several"`
	WebhookURL     string `envconfig:"WEBHOOK_URL" default:"http://127.0.0.1:8081" desc:"address of webhook; comma-separated if there are several"`
	MediaURL       string `envconfig:"MEDIA_URL" default:"media" desc:"store of product pictures: a folder, or s3://key:secret@host/bucket/prefix (?region=…, ?tls=off); without key and secret the rights of the AWS task are used; order writes and edge reads it; make run uses a folder in DATA_DIR if it is empty"`

	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports all settings that cannot work.
func (c Config) Validate() error {
	_, err := c.parse()
	return errors.Join(c.Common.Validate(), err)
}

// settings are the parsed parts of Config.
type settings struct {
	public                       *url.URL
	origins                      []string // allowed origins, including the shop's own
	proxies                      web.Proxies
	user, order, events, webhook web.Addresses
}

func (c Config) parse() (settings, error) {
	var s settings
	var errs []error
	address := func(name, value string) *url.URL {
		u, err := web.ParseAddress(name, value)
		errs = append(errs, err)
		return u
	}
	owner := func(name, value string) web.Addresses {
		at, err := web.ParseAddresses(name, value)
		errs = append(errs, err)
		return at
	}

	s.public = address("PUBLIC_URL", c.PublicURL)
	s.user, s.order = owner("USER_URL", c.UserURL), owner("ORDER_URL", c.OrderURL)
	s.events, s.webhook = owner("EVENTS_URL", c.EventsURL), owner("WEBHOOK_URL", c.WebhookURL)

	for _, o := range list(c.AllowedOrigins) {
		if u := address("ALLOWED_ORIGINS", o); u != nil {
			s.origins = append(s.origins, originOf(u))
		}
	}

	if s.public != nil {
		s.origins = append(s.origins, originOf(s.public))
	}
	var err error
	if s.proxies, err = web.ParseProxies(c.TrustedProxies); err != nil {
		errs = append(errs, err)
	}
	if _, err := media.Open(c.MediaURL); err != nil {
		errs = append(errs, err)
	}
	if c.HSTSPreload && !c.HSTSSubDomains {
		errs = append(errs, errors.New("HSTS_PRELOAD requires HSTS_SUBDOMAINS: browsers' lists take no host without "+
			"those below it"))
	}
	if c.CookieDomain != "" && (&http.Cookie{Name: "a", Value: "a", Domain: c.CookieDomain}).Valid() != nil {
		errs = append(errs, fmt.Errorf("COOKIE_DOMAIN is %q: want a domain such as example.com", c.CookieDomain))
	}

	return s, errors.Join(errs...)
}

// originOf is the origin of an address as browsers send it: in lower case, without a default port.
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if port := u.Port(); port == "" || u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return u.Scheme + "://" + host
}

// list splits at commas and drops empty parts.
func list(s string) []string {
	var parts []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	return parts
}
