package e2e

import (
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// neighbour is one of two shops that share a PostgreSQL server, as shop create made it.
type neighbour struct {
	*shoptest.Shop
	name, order string
	settings    map[string]string
	env         []string
}

// Two shops on one server sell side by side, and what one gives out opens nothing in the other.
func TestTwoShopsOnOneServer(t *testing.T) {
	t.Parallel()
	mark := strings.ToLower(rand.Text()[:8]) // roles belong to the whole server
	dir := t.TempDir()
	a, b := newNeighbour(t, dir, "acme_"+mark), newNeighbour(t, dir, "bolt_"+mark)
	for _, shop := range []*neighbour{a, b} {
		buyStepByStep(shop.Shop, shop.name+"@mail.example.com")
	}
	if code, out, stderr := shoptest.Command(t, a.env, "list"); code != 0 || strings.Count(out, mark) != 2 {
		t.Errorf("list: %d %s%s", code, out, stderr)
	}
	if code, _, stderr := shoptest.Command(t, a.env, "destroy", a.name, "-yes", a.name); code != 1 {
		t.Errorf("destroying an open shop: %d %s", code, stderr)
	}
	t.Run("database", func(t *testing.T) { rolesStayAtHome(t, a, b) })
	t.Run("payments", func(t *testing.T) { paymentsStayAtHome(t, a, b) })
	t.Run("cookies", func(t *testing.T) { cookiesStayAtHome(t, a, b) })
	t.Run("identities", func(t *testing.T) { identitiesStayAtHome(t, a, b) })
	t.Run("broker", func(t *testing.T) {
		at, err := url.Parse(b.NATS)
		if err != nil {
			t.Fatal(err)
		}
		own, err := url.Parse(a.NATS)
		if err != nil {
			t.Fatal(err)
		}
		at.User = own.User
		if nc, err := nats.Connect(at.String()); err == nil {
			nc.Close()
			t.Error("the staff of one shop come into the broker of another")
		}
	})
	t.Run("staff", func(t *testing.T) { staffStayAtHome(t, a, b) })
}

// newNeighbour makes a shop by command and opens it; both are gone after the test.
func newNeighbour(t *testing.T, dir, name string) *neighbour {
	t.Helper()
	server, err := url.Parse(os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	n := &neighbour{name: name, settings: map[string]string{}, order: testenv.Port(t),
		env: []string{"SHOPS_DIR=" + dir, "SHOPS_DATABASE_URL=" + server.String()}}
	for range 2 { // the second finds all made
		if code, out, stderr := shoptest.Command(t, n.env, "create", name); code != 0 {
			t.Fatalf("create: %d %s%s", code, out, stderr)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, name, "shop.env")) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the shop was stopped
		if code, out, stderr := shoptest.Command(t, n.env, "destroy", name, "-yes", name); code != 0 {
			t.Errorf("destroy: %d %s%s", code, out, stderr)
		}
	})
	env := []string{"ORDER_ADDR=" + n.order}
	for _, m := range regexp.MustCompile(`(?m)^(\w+)='(.*)'$`).FindAllStringSubmatch(string(text), -1) {
		n.settings[m[1]] = m[2]
		if !strings.HasSuffix(m[1], "_ADDR") && !strings.HasSuffix(m[1], "_URL") && m[1] != "DATA_DIR" { // two tests may run at once
			env = append(env, m[1]+"="+m[2])
		}
	}
	n.Shop = shoptest.Start(t, shoptest.Options{DatabaseURL: n.settings["DATABASE_URL"], Env: env})
	return n
}

// No login of one shop comes into the database of the other, and a service or command that is given the wrong one refuses.
func rolesStayAtHome(t *testing.T, a, b *neighbour) {
	for _, service := range []string{"owner", "edge", "user", "order", "events", "mailer", "webhook", "admin"} {
		u, err := url.Parse(b.settings["DATABASE_URL"])
		if err != nil {
			t.Fatal(err)
		}
		password := a.settings[strings.ToUpper(service)+"_DB_PASSWORD"]
		if service == "owner" {
			own, err := url.Parse(a.settings["DATABASE_URL"])
			if err != nil {
				t.Fatal(err)
			}
			password, _ = own.User.Password()
		}
		u.User = url.UserPassword(pg.Role(a.name, service), password)
		pool, err := pg.Open(t.Context(), u.String(), a.name, service)
		if err != nil {
			t.Fatal(err)
		}
		if err := pool.Ping(t.Context()); err == nil {
			t.Errorf("%s comes into the database of another shop", service)
		}
		pool.Close()
	}
	wrong := []string{"DATABASE_URL=" + b.settings["DATABASE_URL"], "SHOP_NAME=" + a.name}
	if code, _, stderr := shoptest.Command(t, wrong, "order", "payments"); code != 1 || !strings.Contains(stderr, pg.ErrOtherShop.Error()) {
		t.Errorf("a command with the wrong database: %d %s", code, stderr)
	}
	if code, _, stderr := shoptest.Command(t, append(wrong, "DATA_DIR="+t.TempDir()), "migrate"); code != 1 ||
		!strings.Contains(stderr, pg.ErrOtherShop.Error()) {
		t.Errorf("migrate with the wrong database: %d %s", code, stderr)
	}
	pool, err := pg.Open(t.Context(), b.settings["DATABASE_URL"], a.name, "order")
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := pool.Ping(t.Context()); !errors.Is(err, pg.ErrOtherShop) {
		t.Errorf("a service with the wrong database: %v", err)
	}
}

// One Stripe account tells both shops of all payments: each is one shop's. An endpoint's secret is one shop's alone.
func paymentsStayAtHome(t *testing.T, a, b *neighbour) {
	session := a.Ledger()[0]
	if got := session.Metadata["shop"]; got != a.name {
		t.Errorf("Stripe is told of shop %q, want %q", got, a.name)
	}
	event := a.Event(completed, session.ID)
	if status, err := a.PostEventTo(b.Shop, event); err != nil || status != http.StatusBadRequest {
		t.Errorf("signed for another shop: %d, %v, want 400", status, err)
	}
	if status, err := b.PostEvent(event); err != nil || status != http.StatusOK {
		t.Errorf("%d, %v", status, err)
	}
	b.Quiet(20 * time.Second)
	if orders, issues := b.Count("order", `SELECT count(*) FROM orders`), b.Count("order",
		`SELECT count(*) FROM payment_issue`); orders != 1 ||
		issues != 0 {
		t.Errorf("%d orders and %d entries for staff, want those of its own shoppers: 1 and 0", orders, issues)
	}
}

func cookiesStayAtHome(t *testing.T, a, b *neighbour) {
	browser := a.Browser()
	browser.Get("/user/token")
	browser.Want(browser.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")
	cart := browser.Cookie("an_ct_" + a.name)
	if cart == "" || browser.Cookie("an_ct") != "" {
		t.Error("the cookie of a cart does not have the shop's name")
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.URL+"/order/cart-items", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"an_ct", "an_ct_" + b.name} {
		r.AddCookie(&http.Cookie{Name: name, Value: cart})
	}
	answer, err := b.Browser().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if answer.At("cart_found") != false {
		t.Errorf("the cart of another shop: %s", answer.Body)
	}
}

// What edge of one shop signs, the services of the other do not take.
func identitiesStayAtHome(t *testing.T, a, b *neighbour) {
	for shop, want := range map[*neighbour]int{b: http.StatusOK, a: http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+b.order+"/order/cart-items", nil)
		if err != nil {
			t.Fatal(err)
		}
		key := boot.KeysFor("edge", shop.settings["SHOP_SECRET"]).Key("identity")
		if err := web.SignIdentity(r, key, web.Identity{Cart: "x"}); err != nil {
			t.Fatal(err)
		}
		answer, err := b.Browser().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status != want {
			t.Errorf("signed by %s, asked of %s: %d, want %d", shop.name, b.name, answer.Status, want)
		}
	}
}

// A session and an API token of one back office are nothing in the other's.
func staffStayAtHome(t *testing.T, a, b *neighbour) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	w, err := client.PostForm(a.AdminLink, nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = w.Body.Close()
	home, err := url.Parse(a.Admin)
	if err != nil {
		t.Fatal(err)
	}
	if w.StatusCode != http.StatusSeeOther || len(jar.Cookies(home)) == 0 {
		t.Fatalf("signing in: %s", w.Status)
	}
	for shop, want := range map[*neighbour]int{a: http.StatusOK, b: http.StatusSeeOther} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.Admin+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range jar.Cookies(home) {
			for _, name := range []string{c.Name, strings.Replace(c.Name, a.name, shop.name, 1)} {
				r.AddCookie(&http.Cookie{Name: name, Value: c.Value})
			}
		}
		w, err := (&http.Client{CheckRedirect: client.CheckRedirect}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Body.Close()
		if w.StatusCode != want {
			t.Errorf("a session of %s at %s: %s, want %d", a.name, shop.name, w.Status, want)
		}
	}
}
