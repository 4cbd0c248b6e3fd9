// Package boot starts a process: settings from the environment, a log, signals, an exit code.
// Every main of the shop is one call of Main.
package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// Common holds the settings that every service has. The names are the same however a service is
// started.
type Common struct {
	BrokerTLS
	Traces
	ShopEnv     string `envconfig:"SHOP_ENV" default:"development" desc:"development or production; production refuses test keys, stand-ins, guessable secrets and a PUBLIC_URL without https"`
	ShopName    string `envconfig:"SHOP_NAME" desc:"name of this shop among those on the same servers, used in its database roles, cookies and Stripe's metadata; a database of another shop is refused; a lower-case word, shop when empty, which production allows only with a database of its own"`
	LogLevel    string `envconfig:"LOG_LEVEL" desc:"debug, info, warn or error; when empty info, on a terminal warn"`
	DatabaseURL string `envconfig:"DATABASE_URL" desc:"PostgreSQL; when empty, make run starts its own"`
	NATSURL     string `envconfig:"NATS_URL" desc:"NATS with JetStream; when empty, make run embeds one and a single service tries nats://127.0.0.1:4222"`
	MetricsAddr string `envconfig:"METRICS_ADDR" desc:"listener for /metrics, /healthz and /readyz, e.g. 127.0.0.1:9090"`
	Settings    string `envconfig:"SETTINGS" desc:"other settings as a JSON object of strings, for instance from a secret store; a variable set on its own wins"`
	InsideHosts string `envconfig:"INSIDE_HOSTS" desc:"names under which the listeners for metrics, staff, NATS monitoring and the stand-ins may be asked, beside localhost and their addresses; comma-separated"`
}

// Public is the setting of services that write the shop's address into what they send.
type Public struct {
	PublicURL string `envconfig:"PUBLIC_URL" default:"http://127.0.0.1:8080" desc:"the shop's address in mails and in Stripe's success and cancel addresses; https, which production requires, makes cookies Secure; make run takes EDGE_ADDR when it is not set"`
}

// checkPublic reports an address that production refuses: cookies, links in mails and the way back
// from Stripe's page would travel in the clear.
func (p Public) checkPublic(production bool) error {
	if production && !strings.HasPrefix(p.PublicURL, "https://") {
		return fmt.Errorf("PUBLIC_URL is %q: production requires https://", p.PublicURL)
	}
	return nil
}

// Production reports whether the shop handles real money.
func (c Common) Production() bool { return c.ShopEnv == "production" }

// defaultShop is the name of a shop without SHOP_NAME, such as one from before there were names.
const defaultShop = "shop"

// Shop is SHOP_NAME or its default.
func (c Common) Shop() string { return cmp.Or(c.ShopName, defaultShop) }

// CookieSuffix stands behind the names of cookies. Browsers tell no ports apart: shops of one host
// would overwrite each other's.
func (c Common) CookieSuffix() string {
	if c.Shop() == defaultShop {
		return ""
	}
	return "_" + c.ShopName
}

// shopName is what may stand in names of roles, databases, cookies and accounts without quotes.
var shopName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,29}$`)

// CheckShopName refuses what could not stand in all of these.
func CheckShopName(name string) error {
	if !shopName.MatchString(name) {
		return fmt.Errorf("is %q: want at most 30 of a-z, 0-9 and _, a letter first", name)
	}
	if name == "pg" || strings.HasPrefix(name, "pg_") { // its roles are pg_order and so on
		return fmt.Errorf("is %q: PostgreSQL keeps names with pg_ for itself", name)
	}
	return nil
}

// NATS is NATS_URL or the address of a broker on this machine.
func (c Common) NATS() string {
	if c.NATSURL == "" {
		return "nats://127.0.0.1:4222"
	}
	return c.NATSURL
}

// Validate reports every invalid setting.
func (c Common) Validate() error {
	var errs []error
	if c.ShopEnv != "development" && c.ShopEnv != "production" {
		errs = append(errs, fmt.Errorf("SHOP_ENV is %q: want development or production", c.ShopEnv))
	}
	switch err := CheckShopName(c.Shop()); {
	case err != nil:
		errs = append(errs, fmt.Errorf("SHOP_NAME %w", err))
	case c.ShopName == "" && c.Production() && c.DatabaseURL != "":
		errs = append(errs, errors.New("SHOP_NAME is not set: production requires it with a DATABASE_URL, "+
			"whose server may hold other shops (shop, if this one had no name before)"))
	}
	for server := range strings.SplitSeq(c.NATS(), ",") {
		if !isBroker(strings.TrimSpace(server)) {
			// The value is left out: it may hold a password.
			errs = append(errs, errors.New(
				"NATS_URL is not a broker address: want nats://host:port, comma-separated if several"))
			break
		}
	}
	if err := new(slog.LevelVar).UnmarshalText([]byte(c.LogLevel)); err != nil && c.LogLevel != "" {
		errs = append(errs, fmt.Errorf("LOG_LEVEL is %q: want debug, info, warn or error", c.LogLevel))
	}
	return errors.Join(append(errs, c.Traces.validate())...)
}

// isBroker reports whether an address is one for the NATS client, which would try any text forever.
func isBroker(server string) bool {
	if !strings.Contains(server, "://") {
		server = "nats://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return false
	}
	return slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme)
}

// Main loads the settings C, runs until SIGINT or SIGTERM, and ends the process: 0 after a clean
// end, 1 after an error (one line on standard error), 2 for invalid settings or arguments. With
// -help it prints the settings, with -health it asks the process that runs beside it.
func Main[C any](name string, run func(ctx context.Context, log *slog.Logger, cfg C) error) {
	os.Exit(Run(name, os.Args[1:], os.Stderr, run))
}

// process holds the settings that Main itself uses; C validates them.
type process struct {
	Traces
	ShopName    string `envconfig:"SHOP_NAME"`
	LogLevel    string `envconfig:"LOG_LEVEL"`
	MetricsAddr string `envconfig:"METRICS_ADDR"`
	InsideHosts string `envconfig:"INSIDE_HOSTS"`
}

// Run is Main for a program that has read some of its arguments itself. It returns the exit code.
func Run[C any](name string, args []string, stderr io.Writer, run func(context.Context, *slog.Logger, C) error) int {
	if len(args) > 0 {
		return argument[C](name, args[0], stderr)
	}

	cfg, err := Load[C]()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 2
	}
	own, err := Load[process]()
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 2
	}

	log := NewLog(os.Stderr, own.LogLevel).With("service", name)
	if own.ShopName != "" {
		log = log.With("shop", own.ShopName)
		obs.NameShop(own.ShopName)
	}
	SetGCPercent(serviceGrowth)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	go giveBackMemory(ctx)
	if own.MetricsAddr != "" {
		l, err := net.Listen("tcp", own.MetricsAddr)
		if err != nil {
			fmt.Fprintf(stderr, "%s: METRICS_ADDR: %v\n", name, err)
			return 1
		}
		ServeMetrics(ctx, log, l, own.InsideHosts, own.MetricsAddr)
	}

	stopTraces, err := own.export(log)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	defer stopTraces()
	if err := run(ctx, log, cfg); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}

	return 0
}

// argument does what the argument of a service's program asks for, and returns the exit code.
func argument[C any](name, arg string, stderr io.Writer) int {
	switch arg {
	case "-help", "--help", "-h", "help":
		fmt.Fprintf(stderr, "%s takes its settings from the environment:\n\n", name)
		Usage[C](stderr)
		return 0
	case "-health", "--health":
		if err := health(context.Background()); err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", name, err)
			return 1
		}
		return 0
	}
	fmt.Fprintf(stderr, "%s: unknown argument %q; -help lists the settings, -health asks a running %s "+
		"whether it is ready\n", name, arg, name)
	return 2
}
