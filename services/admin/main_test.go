package admin

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/alexedwards/argon2id"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// env is the back office with a database of its own, in front of an owner with some pages.
type env struct {
	testenv.DB  // as the owner of the database
	t           *testing.T
	server      *server
	pool        *pgxpool.Pool // as the service
	databaseURL string
	url         string
	owner       *httptest.Server
}

// inProduction makes a second factor required.
func inProduction(c *Config) { c.ShopEnv = "production" }

func newEnv(t *testing.T, more ...func(*Config)) *env {
	t.Helper()
	e := &env{t: t, databaseURL: testenv.Database(t, testenv.Schema{Service: "admin", Sets: Migrations()})}
	e.pool = testenv.Open(t, e.databaseURL, "admin")
	e.DB = testenv.DB{TB: t, Conn: testenv.OpenOwner(t, e.databaseURL, "admin")}
	b := testenv.NoBroker(t, "admin")
	e.owner = httptest.NewServer(testenv.Mount(t, "order", ownersPages(), http.NotFoundHandler()))
	t.Cleanup(e.owner.Close)
	var h http.Handler
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) }))
	t.Cleanup(front.Close)
	e.url = strings.Replace(front.URL, "127.0.0.1", "localhost", 1) // passkeys belong to a name
	away := "http://127.0.0.1:1"
	var err error
	e.server, err = newServer(service.NewCore(testenv.Log(t), e.pool, b),
		e.config(more, Config{URL: e.url, OrderURL: away + "," + e.owner.URL, UserURL: away,
			EventsURL: away, MailerURL: away, WebhookURL: away, EdgeURL: away, PublicURL: away}))
	if err != nil {
		t.Fatal(err)
	}
	h = e.server.routes()
	return e
}

func (e *env) config(more []func(*Config), c Config) Config {
	c.ShopEnv, c.TrustedProxies = "development", "loopback"
	c.PasswordCost = &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	for _, change := range more {
		change(&c)
	}
	return c
}

// ownersPages are the pages of an owner behind admin in these tests.
func ownersPages() adminui.Pages {
	echo := func(r *http.Request) (adminui.Answer, error) {
		return adminui.Page{Title: "Orders", Data: adminui.Who(r),
			Table: &adminui.Table{Name: "orders", Head: []adminui.Heading{{Title: "Order"}},
				Rows: []adminui.TableRow{{Cells: []adminui.Cell{{Value: "=1+1"}}}}}}, nil
	}

	return adminui.Pages{Routes: []adminui.Route{
		adminui.HomeRoute(func(r *http.Request) ([]adminui.Tile, error) {
			if !adminui.Who(r).May(adminui.OrdersView) {
				return nil, nil
			}
			return []adminui.Tile{{Title: "Orders to ship", Count: 3, To: "/orders", Nav: "/orders"},
				{Title: "Payments without an order", Count: adminui.MaxCounted, Tone: "bad"}}, nil
		}, func(*http.Request) ([]adminui.GuideStep, error) {
			return []adminui.GuideStep{{Place: 2, Title: "Open the doors"},
				{Place: 1, Title: "Paint the sign", Done: true, To: "/settings/shop"}}, nil
		}),
		{Method: "GET", Path: "/orders", Action: adminui.OrdersView, Handle: echo},
		{Method: "GET", Path: "/orders/people", Action: adminui.OrdersView, File: adminui.OrdersRefund, Handle: echo},
		{Method: "GET", Path: adminui.WorkPath, Action: adminui.WorkView, Handle: waiting},
		{Method: "GET", Path: adminui.TrailPath, Action: adminui.OrdersView, Handle: walked},
		{Method: "POST", Path: "/orders/ship", Action: adminui.OrdersFulfil, Handle: func(r *http.Request) (adminui.Answer, error) {
			return adminui.Done{To: "/orders", Text: "Shipped <b>" + r.FormValue("id") + "</b>"}, nil
		}},
		{Method: "POST", Path: "/orders/refund", Action: adminui.OrdersRefund, Handle: func(r *http.Request) (adminui.Answer, error) {
			return adminui.Done{To: "/orders", Text: "Refunded " + r.FormValue("amount")}, nil
		}},
	}}
}

// browser is a browser that has not signed in.
func (e *env) browser() *browser {
	e.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return &browser{Client: &testenv.Client{TB: e.t, URL: e.url, Jar: jar, Header: http.Header{"Accept": {"text/html"}}}}
}

// browser keeps cookies and posts forms with the token of the last page.
type browser struct {
	*testenv.Client
	csrf string
}

var csrfField = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// Get requests a page.
func (b *browser) Get(path string) testenv.Answer {
	b.TB.Helper()
	a := b.Client.Get(path)
	if found := csrfField.FindStringSubmatch(a.Body); found != nil {
		b.csrf = found[1]
	}
	return a
}

// Post sends a form with the token of the last page.
func (b *browser) Post(path string, pairs ...string) testenv.Answer {
	b.TB.Helper()
	return b.Client.Post(path, append(pairs, "csrf", b.csrf)...)
}

// person creates a person with these roles.
func (e *env) person(username string, roles ...adminui.Role) int64 {
	e.t.Helper()
	return int64(e.Number(`INSERT INTO person (username, name, roles) VALUES ($1, initcap($1), $2) RETURNING id`, username, roles))
}

// in is the browser of a person who has just signed in.
func (e *env) in(person int64) *browser {
	e.t.Helper()
	token, hash := newToken()
	if err := insertLink(e.t.Context(), e.pool, hash, person, linkTTL); err != nil {
		e.t.Fatal(err)
	}
	b := e.browser()
	if a := b.Post("/sign-in/link/" + token); a.Status != http.StatusSeeOther {
		e.t.Fatal(a)
	}
	b.Get("/")
	return b
}

// as is the browser of a new person with these roles.
func (e *env) as(roles ...adminui.Role) *browser {
	e.t.Helper()
	return e.in(e.person("p"+strings.ToLower(strings.ReplaceAll(e.t.Name(), "/", "-"))+string(roles[0]), roles...))
}

func (e *env) tx(do func(tx pgx.Tx) error) {
	e.t.Helper()
	if err := pgx.BeginFunc(e.t.Context(), e.pool, do); err != nil {
		e.t.Fatal(err)
	}
}
