package allinone

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
)

// restore reads a backup into an empty database.
func restore(ctx context.Context, cfg PrepareConfig, from string, out io.Writer) (err error) {
	about, err := readAbout(from, cfg.Shop())
	if err != nil {
		return err
	}
	pictures := picturesAt()
	if pictures == "" && about.Pictures.Rows > 0 {
		return fmt.Errorf("%w: the backup has %d pictures: MEDIA_URL or DATA_DIR says where they belong",
			boot.ErrUsage, about.Pictures.Rows)
	}
	databaseURL := cfg.DatabaseURL
	if databaseURL == "" {
		stop, own, err := ownCluster(ctx)
		if err != nil {
			return err
		}
		defer stop()
		databaseURL = own
	}
	return about.into(ctx, databaseURL, pictures, cfg.DBPasswords.byRole(about.Shop), out)
}

// into makes a shop of a backup: it fills the empty database, copies the pictures and sets the
// passwords of the roles.
func (a aboutBackup) into(ctx context.Context, databaseURL, pictures string, passwords map[string]string,
	out io.Writer,
) error {
	began := time.Now()
	if err := putPictures(ctx, a.from, "", a.Pictures); err != nil {
		return err // nothing has changed so far
	}
	if err := fill(ctx, databaseURL, filepath.Join(a.from, dumpFile), a); err != nil {
		return err
	}
	if err := compare(ctx, databaseURL, a); err != nil {
		return err
	}

	if a.Pictures.Rows > 0 {
		if err := putPictures(ctx, a.from, pictures, a.Pictures); err != nil {
			return err
		}
	}

	if err := Migrate(ctx, boot.NewLog(io.Discard, ""), databaseURL, a.Shop, passwords); err != nil {
		return err
	}
	if err := askStripeAgain(ctx, databaseURL, a.At); err != nil {
		return err
	}

	_, err := fmt.Fprintf(out, "%s: %s, all as they were at %s; in %s\nAnything later is missing: payments made "+
		"since come back from Stripe (docs/runbooks/backup.md).\n", a.from, a.size(),
		a.At.Format(time.RFC3339), time.Since(began).Round(100*time.Millisecond))
	return err
}

// readAbout reads the description of a backup, and refuses a backup of another shop.
func readAbout(folder, shop string) (aboutBackup, error) {
	about := aboutBackup{from: folder}
	text, err := os.ReadFile(filepath.Join(folder, aboutFile)) //nolint:gosec // the caller's own folder
	if err == nil {
		err = json.Unmarshal(text, &about)
	}
	if err == nil && (about.Shop == "" || len(about.Tables) == 0) {
		err = errors.New("it names no shop or no tables")
	}
	if err != nil {
		return about, fmt.Errorf("%s is not a backup: %w", folder, err)
	}
	if about.Shop != shop {
		return about, fmt.Errorf("the backup is one of %s, not of %s (SHOP_NAME)", about.Shop, shop)
	}
	return about, nil
}

// ownCluster starts the database that `shop run` with this DATA_DIR uses.
func ownCluster(ctx context.Context) (stop func(), databaseURL string, err error) {
	cfg, err := boot.Load[Config]()
	if err != nil {
		return nil, "", fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	f, err := openFolder(cfg.DataDir)
	if err != nil {
		return nil, "", err
	}
	c, err := pglocal.Start(ctx, pglocal.Options{Dir: f.at("postgres"), Durable: true, Install: true})
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("start PostgreSQL: %w", err), f.close())
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), databaseStopTimeout)
		defer cancel()
		_ = errors.Join(c.Stop(ctx), f.close()) // what was restored is on the disk already
	}, c.URL(), nil
}

// fill makes the roles and restores the dump. It refuses a database that holds a shop.
func fill(ctx context.Context, databaseURL, dump string, about aboutBackup) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	schemas := []string{"shop"}
	for _, s := range Schemas() {
		schemas = append(schemas, s.Service)
	}
	there, err := countTables(ctx, conn, schemas)
	if err == nil && there > 0 {
		err = fmt.Errorf("the database holds %d tables of a shop: restore wants an empty one; a shop of several "+
			"comes back with shop destroy, then shop create NAME -from FOLDER", there)
	}
	if err != nil {
		return err
	}
	if err := pg.Provision(ctx, boot.NewLog(io.Discard, ""), databaseURL, about.Shop); err != nil {
		return err
	}

	// The roles stay. The dump has the schemas with the privileges of each table.
	if err := dropSchemas(ctx, conn, schemas); err != nil {
		return err
	}
	list, err := contents(ctx, about.Server, dump)
	if err != nil {
		return err
	}
	defer os.Remove(list) //nolint:errcheck // in the temporary folder
	return client(ctx, "pg_restore", about.Server, databaseURL, "--exit-on-error", "--single-transaction", "--no-owner",
		"--use-list="+list, dump)
}

// contents writes the list of what is restored: all of the dump except default privileges, which
// name the old database's owner and which migrate sets for the new one.
func contents(ctx context.Context, major int, dump string) (file string, err error) {
	program, err := pglocal.Client(ctx, "pg_restore", major)
	if err != nil {
		return "", err
	}
	text, err := exec.CommandContext(ctx, program, "--list", dump).Output() //nolint:gosec // of PostgreSQL
	if err != nil {
		return "", fmt.Errorf("list the contents of %s: %w", dump, err)
	}
	f, err := os.CreateTemp("", "restore-")
	if err != nil {
		return "", fmt.Errorf("list the contents of the backup: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if !strings.Contains(line, " DEFAULT ACL ") {
			if _, werr := f.WriteString(line); werr != nil {
				err = errors.Join(err, werr)
			}
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("list the contents of the backup: %w", err)
	}
	return f.Name(), nil
}

// compare reports tables whose count or checksum differs from the backup's.
func compare(ctx context.Context, databaseURL string, about aboutBackup) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	var now map[string]tableSum
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) (err error) {
		now, err = sumTables(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	var differ []string
	for _, name := range slices.Sorted(maps.Keys(about.Tables)) {
		if now[name] != about.Tables[name] {
			differ = append(differ, fmt.Sprintf("%s has %d rows, had %d", name, now[name].Rows,
				about.Tables[name].Rows))
		}
	}
	if len(differ) > 0 {
		return fmt.Errorf("%d tables differ from the backup: %s", len(differ), strings.Join(differ, "; "))
	}
	return nil
}
