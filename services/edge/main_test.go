package edge

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const secret = "a secret of the tests, long enough"

// env is an edge with a real database and broker, in front of owners whose answers the test sets.
type env struct {
	testenv.DB
	t                            *testing.T
	server                       *server
	url                          string
	user, order, events, webhook *owner
	broker                       *testenv.Broker
	pool                         *pgxpool.Pool
}

func newEnv(t *testing.T, change ...func(*Config)) *env {
	t.Helper()
	e := &env{t: t, user: newOwner(t, true), order: newOwner(t, true), events: newOwner(t, true), webhook: newOwner(t, false),
		broker: testenv.NewBroker(t)}
	e.pool = testenv.Pool(t, "edge", Migrations()...)
	e.DB = testenv.DB{TB: t, Conn: e.pool}
	cfg := Config{
		MediaURL:       t.TempDir(),
		Public:         boot.Public{PublicURL: "http://shop.example"},
		Keys:           boot.Keys{ShopSecret: secret},
		TrustedProxies: "loopback",
		AllowedOrigins: "http://front.example:8000",
		UserURL:        e.user.URL,
		OrderURL:       e.order.URL,
		EventsURL:      e.events.URL,
		WebhookURL:     e.webhook.URL,
	}
	for _, c := range change {
		c(&cfg)
	}
	s, err := newServer(service.NewCore(testenv.Log(t), e.pool, e.broker.Bus("edge")), cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.server = s
	testenv.Run(t, s.publisher.Run)
	testenv.Run(t, s.outbox.Run)
	for _, c := range s.consumers() {
		testenv.Run(t, func(ctx context.Context) error { return s.bus.Consume(ctx, c) })
	}
	if err := s.listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.listenCatalog(t.Context()); err != nil {
		t.Fatal(err)
	}

	srv := httptest.NewServer(s.routes())
	t.Cleanup(srv.Close)
	e.url = srv.URL
	e.defaults()
	testenv.Eventually(t, 30*time.Second, "edge connected to the broker", s.bus.Connected)

	return e
}

// ann is the member who can log in with the password "right".
var ann = web.SessionMember{ID: 7, Username: "ann_lee", FirstName: "Ann", LastName: "Lee", Email: "ann@mail.example.com",
	Code: "aaaaabbbbbcccccddddd"}

// defaults sets the owners' answers, which a test may replace.
func (e *env) defaults() {
	e.user.on("POST /user/login", func(rw http.ResponseWriter, r seen) {
		form, err := url.ParseQuery(r.body)
		if err != nil || form.Get("password") != "right" {
			web.TellOutcome(rw, web.OutcomeWrong)
			rw.Header().Set("Content-Type", "application/json")
			io.WriteString(rw, `{"login":"false","user-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
			return
		}
		m := ann
		m.Username = form.Get("username")
		changes(`{"login":"true","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
			return web.SessionChange{Action: web.SessionOpen, Remember: form.Get("remember_me") == "true", Member: m}
		})(rw, r)
	})

	register := changes(`{"create_account":"true","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
		return web.SessionChange{Action: web.SessionOpen, KeepCart: true, Member: ann, Failed: []byte(
			`{"create_account":"created_but_login_failed","user-api-version":"0.0.1"}`)}
	})
	e.user.on("POST /user/create-account", func(rw http.ResponseWriter, r seen) {
		web.TellOutcome(rw, web.OutcomeDone)
		register(rw, r)
	})
	e.user.on("POST /user/change-my-password", changes(`{"change_my_password":"success","user-api-version":"0.0.1"}`,
		func(seen) web.SessionChange {
			return web.SessionChange{Action: web.SessionRenew, Member: ann, Failed: []byte(
				`{"change_my_password":"changed_password_but_login_failed","user-api-version":"0.0.1"}`)}
		}))
	e.user.on("POST /user/set-new-password", changes(`{"set_new_password":"success","user-api-version":"0.0.1"}`,
		func(seen) web.SessionChange {
			return web.SessionChange{Action: web.SessionEndAll, Member: ann}
		}))
	e.order.says("POST /internal/cart-merge", `{"merged":true}`)

	e.order.on("GET /internal/cart-counts", func(rw http.ResponseWriter, r seen) { // three lines for everybody
		counts := map[string]map[string]int{"members": {}, "carts": {}}
		for name, list := range map[string]string{"member": "members", "cart": "carts"} {
			for _, who := range r.URL.Query()[name] {
				counts[list][who] = 3
			}
		}
		if err := web.JSON(rw, http.StatusOK, counts); err != nil {
			panic(err)
		}
	})

	e.order.says("GET /internal/account-orders", `{"orders_data":{}}`)
	e.sells(1)
	e.events.says("GET /internal/configuration", `{"log_client_events":true}`)

	e.order.on("POST /order/cart-add-product-sku", func(rw http.ResponseWriter, r seen) {
		cart := r.id.Cart
		if cart == "" {
			cart = "cart123"
		}
		if !r.id.Member() {
			rw.Header().Set(web.SetCartHeader, cart)
		}
		io.WriteString(rw, `{"cart_add_product_sku":"success","cart_item_count":1,`+
			`"order-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
	})
}

// browser is a client with cookies.
type browser struct{ *testenv.Client }

func (e *env) browser() *browser {
	e.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		e.t.Fatal(err)
	}
	return &browser{&testenv.Client{TB: e.t, URL: e.url, Jar: jar, Header: http.Header{}}}
}

// form makes a POST without a token.
func (b *browser) form(path string, pairs ...string) *http.Request {
	b.TB.Helper()
	return b.Request(http.MethodPost, path, pairs...)
}

// Post sends a form with the token of the browser's cookie, fetched if there is none.
func (b *browser) Post(path string, pairs ...string) testenv.Answer {
	b.TB.Helper()
	if b.cookie(csrfCookie) == "" {
		b.Get("/user/token")
	}
	r := b.form(path, pairs...)
	r.Header.Set("X-CSRFToken", b.cookie(csrfCookie))
	return b.Do(r)
}

func (b *browser) address() *url.URL {
	b.TB.Helper()
	u, err := url.Parse(b.URL)
	if err != nil {
		b.TB.Fatal(err)
	}
	return u
}

func (b *browser) cookie(name string) string {
	b.TB.Helper()
	for _, c := range b.Jar.Cookies(b.address()) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	b.TB.Helper()
	b.Jar.SetCookies(b.address(), []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// login logs ann in; changes of the form are name, value, name, value….
func (b *browser) login(changes ...string) testenv.Answer {
	b.TB.Helper()
	form := []string{"username", "ann_lee", "password", "right", "remember_me", "false"}
	for i := 0; i < len(changes); i += 2 {
		form[slices.Index(form, changes[i])+1] = changes[i+1]
	}
	a := b.Post("/user/login", form...).OK()
	a.Has(http.StatusOK, `"true"`)
	return a
}

// member reports whether the browser is logged in.
func (b *browser) member() bool {
	b.TB.Helper()
	return strings.HasPrefix(b.Get("/user/logged-in").OK().Body, `{"logged_in":true`)
}
