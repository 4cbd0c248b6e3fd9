package edge

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The table names every POST of the contract that edge forwards.
func TestEachPostIsSentAgainOrNot(t *testing.T) {
	t.Parallel()
	known := map[string]int{}
	for _, p := range posts {
		known[p.path]++
		if p.why == "" {
			t.Errorf("%s has no reason", p.path)
		}
	}
	for _, file := range []string{"../user/openapi.yaml", "../order/openapi.yaml"} {
		for path, item := range testenv.NewContract(t, file).Doc.Paths.Map() {
			if item.Post == nil || path == webhookPath {
				continue
			}
			if known[path] != 1 {
				t.Errorf("%s is %d times in the table", path, known[path])
			}
			delete(known, path)
		}
	}
	for path := range known {
		t.Errorf("the contract has no POST %s", path)
	}
}

// dying is a process that dies of each request after it has done it. It counts POSTs.
func dying(t *testing.T, received *atomic.Int64) (url string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			received.Add(1)
		}
		panic(http.ErrAbortHandler)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// One of two processes of each owner dies of each request. No click that may be sent again fails,
// and the second process is told that it was sent before.
func TestClicksWhoseProcessDiesAreSentAgain(t *testing.T) {
	t.Parallel()
	var died atomic.Int64
	e := newEnv(t, func(c *Config) {
		for _, at := range []*string{&c.UserURL, &c.OrderURL, &c.WebhookURL} {
			*at = dying(t, &died) + ", " + *at
		}
	})

	b := e.browser()
	for _, p := range posts {
		o := e.order
		if p.path[:len("/user")] == "/user" {
			o = e.user
		}
		if p.path != "/user/login" && p.path != "/order/cart-add-product-sku" {
			o.says("POST "+p.path, `{"here":true}`)
		}
		answers := map[int]int{}
		clicks := map[string]bool{}
		for range 4 {
			seen := o.count(p.path)
			before := died.Load()
			answers[b.Post(p.path, "username", "ann_lee", "password", "right").Status]++
			if o.count(p.path) == seen {
				continue
			}
			r := o.last()
			if r.id.Click == "" == p.again || clicks[r.id.Click] && p.again {
				t.Errorf("%s has the key %q", p.path, r.id.Click)
			}
			clicks[r.id.Click] = true
			if again := r.Header.Get("X-Shop-Again") != ""; again != (died.Load() > before) {
				t.Errorf("%s, of which %d processes died: the next one is told that it is sent again: %t", p.path,
					died.Load()-before, again)
			}
		}
		if p.again != (answers[http.StatusServiceUnavailable] == 0) {
			t.Errorf("POST %s is answered %v", p.path, answers)
		}
	}

	for range 4 {
		b.Do(b.form("/order/stripe-webhook", "a", "b"))
	}
	if n := e.webhook.count("/order/stripe-webhook"); n != 4 {
		t.Errorf("webhook was told %d of 4 events", n)
	}
	if died.Load() < int64(len(posts)) {
		t.Errorf("only %d requests came to a process that dies", died.Load())
	}
}

// A client cannot claim that its request was sent before, nor send the key of another click.
func TestClientCannotClaimARepeat(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.Get("/user/token")
	r := b.form("/order/cart-add-product-sku", "sku_id", "1")
	r.Header.Set("X-CSRFToken", b.cookie(csrfCookie))
	r.Header.Set("X-Shop-Again", "1")
	b.Do(r).OK()
	if got := e.order.last(); got.Header.Get("X-Shop-Again") != "" || len(got.id.Click) < 26 {
		t.Errorf("order sees %q and the key %q", got.Header.Get("X-Shop-Again"), got.id.Click)
	}
}
