package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

func TestMain(m *testing.M) { shoptest.Main(m) }

// crowd are shoppers who buy one thing after another, and the results of their clicks.
type crowd struct {
	t    *testing.T
	shop *shoptest.Shop
	over atomic.Bool
	all  sync.WaitGroup

	clicks, changes, bought atomic.Int64
	mu                      sync.Mutex
	failed                  []failedClick
}

// failedClick is a click that got a server error or no answer.
type failedClick struct{ method, path, answer string }

func newCrowd(t *testing.T, shop *shoptest.Shop, shoppers int) *crowd {
	t.Helper()
	c := &crowd{t: t, shop: shop}
	for shopper := range shoppers {
		c.all.Go(func() {
			for n := 0; !c.over.Load(); n++ {
				c.buy(fmt.Sprintf("crowd%d.%d@mail.example.com", shopper, n))
			}
		})
	}
	t.Cleanup(c.end)
	return c
}

func (c *crowd) end() { c.over.Store(true); c.all.Wait() }

// click makes a request until it succeeds.
func (c *crowd) click(b *shoptest.Browser, method, path string, pairs ...string) shoptest.Answer {
	a, _ := c.clickCounted(b, method, path, pairs...)
	return a
}

// clickCounted is click, and returns how many tries it took.
func (c *crowd) clickCounted(b *shoptest.Browser, method, path string, pairs ...string) (a shoptest.Answer, tries int) {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	for tries = range 100 {
		c.clicks.Add(1)
		if method == http.MethodPost {
			c.changes.Add(1)
		}
		a, err := b.Try(method, path, form)
		if err == nil && a.Status < 500 {
			if a.Status >= 400 {
				c.t.Errorf("%s %s answers %d %.200s", method, path, a.Status, a.Body)
			}
			return a, tries + 1
		}
		c.mu.Lock()
		c.failed = append(c.failed, failedClick{method, path, fmt.Sprintf("%d %.100s %v", a.Status, a.Body, err)})
		c.mu.Unlock()
		wait.Sleep(c.t.Context(), 50*time.Millisecond)
	}
	c.t.Errorf("%s %s fails and fails", method, path)
	return shoptest.Answer{}, tries
}

// buy makes a whole purchase.
func (c *crowd) buy(email string) {
	b := c.shop.Browser()
	for _, path := range []string{"/", "/order/products", "/user/token", "/user/logged-in",
		"/clientevent/pageview?url=http%3A%2F%2Fshop%2F&pageWidth=400&client_event_id=null"} {
		c.click(b, http.MethodGet, path)
	}
	c.fill(b)
	a := c.click(b, http.MethodPost, pageOfCheckout, "agree_to_terms_of_sale", "true", "anonymous_email_address", email)
	b.Want(a, "success", "create_checkout_session")
	session := a.Text("session_id")
	if err := c.shop.TryPay(session, payAs(email)); err != nil {
		c.t.Errorf("paying: %v", err)
		return
	}
	a = c.click(b, http.MethodGet, "/order/checkout-session-success?session_id="+session)
	b.Want(a, "success", "checkout_session_success")
	c.click(b, http.MethodGet, "/order/"+a.Text("order_identifier"))
	c.bought.Add(1)
}

// fill puts two pieces into the cart, and some of another SKU, which it removes again. Only after a
// repeated click may the cart have more.
func (c *crowd) fill(b *shoptest.Browser) {
	_, tries := c.clickCounted(b, http.MethodPost, "/order/cart-add-product-sku", "sku_id", "6", "quantity", "2")
	c.click(b, http.MethodPost, "/order/cart-add-product-sku", "sku_id", "7", "quantity", "1")
	c.click(b, http.MethodPost, "/order/cart-update-sku-quantity", "sku_id", "7", "quantity", "3")
	a, removals := c.clickCounted(b, http.MethodPost, "/order/cart-remove-sku", "sku_id", "7")
	if removals == 1 {
		b.Want(a, "success", "cart_remove_sku")
	}
	a = c.click(b, http.MethodGet, "/order/cart-items")
	if tries == 1 {
		b.Want(a, 2, "item_data", "product_sku_data", "0", "quantity")
	}
	b.Want(a, nil, "item_data", "product_sku_data", "1")
}

// more waits for some more purchases.
func (c *crowd) more(n int64) {
	c.t.Helper()
	enough := c.bought.Load() + n
	c.shop.Eventually(60*time.Second, "some more purchases", func() bool { return c.bought.Load() >= enough })
}

// failures are the failed clicks since a time, split into those that asked for a change and others.
func (c *crowd) failures(since int) (reads, changes []failedClick, now int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.failed[since:] {
		if f.method == http.MethodGet {
			reads = append(reads, f)
		} else {
			changes = append(changes, f)
		}
	}
	return reads, changes, len(c.failed)
}

// While shoppers buy, one process after another is ended and started again: one of two processes of
// each service, or one of three brokers. REPLICAS is the number of rounds. Without it only order
// and user run twice, beside one broker.
//
// No click fails when a process is stopped, or when one that is not edge is killed. A killed edge
// takes the connections of shoppers with it: those who asked for a change get no answer, and try
// again. In any case each payment is one order and one mail. Then a process dies of one click after
// another, and a person ships and refunds while admin, order, or the broker is killed between any
// two steps of that.
func TestReplicas(t *testing.T) {
	t.Parallel()
	rounds, shoppers := number(t, "REPLICAS", 0), 8
	o := shoptest.FleetOptions{Twice: shoptest.Services, Brokers: 3}
	if rounds == 0 {
		o, shoppers = shoptest.FleetOptions{Twice: []string{"order", "user"}, Brokers: 1}, 3
	}

	f := shoptest.StartFleet(t, o)
	targets := append([]string{"broker"}, shoptest.Services...)
	if rounds == 0 {
		rounds, targets = 1, []string{"order"}
	}

	c := newCrowd(t, f.Shop, shoppers)
	c.more(3)
	seen := 0
	for round := range rounds {
		for _, way := range []struct {
			name string
			end  func(*shoptest.Process)
		}{{"kill -9", (*shoptest.Process).Kill}, {"stop", (*shoptest.Process).Stop}} {
			cut := 0

			for _, service := range targets {
				of := f.Of(service)
				p := of[round%len(of)]
				way.end(p)
				c.more(int64(shoppers))
				p.Start()
				c.more(3)

				reads, changes, now := c.failures(seen)
				seen = now
				may := 0
				if service == "edge" && way.name == "kill -9" {
					may = shoppers
				}
				if len(reads) > 0 || len(changes) > may {
					t.Errorf("%s of %s: clicks failed: %v %v", way.name, service, reads, changes)
				}
				for _, click := range changes {
					t.Logf("round %d, %s of %s cut %v", round+1, way.name, service, click)
				}
				cut += len(changes)
			}
			t.Logf("round %d, %s of %d processes in turn: %d clicks so far, failed now: %d", round+1, way.name, len(targets),
				c.clicks.Load(), cut)
		}
	}

	c.end()
	f.Check(60 * time.Second)
	if n := len(f.Orders()); int64(n) != c.bought.Load() {
		t.Errorf("%d purchases are %d orders", c.bought.Load(), n)
	}
	t.Logf("%d clicks, %d of them for a change, %d purchases = orders = mails", c.clicks.Load(), c.changes.Load(), c.bought.Load())

	folder := shoptest.Faults(t, "admin", "order", "user")
	clicksUnderKills(t, f, folder)
	staffUnderKills(t, f, folder)
}
