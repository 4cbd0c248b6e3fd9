package edge

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestRunServesUntilItsEnd(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := "http://127.0.0.1:1"
	cfg := Config{
		Public: boot.Public{PublicURL: "http://shop.example"}, Keys: boot.Keys{ShopSecret: secret},
		Common:   boot.Common{NATSURL: broker.URL(), DatabaseURL: testenv.Database(t, testenv.Schema{Service: "edge", Sets: Migrations()})},
		Listener: l, UserURL: away, OrderURL: away, EventsURL: away, WebhookURL: away, TrustedProxies: "loopback",
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, testenv.Log(t), cfg) }()
	e := &env{t: t, url: "http://" + l.Addr().String()}
	e.browser().Get("/user/logged-in").Has(http.StatusOK, `"logged_in":false`)
	e.browser().Get("/order/products").Has(http.StatusServiceUnavailable, "unavailable")
	got, counted, listener := make(chan struct{}, 10), make(chan struct{}, 1000), broker.Bus("listener")
	if err := listener.Listen("event.pageview", func(string, []byte) { got <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	if err := listener.Listen("rl.>", func(string, []byte) { counted <- struct{}{} }); err != nil {
		t.Fatal(err)
	}

	// A counted message proves that edge is connected, and that the listener hears page views, too.
	testenv.Eventually(t, 30*time.Second, "edge connected", func() bool {
		e.browser().Post("/user/login", "username", "ann_lee", "password", "right", "remember_me", "false")
		return len(counted) > 0
	})
	e.browser().Get("/clientevent/pageview?url=/").Has(http.StatusOK, "thank you")
	stop()

	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("edge does not stop")
	}

	testenv.Eventually(t, 30*time.Second, "the page view handed over before the end", func() bool { return len(got) >= 1 })
}

func TestRunRefusesInvalidSettings(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), testenv.Log(t), Config{})
	if err == nil || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Error(err)
	}
}

// Every path of the contract has its owner, and is forwarded under its own method.
func TestRoutesReachTheirOwners(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	composed := []string{"/user/", "/user/token", "/user/logged-in", "/user/logout", "/user/account-content", "/order/", productsPath}
	for file, o := range map[string]*owner{"../user/openapi.yaml": e.user, "../order/openapi.yaml": e.order} {
		for path, item := range testenv.NewContract(t, file).Doc.Paths.Map() {
			for method := range item.Operations() {
				if slices.Contains(composed, path) {
					continue
				}
				checkRoute(t, e, o, method, path)
			}
		}
	}
	for path, item := range testenv.NewContract(t, "openapi.yaml").Doc.Paths.Map() {
		for method := range item.Operations() {
			ask := e.browser().Get
			if method == http.MethodPost {
				ask = e.browser().Post
			}
			if a := ask(path); a.Status != http.StatusOK {
				t.Errorf("%s %s: %d %s", method, path, a.Status, a.Body)
			}
		}
	}
}

func checkRoute(t *testing.T, e *env, o *owner, method, path string) {
	t.Helper()
	path = strings.NewReplacer("{product_identifier}", "abc123", "{order_identifier}", "aB3dE5gH7j").Replace(path)
	if path == webhookPath {
		o = e.webhook
	}
	o.says(method+" "+path, `{"here":true}`)
	b := e.browser()
	var a testenv.Answer
	if method == http.MethodPost {
		a = b.Post(path)
	} else {
		a = b.Get(path)
	}
	if a.Status != http.StatusOK || a.Body != `{"here":true}` || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %s: %d %s", method, path, a.Status, a.Body)
	}
}
