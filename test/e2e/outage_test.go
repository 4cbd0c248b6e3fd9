package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// promptTimeout is how long one request may take while a part of the shop is down.
const promptTimeout = 15 * time.Second

// promptly makes a request, and fails the test if it takes long or fails.
func promptly(t *testing.T, b *shoptest.Browser, method, path string, form url.Values) shoptest.Answer {
	t.Helper()
	began := time.Now()
	a, err := b.Try(method, path, form)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if took := time.Since(began); took > promptTimeout {
		t.Errorf("%s %s took %s", method, path, took)
	}
	return a
}

// buyPromptly buys, with a quick and successful answer at every step.
func buyPromptly(t *testing.T, shop *shoptest.Shop, email string) {
	t.Helper()
	b := shop.Browser()
	for _, path := range []string{"/", "/order/products", "/user/logged-in", "/user/token", "/clientevent/pageview?url=%2F&pageWidth=400"} {
		if a := promptly(t, b, http.MethodGet, path, nil); a.Status != http.StatusOK {
			t.Errorf("%s answers %d %s", path, a.Status, a.Body)
		}
	}
	b.Want(promptly(t, b, http.MethodPost, "/order/cart-add-product-sku", url.Values{"sku_id": {"6"}, "quantity": {"3"}}), "success",
		"cart_add_product_sku")
	b.Want(promptly(t, b, http.MethodGet, "/order/cart-items", nil), true, "cart_found")
	a := promptly(t, b, http.MethodPost, "/order/create-checkout-session",
		url.Values{"agree_to_terms_of_sale": {"true"}, "anonymous_email_address": {email}})
	b.Want(a, "success", "create_checkout_session")
	session := a.Text("session_id")
	shop.Pay(session, payAs(email))
	done := promptly(t, b, http.MethodGet, "/order/checkout-session-success?session_id="+session, nil)
	b.Want(done, "success", "checkout_session_success")
	if a := promptly(t, b, http.MethodGet, "/order/"+done.Text("order_identifier"), nil); a.Status != http.StatusOK {
		t.Errorf("the order answers %d %s", a.Status, a.Body)
	}
}

// While the broker is down, and after its store was lost, the shop takes orders and webhooks.
// Messages are sent later without help.
func TestBrokerAway(t *testing.T) {
	t.Parallel()
	broker := testenv.NewBroker(t)
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"NATS_URL=" + broker.URL()}})
	buyPromptly(t, shop, "before@mail.example.com")
	for round, outage := range []func(){broker.Stop, broker.Wipe} {
		outage()
		stored := shop.Count("webhook", `SELECT count(*) FROM event`)
		for n := range 2 {
			buyPromptly(t, shop, fmt.Sprintf("away%d.%d@mail.example.com", round, n))
		}

		// A payment that only the webhook reports.
		session := shop.Browser().Checkout("7", "1", "untold@mail.example.com")
		shop.Pay(session, nil)
		shop.Eventually(30*time.Second, "Stripe's events are stored although the broker is away", func() bool {
			return shop.Count("webhook", `SELECT count(*) FROM event WHERE type = $1`, completed) >= 1+3*(round+1)
		})
		if status, err := shop.PostEvent(shop.Event(completed, session)); err != nil || status != http.StatusOK {
			t.Errorf("the webhook answers %d %v", status, err)
		}
		if stored == shop.Count("webhook", `SELECT count(*) FROM event`) {
			t.Error("no event was stored")
		}

		broker.Start()
		shop.Check(60 * time.Second)
		views := 1 + 2*(round+1)
		shop.Eventually(30*time.Second, "the page views of the outage are stored",
			func() bool { return shop.Count("events", `SELECT count(*) FROM page_view`) >= views })
		if n := shop.Count("events", `SELECT count(*) FROM page_view`); n != views {
			t.Errorf("%d page views, want %d", n, views)
		}
	}
}

// The store of the shop's own broker is deleted while it runs.
func TestBrokersStoreDeleted(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	buyPromptly(t, shop, "before@mail.example.com")
	store := filepath.Join(shop.DataDir, "nats")
	shop.Eventually(60*time.Second, "the store is deleted", func() bool {
		return os.RemoveAll(store) == nil // the broker may be writing a new file
	})
	buyPromptly(t, shop, "without@mail.example.com")
	session := shop.Browser().Checkout("7", "1", "untold@mail.example.com")
	shop.Pay(session, nil)
	shop.Eventually(60*time.Second, "the streams have a store again", func() bool {
		metas, err := filepath.Glob(filepath.Join(store, "jetstream", "$G", "streams", "*", "meta.inf"))
		return err == nil && len(metas) >= 7
	})
	if nc, err := nats.Connect("nats://" + strings.SplitAfter(shop.NATS, "@")[1]); err == nil {
		nc.Close()
		t.Error("the broker that started again lets everybody in")
	}
	buyPromptly(t, shop, "after@mail.example.com")
	shop.Check(60 * time.Second)
}

// While the database is down every call answers with an error in JSON, and soon. Afterwards
// everything works again without help.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	direct := shoptest.FreshDatabase(t)
	way, address := newProxy(t, direct)
	shop := shoptest.Start(t, shoptest.Options{DatabaseURL: address})
	buyPromptly(t, shop, "before@mail.example.com")
	b := shop.Browser()
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success", "cart_add_product_sku")
	session := shop.Browser().Checkout("6", "2", "during@mail.example.com")

	way.Cut()
	shop.Pay(session, payAs("during@mail.example.com"))
	event := shop.Event(completed, session)
	if status, err := shop.PostEvent(event); err != nil || status != http.StatusServiceUnavailable {
		t.Errorf("the webhook answers %d %v", status, err)
	}
	for path, form := range map[string]url.Values{
		"/order/cart-items": nil, "/order/cart-totals": nil, "/order/checkout-allowed": nil,
		"/order/checkout-session-success?session_id=" + session: nil,
		"/order/cart-add-product-sku":                           {"sku_id": {"6"}, "quantity": {"1"}},
		"/order/create-checkout-session":                        {"agree_to_terms_of_sale": {"true"}},
		"/order/anonymous-email-address-payment-lookup":         {"anonymous_email_address": {"x@mail.example.com"}},
		"/user/login":                                    {"username": {"somebody"}, "password": {"Something1"}, "remember_me": {"false"}},
		"/order/" + "AAAAAAAAAAAAAAAAAAAAAA":             nil,
		"/user/pythonabot-notify-me":                     {"email_address": {"a@mail.example.com"}, "how_excited": {"1"}},
		"/order/cart-apply-discount-code":                {"discount_code_id": {"WELCOME10"}},
		"/order/cart-update-shipping-method":             {"shipping_method_identifier": {"FedExGround"}},
		"/order/cart-remove-sku":                         {"sku_id": {"6"}},
		"/order/cart-delete-cart":                        {},
		"/order/change-confirmation-email-address":       {},
		"/order/confirm-totals":                          nil,
		"/order/confirm-items":                           nil,
		"/user/terms-of-use-agree-check":                 nil,
		"/user/email-unsubscribe-lookup?pr_cd=a&token=b": nil,
	} {
		method := http.MethodGet
		if form != nil {
			method = http.MethodPost
		}
		a := promptly(t, b, method, path, form)
		ours := a.Status == http.StatusServiceUnavailable && a.Text("error") == "unavailable"
		if !ours && (a.Status >= 500 || a.JSON == nil) {
			t.Errorf("%s %s answers %d %s", method, path, a.Status, a.Body)
		}
	}
	if a := promptly(t, b, http.MethodGet, "/order/cart-items", nil); a.Status != http.StatusServiceUnavailable {
		t.Errorf("a cart without a database: %d %s", a.Status, a.Body)
	}
	for _, path := range []string{"/", "/order/products", "/clientevent/pageview?url=%2F&pageWidth=400", "/user/token"} {
		if a := promptly(t, shop.Browser(), http.MethodGet, path, nil); a.Status != http.StatusOK &&
			a.Status != http.StatusServiceUnavailable {
			t.Errorf("%s answers %d %s", path, a.Status, a.Body)
		}
	}

	way.Mend()
	shop.Eventually(30*time.Second, "the shop has recovered", func() bool {
		a, err := b.Try(http.MethodGet, "/order/cart-items", nil)
		return err == nil && a.Status == http.StatusOK
	})
	b.Want(b.Get("/order/cart-items"), true, "cart_found")
	buyPromptly(t, shop, "after@mail.example.com")
	shop.Check(60 * time.Second) // Stripe has repeated the event of the outage
	if n := len(shop.Orders()); n != 3 {
		t.Errorf("%d orders", n)
	}
	// Orders before, during and after the outage.
	shop.Eventually(30*time.Second, "all page views are stored",
		func() bool { return shop.Count("events", `SELECT count(*) FROM page_view`) == 3 })
}

// A database that does not respond is as bad as none, and must not block requests for long.
func TestDatabaseSilent(t *testing.T) {
	t.Parallel()
	way, address := newProxy(t, shoptest.FreshDatabase(t))
	shop := shoptest.Start(t, shoptest.Options{DatabaseURL: address})
	buyPromptly(t, shop, "before@mail.example.com")
	session := shop.Browser().Checkout("6", "2", "during@mail.example.com")
	shop.StripeSwitches(dropWebhooks)
	shop.Pay(session, payAs("during@mail.example.com"))
	event := shop.Event(completed, session)
	b := shop.Browser()
	b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success", "cart_add_product_sku")

	way.Hold()
	var all sync.WaitGroup
	all.Go(func() {
		began := time.Now()
		status, err := shop.PostEvent(event)
		if err != nil || status != http.StatusServiceUnavailable || time.Since(began) > silenceTimeout {
			t.Errorf("the webhook answers %d %v after %s", status, err, time.Since(began))
		}
	})
	for path, form := range map[string]url.Values{
		"/order/cart-items": nil, "/order/checkout-session-success?session_id=" + session: nil,
		"/order/cart-add-product-sku": {"sku_id": {"6"}, "quantity": {"1"}},
		"/user/login":                 {"username": {"somebody"}, "password": {"Something1"}, "remember_me": {"false"}},
	} {
		all.Go(func() {
			method := http.MethodGet
			if form != nil {
				method = http.MethodPost
			}
			began := time.Now()
			a, err := b.Try(method, path, form)
			if err != nil || a.Status != http.StatusServiceUnavailable || a.Text("error") != "unavailable" ||
				time.Since(began) > silenceTimeout {
				t.Errorf("%s is answered %d %s %v after %s", path, a.Status, a.Body, err, time.Since(began))
			}
		})
	}
	all.Wait()
	way.Mend()
	shop.Eventually(30*time.Second, "the shop has recovered", func() bool {
		a, err := b.Try(http.MethodGet, "/order/cart-items", nil)
		return err == nil && a.Status == http.StatusOK
	})
	b.Want(b.Get("/order/cart-items"), true, "cart_found")
	if status, err := shop.PostEvent(event); err != nil || status != http.StatusOK {
		t.Errorf("the webhook answers %d %v", status, err)
	}
	shop.Check(60 * time.Second)
}

// silenceTimeout is how long a request may wait for a database that does not respond.
const silenceTimeout = 20 * time.Second

// The order is made whatever the mail server does, and its mail is sent once, soon after that is
// possible.
func TestMailServerAway(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.InboxSwitches(`{"down":true}`)
	buyPromptly(t, shop, "down@mail.example.com")
	shop.Eventually(30*time.Second, "the mail was tried in vain", func() bool {
		return shop.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'queued' AND attempts > 0`) == 1
	})
	shop.InboxSwitches(`{}`)
	back := time.Now()
	shop.WaitMails("down@mail.example.com", 1, time.Minute)
	t.Logf("the mail left %s after the mail server's return", time.Since(back).Round(time.Millisecond))

	shop.InboxSwitches(`{"refuse":[{"at":"data","code":451,"count":1,"recipient":"later@mail.example.com"},{"at":"rcpt","code":450,"count":1,"recipient":"grey@mail.example.com"}],
		"lose_reply":{"count":1,"recipient":"lost@mail.example.com"},"drop_after_reply":{"count":1,"recipient":"cut@mail.example.com"}}`)
	for _, name := range []string{"later", "grey", "lost", "cut"} {
		buyPromptly(t, shop, name+"@mail.example.com")
	}
	for _, name := range []string{"later", "grey", "lost", "cut"} {
		shop.WaitMails(name+"@mail.example.com", 1, time.Minute)
	}
	shop.Check(60 * time.Second)

	// Refused permanently: the mail is parked for staff, and the order stays.
	shop.InboxSwitches(`{"refuse":[{"at":"rcpt","code":550,"recipient":"never@mail.example.com"}]}`)
	buyPromptly(t, shop, "never@mail.example.com")
	shop.Eventually(30*time.Second, "the mail is parked", func() bool {
		return shop.Count("mailer", `SELECT count(*) FROM delivery WHERE state = 'parked'`) == 1
	})
}
