package e2e

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// Every metric that deploy/monitoring names is exported by a running shop before anything has
// happened. A panel or an alarm on a metric that does not exist would be silent forever.
func TestMonitoringNamesWhatTheShopExports(t *testing.T) {
	t.Parallel()
	// These appear with the first value: the first mail, the first refusal for a reason, the first
	// request.
	later := map[string]bool{"shop_mails_total": true, "shop_checkout_refused_total": true, "shop_http_request_seconds": true}

	want := map[string]bool{}
	for _, name := range []string{"alerts.yml", "dashboard.json"} {
		text, err := os.ReadFile(filepath.Join("../../deploy/monitoring", name)) //nolint:gosec // of this repository
		if err != nil {
			t.Fatal(err)
		}
		for _, metric := range regexp.MustCompile(`\bshop_[a-z_]+`).FindAllString(string(text), -1) {
			metric = regexp.MustCompile(`_(count|sum|bucket)$`).ReplaceAllString(metric, "")
			if !later[metric] {
				want[metric] = true
			}
		}
	}
	if len(want) < 20 {
		t.Fatalf("only %d metrics are named", len(want))
	}

	shop := shoptest.Start(t, shoptest.Options{})
	missing := func() (names []string) {
		have := exported(t, shop)
		for metric := range want {
			if !have[metric] {
				names = append(names, metric)
			}
		}
		return names
	}
	defer func() {
		if t.Failed() {
			t.Error("a running shop does not export " + strings.Join(missing(), ", "))
		}
	}()
	shop.Eventually(20*time.Second, "all that deploy/monitoring names", func() bool { return len(missing()) == 0 })
}

// exported are the names of the metrics on the shop's listener for Prometheus.
func exported(t *testing.T, shop *shoptest.Shop) map[string]bool {
	t.Helper()
	r, err := http.Get(shop.Metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close() //nolint:errcheck // read to its end
	have := map[string]bool{}
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), "{")
		name, _, _ = strings.Cut(name, " ")
		have[regexp.MustCompile(`_(count|sum|bucket)$`).ReplaceAllString(name, "")] = true
	}
	return have
}
