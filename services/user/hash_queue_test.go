package user

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// waitingNow is how many requests wait for a slot.
func (p *hashSlots) waitingNow() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known.length + p.other.length
}

// identityContext is the context of a request with an identity.
func identityContext(t *testing.T, id web.Identity) (ctx context.Context) {
	t.Helper()
	key := []byte("a key of this test")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err := web.SignIdentity(r, key, id); err != nil {
		t.Fatal(err)
	}
	web.RequireIdentity(key)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { ctx = r.Context() })).ServeHTTP(
		httptest.NewRecorder(), r)
	return ctx
}

// fill takes both slots.
func fill(t *testing.T, p *hashSlots) {
	t.Helper()
	for range hashConcurrency {
		if err := p.acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// joinQueue lets a request wait, and returns once it is in the queue.
func joinQueue(t *testing.T, p *hashSlots, ctx context.Context, done func(error)) {
	t.Helper()
	before := p.waitingNow()
	go func() { done(p.acquire(ctx)) }()
	testenv.Eventually(t, 30*time.Second, "a request in the queue", func() bool { return p.waitingNow() > before })
}

// A full queue sends away, and a request whose client has left does not stay in it.
func TestFullHashQueueSendsAway(t *testing.T) {
	t.Parallel()
	h := newHasher(testCost)
	fill(t, h.slots)
	ctx, cancel := context.WithCancel(t.Context())

	errs := make(chan error, hashQueueSize)
	for range hashQueueSize {
		go func() { errs <- h.slots.acquire(ctx) }()
	}
	testenv.Eventually(t, 30*time.Second, "the queue is full", func() bool { return h.slots.waitingNow() == hashQueueSize })

	rec := httptest.NewRecorder()
	_, err := h.hash(t.Context(), "x")
	web.Fail(rec, httptest.NewRequest(http.MethodGet, "/", nil), err)
	if rec.Code != http.StatusServiceUnavailable || rec.Header().Get("Retry-After") == "" {
		t.Errorf("beyond the queue: %d %v", rec.Code, rec.Header())
	}

	cancel()
	for range hashQueueSize {
		if err := <-errs; err == nil {
			t.Error("acquired although both slots are taken")
		}
	}

	h.slots.release()
	if ok, err := h.verify(t.Context(), "x", hashed(testCost, "x")); !ok || err != nil {
		t.Errorf("after the storm: %t, %v", ok, err)
	}

	h.slots.release()
	if p := h.slots; p.free != hashConcurrency || len(p.other.waiting)+len(p.known.waiting)+p.waitingNow() != 0 {
		t.Errorf("left behind: %+v", p)
	}
}

// A right login gets through although 260 logins from as many addresses and 740 from one other
// address wait.
func TestLoginWhileManyWait(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "ann@mail.example.com")
	fill(t, e.hasher.slots)
	login := func(client, password string) testenv.Answer {
		return e.As(web.Identity{Client: client}).Post("/user/login", "username", "ann_lee", "password", password, "remember_me", "false")
	}

	var wg sync.WaitGroup
	statuses := make(chan int, hashQueueSize)
	for i := range hashQueueSize {
		client := fmt.Sprintf("203.0.113.%d", i)
		if i >= 260 {
			client = "198.51.100.1"
		} else if i >= 130 {
			client = fmt.Sprintf("2001:db8:0:%x::1", i)
		}
		wg.Go(func() { statuses <- login(client, "Wrong!password").Status })
	}
	testenv.Eventually(t, 60*time.Second, "all wait", func() bool { return e.hasher.slots.waitingNow() == hashQueueSize })

	right := make(chan testenv.Answer, 1)
	wg.Go(func() { right <- login("192.0.2.1", goodPassword) })
	refused := <-statuses // the newest of the address that has the most gives up its place
	if refused != http.StatusServiceUnavailable {
		t.Errorf("a full queue: %d", refused)
	}

	for range hashConcurrency {
		e.hasher.slots.release()
	}
	wg.Wait()
	e.is(<-right, `{"login":"true"}`)
	for range hashQueueSize - 1 {
		if status := <-statuses; status != http.StatusOK {
			t.Errorf("one that waited: %d", status)
		}
	}
}

// Clients take turns, a /64 network is one client, and a known browser does not wait in the queue
// of the others.
func TestHashQueueIsFair(t *testing.T) {
	t.Parallel()
	p := newHashSlots()
	fill(t, p)

	var order []string
	join := func(id web.Identity) {
		joinQueue(t, p, identityContext(t, id), func(err error) {
			if err != nil {
				t.Error(err)
			}
			order = append(order, id.Client) // no race: the next slot is given below
			p.release()
		})
	}

	for i := range 20 {
		join(web.Identity{Client: fmt.Sprintf("2001:db8::%x", i+1)})
	}
	join(web.Identity{Client: "192.0.2.1"})
	join(web.Identity{Client: "192.0.2.2"})
	join(web.Identity{Client: "192.0.2.3", KnownBrowser: true})

	p.release()
	testenv.Eventually(t, 30*time.Second, "the queue is empty", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.free == 1
	})

	for i, client := range []string{"2001:db8::1", "192.0.2.3", "192.0.2.1", "192.0.2.2", "2001:db8::2"} {
		if order[i] != client {
			t.Fatalf("served in the order %v", order)
		}
	}
	if len(order) != 23 {
		t.Errorf("%d of 23 were served", len(order))
	}
}
