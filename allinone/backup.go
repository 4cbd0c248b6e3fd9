package allinone

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pglocal"
)

// backupUsage is the usage of backup and restore.
const backupUsage = `Backup and restore, of one shop's database and pictures:

  backup -to FOLDER      write a snapshot of the database, with the checksums of its tables, and the pictures of
                         MEDIA_URL or DATA_DIR into a new folder in FOLDER; the shop stays open meanwhile
  restore -from FOLDER   read what backup wrote into an empty database, or without a DATABASE_URL into a new one of
                         DATA_DIR, compare all sums, and bring it to this version

To restore one of several shops, use shop create NAME -from FOLDER.
`

// backupTimeout bounds a backup or a restore; it is enough for some hundred gigabytes.
const backupTimeout = 6 * time.Hour

// Names of the files of a backup.
const (
	dumpFile      = "database.dump"
	aboutFile     = "about.json"
	pictureFolder = "media" // the same name as in DATA_DIR
)

// aboutBackup describes what a backup holds.
type aboutBackup struct {
	Shop     string              `json:"shop"`
	At       time.Time           `json:"at"` // the time of the database's snapshot
	Server   int                 `json:"server"`
	Tables   map[string]tableSum `json:"tables"`   // by schema.table
	Pictures tableSum            `json:"pictures"` // zero if the pictures are in a bucket
	from     string              // the folder of the backup
}

// tableSum is the count and checksum of a table or of a folder of pictures. Sum adds up the hashes
// of a table's rows, so that their order does not matter.
type tableSum struct {
	Rows int64  `json:"rows"`
	Sum  string `json:"sum"`
}

// backups runs backup or restore and returns the exit code.
func backups(name string, args []string, out, stderr io.Writer) int {
	return boot.Command(name, backupUsage, backupTimeout, stderr, func(ctx context.Context) error {
		flagName := map[string]string{"backup": "to", "restore": "from"}[name]
		var folder string
		f := flag.NewFlagSet(name, flag.ContinueOnError)
		f.SetOutput(io.Discard)
		f.StringVar(&folder, flagName, "", "")
		if err := f.Parse(args); err != nil || f.NArg() > 0 || folder == "" {
			return fmt.Errorf("%w: %s wants -%s FOLDER", boot.ErrUsage, name, flagName)
		}
		cfg, err := boot.Load[PrepareConfig]()
		if err != nil {
			return fmt.Errorf("%w: %w", boot.ErrUsage, err)
		}
		if name == "restore" {
			return restore(ctx, cfg, folder, out)
		}
		if cfg.DatabaseURL == "" {
			return fmt.Errorf("%w: DATABASE_URL is not set, and no shop has run with DATA_DIR", boot.ErrUsage)
		}
		return backup(ctx, cfg, folder, out)
	})
}

// backup writes a folder under a temporary name and renames it when it is complete.
func backup(ctx context.Context, cfg PrepareConfig, folder string, out io.Writer) error {
	began := time.Now()
	conn, err := pgx.Connect(ctx, cfg.DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("export a snapshot of the database: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // the transaction only reads

	moment, err := holdMoment(ctx, tx)
	if err != nil {
		return err
	}
	about := aboutBackup{Shop: cfg.Shop(), At: moment.at.UTC(), Server: moment.server}
	if moment.shop != "" && moment.shop != about.Shop {
		return fmt.Errorf("the database is the one of %s, not of %s (SHOP_NAME)", moment.shop, about.Shop)
	}
	name := filepath.Join(folder, about.Shop+"-"+about.At.Format("20060102T150405Z"))
	if err := os.MkdirAll(name+".new", 0o700); err != nil {
		return fmt.Errorf("make a folder for the backup: %w", err)
	}

	dump := []string{"--format=custom", "--snapshot=" + moment.snapshot, "--file=" +
		filepath.Join(name+".new", dumpFile)}
	if err := client(ctx, "pg_dump", moment.server, cfg.DatabaseURL, dump...); err != nil {
		return errors.Join(err, os.RemoveAll(name+".new"))
	}
	if err := os.Chmod(filepath.Join(name+".new", dumpFile), 0o600); err != nil { // private wherever it is copied
		return fmt.Errorf("make the backup private: %w", err)
	}

	// Pictures are copied after the database, so that all that it names are there: none is ever
	// deleted.
	pictures := picturesAt()
	if pictures != "" && !inBucket(pictures) {
		if about.Pictures, err = copyPictures(ctx, pictures, filepath.Join(name+".new", pictureFolder)); err != nil {
			return errors.Join(err, os.RemoveAll(name+".new"))
		}
	}

	if about.Tables, err = sumTables(ctx, tx); err != nil {
		return err
	}
	if err := writeAbout(name+".new", about); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return fmt.Errorf("rename the backup: %w", err)
	}

	_, err = fmt.Fprintf(out, "%s: %s, in %s\n%s", name, about.size(), time.Since(began).Round(100*time.Millisecond),
		notInIt(pictures))
	return err
}

// notInIt says why the backup has no pictures, or "" if it has them.
func notInIt(pictures string) string {
	switch {
	case pictures == "":
		return "Pictures are not in it: neither MEDIA_URL nor DATA_DIR says where they are.\n"
	case inBucket(pictures):
		return "Pictures are not in it: MEDIA_URL is a bucket, which keeps them.\n"
	}
	return ""
}

func (a aboutBackup) size() string {
	var rows int64
	for _, t := range a.Tables {
		rows += t.Rows
	}
	return fmt.Sprintf("%d tables, %d rows, %d pictures", len(a.Tables), rows, a.Pictures.Rows)
}

// writeAbout writes the last file of a backup and syncs it and the dump to disk.
func writeAbout(folder string, about aboutBackup) error {
	text, err := json.MarshalIndent(about, "", " ")
	if err != nil {
		return fmt.Errorf("describe the backup: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, aboutFile), text, 0o600); err != nil {
		return fmt.Errorf("describe the backup: %w", err)
	}
	for _, name := range []string{dumpFile, aboutFile} {
		f, err := os.OpenFile(filepath.Join(folder, name), os.O_RDWR, 0) //nolint:gosec // written above
		if err == nil {
			err = errors.Join(f.Sync(), f.Close())
		}
		if err != nil {
			return fmt.Errorf("write the backup to the disk: %w", err)
		}
	}
	return nil
}

// client runs a client program of PostgreSQL on a database. The password is passed in the
// environment, because every process of the machine can read arguments.
func client(ctx context.Context, name string, major int, databaseURL string, args ...string) error {
	program, err := pglocal.Client(ctx, name, major)
	if err != nil {
		return err
	}
	u, err := url.Parse(databaseURL)
	if err != nil || u.Host == "" {
		return errors.New("DATABASE_URL is not a URL: want postgres://user:password@host:port/database")
	}
	env := os.Environ()
	if password, given := u.User.Password(); given {
		env = append(env, "PGPASSWORD="+password)
		u.User = url.User(u.User.Username())
	}
	args = append([]string{"--no-password", "--dbname=" + u.String()}, args...)
	cmd := exec.CommandContext(ctx, program, args...) //nolint:gosec // of PostgreSQL
	cmd.Env = env
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(said)))
	}
	return nil
}
