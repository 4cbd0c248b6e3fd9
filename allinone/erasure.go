package allinone

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

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

// PeopleUsage describes the commands about people.
const PeopleUsage = `  allinone export -member ID | -email ADDRESS   everything that the shop has of a person, as JSON
  allinone erase  -member ID | -email ADDRESS   erase a person everywhere

Both work on the database named by DATABASE_URL, which must belong to its owner; without it, on the
one of the shop that runs with DATA_DIR (default .data). The running services do the rest of an erasure.
`

// peopleLimit bounds a command about people: what they did is looked for in every table.
const peopleLimit = 5 * time.Minute

// People runs the commands export and erase and returns the exit code: 0, 1 for a failure, 2 for
// arguments or settings that cannot work.
func People(ctx context.Context, args []string, out, stderr io.Writer) int {
	ctx, cancel := context.WithTimeout(ctx, peopleLimit)
	defer cancel()
	who, err := user.ReadPerson(args[0], args[1:])
	var url string
	if err == nil {
		url, err = databaseOfCommands()
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s\nallinone: %v\n", PeopleUsage, err)
		return 2
	}
	if args[0] == "erase" {
		err = erasePerson(ctx, url, who, out)
	} else {
		err = exportPerson(ctx, url, who, out)
	}
	if err != nil {
		fmt.Fprintf(stderr, "allinone: %s\n", strings.Join(strings.Fields(err.Error()), " ")) // one line
		return 1
	}
	return 0
}

// databaseOfCommands is DATABASE_URL, else what the shop wrote down in its data folder.
func databaseOfCommands() (string, error) {
	if url := os.Getenv("DATABASE_URL"); url != "" {
		return url, nil
	}
	dir := os.Getenv("DATA_DIR")
	if dir == "" {
		dir = ".data"
	}
	file, err := os.Open(filepath.Join(dir, "settings")) //nolint:gosec // the folder is a setting
	if err != nil {
		return "", errors.New("DATABASE_URL is not set, and no shop has run with DATA_DIR " + dir)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if quoted, ok := strings.CutPrefix(lines.Text(), "DATABASE_URL='"); ok {
			return strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), `'\''`, "'"), nil
		}
	}
	return "", errors.New("the settings in DATA_DIR name no DATABASE_URL")
}

func erasePerson(ctx context.Context, url string, who erasure.Person, out io.Writer) error {
	pool, err := commandPool(ctx, url, "user")
	if err != nil {
		return err
	}
	defer pool.Close()
	return user.Erase(ctx, pool, who, out)
}

// exportPerson asks user who the person is, and then every service what it has of them.
func exportPerson(ctx context.Context, url string, who erasure.Person, out io.Writer) error {
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
			pool, err := commandPool(ctx, url, service.name)
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
		return fmt.Errorf("put the export together: %w", err)
	}
	return erasure.Print(out, raw)
}

// commandPool opens a service's schema for statements that may read whole tables.
func commandPool(ctx context.Context, url, service string) (*pgxpool.Pool, error) {
	pool, err := pg.Open(ctx, url, service)
	if err != nil {
		return nil, err
	}
	cfg := pool.Config()
	pool.Close()
	cfg.ConnConfig.RuntimeParams["statement_timeout"] = fmt.Sprint(peopleLimit.Milliseconds())
	pool, err = pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the schema of %s: %w", service, err)
	}
	return pool, nil
}
