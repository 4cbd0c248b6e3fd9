package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const secret = "a secret of the tests, long enough"

// seen is a request as an owner got it.
type seen struct {
	*http.Request
	id   web.Identity
	body string
}

// owner stands for one of our own services behind edge.
type owner struct {
	*httptest.Server
	mu       sync.Mutex
	requests []seen
	answers  map[string]func(w http.ResponseWriter, r seen)
}

func newOwner(t *testing.T, signed bool) *owner {
	t.Helper()
	o := &owner{answers: map[string]func(http.ResponseWriter, seen){}}
	handler := http.Handler(http.HandlerFunc(o.serve))
	if signed {
		handler = web.RequireIdentity(web.Key([]byte(secret), "identity"))(web.Outcomes(handler))
	}
	o.Server = httptest.NewServer(handler)
	t.Cleanup(o.Close)
	return o
}

func (o *owner) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusTeapot)
		return
	}
	s := seen{Request: r, id: web.Who(r), body: string(body)}
	o.mu.Lock()
	o.requests = append(o.requests, s)
	answer := o.answers[r.Method+" "+r.URL.Path]
	o.mu.Unlock()
	if answer == nil {
		web.Fail(w, r, web.NotFound())
		return
	}
	answer(w, s)
}

func (o *owner) on(route string, answer func(w http.ResponseWriter, r seen)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.answers[route] = answer
}

// says answers a route with a JSON text.
func (o *owner) says(route, body string) {
	o.on(route, func(w http.ResponseWriter, _ seen) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	})
}

// tells is says with an outcome.
func (o *owner) tells(route string, outcome web.Outcome, body string) {
	o.on(route, func(w http.ResponseWriter, _ seen) {
		web.TellOutcome(w, outcome)
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	})
}

func (o *owner) last() seen {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.requests) == 0 {
		return seen{Request: &http.Request{Header: http.Header{}}}
	}
	return o.requests[len(o.requests)-1]
}

func (o *owner) count(path string) (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.requests {
		if r.URL.Path == path {
			n++
		}
	}
	return n
}

// world is an edge in front of owners that answer as they are told, with a real database and broker.
type world struct {
	t                            *testing.T
	edge                         *server
	url                          string
	user, order, events, webhook *owner
	broker                       *testenv.Broker
	pool                         *pgxpool.Pool
}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	w := &world{t: t, user: newOwner(t, true), order: newOwner(t, true), events: newOwner(t, true), webhook: newOwner(t, false), broker: testenv.NewBroker(t)}
	w.pool = testenv.Pool(t, "edge", Migrations()...)
	cfg := Config{
		Public: boot.Public{PublicURL: "http://shop.example"}, Keys: boot.Keys{ShopSecret: secret}, TrustedProxies: "loopback", AllowedOrigins: "http://front.example:8000",
		UserURL: w.user.URL, OrderURL: w.order.URL, EventsURL: w.events.URL, WebhookURL: w.webhook.URL,
	}
	for _, c := range change {
		c(&cfg)
	}
	e, err := newServer(service.NewCore(testenv.Log(t), w.pool, w.broker.Bus("edge")), cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.edge = e
	for _, run := range []func(context.Context) error{e.publisher.Run, e.outbox.Run} {
		w.start(run)
	}
	for _, c := range e.consumers() {
		w.start(func(ctx context.Context) error { return e.bus.Consume(ctx, c) })
	}
	if err := e.listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.listenCatalogue(t.Context()); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(e.routes())
	t.Cleanup(srv.Close)
	w.url = srv.URL
	w.defaults()
	testenv.Eventually(t, 30*time.Second, "edge connected to the broker", e.bus.Connected)
	return w
}

// start runs a loop for the length of the test.
func (w *world) start(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("a loop ended with %v", err)
		}
	})
}

// ann is the member who can log in with the password "right".
var ann = web.SessionMember{ID: 7, Username: "ann_lee", FirstName: "Ann", LastName: "Lee", Email: "ann@mail.example.com", Code: "aaaaabbbbbcccccddddd"}

// changes answers with a session change.
func changes(body string, change func(r seen) web.SessionChange) func(http.ResponseWriter, seen) {
	return func(w http.ResponseWriter, r seen) {
		header, err := json.Marshal(change(r))
		if err != nil {
			panic(err)
		}
		w.Header().Set(web.SessionHeader, string(header))
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, body) //nolint:errcheck // a test's answer
	}
}

func (w *world) defaults() {
	w.user.on("POST /user/login", func(rw http.ResponseWriter, r seen) {
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
	w.user.on("POST /user/create-account", func(rw http.ResponseWriter, r seen) {
		web.TellOutcome(rw, web.OutcomeDone)
		register(rw, r)
	})
	w.user.on("POST /user/change-my-password", changes(`{"change_my_password":"success","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
		return web.SessionChange{Action: web.SessionRenew, Member: ann, Failed: []byte(
			`{"change_my_password":"changed_password_but_login_failed","user-api-version":"0.0.1"}`)}
	}))
	w.user.on("POST /user/set-new-password", changes(`{"set_new_password":"success","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
		return web.SessionChange{Action: web.SessionEndAll, Member: ann}
	}))
	w.order.says("POST /internal/cart-merge", `{"merged":true}`)
	w.order.on("GET /internal/cart-counts", func(rw http.ResponseWriter, r seen) { // three lines for everybody
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
	w.order.says("GET /internal/account-orders", `{"orders_data":{}}`)
	w.order.says("GET /order/products", `{"products":{},"order-api-version":"0.0.1"}`)
	w.events.says("GET /internal/configuration", `{"log_client_events":true}`)
	w.order.on("POST /order/cart-add-product-sku", func(rw http.ResponseWriter, r seen) {
		cart := r.id.Cart
		if cart == "" {
			cart = "cart123"
		}
		if !r.id.Member() {
			rw.Header().Set(web.SetCartHeader, cart)
		}
		io.WriteString(rw, `{"cart_add_product_sku":"success","cart_item_count":1,"order-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
	})
}

// browser is a client with cookies.
type browser struct {
	w   *world
	jar *cookiejar.Jar
	// header goes with every request.
	header http.Header
}

func (w *world) browser() *browser {
	w.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, jar, http.Header{}}
}

// answer is what came back, with its body read.
type answer struct {
	*http.Response
	body string
}

// cookie is the cookie that an answer sets, or nil.
func (a answer) cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func (b *browser) do(r *http.Request) answer {
	t := b.w.t
	t.Helper()
	for name, values := range b.header {
		if r.Header[name] == nil {
			r.Header[name] = values
		}
	}
	client := http.Client{Jar: b.jar, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return answer{res, string(body)}
}

func (b *browser) get(path string) answer {
	b.w.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.w.url+path, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return b.do(r)
}

// form makes a POST of name, value pairs without a token.
func (b *browser) form(path string, pairs ...string) *http.Request {
	b.w.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1]) // the last of a name counts
	}
	r, err := http.NewRequest(http.MethodPost, b.w.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8")
	return r
}

// post sends a form with the token of the browser's cookie, fetched when there is none.
func (b *browser) post(path string, pairs ...string) answer {
	b.w.t.Helper()
	if b.cookie(csrfCookie) == "" {
		b.get("/user/token")
	}
	r := b.form(path, pairs...)
	r.Header.Set("X-CSRFToken", b.cookie(csrfCookie))
	return b.do(r)
}

func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.w.url)
	if err != nil {
		b.w.t.Fatal(err)
	}
	for _, c := range b.jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) setCookie(name, value string) {
	u, err := url.Parse(b.w.url)
	if err != nil {
		b.w.t.Fatal(err)
	}
	b.jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

func (b *browser) login(pairs ...string) answer {
	b.w.t.Helper()
	a := b.post("/user/login", append([]string{"username", "ann_lee", "password", "right", "remember_me", "false"}, pairs...)...)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, `"true"`) {
		b.w.t.Fatalf("login answered %d %s", a.StatusCode, a.body)
	}
	return a
}

// member says whether the browser is logged in.
func (b *browser) member() bool {
	b.w.t.Helper()
	a := b.get("/user/logged-in")
	if a.StatusCode != http.StatusOK {
		b.w.t.Fatalf("logged-in answered %d %s", a.StatusCode, a.body)
	}
	return strings.HasPrefix(a.body, `{"logged_in":true`)
}

func expect(t *testing.T, a answer, status int, body string) {
	t.Helper()
	if a.StatusCode != status || !strings.Contains(a.body, body) {
		t.Errorf("%s %s answered %d %s, want %d %s", a.Request.Method, a.Request.URL.Path, a.StatusCode, a.body, status, body)
	}
}
