package allinone

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/admin"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

// service is one of the seven, ready to run.
type service struct {
	name string
	run  func(context.Context, *slog.Logger) error
}

// Schema is what makes one service's tables.
type Schema struct {
	Service string
	Sets    []pg.Set
}

// Schemas lists the tables of all services.
func Schemas() []Schema {
	return []Schema{
		{"edge", edge.Migrations()}, {"user", user.Migrations()}, {"order", order.Migrations()},
		{"events", events.Migrations()}, {"mailer", mailer.Migrations()}, {"webhook", webhook.Migrations()},
		{"admin", admin.Migrations()},
	}
}

// Settings lists every setting of the process, each once.
func Settings() []boot.Setting {
	var all []boot.Setting
	seen := map[string]bool{}
	for _, list := range [][]boot.Setting{
		boot.Settings[edge.Config](), boot.Settings[webhook.Config](), boot.Settings[Config](),
		boot.Settings[order.Config](),
		boot.Settings[mailer.Config](), boot.Settings[user.Config](), boot.Settings[events.Config](),
		boot.Settings[admin.Config](), boot.Settings[PrepareConfig](),
	} {
		for _, s := range list {
			if !seen[s.Name] {
				seen[s.Name] = true
				all = append(all, s)
			}
		}
	}
	return all
}

// settingsOfProgram are the settings of one program.
func settingsOfProgram(service string) []boot.Setting {
	switch service {
	case "edge":
		return boot.Settings[edge.Config]()
	case "webhook":
		return boot.Settings[webhook.Config]()
	case "order":
		return boot.Settings[order.Config]()
	case "mailer":
		return boot.Settings[mailer.Config]()
	case "user":
		return boot.Settings[user.Config]()
	case "events":
		return boot.Settings[events.Config]()
	case "admin":
		return boot.Settings[admin.Config]()
	}
	return Settings()
}

// publicAddresses are the addresses of edge and webhook, whose settings belong to these services.
func publicAddresses() (edgeAddr, webhookAddr string, err error) {
	e, eerr := boot.Load[edge.Config]()
	w, werr := boot.Load[webhook.Config]()
	// Only the addresses matter here: configure reports settings that production refuses.
	if e.Addr == "" || w.Addr == "" {
		return "", "", errors.Join(eerr, werr)
	}
	return e.Addr, w.Addr, nil
}

// configure reads every service's settings from the environment, as the service itself would, with
// the addresses of the parts of this process.
func (s *shop) configure(context.Context) error {
	restore := s.environment()
	defer restore()
	edgeCfg, e1 := boot.Load[edge.Config]()
	userCfg, e2 := boot.Load[user.Config]()
	orderCfg, e3 := boot.Load[order.Config]()
	eventsCfg, e4 := boot.Load[events.Config]()
	mailerCfg, e5 := boot.Load[mailer.Config]()
	webhookCfg, e6 := boot.Load[webhook.Config]()
	adminCfg, e7 := boot.Load[admin.Config]()
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7); err != nil {
		return errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")) // all mistakes on one line
	}

	edgeCfg.Listener, userCfg.Listener, orderCfg.Listener = s.listeners["EDGE_ADDR"], s.listeners["USER_ADDR"],
		s.listeners["ORDER_ADDR"]
	edgeCfg.NATSURL, userCfg.NATSURL, orderCfg.NATSURL = s.natsURL("edge"), s.natsURL("user"), s.natsURL("order")
	eventsCfg.NATSURL, mailerCfg.NATSURL, webhookCfg.NATSURL = s.natsURL("events"), s.natsURL("mailer"),
		s.natsURL("webhook")
	adminCfg.Listener, adminCfg.NATSURL, adminCfg.DatabaseURL = s.listeners["ADMIN_ADDR"], s.natsURL("admin"),
		s.databaseURL("admin")
	edgeCfg.DatabaseURL, userCfg.DatabaseURL, orderCfg.DatabaseURL = s.databaseURL("edge"), s.databaseURL("user"),
		s.databaseURL("order")

	// Connections between the parts of one process need no certificates; a broker of NATS_URL may.
	edgeCfg.InsideTLS, userCfg.InsideTLS, orderCfg.InsideTLS = boot.InsideTLS{}, boot.InsideTLS{}, boot.InsideTLS{}
	mailerCfg.InsideTLS = boot.InsideTLS{}
	eventsCfg.InsideTLS, webhookCfg.InsideTLS, adminCfg.InsideTLS = boot.InsideTLS{}, boot.InsideTLS{}, boot.InsideTLS{}
	if s.broker != nil {
		edgeCfg.BrokerTLS, userCfg.BrokerTLS, orderCfg.BrokerTLS = boot.BrokerTLS{}, boot.BrokerTLS{}, boot.BrokerTLS{}
		eventsCfg.BrokerTLS, mailerCfg.BrokerTLS, webhookCfg.BrokerTLS = boot.BrokerTLS{}, boot.BrokerTLS{},
			boot.BrokerTLS{}
		adminCfg.BrokerTLS = boot.BrokerTLS{}
	}

	// Each service gets its own keys, and none the secret.
	edgeCfg.Keys, userCfg.Keys, orderCfg.Keys = s.keys("edge"), s.keys("user"), s.keys("order")
	eventsCfg.Keys, mailerCfg.Keys, adminCfg.Keys = s.keys("events"), s.keys("mailer"), s.keys("admin")
	staff := boot.Staff{StaffKey: boot.StaffPublic(s.cfg.ShopSecret)}
	userCfg.Staff, orderCfg.Staff, eventsCfg.Staff, mailerCfg.Staff, webhookCfg.Staff = staff, staff, staff, staff,
		staff
	edgeCfg.Staff, s.adminURL = staff, adminCfg.URL
	eventsCfg.DatabaseURL, mailerCfg.DatabaseURL, webhookCfg.DatabaseURL = s.databaseURL("events"),
		s.databaseURL("mailer"), s.databaseURL("webhook")
	eventsCfg.Listener, mailerCfg.Listener, webhookCfg.Listener = s.listeners["EVENTS_ADDR"],
		s.listeners["MAILER_ADDR"],
		s.listeners["WEBHOOK_ADDR"]

	s.services = []service{
		serviceOf("webhook", webhook.Run, webhookCfg), serviceOf("order", order.Run, orderCfg),
		serviceOf("user", user.Run, userCfg),
		serviceOf("events", events.Run, eventsCfg), serviceOf("mailer", mailer.Run, mailerCfg),
		serviceOf("edge", edge.Run, edgeCfg), serviceOf("admin", admin.Run, adminCfg),
	}

	settings := s.addresses()
	settings["NATS_URL"], settings["ADMIN_URL"] = s.natsURL("staff"), adminCfg.URL
	return s.folder.writeSettings(settings)
}

func (s *shop) keys(service string) boot.Keys { return boot.KeysFor(service, s.cfg.ShopSecret) }

func serviceOf[C any](name string, run func(context.Context, *slog.Logger, C) error, cfg C) service {
	return service{name, func(ctx context.Context, log *slog.Logger) error { return run(ctx, log, cfg) }}
}

// addresses are the settings by which the parts of this process find each other, and commands find
// them.
func (s *shop) addresses() map[string]string {
	return map[string]string{
		"DATABASE_URL": s.cfg.DatabaseURL, "SHOP_SECRET": s.cfg.ShopSecret, "SHOP_NAME": s.cfg.Shop(),
		"USER_URL": s.listeners.url("USER_ADDR"), "ORDER_URL": s.listeners.url("ORDER_ADDR"),
		"EVENTS_URL": s.listeners.url("EVENTS_ADDR"), "WEBHOOK_URL": s.listeners.url("WEBHOOK_ADDR"),
		"MAILER_URL": s.listeners.url("MAILER_ADDR"), "EDGE_URL": s.listeners.url("EDGE_ADDR"),
	}
}

// environment sets the addresses in the environment while the services' settings are read.
func (s *shop) environment() (restore func()) {
	set := s.addresses()
	if os.Getenv("PUBLIC_URL") == "" {
		set["PUBLIC_URL"] = s.listeners.publicURL()
	}
	if os.Getenv("ADMIN_URL") == "" {
		set["ADMIN_URL"] = s.listeners.adminURL()
	}
	if os.Getenv("MEDIA_URL") == "" {
		set["MEDIA_URL"] = filepath.Join(s.cfg.DataDir, "media")
	}
	if s.standin != nil {
		set["STRIPE_API_BASE"], set["STRIPE_SECRET_KEY"], set["STRIPE_WEBHOOK_SECRET"] = s.standin.URL(), s.stripeKey,
			s.stripeWebhookSecret
		set["STRIPE_PUBLISHABLE_KEY"] = "pk_test_standin"
	}
	if s.inbox != nil {
		host, port, err := net.SplitHostPort(s.inbox.SMTPAddr())
		if _, perr := strconv.Atoi(port); err == nil && perr == nil {
			set["SMTP_HOST"], set["SMTP_PORT"], set["SMTP_TLS"] = host, port, "none"
			set["MAIL_SEEN_URL"] = s.inbox.URL() + "/api/seen"
		}
	}
	return setEnvironment(set)
}
