package allinone

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/services/admin"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

// customerUsage is the usage of the commands about people.
const customerUsage = `Customers, in all services at once:

  customer export -member ID | -email ADDRESS   everything that the shop holds about a person, as JSON
  customer erase  -member ID | -email ADDRESS   erase a person everywhere; the running services finish it

DATABASE_URL must belong to the owner of the database.
`

// customerTimeout bounds a command about people, which searches every table for them.
const customerTimeout = 5 * time.Minute

// customer runs the commands export and erase and returns the exit code.
func customer(args []string, out, stderr io.Writer) int {
	return boot.Command("customer", customerUsage, customerTimeout, stderr, func(ctx context.Context) error {
		if args[0] != "export" && args[0] != "erase" {
			return fmt.Errorf("%w: the commands are export and erase", boot.ErrUsage)
		}
		who, err := user.ReadPerson(args[0], args[1:])
		if err != nil {
			return err
		}
		cfg, err := boot.Load[boot.Common]()
		switch {
		case err != nil:
			return fmt.Errorf("%w: %w", boot.ErrUsage, err)
		case cfg.DatabaseURL == "":
			return fmt.Errorf("%w: DATABASE_URL is not set, and no shop has run with DATA_DIR", boot.ErrUsage)
		case args[0] == "erase":
			return erasePerson(ctx, cfg, who, out)
		}
		return exportPerson(ctx, cfg, who, out)
	})
}

func erasePerson(ctx context.Context, cfg boot.Common, who erasure.Person, out io.Writer) error {
	pool, err := commandPool(ctx, cfg, "user")
	if err != nil {
		return err
	}
	defer pool.Close()
	return user.Erase(ctx, pool, who, out)
}

// exportPerson asks user who the person is, and then asks every service for what it has of them.
func exportPerson(ctx context.Context, cfg boot.Common, who erasure.Person, out io.Writer) error {
	var known erasure.Person
	parts := map[string]json.RawMessage{}
	for _, service := range []struct {
		name   string
		export func(context.Context, pg.DB, erasure.Person) (json.RawMessage, error)
	}{
		{"user", user.ExportPerson}, {"order", order.ExportOrders}, {"mailer", mailer.ExportMails},
		{"events", events.ExportVisits}, {"edge", edge.ExportSessions}, {"webhook", webhook.ExportEvents},
		{"admin", admin.ExportValues},
	} {
		err := func() error {
			pool, err := commandPool(ctx, cfg, service.name)
			if err != nil {
				return err
			}
			defer pool.Close()
			if service.name == "user" {
				if known, err = user.FindPerson(ctx, pool, who); err != nil {
					return err
				}
			}
			parts[service.name], err = service.export(ctx, pool, known)
			return err
		}()
		if err != nil {
			return fmt.Errorf("%s: %w", service.name, err)
		}
	}

	raw, err := json.Marshal(parts)
	if err != nil {
		return fmt.Errorf("encode the export: %w", err)
	}
	return erasure.Print(out, raw)
}

// commandPool opens a service's schema with a timeout that lets statements read whole tables.
func commandPool(ctx context.Context, c boot.Common, service string) (*pgxpool.Pool, error) {
	pool, err := pg.Open(ctx, c.DatabaseURL, c.Shop(), service)
	if err != nil {
		return nil, err
	}
	cfg := pool.Config()
	pool.Close()
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = fmt.Sprint(customerTimeout.Milliseconds())
	pool, err = pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the schema of %s: %w", service, err)
	}
	return pool, nil
}
