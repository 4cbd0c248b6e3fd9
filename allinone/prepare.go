package allinone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// PrepareConfig holds the settings of a deployment's migrate job: DATABASE_URL and NATS_URL with
// logins that may create things, and the passwords with which the services log in.
type PrepareConfig struct {
	ProvisionConfig
	DBPasswords
}

// ProvisionConfig holds the settings of the job that maintains streams and consumers.
type ProvisionConfig struct {
	boot.Common
	Copies
	BrokerLogins
}

// Validate reports every setting that cannot work.
func (c ProvisionConfig) Validate() error {
	return errors.Join(c.Common.Validate(), c.Copies.validate())
}

// Copies says how many servers of a cluster store each stream.
type Copies struct {
	NATSReplicas int `envconfig:"NATS_REPLICAS" default:"1" desc:"how many brokers keep a copy of each stream: 1, or 3 or 5 with as many brokers; used by migrate, provision and make run with a NATS_URL; raising it copies existing streams, lowering it changes nothing"`
}

func (c Copies) validate() error {
	if c.NATSReplicas != 1 && c.NATSReplicas != 3 && c.NATSReplicas != 5 {
		return fmt.Errorf("NATS_REPLICAS is %d: want 1, 3 or 5", c.NATSReplicas)
	}
	return nil
}

// DBPasswords are the passwords with which the services log in to the database.
type DBPasswords struct {
	EdgeDBPassword    string `envconfig:"EDGE_DB_PASSWORD" desc:"password of the shop's database role for edge (shop_edge); set by migrate, and by make run with a DATABASE_URL; when empty it stays as it is"`
	UserDBPassword    string `envconfig:"USER_DB_PASSWORD" desc:"the same for shop_user"`
	OrderDBPassword   string `envconfig:"ORDER_DB_PASSWORD" desc:"the same for shop_order"`
	EventsDBPassword  string `envconfig:"EVENTS_DB_PASSWORD" desc:"the same for shop_events"`
	MailerDBPassword  string `envconfig:"MAILER_DB_PASSWORD" desc:"the same for shop_mailer"`
	WebhookDBPassword string `envconfig:"WEBHOOK_DB_PASSWORD" desc:"the same for shop_webhook"`
	AdminDBPassword   string `envconfig:"ADMIN_DB_PASSWORD" desc:"the same for shop_admin"`
}

// byRole returns the passwords that are set, by role.
func (c DBPasswords) byRole(shop string) map[string]string {
	all := map[string]string{}
	for service, password := range map[string]string{
		"edge": c.EdgeDBPassword, "user": c.UserDBPassword, "order": c.OrderDBPassword,
		"events": c.EventsDBPassword, "mailer": c.MailerDBPassword, "webhook": c.WebhookDBPassword,
		"admin": c.AdminDBPassword,
	} {
		if password != "" {
			all[pg.Role(shop, service)] = password
		}
	}
	return all
}

// streamsTimeout bounds the making of streams and consumers.
const streamsTimeout = time.Minute

// Prepare is the migrate job of a deployment: roles with their passwords, schemas and tables, and,
// where NATS_URL names a broker, streams and consumers. It is safe to repeat.
func Prepare(ctx context.Context, log *slog.Logger, cfg PrepareConfig) error {
	if cfg.DatabaseURL == "" {
		return errors.New("DATABASE_URL is not set: want the owner of the database")
	}
	if err := Migrate(ctx, log, cfg.DatabaseURL, cfg.Shop(), cfg.DBPasswords.byRole(cfg.Shop())); err != nil {
		return err
	}
	if cfg.NATSURL == "" { // the one process has a broker of its own, and provisions it
		log.Info("tables are up to date; NATS_URL is not set, so no streams were made")
		return nil
	}
	b, err := bus.Connect(log, cfg.BrokerLogins.at(cfg.NATS(), cfg.Shop(), "provision"), "provision", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer b.Close()
	ctx, done := context.WithTimeout(ctx, streamsTimeout)
	defer done()
	b.KeepProvisioned(ctx, cfg.NATSReplicas, done)
	if !errors.Is(ctx.Err(), context.Canceled) {
		return errors.New("NATS_URL: streams and consumers could not be made within a minute")
	}
	return nil
}

// KeepProvisioned makes the streams and consumers that the broker lacks, and deletes what the
// streams hold of erased people, until ctx ends.
func KeepProvisioned(ctx context.Context, log *slog.Logger, cfg ProvisionConfig) error {
	b, err := bus.Connect(log, cfg.BrokerLogins.at(cfg.NATS(), cfg.Shop(), "provision"), "provision", cfg.BrokerFiles())
	if err != nil {
		return err
	}
	defer b.Close()
	var both sync.WaitGroup
	both.Go(func() { erasure.SweepStreams(ctx, log, b) })
	b.KeepProvisioned(ctx, cfg.NATSReplicas, func() {})
	both.Wait()
	return nil
}
