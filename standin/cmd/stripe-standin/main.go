// Command stripe-standin runs the Stripe stand-in alone, for a shop whose services run one by one.
//
// Environment:
//
//	STANDIN_ADDR            127.0.0.1:12111         where it listens
//	STANDIN_PUBLIC_URL      http://<address>        base of the payment page's addresses
//	STANDIN_WEBHOOK_URL     –                       where events go
//	STANDIN_STATE_FILE      –                       where the state is kept; empty = memory only
//	STRIPE_SECRET_KEY       sk_test_standin         what API callers must present
//	STRIPE_PUBLISHABLE_KEY  pk_test_standin
//	STRIPE_WEBHOOK_SECRET   whsec_standin           signs the events
//	INSIDE_HOSTS            –                       names under which it may be asked, beside localhost
//	SHOP_ENV                development             production makes it refuse
//
// With -health it asks the stand-in of the same environment whether it answers, and exits with 0
// when it does.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
)

func main() {
	health := flag.Bool("health", false, "ask a running stand-in whether it answers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	run := serve
	if *health {
		run = ask
	}
	if err := run(ctx, os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const defaultAddr = "127.0.0.1:12111"

// serve runs the stand-in until ctx ends.
func serve(ctx context.Context, env func(string) string, logTo io.Writer) error {
	if env("SHOP_ENV") == "production" {
		return errors.New("stripe stand-in: refuses to run with SHOP_ENV=production")
	}
	log := slog.New(slog.NewJSONHandler(logTo, nil))
	s, err := stripestandin.New(stripestandin.Config{
		Addr:           cmp.Or(env("STANDIN_ADDR"), defaultAddr),
		Hosts:          env("INSIDE_HOSTS"),
		PublicURL:      env("STANDIN_PUBLIC_URL"),
		WebhookURL:     env("STANDIN_WEBHOOK_URL"),
		StateFile:      env("STANDIN_STATE_FILE"),
		SecretKey:      cmp.Or(env("STRIPE_SECRET_KEY"), "sk_test_standin"),
		PublishableKey: cmp.Or(env("STRIPE_PUBLISHABLE_KEY"), "pk_test_standin"),
		WebhookSecret:  cmp.Or(env("STRIPE_WEBHOOK_SECRET"), "whsec_standin"),
		Log:            log,
	})
	if err != nil {
		return err
	}
	log.Info("stripe stand-in ready", "url", s.URL())
	return s.Run(ctx)
}

// probeTimeout bounds the wait for an answer about health.
const probeTimeout = 3 * time.Second

// ask calls the health endpoint of the stand-in that listens at STANDIN_ADDR.
func ask(ctx context.Context, env func(string) string, _ io.Writer) error {
	addr, err := web.Reachable(cmp.Or(env("STANDIN_ADDR"), defaultAddr))
	if err != nil {
		return fmt.Errorf("stripe stand-in: STANDIN_ADDR: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return fmt.Errorf("stripe stand-in: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("stripe stand-in: %w", err)
	}
	if err := resp.Body.Close(); err != nil {
		return fmt.Errorf("stripe stand-in: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("stripe stand-in: answered %s", resp.Status)
	}
	return nil
}
