package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// freePorts are settings with free ports.
func freePorts(dir string) []string {
	env := []string{"DATA_DIR=" + dir}
	for _, name := range []string{"EDGE_ADDR", "WEBHOOK_ADDR", "USER_ADDR", "ORDER_ADDR", "EVENTS_ADDR", "MAILER_ADDR", "NATS_ADDR",
		"NATS_MONITOR_ADDR", "STANDIN_ADDR", "MAIL_INBOX_HTTP_ADDR", "MAIL_INBOX_SMTP_ADDR"} {
		env = append(env, name+"=127.0.0.1:0")
	}
	return env
}

// wantOneLine wants a refusal to be one line that names the setting.
func wantOneLine(t *testing.T, what string, code int, stderr string, names ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if code == 0 || len(lines) != 1 || strings.Contains(stderr, "goroutine") || len(stderr) > 600 {
		t.Errorf("%s: exit code %d, said\n%s", what, code, stderr)
	}
	for _, name := range names {
		if !strings.Contains(stderr, name) {
			t.Errorf("%s: the line does not name %s:\n%s", what, name, stderr)
		}
	}
}

// A shop that cannot start prints one line, exits with a code, and leaves nothing behind.
func TestAShopThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // the test is over

	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	const live = "sk_live_" + "000000000000000000000000"
	smtp := []string{"SMTP_HOST=127.0.0.1", "SMTP_PORT=1"}
	for what, c := range map[string]struct {
		env   []string
		names []string
	}{
		"a taken port":        {[]string{"EDGE_ADDR=" + taken.Addr().String()}, []string{"EDGE_ADDR", taken.Addr().String()}},
		"a taken inside port": {[]string{"ORDER_ADDR=" + taken.Addr().String()}, []string{"ORDER_ADDR"}},
		"a taken port of NATS": {[]string{"NATS_ADDR=" + taken.Addr().String(), "DATABASE_URL=postgres://127.0.0.1:1/x"},
			[]string{"NATS_ADDR"}},
		"an address of elsewhere":  {[]string{"EDGE_ADDR=192.0.2.1:80"}, []string{"EDGE_ADDR"}},
		"no address":               {[]string{"EDGE_ADDR=shop"}, []string{"EDGE_ADDR"}},
		"a file for a folder":      {[]string{"DATA_DIR=" + file}, []string{"DATA_DIR"}},
		"a folder below a file":    {[]string{"DATA_DIR=" + filepath.Join(file, "below")}, []string{"DATA_DIR"}},
		"a folder nobody can make": {[]string{"DATA_DIR=/proc/x"}, []string{"DATA_DIR"}},
		"no database there":        {[]string{"DATABASE_URL=postgres://postgres@127.0.0.1:1/shop"}, []string{"DATABASE_URL"}},
		"no database address":      {[]string{"DATABASE_URL=mysql://what"}, []string{"DATABASE_URL"}},
		"production without keys":  {[]string{"SHOP_ENV=production"}, []string{"STRIPE_SECRET_KEY", "SMTP_HOST"}},
		"production, test key": {append([]string{"SHOP_ENV=production", "STRIPE_SECRET_KEY=sk_test_1"}, smtp...),
			[]string{"STRIPE_SECRET_KEY"}},
		"production, no https": {append([]string{"SHOP_ENV=production", "STRIPE_SECRET_KEY=" + live, "PUBLIC_URL=http://shop.example"},
			smtp...), []string{"PUBLIC_URL"}},
		"production, typed secret": {append([]string{"SHOP_ENV=production", "STRIPE_SECRET_KEY=" + live, "PUBLIC_URL=https://shop.example",
			"SHOP_SECRET=this is the secret of our little shop"}, smtp...), []string{"SHOP_SECRET"}},
		"a live key and no mail": {[]string{"STRIPE_SECRET_KEY=" + live}, []string{"SMTP_HOST"}},
		"no such environment":    {[]string{"SHOP_ENV=staging"}, []string{"SHOP_ENV"}},
		"garbage":                {[]string{"LOG_LEVEL=loud", "SHOP_SECRET=short"}, []string{"LOG_LEVEL", "SHOP_SECRET"}},
		"garbage for services": {append([]string{"SMTP_TLS=maybe", "TRUSTED_PROXIES=nobody", "DATABASE_URL=postgres://127.0.0.1:1/x"},
			smtp...), []string{"SMTP_TLS", "TRUSTED_PROXIES"}},
		"another kind of broker": {[]string{"NATS_URL=http://127.0.0.1:4222"}, []string{"NATS_URL"}},
		"no address of Stripe": {append([]string{"STRIPE_API_BASE=stripe", "STRIPE_SECRET_KEY=sk_test_1",
			"DATABASE_URL=postgres://127.0.0.1:1/x"}, smtp...), []string{"STRIPE_API_BASE"}},
		"a number that is none": {[]string{"SMTP_HOST=127.0.0.1", "SMTP_PORT=many", "DATABASE_URL=postgres://127.0.0.1:1/x"},
			[]string{"SMTP_PORT"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			own := t.TempDir()
			code, stderr := shoptest.Refuse(t, append(freePorts(own), c.env...)...)
			wantOneLine(t, what, code, stderr, c.names...)
		})
	}

	t.Cleanup(func() {
		if text, err := os.ReadFile(file); err != nil || string(text) != "not a folder" { //nolint:gosec // the test's own file
			t.Errorf("the file in the way was changed: %q %v", text, err)
		}
	})
}

// Two shops on one data folder would damage it: the second one refuses to start, and the first one
// goes on.
func TestTwoShopsOnOneFolder(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	code, stderr := shoptest.Refuse(t, append(freePorts(shop.DataDir), "DATABASE_URL="+shop.DatabaseURL)...)
	wantOneLine(t, "a second shop", code, stderr, "DATA_DIR")
	buyPromptly(t, shop, "first@mail.example.com")
	shop.Check(60 * time.Second)
}

// After a stop and after a kill, the shop starts again with its data.
func TestARestartKeepsTheData(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{OwnDatabase: true})
	b := shop.Browser()
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "7", "quantity", "4"), "success", "cart_add_product_sku")
	buyPromptly(t, shop, "first@mail.example.com")
	wantSmallMemory(t, shop)

	killed := postmaster(t, shop)
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	shop.Eventually(60*time.Second, "the shop has a database again", func() bool {
		a, err := b.Try(http.MethodGet, "/order/cart-items", nil)
		if err != nil || a.Status != http.StatusOK && (a.Status != http.StatusServiceUnavailable || a.Text("error") != "unavailable") {
			t.Fatalf("while the database was away: %d %s %v", a.Status, a.Body, err)
		}
		pid := postmaster(t, shop)
		return a.Status == http.StatusOK && pid != killed && pid != 0
	})
	buyPromptly(t, shop, "widowed@mail.example.com")

	began := time.Now()
	shop.Stop() // fails the test when the exit code is not 0
	if took := time.Since(began); took > 2*time.Second*loaded {
		t.Errorf("Ctrl-C took %s", took)
	}
	began = time.Now()
	shop.Again()
	took := time.Since(began)
	t.Logf("ready %s after a warm start", took.Round(time.Millisecond))
	// 3 s on a quiet machine; this one also runs all other tests.
	if took > 3*time.Second*loaded {
		t.Errorf("ready only %s after a warm start", took)
	}
	b.Want(b.Get("/order/cart-items"), true, "cart_found")
	buyPromptly(t, shop, "stopped@mail.example.com")
	session := b.Checkout("7", "1", "killed@mail.example.com")
	shop.Pay(session, payAs("killed@mail.example.com"))

	shop.Kill()
	shop.Again()
	b.Want(b.Success(session), "success", pageOfSuccess)
	buyPromptly(t, shop, "again@mail.example.com")
	for _, email := range []string{"first", "widowed", "stopped", "killed", "again"} {
		if mails := shop.WaitMails(email+"@mail.example.com", 1, 60*time.Second); len(mails) != 1 {
			t.Errorf("%s has %d mails", email, len(mails))
		}
	}
}

// postmaster is the process id of the shop's own PostgreSQL, 0 while none accepts connections.
func postmaster(t *testing.T, shop *shoptest.Shop) (pid int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(shop.DataDir, "postgres", "data", "postmaster.pid"))
	if err != nil || !strings.Contains(string(text), "ready") {
		return 0
	}
	if pid, err = strconv.Atoi(strings.SplitN(string(text), "\n", 2)[0]); err != nil {
		t.Fatal(err)
	}
	return pid
}

// loaded is how much slower a machine may be that also runs other tests.
const loaded = 5

// wantSmallMemory wants the whole process, without PostgreSQL, to be small.
func wantSmallMemory(t *testing.T, shop *shoptest.Shop) {
	t.Helper()
	mib := shop.RSS() >> 20
	t.Logf("the process has %d MiB", mib)
	if mib > 120 {
		t.Errorf("the process has %d MiB", mib)
	}
}

// A clean stop finishes requests in flight.
func TestStopsCleanlyUnderLoad(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	stop := make(chan struct{})
	ended := make(chan error, 4)
	for n := range 4 {
		b := shop.Browser()
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					ended <- nil
					return
				default:
				}
				a, err := b.Try(http.MethodGet, "/order/products", nil)
				if err != nil {
					ended <- nil // refused, or closed while idle: the shop has stopped
					return
				}
				if a.Status != http.StatusOK {
					ended <- fmt.Errorf("browser %d, request %d: %d %s", n, i, a.Status, a.Body)
					return
				}
			}
		}()
	}

	// Stop during requests.
	buyPromptly(t, shop, "busy@mail.example.com")
	began := time.Now()
	shop.Stop()
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("stopping took %s", took)
	}

	close(stop)
	for range 4 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}

	shop.Again()
	shop.Check(60 * time.Second)
}
