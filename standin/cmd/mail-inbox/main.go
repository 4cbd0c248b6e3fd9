// Command mail-inbox runs the development mail inbox alone, for docker-compose and for services
// that are started one by one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/standin/mailinbox"
)

// settings come from the environment.
type settings struct {
	smtpAddr string // MAIL_INBOX_SMTP_ADDR
	httpAddr string // MAIL_INBOX_HTTP_ADDR
	dataDir  string // DATA_DIR; mails are kept in its folder mailinbox
	shopEnv  string // SHOP_ENV
	hosts    string // INSIDE_HOSTS
}

const usage = `mail-inbox takes every mail and shows it on a page. For development only.

  MAIL_INBOX_SMTP_ADDR  127.0.0.1:1025  where mails are taken
  MAIL_INBOX_HTTP_ADDR  127.0.0.1:8025  page and JSON
  DATA_DIR              .data           mails are kept in its folder mailinbox
  SHOP_ENV              development     in production it refuses to start
  INSIDE_HOSTS                          names under which the page may be asked, beside localhost; commas between them

`

func main() { os.Exit(run(os.Args[1:], os.Stderr)) }

// run returns the exit code.
func run(args []string, out io.Writer) int {
	flags := flag.NewFlagSet("mail-inbox", flag.ContinueOnError)
	flags.SetOutput(out)
	check := flags.Bool("check", false, "ask a running inbox whether it is well (for container health checks)")
	flags.Usage = func() {
		fmt.Fprint(out, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	set := read(os.Getenv)
	do := serve
	if *check {
		do = probe
	}
	if err := do(ctx, set, out); err != nil {
		fmt.Fprintln(out, "mail-inbox:", err)
		return 1
	}

	return 0
}

func read(env func(string) string) settings {
	or := func(name, fallback string) string {
		if v := env(name); v != "" {
			return v
		}
		return fallback
	}
	return settings{
		smtpAddr: or("MAIL_INBOX_SMTP_ADDR", "127.0.0.1:1025"),
		httpAddr: or("MAIL_INBOX_HTTP_ADDR", "127.0.0.1:8025"),
		dataDir:  or("DATA_DIR", ".data"),
		shopEnv:  or("SHOP_ENV", "development"),
		hosts:    env("INSIDE_HOSTS"),
	}
}

// serve runs the inbox until ctx ends.
func serve(ctx context.Context, set settings, out io.Writer) error {
	if set.shopEnv == "production" {
		return errors.New("SHOP_ENV is production: the mail inbox is for development and would swallow the " +
			"customers' mail")
	}
	inbox, err := mailinbox.New(mailinbox.Config{
		SMTPAddr: set.smtpAddr,
		HTTPAddr: set.httpAddr,
		Hosts:    set.hosts,
		StateDir: filepath.Join(set.dataDir, "mailinbox"),
		Log:      slog.New(slog.NewJSONHandler(out, nil)),
	})
	if err != nil {
		return err
	}
	return inbox.Run(ctx)
}

// probeTimeout bounds the wait for an answer about health.
const probeTimeout = 3 * time.Second

// probe asks the inbox at the configured address.
func probe(ctx context.Context, set settings, _ io.Writer) error {
	addr, err := web.Reachable(set.httpAddr)
	if err != nil {
		return fmt.Errorf("MAIL_INBOX_HTTP_ADDR: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the inbox: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the inbox answered %s", resp.Status)
	}
	return nil
}
