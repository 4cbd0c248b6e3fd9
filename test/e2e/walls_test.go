package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// Services, users of the broker and pages elsewhere reach only what they may, at a shop with a
// database and a broker of its own.
func TestNobodyReachesMoreThanTheyMay(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{OwnDatabase: true})
	t.Run("database", func(t *testing.T) { servicesLogInAsTheirRole(t, shop) }) // first: the others connect as the owner
	t.Run("broker", func(t *testing.T) { brokerWantsALogin(t, shop) })
	t.Run("hosts", func(t *testing.T) { listenersKnowTheirNames(t, shop) })
	buyPromptly(t, shop, "walled@mail.example.com")
}

// The broker's port alone gives nothing: without a login no client can connect, and none can make
// an order.
func brokerWantsALogin(t *testing.T, shop *shoptest.Shop) {
	staff, err := url.Parse(shop.NATS)
	if err != nil || staff.User.Username() != "staff" {
		t.Fatalf("the settings for commands name the broker as %s, %v", shop.NATS, err)
	}

	// Logins that are not staff's.
	event := []byte(`{"id":"evt_forged","type":"` + completed + `"}`)
	before := shop.Count("order", `SELECT count(*) FROM orders`)
	for _, login := range []*url.Userinfo{
		nil, url.User("staff"), url.UserPassword("staff", "staff"), url.UserPassword("webhook", ""), url.UserPassword("webhook", "webhook"),
		url.UserPassword("order", "secret"), url.UserPassword("nobody", "x"), url.UserPassword("sys", "sys"), url.UserPassword("", ""),
	} {
		at := *staff
		at.User = login
		nc, err := nats.Connect(at.String())
		if err == nil {
			t.Errorf("%s got in; publishing a payment: %v", at.Redacted(), nc.Publish("stripe."+completed, event))
			nc.Close()
		}
	}

	if n := shop.Count("order", `SELECT count(*) FROM orders`); n != before {
		t.Errorf("%d orders that no one paid", n-before)
	}

	// Staff's own login.
	nc, err := nats.Connect(shop.NATS)
	if err != nil {
		t.Fatalf("staff cannot log in at the broker: %v", err)
	}
	defer nc.Close()
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if info, err := js.StreamInfo("STRIPE"); err != nil || info.Config.Name != "STRIPE" {
		t.Errorf("staff cannot look at a stream: %v", err)
	}

	for _, name := range []string{"settings", "secret", "nats-secret", "database-secret", "standin-key",
		filepath.Join("postgres", "password")} {
		if info, err := os.Stat(filepath.Join(shop.DataDir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
}

// No service has a superuser's session, since RESET ROLE would lead from it into all schemas.
func servicesLogInAsTheirRole(t *testing.T, shop *shoptest.Shop) {
	db := testenv.OpenOwner(t, shop.Setting("DATABASE_URL"), "order")
	rows, err := db.Query(t.Context(), `
		SELECT application_name, usename, rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls,
		  EXISTS (SELECT FROM pg_auth_members WHERE member = oid)
		FROM pg_stat_activity JOIN pg_roles ON rolname = usename
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
	if err != nil {
		t.Fatal(err)
	}

	seen := map[string]bool{}
	for rows.Next() {
		var service, login string
		var mighty, member bool
		if err := rows.Scan(&service, &login, &mighty, &member); err != nil {
			t.Fatal(err)
		}
		if login != "shop_"+service || mighty || member {
			t.Errorf("%q is logged in as %s (more rights than its own: %t, may become others: %t)", service, login, mighty, member)
		}
		seen[service] = true
	}

	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, service := range []string{"edge", "user", "order", "events", "mailer", "webhook", "admin"} {
		if !seen[service] {
			t.Errorf("%s has no session", service)
		}
	}
}

// Listeners for this machine answer only requests for this machine's names. A page elsewhere can
// make a name of its own resolve to this machine (DNS rebinding), but its browser sends that name.
func listenersKnowTheirNames(t *testing.T, shop *shoptest.Shop) {
	ask := func(address, host string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		if host != "" {
			r.Host = host
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		return w.StatusCode, readAll(t, w)
	}

	for _, path := range []string{"/staff/parked/edge", "/staff/trail?key=x", "/staff/work-list", "/staff/orders"} {
		if status, body := ask(shop.URL+path, ""); status != http.StatusNotFound { // shoppers find no back office
			t.Errorf("%s in the shop: %d %.200s", path, status, body)
		}
	}

	for _, address := range []string{
		shop.Metrics + "/metrics", shop.Metrics + "/healthz", shop.Metrics + "/readyz",
		shop.Monitor + "/", shop.Monitor + "/varz", shop.Monitor + "/jsz?consumers=true", shop.Monitor + "/connz",
		shop.Monitor + "/healthz",
		shop.Inbox + "/", shop.Inbox + "/api/mails", shop.Inbox + "/api/seen?message_id=x", shop.StandIn + "/",
		shop.StandIn + "/_/switches",
	} {
		for _, own := range []string{"", "localhost", "localhost:8025"} {
			if status, body := ask(address, own); status != http.StatusOK {
				t.Errorf("%s asked as %q: %d %.200s", address, own, status, body)
			}
		}
		for _, foreign := range []string{"attacker.example", "attacker.example:8025", "localhost.attacker.example", "0.0.0.0",
			"192.0.2.1"} {
			if status, body := ask(address, foreign); status != http.StatusForbidden || !strings.Contains(body, "foreign-host") {
				t.Errorf("%s asked as %q: %d %.200s", address, foreign, status, body)
			}
		}
	}
}
