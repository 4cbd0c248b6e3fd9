package pglocal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// superuser is the role that initdb makes and URL names.
const superuser = "postgres"

// preparePassword reads the cluster's password or makes one. When there is data but its password
// has been lost, the role gets a new one.
func (c *Cluster) preparePassword(ctx context.Context, hasData bool) error {
	if c.password = readLine(c.folder.passwordFile()); c.password != "" {
		return nil
	}
	password := rand.Text()
	if hasData {
		if err := c.resetPassword(ctx, password); err != nil {
			return err
		}
	}
	if err := writeFile(c.folder.passwordFile(), password); err != nil {
		return err
	}
	c.password = password
	return nil
}

// initialize makes the data folder beside its place and moves it there when it is complete, so that
// an interruption leaves nothing half made.
func (c *Cluster) initialize(ctx context.Context) (err error) {
	build, err := os.MkdirTemp(c.folder.dir, "build-")
	if err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(build)) }()

	// initdb reads the password as the server's account, so it gets a copy in reach.
	secret := filepath.Join(build, "password")
	if err := os.WriteFile(secret, []byte(c.password+"\n"), 0o600); err != nil {
		return fmt.Errorf("write password for initdb: %w", err)
	}
	if err := errors.Join(c.account.own(secret), c.account.own(build)); err != nil {
		return err
	}

	out, err := c.runInitdb(ctx, build, "--locale=C.UTF-8")
	if err != nil && strings.Contains(out, "invalid locale") {
		// A system without C.UTF-8: plain C sorts the same way.
		if removeErr := os.RemoveAll(filepath.Join(build, "data")); removeErr != nil {
			return fmt.Errorf("make data folder again: %w", removeErr)
		}
		out, err = c.runInitdb(ctx, build, "--no-locale")
	}

	if err != nil {
		return fmt.Errorf("initialize PostgreSQL in %s as user %s: %w: %s", c.folder.dir, c.account.name, err,
			reason(out))
	}
	if err := os.Rename(filepath.Join(build, "data"), c.folder.data()); err != nil {
		return fmt.Errorf("move new data folder to its place: %w", err)
	}
	return syncDir(c.folder.dir)
}

func (c *Cluster) runInitdb(ctx context.Context, build, locale string) (string, error) {
	in, err := c.account.enter(build)
	if err != nil {
		return "", err
	}
	args := []string{
		"-D", in.path + "/data", "-U", superuser, "--pwfile=" + in.path + "/password",
		"--auth=scram-sha-256", "--encoding=UTF8", locale,
	}
	if !c.opts.Durable {
		args = append(args, "--no-sync")
	}
	out, err := runTied(c.account.command(ctx, in, c.binaries.program("initdb"), args...))
	return out, errors.Join(err, in.close())
}

// resetPassword gives the role postgres a new password in single-user mode, which asks for none.
func (c *Cluster) resetPassword(ctx context.Context, password string) error {
	if err := c.account.takeOver(c.folder.data()); err != nil {
		return err
	}
	stale, err := c.endOrphan(ctx)
	if err != nil {
		return err
	}
	in, err := c.account.enter(c.folder.data())
	if err != nil {
		return err
	}
	cmd := c.account.command(ctx, in, c.binaries.program("postgres"), "--single", "-D", in.path,
		"-c", "log_min_error_statement=panic", superuser)
	cmd.Env = append(cmd.Env, stale...)
	cmd.Stdin = strings.NewReader("ALTER ROLE postgres PASSWORD '" + password + "'\n")
	out, err := runTied(cmd)
	if err = errors.Join(err, in.close()); err != nil || strings.Contains(out, "ERROR:") {
		return fmt.Errorf("set a new password, the old one is lost: %w: %s", err, reason(out))
	}
	c.log.Warn("the cluster's password was missing: a new one is set", "file", c.folder.passwordFile())
	return nil
}

// syncDir makes a rename in a folder durable.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// reason picks from a program's output why it failed, on one line.
func reason(out string) string {
	var told []string
	for line := range bytes.Lines([]byte(out)) {
		text := string(bytes.TrimSpace(line))
		for _, sign := range []string{"FATAL:", "PANIC:", "ERROR:", "error:", "DETAIL:", "HINT:", "could not"} {
			if at := strings.Index(text, sign); at >= 0 {
				told = append(told, text[at:])
				break
			}
		}
	}
	if len(told) == 0 {
		return lastLines(out, 3)
	}
	return lastLines(strings.Join(told, "\n"), 4)
}

// lastLines joins the last n lines into one.
func lastLines(out string, n int) string {
	var lines []string
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return "it said nothing"
	}
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
