package e2e

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// neighbor is one of two shops that share a PostgreSQL server, as shop create made it.
type neighbor struct {
	*shoptest.Shop
	name     string
	settings map[string]string
	env      []string
	made     time.Duration // how long create took
}

// Two shops on one server sell side by side, and no credential of one works in the other.
func TestTwoShopsOnOneServer(t *testing.T) {
	t.Parallel()
	mark := strings.ToLower(rand.Text()[:8]) // roles belong to the whole server
	dir, broker, server := t.TempDir(), "SHOPS_NATS_ADDR="+testenv.Port(t), "SHOPS_DATABASE_URL="+maker(t, "maker_"+mark)
	shoptest.Background(t, []string{"SHOPS_DIR=" + dir, broker}, "broker")
	a, b := newNeighbor(t, dir, "acme_"+mark, server, broker), newNeighbor(t, dir, "bolt_"+mark, server, broker)
	wide := listen(t, a) // before anyone buys
	for _, shop := range []*neighbor{a, b} {
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
	t.Run("members", func(t *testing.T) { membersStayAtHome(t, a, b) })
	t.Run("identities", func(t *testing.T) { identitiesStayAtHome(t, a, b) })
	t.Run("broker", func(t *testing.T) { accountsStayAtHome(t, a, b, wide) })
	t.Run("staff", func(t *testing.T) { staffStayAtHome(t, a, b) })
}

// A database into which a shop was restored for a drill gives rights to the shop's roles.
// Destroying the shop reports this before it changes anything, and succeeds once that database is
// gone.
func TestDestroyBesideADrill(t *testing.T) {
	t.Parallel()
	mark := strings.ToLower(rand.Text()[:8])
	server := maker(t, "maker_"+mark)
	env := []string{"SHOPS_DIR=" + t.TempDir(), "SHOPS_DATABASE_URL=" + server}
	name, drill := "bolt_"+mark, "drill_"+mark
	if code, out, stderr := shoptest.Command(t, env, "create", name); code != 0 {
		t.Fatalf("create: %d %s%s", code, out, stderr)
	}

	// A drill database belongs to the shop's owner.
	conn, err := pgx.Connect(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background()) //nolint:errcheck // the test is over
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+drill+" OWNER "+name+"_owner"); err != nil {
		t.Fatal(err)
	}

	// The shop refuses the drill's settings.
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + drill
	slip := []string{"SHOP_NAME=" + name, "DATABASE_URL=" + u.String(), "EDGE_DB_PASSWORD=another", "DATA_DIR=" + t.TempDir()}
	if code, out, stderr := shoptest.Command(t, slip, "migrate"); code != 1 || !strings.Contains(stderr, "serves the database "+name) {
		t.Errorf("migrating the drill with other passwords: %d %s%s", code, out, stderr)
	}

	// Destroying refuses first, and changes nothing.
	destroy := func() (int, string) {
		code, out, stderr := shoptest.Command(t, env, "destroy", name, "-yes", name)
		return code, out + stderr
	}
	if code, output := destroy(); code != 1 || !strings.Contains(output, "the database "+drill) {
		t.Errorf("beside a drill: %d %s", code, output)
	}
	if code, out, stderr := shoptest.Command(t, env, "create", name); code != 0 { // nothing was destroyed
		t.Errorf("create once more: %d %s%s", code, out, stderr)
	}

	// Without the drill it succeeds.
	if _, err := conn.Exec(t.Context(), "DROP DATABASE "+drill); err != nil {
		t.Fatal(err)
	}
	if code, output := destroy(); code != 0 {
		t.Errorf("destroy: %d %s", code, output)
	}
}

// maker is a login that may create roles and databases, and nothing else.
func maker(t *testing.T, name string) string {
	t.Helper()
	server, err := url.Parse(os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), server.String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "CREATE ROLE "+name+" LOGIN CREATEROLE CREATEDB PASSWORD 'secret'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after its shops are gone
		_, err := conn.Exec(context.Background(), "DROP ROLE "+name)
		if err := errors.Join(err, conn.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	server.User = url.UserPassword(name, "secret")
	return server.String()
}

// newNeighbor creates a shop by command and opens it. Both are gone after the test.
func newNeighbor(t *testing.T, dir, name, server string, env ...string) *neighbor {
	t.Helper()
	n := &neighbor{name: name, settings: map[string]string{}, env: append(env, "SHOPS_DIR="+dir, server)}
	for range 2 { // the second run finds everything made
		began := time.Now()
		if code, out, stderr := shoptest.Command(t, n.env, "create", name); code != 0 {
			t.Fatalf("create: %d %s%s", code, out, stderr)
		}
		n.made = max(n.made, time.Since(began))
	}

	text, err := os.ReadFile(filepath.Join(dir, name, "shop.env")) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the shop was stopped
		if _, err := os.Stat(filepath.Join(dir, name)); errors.Is(err, os.ErrNotExist) {
			return // the test destroyed it
		}
		if code, out, stderr := shoptest.Command(t, n.env, "destroy", name, "-yes", name); code != 0 {
			t.Errorf("destroy: %d %s%s", code, out, stderr)
		}
	})

	env = nil
	for _, m := range regexp.MustCompile(`(?m)^(\w+)='(.*)'$`).FindAllStringSubmatch(string(text), -1) {
		n.settings[m[1]] = m[2]
		own := strings.HasSuffix(m[1], "_ADDR") || strings.HasSuffix(m[1], "_URL") || m[1] == "DATA_DIR" // two tests may run at once
		if !own || m[1] == "NATS_URL" {
			env = append(env, m[1]+"="+m[2])
		}
	}
	n.Shop = shoptest.Start(t, shoptest.Options{DatabaseURL: n.settings["DATABASE_URL"], Env: env})
	return n
}

// No login of one shop can connect to the database of the other. A service or command that is given
// the wrong one refuses to start.
func rolesStayAtHome(t *testing.T, a, b *neighbor) {
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

	// Commands and services refuse the wrong database.
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

// listen receives everything that a shop's staff can receive from the broker.
func listen(t *testing.T, shop *neighbor) *nats.Subscription {
	t.Helper()
	nc, err := nats.Connect(shop.NATS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	all, err := nc.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Each of a shop's users of the common broker is confined to its own account: in the other shop it
// receives nothing, has no password, and sends nothing. A third shop that was never opened gets
// nothing from either.
func accountsStayAtHome(t *testing.T, a, b *neighbor, wide *nats.Subscription) {
	c := strings.Replace(b.name, "bolt", "club", 1)
	if code, _, stderr := shoptest.Command(t, b.env, "create", c); code != 0 {
		t.Fatalf("create: %s", stderr)
	}
	defer func() {
		if code, _, stderr := shoptest.Command(t, b.env, "destroy", c, "-yes", c); code != 0 {
			t.Errorf("destroy: %s", stderr)
		}
	}()

	// No login of one is valid at the other.
	own, err := url.Parse(a.NATS)
	if err != nil {
		t.Fatal(err)
	}
	other, err := url.Parse(b.NATS)
	if err != nil || own.Host != other.Host {
		t.Fatalf("the shops have brokers of their own: %s, %s, %v", own.Host, other.Host, err)
	}
	secret, _ := own.User.Password()
	for _, user := range []string{"edge", "user", "order", "events", "mailer", "webhook", "admin", "provision", "staff", "sys"} {
		for _, login := range []*url.Userinfo{
			url.User(b.name + "_" + user), url.UserPassword(b.name+"_"+user, secret), url.UserPassword(user, secret),
		} {
			at := *own
			at.User = login
			if nc, err := nats.Connect(at.String()); err == nil {
				nc.Close()
				t.Errorf("%s gets in with a password of another shop", at.Redacted())
			}
		}
	}

	// Staff receive only messages of their own shop.
	placed := 0
	for {
		m, err := wide.NextMsg(100 * time.Millisecond)
		if err != nil {
			break
		}
		if m.Subject == msg.OrderPlacedSubject {
			placed++
		}
		if strings.Contains(string(m.Data), b.name) {
			t.Errorf("the staff of %s hear %s of %s", a.name, m.Subject, b.name)
		}
	}
	if placed == 0 {
		t.Error("the staff of a shop do not hear their own")
	}

	// A message of one does not arrive in the other.
	before := messages(t, b)
	js := streams(t, a)
	for _, subject := range []string{"stripe." + completed, msg.UserErased, "staff.acted.order"} {
		if _, err := js.Publish(subject, []byte(`{}`)); err != nil {
			t.Errorf("%s at home: %v", subject, err)
		}
	}
	if after := messages(t, b); !maps.Equal(before, after) {
		t.Errorf("what one shop says arrives in the other: %v, then %v", before, after)
	}
}

// streams are the streams of a shop, until the test ends.
func streams(t *testing.T, shop *neighbor) nats.JetStreamContext {
	t.Helper()
	nc, err := nats.Connect(shop.NATS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// messages are the numbers of messages that each stream of a shop has had.
func messages(t *testing.T, shop *neighbor) map[string]uint64 {
	t.Helper()
	js := streams(t, shop)
	had := map[string]uint64{}
	for _, name := range []string{"STRIPE", "USER", "STAFF"} {
		info, err := js.StreamInfo(name)
		if err != nil {
			t.Fatal(err)
		}
		had[name] = info.State.LastSeq
	}
	return had
}

// One Stripe account sends events of all payments to both shops. Each shop takes its own payments,
// and only its own endpoint secret.
func paymentsStayAtHome(t *testing.T, a, b *neighbor) {
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

func cookiesStayAtHome(t *testing.T, a, b *neighbor) {
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

// A session and an API token of one back office are not valid in the other.
func staffStayAtHome(t *testing.T, a, b *neighbor) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}

	// Sign in at home.
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

	// The session.
	for shop, want := range map[*neighbor]int{a: http.StatusOK, b: http.StatusSeeOther} {
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

	// A token.
	token := apiToken(t, client, a)
	for shop, want := range map[*neighbor]int{a: http.StatusOK, b: http.StatusUnauthorized} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.Admin+"/orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = w.Body.Close()
		if w.StatusCode != want {
			t.Errorf("an API token of %s at %s: %s, want %d", a.name, shop.name, w.Status, want)
		}
	}
}

// apiToken makes a token with which programs may read orders, as the person who is signed in.
func apiToken(t *testing.T, client *http.Client, shop *neighbor) string {
	t.Helper()
	read := func(w *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return readAll(t, w)
	}
	form := url.Values{"name": {"Reports"}, "days": {"30"}, "scope": {"orders.view"}}
	for _, field := range formFields.FindAllStringSubmatch(read(client.Get(shop.Admin+"/account")), -1) {
		form.Set(field[1], field[2])
	}
	made := read(client.PostForm(shop.Admin+"/account/tokens", form))
	token := regexp.MustCompile(`shopadmin_[A-Z2-7]+`).FindString(made)
	if token == "" {
		t.Fatalf("no token: %.600s", made)
	}
	return token
}
