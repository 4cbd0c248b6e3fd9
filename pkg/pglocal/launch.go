package pglocal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	launchTries   = 200                   // together with launchPause about ten seconds
	launchPause   = 50 * time.Millisecond // between tries
	strayPatience = 15                    // tries before remains of a killed server are killed too
)

// launch starts the server and tries again where the reason of a failure passes by itself or can be
// removed: remains of an earlier server, a port taken in between, a missing compression.
func (c *Cluster) launch(ctx context.Context) error {
	marker, err := c.folder.marker()
	if err != nil {
		return err
	}

	for try := 0; ; try++ {
		env, err := c.endOrphan(ctx)
		if err != nil {
			return err
		}
		if err := c.choosePort(); err != nil {
			return err
		}
		s, err := c.spawn(marker, env)
		if err != nil {
			return err
		}

		c.server = s
		err = c.waitReady(ctx, s)
		if err == nil {
			return writeFile(c.folder.portFile(), strconv.Itoa(c.port))
		}
		if !errors.Is(err, errEnded) {
			return errors.Join(err, c.shutDown(context.WithoutCancel(ctx)))
		}
		out, logErr := s.readLog()
		if logErr != nil || try >= launchTries || !c.retryable(out, marker, try) {
			return errors.Join(fmt.Errorf("%w (%s): %s", errEnded, s.exit(), reason(out)), logErr)
		}

		if !wait.Sleep(ctx, launchPause) {
			return fmt.Errorf("start PostgreSQL: %w: %s", context.Cause(ctx), reason(out))
		}
	}
}

// retryable decides from a failed server's output whether to try again, and removes the cause where
// it can.
func (c *Cluster) retryable(out, marker string, try int) bool {
	has := func(text string) bool { return strings.Contains(out, text) }
	switch {
	case has("pre-existing shared memory block"):
		// Processes of a killed server are still at work; they mostly end within milliseconds. One
		// with a long statement would not for long, and its work is lost anyway.
		if try >= strayPatience {
			c.killRemains(marker)
		}
		return true
	case has("could not bind"), has("Address already in use"), has("could not create any TCP/IP sockets"):
		c.port = 0
		return c.opts.Port == 0
	case has(`lock file "postmaster.pid" already exists`):
		return true
	case has(`invalid value for parameter "wal_compression"`) && !c.noLZ4:
		c.noLZ4 = true
		return true
	}
	return false
}

// invalidPassword is SQLSTATE invalid_password.
const invalidPassword = "28P01"

// ensureDatabase makes the database when it is missing.
func (c *Cluster) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, c.url("postgres"))
	if err != nil {
		if refusal, ok := errors.AsType[*pgconn.PgError](err); ok && refusal.Code == invalidPassword {
			return fmt.Errorf("the password in %s is not the cluster's: remove the file to have a new one set",
				c.folder.passwordFile())
		}
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the work is done
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)",
		c.opts.Database).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{c.opts.Database}.Sanitize())
	}
	if err != nil {
		return fmt.Errorf("make database %s: %w", c.opts.Database, err)
	}
	return nil
}
