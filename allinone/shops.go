package allinone

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Many shops on one server: each has a database, roles, secrets, ports and a folder of its own, and
// is a process with its own broker, or an account of a broker that they share. Decision 28 says how
// they are kept apart.

// shopsUsage is the usage of the commands about shops.
const shopsUsage = `Shops of one server:

  create NAME [-public-url URL] [-admin-url URL]   make a shop, or finish making it
  create NAME -from FOLDER                         make it of a backup (shop backup), with secrets of its own
  list                                             all shops, with addresses, and what they hold at the server
  destroy NAME -yes NAME                           delete a shop, its database and its folder forever

SHOPS_DATABASE_URL is a login of PostgreSQL that may make roles and databases, SHOPS_DIR (default .shops) where shops
live. With SHOPS_NATS_ADDR (127.0.0.1:4222, say) a new shop is an account of the broker that shop broker runs there.
SHOP_NAME=NAME shop run opens a shop; SHOP_NAME=NAME stands before every other command about it.
`

const (
	// firstPort is the first port of the first shop; each shop has portsOfAShop.
	firstPort    = 8100
	portsOfAShop = 10
	shopsTimeout = time.Minute // create from a backup has backupTimeout instead
)

// The ports of a shop, counted from its first port.
var ports = map[string]int{"EDGE_ADDR": 0, "WEBHOOK_ADDR": 1, "NATS_ADDR": 2, "NATS_MONITOR_ADDR": 3, "STANDIN_ADDR": 4,
	"MAIL_INBOX_HTTP_ADDR": 5, "ADMIN_ADDR": 6, "MAIL_INBOX_SMTP_ADDR": 7, "METRICS_ADDR": 9}

func shopsDir() string {
	if dir := os.Getenv("SHOPS_DIR"); dir != "" {
		return dir
	}
	return ".shops"
}

func settingsOf(dir, name string) string { return filepath.Join(dir, name, "shop.env") }

// shops runs the commands create, list and destroy and returns the exit code.
func shops(verb string, args []string, out, stderr io.Writer) int {
	return boot.Command("shop "+verb, shopsUsage, backupTimeout, stderr, func(ctx context.Context) error {
		name := ""
		if verb != "list" {
			if len(args) == 0 || strings.HasPrefix(args[0], "-") {
				return fmt.Errorf("%w: name the shop", boot.ErrUsage)
			}
			name, args = args[0], args[1:]
			if err := boot.CheckShopName(name); err != nil {
				return fmt.Errorf("%w: the name %w", boot.ErrUsage, err)
			}
		}

		options := flag.NewFlagSet(verb, flag.ContinueOnError)
		options.SetOutput(io.Discard)
		var n newShop
		options.StringVar(&n.publicURL, "public-url", "", "")
		options.StringVar(&n.adminURL, "admin-url", "", "")
		options.StringVar(&n.from, "from", "", "")
		sure := options.String("yes", "", "")
		if err := options.Parse(args); err != nil || options.NArg() > 0 {
			return fmt.Errorf("%w: wrong arguments for %s", boot.ErrUsage, verb)
		}

		if n.from == "" {
			var cancel func()
			ctx, cancel = context.WithTimeout(ctx, shopsTimeout)
			defer cancel()
		}

		server, err := openServer(ctx, os.Getenv("SHOPS_DATABASE_URL"))
		if err != nil {
			return err
		}
		defer server.close()
		dir, err := filepath.Abs(shopsDir())
		if err != nil {
			return fmt.Errorf("find SHOPS_DIR: %w", err)
		}

		switch verb {
		case "create":
			n.name, n.dir = name, dir
			return createShop(ctx, server, n, out)
		case "destroy":
			if *sure != name {
				return fmt.Errorf("%w: a deleted shop cannot be brought back; add -yes %s", boot.ErrUsage, name)
			}
			return destroyShop(ctx, server, dir, name, out)
		}

		return listShops(ctx, server, dir, out)
	})
}

// newShop holds the arguments of create.
type newShop struct {
	dir, name           string
	publicURL, adminURL string
	from                string // the backup that it is made from
}

// lockName is the file of SHOPS_DIR that lets one command at a time change it; no shop can have
// this name.
const lockName = ".lock"

// createShop makes a shop. It can be stopped anywhere and run again: the settings with all secrets
// are written first, and the rest is made as they say. A shop whose restore from a backup was
// stopped must be destroyed first.
func createShop(ctx context.Context, server *dbServer, n newShop, out io.Writer) error {
	began := time.Now()
	var backup aboutBackup
	var err error
	if n.from != "" {
		if backup, err = readAbout(n.from, n.name); err != nil {
			return err
		}
	}

	if err := os.MkdirAll(n.dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must get through
		return fmt.Errorf("make SHOPS_DIR: %w", err)
	}
	unlock, err := lockFile(filepath.Join(n.dir, lockName), true) // so that two shops get different ports
	if err != nil {
		return err
	}
	defer unlock()

	file := settingsOf(n.dir, n.name)
	settings, err := readSettings(file)
	begun := errors.Is(err, fs.ErrNotExist)
	if begun {
		settings, err = beginShop(ctx, server, n)
	}
	if err != nil {
		return err
	}
	if err := server.holds(settings["DATABASE_URL"]); err != nil {
		return err
	}

	if settings["NATS_SECRET"] != "" {
		if err := shareBroker(n.dir); err != nil {
			return err
		}
	}

	if err := server.create(ctx, n.name, settings); err != nil {
		return err
	}
	if err := fillShop(ctx, settings, n, backup, out); err != nil {
		if begun && n.from != "" { // a backup that cannot be read leaves nothing behind
			err = errors.Join(err, server.undo(context.WithoutCancel(ctx), n))
		}
		return err
	}

	_, err = fmt.Fprintf(out, "%s is there after %.1f s: SHOP_NAME=%s shop run opens it at %s, "+
		"its back office at %s.\nSettings: %s\n", n.name, time.Since(began).Seconds(), n.name, settings["PUBLIC_URL"],
		settings["ADMIN_URL"], file)
	return err
}

// fillShop makes the tables, or restores them from a backup.
func fillShop(ctx context.Context, settings map[string]string, n newShop, backup aboutBackup, out io.Writer) error {
	if n.from == "" {
		return Migrate(ctx, slog.New(slog.DiscardHandler), settings["DATABASE_URL"], n.name, nil)
	}
	pictures := cmp.Or(settings["MEDIA_URL"], filepath.Join(settings["DATA_DIR"], pictureFolder))
	return backup.into(ctx, settings["DATABASE_URL"], pictures, nil, out)
}

// undo deletes what create made of a shop. It drops connections by force, because that of
// pg_restore may end a moment after the program.
func (s *dbServer) undo(ctx context.Context, n newShop) error {
	if err := s.destroy(ctx, n.name, true); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(n.dir, n.name)); err != nil {
		return fmt.Errorf("delete the shop's folder: %w", err)
	}
	return shareBroker(n.dir)
}

// beginShop checks that nothing at the server has the name, and writes the shop's settings.
func beginShop(ctx context.Context, server *dbServer, n newShop) (map[string]string, error) {
	taken, err := server.taken(ctx, n.name)
	if err != nil {
		return nil, err
	}
	if taken != "" {
		return nil, fmt.Errorf("the server has %s already, which create did not make here: choose another name", taken)
	}
	settings, err := newSettings(server, n.dir, n.name, n.publicURL, n.adminURL)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(n.dir, n.name), 0o755); err != nil { //nolint:gosec // as above
		return nil, fmt.Errorf("make the shop's folder: %w", err)
	}
	return settings, writeSettings(settingsOf(n.dir, n.name), settings)
}

// newSettings makes the settings of a shop, with random secrets and ports that no other shop has.
func newSettings(server *dbServer, dir, name, publicURL, adminURL string) (map[string]string, error) {
	first := firstPort
	others, err := shopNames(dir)
	if err != nil {
		return nil, err
	}

	for _, other := range others {
		taken, err := readSettings(settingsOf(dir, other))
		if errors.Is(err, fs.ErrNotExist) {
			continue // this shop, or one whose creation was stopped
		}
		if err != nil {
			return nil, err
		}
		if _, port, err := net.SplitHostPort(taken["EDGE_ADDR"]); err == nil {
			if n, err := strconv.Atoi(port); err == nil {
				first = max(first, n+portsOfAShop)
			}
		}
	}

	settings := map[string]string{"SHOP_NAME": name, "SHOP_SECRET": newSecret() + newSecret(),
		"DATA_DIR": filepath.Join(dir, name, "data")}
	for variable, port := range ports {
		settings[variable] = net.JoinHostPort("127.0.0.1", strconv.Itoa(first+port))
	}
	settings["DATABASE_URL"] = server.urlOf(name, newSecret())
	for _, m := range Schemas() {
		settings[strings.ToUpper(m.Service)+"_DB_PASSWORD"] = newSecret()
	}

	broker, err := openSharedBroker(dir, os.Getenv("SHOPS_NATS_ADDR"))
	if err != nil {
		return nil, err
	}
	if broker != nil && os.Getenv("SHOPS_NATS_ADDR") != "" {
		settings["NATS_URL"], settings["NATS_SECRET"] = "nats://"+broker.addr, newSecret()
	}
	settings["PUBLIC_URL"], settings["ADMIN_URL"] = publicURL, adminURL
	if publicURL == "" {
		settings["PUBLIC_URL"] = "http://" + settings["EDGE_ADDR"]
	}
	if adminURL == "" {
		settings["ADMIN_URL"] = "http://localhost:" + strconv.Itoa(first+ports["ADMIN_ADDR"])
	}
	return settings, nil
}

// newSecret is a random password that needs no quotes anywhere.
func newSecret() string {
	raw := make([]byte, 24)
	rand.Read(raw) //nolint:errcheck // never fails
	return "p" + hex.EncodeToString(raw)
}

// shareBroker updates the list of shops of the broker that shops share.
func shareBroker(dir string) error {
	broker, err := openSharedBroker(dir, os.Getenv("SHOPS_NATS_ADDR"))
	if err != nil || broker == nil {
		return err
	}
	return broker.write()
}

// destroyShop deletes a shop that is not running and whose roles have rights in no other database.
func destroyShop(ctx context.Context, server *dbServer, dir, name string, out io.Writer) error {
	if running(dir, name) {
		return fmt.Errorf("%s is open: stop it first", name)
	}
	if _, err := os.Stat(settingsOf(dir, name)); err != nil {
		return fmt.Errorf("SHOPS_DIR has no shop %s that create made: %w", name, err)
	}
	settings, err := readSettings(settingsOf(dir, name))
	if err != nil {
		return err
	}
	if err := server.holds(settings["DATABASE_URL"]); err != nil {
		return err
	}

	if err := server.destroy(ctx, name, false); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
		return fmt.Errorf("delete the shop's folder: %w", err)
	}

	if settings["NATS_SECRET"] != "" {
		if err := leaveBroker(dir, name); err != nil {
			return err
		}
	}

	_, err = fmt.Fprintf(out, "%s is deleted.\n", name)
	return err
}

// leaveBroker removes a shop's account and streams from the broker that shops share.
func leaveBroker(dir, name string) error {
	unlock, err := lockFile(filepath.Join(dir, lockName), true)
	if err != nil {
		return err
	}
	defer unlock()
	broker, err := openSharedBroker(dir, "")
	if err != nil || broker == nil {
		return err
	}
	return errors.Join(broker.write(), broker.drop(name))
}

func listShops(ctx context.Context, server *dbServer, dir string, out io.Writer) error {
	names, err := shopNames(dir)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(tw, "name\topen\tshop\tback office\tdatabase\tconnections")

	for _, name := range names {
		settings, err := readSettings(settingsOf(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		open := "no"
		if running(dir, name) {
			open = "yes"
		}
		at, err := server.look(ctx, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%d\n", name, open, settings["PUBLIC_URL"], settings["ADMIN_URL"],
			at.Size, at.Connections)
	}

	if err := tw.Flush(); err != nil {
		return fmt.Errorf("print the list: %w", err)
	}
	return nil
}

// shopNames are the shops that have a folder, in alphabetical order.
func shopNames(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read SHOPS_DIR: %w", err)
	}
	for _, e := range entries {
		if e.IsDir() && boot.CheckShopName(e.Name()) == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// running reports whether a shop's process has locked its folder.
func running(dir, name string) bool {
	unlock, err := lockFile(filepath.Join(dir, name, "data", "lock"), false)
	if err != nil {
		return errors.Is(err, syscall.EWOULDBLOCK)
	}
	unlock()
	return false
}

// lockFile takes a lock. If wait is false it fails when the lock is taken.
func lockFile(path string, wait bool) (unlock func(), err error) {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	flags := os.O_RDWR
	if wait {
		flags |= os.O_CREATE
	}
	file, err := os.OpenFile(path, flags, 0o600) //nolint:gosec // the folder is a setting
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := syscall.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() {
		_ = syscall.Flock(int(file.Fd()), syscall.LOCK_UN) // a child process may have a copy of the file
		_ = file.Close()
	}, nil
}

// holds refuses to act on another server than the one in the shop's settings: SHOPS_DATABASE_URL
// may be another machine's.
func (s *dbServer) holds(databaseURL string) error {
	own, err := url.Parse(databaseURL)
	if err != nil || own.Host != s.url.Host {
		return errors.New("SHOPS_DATABASE_URL is another server than the one in the shop's settings")
	}
	return nil
}

// urlOf is the address of a shop's database with the login of its owner.
func (s *dbServer) urlOf(name, password string) string {
	u := *s.url
	u.Path, u.User = "/"+name, url.UserPassword(pg.Role(name, "owner"), password)
	return u.String()
}
