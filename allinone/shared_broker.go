package allinone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Shops of one server may share a broker, in which each has an account with its own streams and
// subjects, and the users and rights of nats.conf. No account sees another. User names are unique
// within the broker, so they begin with the shop's name.

// brokerFolder is the folder of the broker in SHOPS_DIR; no shop can have this name.
const brokerFolder = ".broker"

// followEvery is how often the broker checks whether shops were created or destroyed.
const followEvery = time.Second

// BrokerLogins says how a shop logs in at a broker that it shares with others.
type BrokerLogins struct {
	NATSSecret string `envconfig:"NATS_SECRET" desc:"secret from which each service's own login at the broker of NATS_URL is made (SHOP_NAME_order); written by shop create where shops share a broker; when empty, all use the login in NATS_URL"`
}

// at is the broker's address with the login of a user of nats.conf.
func (l BrokerLogins) at(natsURL, shop, user string) string {
	if l.NATSSecret == "" || natsURL == "" {
		return natsURL
	}
	servers := strings.Split(natsURL, ",")
	for i, s := range servers {
		if u, err := url.Parse(s); err == nil {
			u.User = url.UserPassword(pg.Role(shop, user), passwords{"broker", l.NATSSecret}.of(user))
			servers[i] = u.String()
		}
	}
	return strings.Join(servers, ",")
}

// sharedBroker is the broker of the shops in dir. Its file is written when the first of them is
// created.
type sharedBroker struct{ dir, addr, secret string }

func (b *sharedBroker) at(name string) string { return filepath.Join(b.dir, brokerFolder, name) }

// openSharedBroker reads the broker's file, or writes it with the address addr. It returns nil if
// there is no file and addr is empty.
func openSharedBroker(dir, addr string) (*sharedBroker, error) {
	b := &sharedBroker{dir: dir}
	values, err := readSettings(b.at("broker.env"))
	switch {
	case errors.Is(err, fs.ErrNotExist) && addr == "":
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		if _, _, err := hostPort(addr); err != nil {
			return nil, fmt.Errorf("SHOPS_NATS_ADDR: %w", err)
		}
		values = map[string]string{"SHOPS_NATS_ADDR": addr, "SECRET": newSecret()}
		if err := os.MkdirAll(b.at(""), 0o700); err != nil {
			return nil, fmt.Errorf("make the broker's folder: %w", err)
		}
		if err := writeSettings(b.at("broker.env"), values); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	}
	b.addr, b.secret = values["SHOPS_NATS_ADDR"], values["SECRET"]
	if addr != "" && addr != b.addr {
		return nil, fmt.Errorf("SHOPS_NATS_ADDR is %s, but the broker of these shops is at %s", addr, b.addr)
	}
	return b, nil
}

// write writes the broker's configuration for the existing shops. The caller holds the lock of
// SHOPS_DIR.
func (b *sharedBroker) write() error {
	names, err := shopNames(b.dir)
	if err != nil {
		return err
	}

	secrets := map[string]string{}
	for _, name := range names {
		settings, err := readSettings(settingsOf(b.dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if secret := settings["NATS_SECRET"]; secret != "" {
			secrets[name] = secret
		}
	}

	text, err := b.configuration(secrets)
	if err != nil {
		return err
	}
	if _, err := b.options(text); err != nil { // never publish a configuration that the broker cannot read
		return err
	}
	tmp := b.at("nats.conf.new")
	if err := os.WriteFile(tmp, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write the broker's configuration: %w", err)
	}
	if err := os.Rename(tmp, b.at("nats.conf")); err != nil {
		return fmt.Errorf("write the broker's configuration: %w", err)
	}

	return nil
}

// configuration is nats.conf with its account replaced by one for each shop. secrets are by the
// shop's name.
func (b *sharedBroker) configuration(secrets map[string]string) (string, error) {
	before, rest, begins := strings.Cut(natsConf, "\n  SHOP {\n")
	account, after, ends := strings.Cut(rest, "\n  }\n")
	if !begins || !ends {
		return "", errors.New("nats.conf has no account SHOP")
	}
	var accounts strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		text := strings.Replace(account, "jetstream: enabled", accountLimits(), 1)
		for _, user := range brokerUsers {
			text = strings.NewReplacer("user: "+user+", ", "user: "+pg.Role(name, user)+", ",
				"$"+strings.ToUpper(user)+"_NATS_PASSWORD", passwords{"broker", secrets[name]}.of(user)).Replace(text)
		}
		// The name is quoted because a shop may be called include.
		fmt.Fprintf(&accounts, "\n  %q {\n%s\n  }\n", name, text)
	}
	before = strings.NewReplacer("$NATS_SERVER_NAME", "shops", `"0.0.0.0:4222"`, `"`+b.addr+`"`,
		`"/data"`, `"`+b.at("data")+`"`, "max_file_store: 200GB", "max_file_store: 100TB",
		"max_memory_store: 256MB", "max_memory_store: 8GB",
		"$SYS_NATS_PASSWORD", passwords{"broker", b.secret}.of("sys"),
		"\nhttp: ", "\n# http: ").Replace(before)
	// Without this block a broker without shops would accept connections without a login.
	return before + accounts.String() + after + "\nauthorization { timeout: 2 }\n", nil
}

// accountLimits are the limits of a shop's account: what its streams reserve, and a little more for
// streams that people make.
func accountLimits() string {
	var file, memory int64
	for _, s := range msg.Streams {
		if s.Counters {
			memory += s.MaxBytes
		} else {
			file += s.MaxBytes
		}
	}
	return fmt.Sprintf("jetstream: { max_file: %d, max_memory: %d, max_streams: %d, max_consumers: %d }",
		file+file/10, 2*memory, 2*len(msg.Streams), 4*len(msg.Consumers))
}

// options parses a configuration.
func (b *sharedBroker) options(text string) (*server.Options, error) {
	opts := &server.Options{}
	if err := opts.ProcessConfigString(text); err != nil {
		return nil, fmt.Errorf("read the configuration of the broker: %w", err)
	}
	opts.NoSigs = true
	return opts, nil
}

// drop deletes the streams of a shop that no longer exists. A running broker does it itself, once
// it has released them.
func (b *sharedBroker) drop(name string) error {
	unlock, err := lockFile(b.at("lock"), false)
	switch {
	case errors.Is(err, fs.ErrNotExist): // the broker never ran
	case err != nil:
		return nil //nolint:nilerr // the broker is running
	default:
		defer unlock()
	}
	return b.removeStore(name)
}

func (b *sharedBroker) removeStore(account string) error {
	if err := os.RemoveAll(filepath.Join(b.at("data"), server.JetStreamStoreDir, account)); err != nil {
		return fmt.Errorf("delete the streams of %s: %w", account, err)
	}
	return nil
}

// shopsBroker runs the command broker and returns the exit code.
func shopsBroker(args []string, stderr io.Writer) int {
	return boot.Run("broker", args, stderr, func(ctx context.Context, log *slog.Logger, _ boot.Common) error {
		dir, err := filepath.Abs(shopsDir())
		if err != nil {
			return fmt.Errorf("find SHOPS_DIR: %w", err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must get through
			return fmt.Errorf("make SHOPS_DIR: %w", err)
		}
		b, err := openSharedBroker(dir, os.Getenv("SHOPS_NATS_ADDR"))
		if err != nil {
			return err
		}
		if b == nil {
			return errors.New("SHOPS_NATS_ADDR is not set: want the address where the broker listens, such as " +
				"127.0.0.1:4222")
		}
		return b.run(ctx, log)
	})
}

// run runs the broker until ctx ends. Shops can be created and destroyed without a restart.
func (b *sharedBroker) run(ctx context.Context, log *slog.Logger) error {
	unlock, err := lockFile(filepath.Join(b.dir, "lock"), true)
	if err != nil {
		return err
	}
	err = b.write()
	unlock()
	if err != nil {
		return err
	}
	held, err := openFolder(b.at("")) // two brokers on one store would ruin it
	if err != nil {
		return err
	}
	defer held.close() //nolint:errcheck // the lock ends with the process anyway

	text, opts, err := b.read()
	if err != nil {
		return err
	}
	srv, err := runBroker(log, opts)
	if err != nil {
		return err
	}
	defer srv.WaitForShutdown()
	defer srv.Shutdown()
	log.Info("the broker is open", "address", srv.ClientURL(), "shops", len(opts.Accounts)-1)

	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		now, next, err := b.read()
		if err != nil || now == text {
			continue // a change is half written: the next tick finds it complete
		}
		text = now
		if err := srv.ReloadOptions(next.Clone()); err != nil {
			log.Error("reload the broker for changed shops failed, it needs a restart", "error", err)
			continue
		}
		if err := b.removeStores(opts, next); err != nil {
			log.Error("delete the streams of destroyed shops", "error", err)
		}
		log.Info("shops were created or destroyed", "shops", len(next.Accounts)-1)
		opts = next
	}
}

// read reads the current configuration.
func (b *sharedBroker) read() (text string, opts *server.Options, err error) {
	raw, err := os.ReadFile(b.at("nats.conf"))
	if err != nil {
		return "", nil, fmt.Errorf("read the configuration of the broker: %w", err)
	}
	opts, err = b.options(string(raw))
	return string(raw), opts, err
}

// removeStores deletes the streams of shops that were destroyed.
func (b *sharedBroker) removeStores(before, after *server.Options) error {
	for _, a := range before.Accounts {
		if !slices.ContainsFunc(after.Accounts, func(other *server.Account) bool { return other.Name == a.Name }) {
			if err := b.removeStore(a.Name); err != nil {
				return err
			}
		}
	}
	return nil
}
