package order

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// Config holds the settings of order.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Public
	boot.Keys
	boot.Staff
	Addr                 string        `envconfig:"ORDER_ADDR" default:"127.0.0.1:8083" desc:"listener for edge"`
	StripeAPIBase        string        `envconfig:"STRIPE_API_BASE" default:"https://api.stripe.com" desc:"where Stripe's API is"`
	StripeSecretKey      string        `envconfig:"STRIPE_SECRET_KEY" desc:"Stripe's secret or restricted key; when empty, make run starts a stand-in for Stripe"`
	StripePublishableKey string        `envconfig:"STRIPE_PUBLISHABLE_KEY" desc:"handed to browsers"`
	SweepEvery           time.Duration `envconfig:"SWEEP_EVERY" default:"30s" desc:"how often to look for payments whose webhook was lost"`
	SweepAfter           time.Duration `envconfig:"SWEEP_AFTER" default:"1m" desc:"how old an open checkout must be before Stripe is asked about it, and the pause before it is asked again"`
	StripeRate           *int          `envconfig:"STRIPE_CALLS_PER_SECOND" desc:"calls to Stripe a second, of all processes together; 0 for no limit; when empty 80 at Stripe and no limit at the stand-in (Stripe takes 100 with a live key and 25 with a test key)"`
	HoldClientPercent    int           `envconfig:"HOLD_CLIENT_PERCENT" default:"50" desc:"percentage of an article's remaining stock, or a code's remaining uses, that the unpaid payment pages of one client address may hold"`
	HoldAddressPercent   int           `envconfig:"HOLD_ADDRESS_PERCENT" default:"50" desc:"the same for one e-mail address"`
	HoldAllPercent       int           `envconfig:"HOLD_ALL_PERCENT" default:"80" desc:"the same for all unpaid pages together; beyond it each client may hold at most HOLD_ALWAYS"`
	HoldAlways           int           `envconfig:"HOLD_ALWAYS" default:"5" desc:"pieces, or uses of a code, that one client may hold however few are left, so that the last ones can be bought"`
	StripeAccount        string        `envconfig:"STRIPE_ACCOUNT" desc:"own account id (acct_…); events for another account make no order"`
	LateDays             int           `envconfig:"ORDER_LATE_DAYS" default:"3" desc:"days after which an order that was not sent shows on the back office's work list"`
	ShippingMailAfter    time.Duration `envconfig:"SHIPPING_MAIL_AFTER" default:"5m" desc:"how long staff can undo a shipment before the customer is mailed"`
	MediaURL             string        `envconfig:"MEDIA_URL" default:"media" desc:"where pictures of products are kept: a folder, or s3://key:secret@host/bucket/prefix (?region=…, ?tls=off); without key and secret the AWS task's own rights are used; order writes and edge reads it; when it is not set, make run uses a folder in DATA_DIR"`
	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports invalid settings.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.PublicURL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		!stripe.ASCII(c.PublicURL) {
		errs = append(errs, errors.New("PUBLIC_URL must be an absolute http or https address, a name with other "+
			"letters in its xn-- form"))
	}
	live := strings.HasPrefix(c.StripeSecretKey, "sk_live_") || strings.HasPrefix(c.StripeSecretKey, "rk_live_")
	if c.Production() && !live {
		errs = append(errs, errors.New("STRIPE_SECRET_KEY is not a live key: production takes no other"))
	}

	if u, err := url.Parse(c.StripeAPIBase); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		errs = append(errs, errors.New("STRIPE_API_BASE must be an absolute http or https address"))
	}
	if c.SweepEvery < 10*time.Millisecond || c.SweepAfter < 0 {
		errs = append(errs, errors.New("SWEEP_EVERY must be at least 10ms and SWEEP_AFTER not negative"))
	}
	if c.StripeRate != nil && *c.StripeRate != 0 && *c.StripeRate < stripe.LeastRate {
		errs = append(errs, fmt.Errorf("STRIPE_CALLS_PER_SECOND must be 0 or at least %d", stripe.LeastRate))
	}

	if _, err := media.Open(c.MediaURL); err != nil {
		errs = append(errs, err)
	}
	if c.LateDays < 1 || c.LateDays > 365 {
		errs = append(errs, fmt.Errorf("ORDER_LATE_DAYS is %d: want 1 to 365", c.LateDays))
	}
	if c.ShippingMailAfter < 0 || c.ShippingMailAfter > 24*time.Hour {
		errs = append(errs, errors.New("SHIPPING_MAIL_AFTER must be from 0 to 24h"))
	}

	for name, percent := range map[string]int{"HOLD_CLIENT_PERCENT": c.HoldClientPercent,
		"HOLD_ADDRESS_PERCENT": c.HoldAddressPercent, "HOLD_ALL_PERCENT": c.HoldAllPercent} {
		if percent < 1 || percent > 100 {
			errs = append(errs, fmt.Errorf("%s must be from 1 to 100", name))
		}
	}
	if c.HoldAlways < 1 {
		errs = append(errs, errors.New("HOLD_ALWAYS must be at least 1"))
	}
	return errors.Join(append(errs, c.Common.Validate())...)
}

// stripeRate is how many calls a second all processes together may make, 0 for no limit.
func (c Config) stripeRate() int {
	u, err := url.Parse(c.StripeAPIBase)
	switch {
	case c.StripeRate != nil:
		return *c.StripeRate
	case err == nil && u.Hostname() == "api.stripe.com":
		return 80
	}
	return 0
}
