// Package allinone runs the whole shop in one process: PostgreSQL, NATS, the seven services, and,
// where no real ones are set, a stand-in for Stripe and a mail inbox. The services are told
// where each other is by settings, as in containers.
package allinone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/standin/mailinbox"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
)

// Timeouts of the parts of the one process. The schemas may be in a hosted database that answers
// slowly.
const (
	databaseStopTimeout = 20 * time.Second
	migrateTimeout      = 2 * time.Minute
	brokerTimeout       = time.Minute
	brokerEvery         = 5 * time.Millisecond // quick, because the broker is in this process
)

// shop is the process while it starts. Parts that were started are stopped in reverse order.
type shop struct {
	cfg       Config
	log       *slog.Logger
	folder    *folder
	listeners listeners
	database  *pglocal.Cluster // nil if DATABASE_URL names another
	broker    *broker          // nil if NATS_URL names another
	bus       *bus.Bus         // for provisioning
	standin   *stripestandin.Server
	inbox     *mailinbox.Server
	services  []service
	adminURL  string // address of the back office for browsers
	stops     []func()

	// rolePasswords are the passwords, by role, with which the services log in to the database. If
	// it is empty they use the login of DATABASE_URL and switch to their roles.
	rolePasswords map[string]string
	provisioned   atomic.Bool
	// The fields below belong to the stand-in for Stripe, if there is one.
	stripeKey, stripeWebhookSecret string
}

// Run starts everything, prints the addresses to out when all is ready, and runs until ctx ends.
func Run(ctx context.Context, log *slog.Logger, cfg Config, out io.Writer) (err error) {
	// Seven services use some 17 MiB. A GC percentage of twice Go's default keeps the idle process
	// under 120 MiB and halves the cost of collections for busy ones.
	boot.SetGCPercent(200)
	s := &shop{cfg: cfg, log: log}
	defer func() {
		for i := len(s.stops) - 1; i >= 0; i-- {
			s.stops[i]()
		}
	}()
	for _, step := range []func(context.Context) error{
		s.openPorts, s.openFolder, s.startDatabase, s.startBroker, s.startStandIns, s.configure, s.migrate, s.provision,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.serve(ctx, out)
}

func (s *shop) stop(fn func()) { s.stops = append(s.stops, fn) }

// openPorts opens every port first, so that a taken one stops the process before it has changed
// anything.
func (s *shop) openPorts(context.Context) error {
	s.listeners = listeners{}
	s.stop(s.listeners.close)
	edgeAddr, webhookAddr, err := publicAddresses()
	if err != nil {
		return err
	}
	for _, l := range []struct {
		name, addr string
		fixed      bool
	}{
		{"EDGE_ADDR", edgeAddr, true}, {"WEBHOOK_ADDR", webhookAddr, true},
		{"USER_ADDR", "127.0.0.1:8082", false}, {"ORDER_ADDR", "127.0.0.1:8083", false},
		{"EVENTS_ADDR", "127.0.0.1:8084", false}, {"MAILER_ADDR", "127.0.0.1:8085", false},
		{"ADMIN_ADDR", "127.0.0.1:8086", false},
	} {
		if err := s.listeners.open(l.name, l.addr, l.fixed); err != nil {
			return err
		}
	}
	if s.cfg.MetricsAddr == "" { // otherwise boot.Main serves it already
		return s.listeners.open("METRICS_ADDR", "127.0.0.1:9090", false)
	}
	return nil
}

func (s *shop) openFolder(context.Context) error {
	f, err := openFolder(s.cfg.DataDir)
	if err != nil {
		return err
	}
	s.folder = f
	dataDisk.folder.Store(&f.path)
	s.stop(func() { _ = f.close() }) // the lock ends with the process anyway
	if s.cfg.ShopSecret == "" {
		s.cfg.ShopSecret, err = f.secret("secret")
	}
	return err
}

// startDatabase starts a cluster of our own unless DATABASE_URL names one.
func (s *shop) startDatabase(ctx context.Context) error {
	if s.cfg.DatabaseURL != "" {
		s.rolePasswords = s.cfg.DBPasswords.byRole(s.cfg.Shop())
		return nil
	}
	secret, err := s.folder.secret("database-secret")
	if err != nil {
		return err
	}

	s.rolePasswords = map[string]string{}
	for _, m := range Schemas() {
		role := pg.Role(s.cfg.Shop(), m.Service)
		s.rolePasswords[role] = passwords{"database", secret}.of(role)
	}
	c, err := pglocal.Start(ctx, pglocal.Options{
		Dir:     s.folder.at("postgres"),
		Durable: true,
		Install: true,
		Log:     s.log.With("service", "postgres"),
	})
	if err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}

	s.database = c
	s.cfg.DatabaseURL = c.URL()
	s.stop(func() {
		ctx, cancel := context.WithTimeout(context.Background(), databaseStopTimeout)
		defer cancel()
		if err := c.Stop(ctx); err != nil {
			s.log.Warn("stop PostgreSQL", "error", err)
		}
	})

	return nil
}

// databaseURL is the database's address with the login of a service.
func (s *shop) databaseURL(service string) string {
	password := s.rolePasswords[pg.Role(s.cfg.Shop(), service)]
	u, err := url.Parse(s.cfg.DatabaseURL)
	if err != nil || password == "" {
		return s.cfg.DatabaseURL
	}
	u.User = url.UserPassword(pg.Role(s.cfg.Shop(), service), password)
	return u.String()
}

// startBroker starts NATS in this process unless NATS_URL names one. It stops after the services.
func (s *shop) startBroker(context.Context) error {
	if s.cfg.NATSURL != "" {
		return nil
	}
	client, err := freeAddress("NATS_ADDR", s.cfg.NATSAddr)
	if err != nil {
		return err
	}
	if err := s.listeners.open("NATS_MONITOR_ADDR", s.cfg.NATSMonitorAddr, false); err != nil {
		return err
	}
	secret, err := s.folder.secret("nats-secret")
	if err != nil {
		return err
	}
	b, err := startBroker(s.log.With("service", "nats"), s.folder.at("nats"), client, passwords{"broker", secret})
	if err != nil {
		return err
	}
	s.broker = b
	s.stop(b.stop)
	return nil
}

// natsURL is the broker's address with the login of a user. A broker of NATS_URL has one login for
// all, unless shops share it.
func (s *shop) natsURL(user string) string {
	if s.broker == nil {
		return s.cfg.BrokerLogins.at(s.cfg.NATSURL, s.cfg.Shop(), user)
	}
	return s.broker.urlFor(user)
}

// brokerFiles are the certificates for a broker of NATS_URL; the embedded one needs none.
func (s *shop) brokerFiles() certs.Files {
	if s.broker != nil {
		return certs.Files{}
	}
	return s.cfg.BrokerFiles()
}

// startStandIns starts the stand-in for Stripe and the mail inbox where no real ones are set.
func (s *shop) startStandIns(context.Context) (err error) {
	if s.cfg.StripeSecretKey == "" {
		if s.standin, err = s.newStandIn(); err != nil {
			return err
		}
	}
	if s.cfg.SMTPHost != "" {
		return nil
	}
	if err := s.listeners.open("MAIL_INBOX_HTTP_ADDR", s.cfg.InboxAddr, false); err != nil {
		return err
	}
	if err := s.listeners.open("MAIL_INBOX_SMTP_ADDR", s.cfg.InboxSMTPAddr, false); err != nil {
		return err
	}
	s.inbox, err = mailinbox.New(mailinbox.Config{
		SMTPListener: s.listeners["MAIL_INBOX_SMTP_ADDR"],
		HTTPListener: s.listeners["MAIL_INBOX_HTTP_ADDR"],
		HTTPAddr:     s.cfg.InboxAddr,
		Hosts:        s.cfg.InsideHosts,
		StateDir:     s.folder.at("mailinbox"),
		Keep:         s.cfg.InboxKeep,
		Log:          s.log.With("service", "mail-inbox"),
	})
	return err
}

func (s *shop) newStandIn() (*stripestandin.Server, error) {
	if err := s.listeners.open("STANDIN_ADDR", s.cfg.StandInAddr, false); err != nil {
		return nil, err
	}
	key, err := s.folder.secret("standin-key")
	if err != nil {
		return nil, err
	}
	webhookSecret, err := s.folder.secret("standin-webhook-secret")
	if err != nil {
		return nil, err
	}
	s.stripeKey, s.stripeWebhookSecret = "sk_test_"+key, "whsec_"+webhookSecret
	return stripestandin.New(stripestandin.Config{
		Listener:      s.listeners["STANDIN_ADDR"],
		Addr:          s.cfg.StandInAddr,
		Hosts:         s.cfg.InsideHosts,
		SecretKey:     s.stripeKey,
		WebhookSecret: s.stripeWebhookSecret,
		WebhookURL:    s.listeners.url("WEBHOOK_ADDR") + "/order/stripe-webhook",
		StateFile:     s.folder.at("stripe-standin.log"),
		Log:           s.log.With("service", "stripe-standin"),
	})
}

// migrate brings every schema up to date. A database that cannot be reached is reported in one
// line.
func (s *shop) migrate(ctx context.Context) error {
	err := Migrate(ctx, s.log, s.cfg.DatabaseURL, s.cfg.Shop(), s.rolePasswords)
	if err != nil && s.database == nil {
		return fmt.Errorf("DATABASE_URL: %w", err)
	}
	return err
}

// Migrate creates or updates roles with these passwords, and schemas and tables of all services. It
// is safe to repeat.
func Migrate(ctx context.Context, log *slog.Logger, databaseURL, shop string, passwords map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, migrateTimeout)
	defer cancel()
	err := pg.CheckPasswords(ctx, databaseURL, shop, passwords)
	if err == nil {
		err = pg.Provision(ctx, log, databaseURL, shop)
	}
	if err != nil {
		if errors.Is(err, pg.ErrOtherShop) {
			return err
		}
		return errors.New(strings.Join(strings.Fields(err.Error()), " ")) // pgx prints a line for each address
	}

	both, ctx := errgroup.WithContext(ctx) // neither waits for the other's disk writes
	both.Go(func() error {
		if len(passwords) == 0 {
			return nil
		}
		return pg.SetPasswords(ctx, databaseURL, passwords)
	})

	both.Go(func() error {
		for _, m := range Schemas() {
			if err := pg.Migrate(ctx, databaseURL, m.Service, m.Sets...); err != nil {
				return err
			}
		}
		return nil
	})

	return both.Wait()
}

// provision makes streams and consumers before the services look for them. A broker of NATS_URL may
// be away: then the shop opens nevertheless, and provisioning goes on in the background.
func (s *shop) provision(ctx context.Context) error {
	b, err := bus.Connect(s.log, s.natsURL("provision"), "provision", s.brokerFiles())
	if err != nil {
		return err
	}
	s.bus = b
	s.stop(b.Close)
	if s.broker == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, brokerTimeout)
	defer cancel()
	for !b.Connected() && ctx.Err() == nil {
		time.Sleep(brokerEvery)
	}
	return b.ProvisionAtStart(ctx, s.cfg.NATSReplicas)
}

// serve runs everything until ctx ends or a part of it fails.
func (s *shop) serve(ctx context.Context, out io.Writer) error {
	// Stand-ins and provisioning outlive the services, which still drain into them.
	partsCtx, stopParts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopParts()
	services, ctx := errgroup.WithContext(ctx)
	var parts errgroup.Group
	beside := func(run func(context.Context) error) {
		ended := make(chan error, 1)
		parts.Go(func() error {
			err := run(partsCtx)
			ended <- err
			return err
		})
		services.Go(func() error { // a part that ends early ends the shop
			select {
			case err := <-ended:
				return err
			case <-ctx.Done():
				return nil
			}
		})
	}

	for _, part := range s.parts() {
		beside(part)
	}
	if l := s.listeners["METRICS_ADDR"]; l != nil {
		boot.ServeMetrics(partsCtx, s.log, l, s.cfg.InsideHosts)
	}

	for _, one := range s.services {
		services.Go(func() error {
			if err := one.run(ctx, s.log.With("service", one.name)); err != nil && ctx.Err() == nil {
				return fmt.Errorf("%s: %w", one.name, err)
			}
			return nil
		})
	}

	services.Go(func() error { return s.announce(ctx, out) })
	err := services.Wait()
	stopParts()
	if berr := parts.Wait(); err == nil {
		err = berr
	}
	return err
}

// parts run beside the services and outlive them.
func (s *shop) parts() []func(context.Context) error {
	parts := []func(context.Context) error{
		func(ctx context.Context) error {
			s.bus.KeepProvisioned(ctx, s.cfg.NATSReplicas, func() { s.provisioned.Store(true) })
			return nil
		},
		func(ctx context.Context) error { erasure.SweepStreams(ctx, s.log, s.bus); return nil },
	}
	if s.standin != nil {
		parts = append(parts, s.standin.Run)
	}
	if s.inbox != nil {
		parts = append(parts, s.inbox.Run)
	}
	if s.database != nil {
		parts = append(parts, s.tendDatabase)
	}
	if s.broker != nil {
		parts = append(parts, s.broker.tend, s.serveMonitoring)
	}
	return parts
}

// databaseTimeout is how long the shop tries to restart PostgreSQL before it gives up.
const databaseTimeout = time.Minute

// restartPause is the pause between two tries.
const restartPause = 2 * time.Second

// tendDatabase restarts PostgreSQL when it ends by itself, for instance killed for its memory.
// Until then the services answer as with any database that is away.
func (s *shop) tendDatabase(ctx context.Context) error {
	for {
		select {
		case <-s.database.Done():
		case <-ctx.Done():
			return nil
		}
		why := s.database.Err()
		s.log.Error("PostgreSQL is started again", "error", why)
		limit, cancel := context.WithTimeout(ctx, databaseTimeout)
		err := s.database.Restart(limit)
		for err != nil && limit.Err() == nil {
			s.log.Error("PostgreSQL does not start, will try again", "error", err)
			if wait.Sleep(limit, restartPause) {
				err = s.database.Restart(limit)
			}
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("%w; it does not start again: %w", why, err)
		}
	}
}
