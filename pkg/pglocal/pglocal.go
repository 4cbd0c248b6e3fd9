// Package pglocal runs a private PostgreSQL cluster from the machine's own binaries, for the
// one-process runner and for tests. The cluster listens on 127.0.0.1 only, with a random password,
// and outlives anything that can happen to the process that started it: the next Start on the same
// folder cleans up whatever was left behind and goes on with the data.
package pglocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Options say where a cluster lives and how it behaves.
type Options struct {
	Dir      string            // data folder, made when missing
	Database string            // made when missing; default "shop"
	Port     int               // 0: choose a free one and keep it over restarts while it stays free
	Durable  bool              // false switches syncing to disk off: for tests only
	Install  bool              // install Debian's postgresql when there are no binaries and we may
	Settings map[string]string // further PostgreSQL settings, stronger than our own
	Log      *slog.Logger      // default: silent
}

// Cluster is a running private PostgreSQL.
type Cluster struct {
	opts     Options
	log      *slog.Logger
	folder   *folder
	binaries binaries
	account  account
	password string
	port     int
	noLZ4    bool // the binaries were built without lz4
	server   *server

	stopOnce sync.Once
	stopErr  error
}

// How long Stop waits for each kind of shutdown before it takes the next harder one.
const (
	fastShutdownTimeout      = 60 * time.Second
	immediateShutdownTimeout = 10 * time.Second
)

// Start brings up the cluster in o.Dir, making it first when it does not exist, and returns when it
// takes connections. ctx limits the starting only. The folder stays locked until Stop, or until the
// process ends.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Database == "" {
		o.Database = "shop"
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil || o.Dir == "" {
		return nil, fmt.Errorf("find data folder %q: %w", o.Dir, errors.Join(err, os.ErrInvalid))
	}
	folder, err := openFolder(dir)
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: o, log: o.Log, folder: folder}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, folder.unlock())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	began := time.Now()
	major, err := c.folder.dataVersion()
	if err != nil {
		return err
	}
	if c.account, err = serverAccount(c.folder.data()); err != nil {
		return err
	}
	if c.binaries, err = c.findBinaries(ctx, major); err != nil {
		return err
	}
	if err := c.preparePassword(ctx, major != 0); err != nil {
		return err
	}

	if major == 0 {
		if err := c.initialize(ctx); err != nil {
			return err
		}
	}

	if err := c.account.takeOver(c.folder.data()); err != nil {
		return err
	}
	if err := c.launch(ctx); err != nil {
		return err
	}
	if err := c.ensureDatabase(ctx); err != nil {
		return errors.Join(err, c.shutDown(context.WithoutCancel(ctx)))
	}

	c.log.Info("PostgreSQL ready", "version", c.binaries.version, "port", c.port,
		"folder", c.folder.dir, "pid", c.server.cmd.Process.Pid,
		"took", time.Since(began).Round(time.Millisecond))
	return nil
}

// URL is the address of Options.Database for the superuser role "postgres".
func (c *Cluster) URL() string { return c.url(c.opts.Database) }

func (c *Cluster) url(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(superuser, c.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Done is closed when the server has ended, by Stop or by itself.
func (c *Cluster) Done() <-chan struct{} { return c.server.done }

// Err says why the server ended by itself; nil while it runs and after Stop.
func (c *Cluster) Err() error {
	select {
	case <-c.server.done:
	default:
		return nil
	}
	if c.server.stopping.Load() {
		return nil
	}
	return fmt.Errorf("PostgreSQL ended by itself (%s): %s; see %s", c.server.exit(), c.server.lastWords(),
		c.server.log)
}

// Restart starts the server again at its old address, after it has ended by itself. It may be tried
// again when it fails. No other method may be called in the meantime.
func (c *Cluster) Restart(ctx context.Context) error {
	c.opts.Port = c.port // its address has been handed out
	if err := c.launch(ctx); err != nil {
		return err
	}
	c.log.Info("PostgreSQL ready again", "port", c.port, "pid", c.server.cmd.Process.Pid)
	return nil
}

// Remove deletes the cluster in dir with all its data, after stopping a server that was left
// running there. It refuses a folder that is in use or that no Start has made.
func Remove(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("find data folder %q: %w", dir, err)
	}
	if _, err := os.Stat(filepath.Join(dir, lockName)); err != nil {
		return fmt.Errorf("%s is not a cluster's folder: %w", dir, err)
	}
	folder, err := openFolder(dir)
	if err != nil {
		return err
	}
	c := &Cluster{log: slog.New(slog.DiscardHandler), folder: folder}
	_, err = c.endOrphan(ctx)
	if err == nil {
		err = os.RemoveAll(dir)
	}
	return errors.Join(err, folder.unlock())
}

// Stop shuts the server down fast: open transactions are rolled back. When that takes too long, or
// ctx ends, it shuts down immediately, and the next Start recovers. It releases the folder.
func (c *Cluster) Stop(ctx context.Context) error {
	c.stopOnce.Do(func() {
		c.stopErr = errors.Join(c.shutDown(ctx), c.folder.unlock())
	})
	return c.stopErr
}
