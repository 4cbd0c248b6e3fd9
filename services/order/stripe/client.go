// Package stripe is order's client for Stripe: it makes payment pages, reads their outcomes, and
// limits the rate of calls. The types of stripe-go, and Stripe's messages about a buyer, stay
// inside.
package stripe

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdk "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Client makes the shop's calls to Stripe (stripe-go v76, API version 2023-10-16).
type Client struct {
	api   *client.API
	log   *slog.Logger
	shop  string   // the shop's address, for links
	name  string   // the shop's name among the shops of one account
	base  *url.URL // shop as a URL, for pictures
	noKey bool
	brake *brake
}

// Settings are the settings of a client.
type Settings struct {
	APIBase   string   // where Stripe's API is
	SecretKey string   // if empty nothing can be paid
	Shop      string   // the shop's address
	Name      string   // the shop's name (SHOP_NAME), for shops that share an account
	Rate      int      // calls a second of all processes together; 0 for no limit
	Bus       *bus.Bus // to count calls together with other processes
}

// Bounds of one try, and of all tries of a call to Stripe.
const (
	tryTimeout  = 8 * time.Second
	callTimeout = 20 * time.Second
)

// Pauses between the tries of a call that Stripe refuses because of its rate limit (429).
const (
	minRetryPause = 300 * time.Millisecond
	maxRetryPause = 2 * time.Second
)

// New makes a client; it makes no calls yet.
func New(log *slog.Logger, set Settings) *Client {
	backend := sdk.GetBackendWithConfig(sdk.APIBackend, &sdk.BackendConfig{
		URL:               sdk.String(strings.TrimSuffix(set.APIBase, "/")),
		MaxNetworkRetries: sdk.Int64(2),
		EnableTelemetry:   sdk.Bool(false),
		LeveledLogger:     sdkLog{log},
		HTTPClient: &http.Client{
			Timeout: tryTimeout, Transport: transport{http.DefaultTransport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	})

	shop := strings.TrimSuffix(set.Shop, "/")
	base, err := url.Parse(shop + "/")
	if err != nil {
		base = &url.URL{} // order's settings have refused it already; relative pictures are left out
	}
	return &Client{
		api:   client.New(set.SecretKey, &sdk.Backends{API: backend, Connect: backend, Uploads: backend}),
		log:   log,
		shop:  shop,
		base:  base,
		name:  set.Name,
		noKey: set.SecretKey == "",
		brake: newBrake(set.Bus, set.Rate),
	}
}

// HasKey reports whether payments are possible at all.
func (c *Client) HasKey() bool { return !c.noKey }

// The errors of a call in addition to a refusal of Stripe's (see Status).
var (
	ErrNoKey     = errors.New("STRIPE_SECRET_KEY is not set")
	ErrNoSession = errors.New("Stripe does not know this session")
	ErrBusy      = errors.New("the shop's limit of calls to Stripe is reached")
)

// Status is the HTTP status of Stripe's answer, 0 when there was none.
func Status(err error) int {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e.cause.HTTPStatusCode
	}
	return 0
}

// retry adds repetitions after 429 to the library's own (broken connections, 409, 5xx).
func (c *Client) retry(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		if err := c.brake.take(ctx); err != nil {
			return err
		}
		err := withoutText(call())
		e, ok := errors.AsType[*apiError](err)
		if !ok || e.cause.HTTPStatusCode != http.StatusTooManyRequests || try == 3 {
			return err
		}
		if !wait.Sleep(ctx, bus.Backoff(try, minRetryPause, maxRetryPause)) {
			return err
		}
	}
}
