package allinone

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/admin"
)

// readyEvery is how often announce checks whether everything is ready.
const readyEvery = 25 * time.Millisecond

// announce prints all addresses as soon as a shopper could buy.
func (s *shop) announce(ctx context.Context, out io.Writer) error {
	for !s.ready(ctx) {
		if !wait.Sleep(ctx, readyEvery) {
			return nil
		}
	}

	debug.FreeOSMemory() // starting took three times the memory that serving needs
	metrics := s.cfg.MetricsAddr
	if l := s.listeners["METRICS_ADDR"]; l != nil {
		metrics = l.Addr().String()
	}
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintf(tw, "\nThe shop is open.\n\n  Shop\t%s\n", s.listeners.url("EDGE_ADDR"))
	fmt.Fprintf(tw, "  Back office\t%s\n", s.adminURL)

	link, err := admin.FirstLink(ctx, s.databaseURL("admin"), s.cfg.Shop(), s.adminURL)
	switch {
	case err != nil:
		s.log.Error("make a link for the first person of the staff", "error", err)
	case link != "":
		fmt.Fprintf(tw, "  Sign in there, once\t%s\n", link)
	}

	if s.inbox != nil {
		fmt.Fprintf(tw, "  Mail inbox\t%s\n", s.inbox.URL())
	}
	if s.standin != nil {
		fmt.Fprintf(tw, "  Stripe stand-in\t%s\n", s.standin.URL())
	}
	if s.broker != nil {
		fmt.Fprintf(tw, "  NATS monitoring\t%s\n  NATS\t%s\n", s.listeners.url("NATS_MONITOR_ADDR"), s.broker.url())
	}
	fmt.Fprintf(tw, "  Metrics\thttp://%s/metrics\n  Webhook\t%s/order/stripe-webhook\n  For commands\t%s\n", metrics,
		s.listeners.url("WEBHOOK_ADDR"), s.folder.at("settings"))
	if err := tw.Flush(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\n%sCtrl-C stops it.\n", s.tryNext())
	return err
}

// tryNext tells a newcomer what to do first, when nothing costs real money.
func (s *shop) tryNext() string {
	if s.standin == nil || s.inbox == nil {
		return ""
	}
	return fmt.Sprintf("Buy something: open %s, pay with card 4242 4242 4242 4242, any date ahead, any CVC.\nThe "+
		"order's mail is then at %s\n\n", s.listeners.url("EDGE_ADDR"), s.inbox.URL())
}

// readyTimeout bounds one check of a shop that is starting.
const readyTimeout = 3 * time.Second

// ready asks the shop as a shopper would, and the broker for its streams.
func (s *shop) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for _, path := range []string{"/order/products", "/user/logged-in"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.listeners.url("EDGE_ADDR")+path, nil)
		if err != nil {
			return false
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		if err := w.Body.Close(); err != nil || w.StatusCode != http.StatusOK {
			return false
		}
	}
	return s.provisioned.Load() || s.broker == nil // a broker of NATS_URL may be away: shopping goes on
}

// setEnvironment sets variables and returns a function that restores the old values.
func setEnvironment(set map[string]string) (restore func()) {
	old := map[string]*string{}
	for name, value := range set {
		if was, ok := os.LookupEnv(name); ok {
			old[name] = &was
		} else {
			old[name] = nil
		}
		if err := os.Setenv(name, value); err != nil {
			panic(err) // the names are constants, so this cannot fail
		}
	}
	return func() {
		for name, was := range old {
			err := os.Unsetenv(name)
			if was != nil {
				err = os.Setenv(name, *was)
			}
			if err != nil {
				panic(err) // the names are constants, so this cannot fail
			}
		}
	}
}
