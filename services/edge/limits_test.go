package edge

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func refused(t *testing.T, a answer) bool {
	t.Helper()
	if a.StatusCode != http.StatusTooManyRequests {
		return false
	}
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 3600 || a.body != `{"error":"too-many-requests"}` {
		t.Errorf("refused with %s %v", a.body, a.Header)
	}
	return true
}

// windows is how many windows of a limit of one minute a test has touched since it began.
func windows(began time.Time) int {
	return int(time.Now().Unix()/60-began.Unix()/60) + 1
}

func (b *browser) from(address string) *browser {
	b.header.Set("X-Forwarded-For", address)
	return b
}

func TestLoginLimitOfAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	tries := 0
	for ; tries < 50; tries++ { // each from another address
		a := w.browser().from(fmt.Sprint("198.51.100.", tries)).post("/user/login", "username", "ann_lee", "password", "wrong", "remember_me", "false")
		contract.Check(t, a.Request, a.Response)
		if refused(t, a) {
			break
		}
	}
	if tries < 5 || tries > 45 {
		t.Errorf("an account could be tried %d times", tries)
	}
	limited, asked := time.Now(), w.user.count("/user/login")
	again := refused(t, w.browser().post("/user/login", "username", "ann_lee", "password", "right"))
	if windows(limited) == 1 && (!again || w.user.count("/user/login") != asked) {
		t.Error("a login beyond the limit reached user")
	}
	w.browser().login("username", "bea_lee") // other accounts are free
}

func TestLoginLimitOfAClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().from("198.51.100.7")
	began, tries := time.Now(), 0
	for ; tries < 200; tries++ {
		if refused(t, b.post("/user/login", "username", fmt.Sprint("user_", tries), "password", "wrong")) {
			break
		}
	}
	if tries < 20 || tries > 24*windows(began) {
		t.Errorf("a client could try %d accounts", tries)
	}
	w.browser().from("198.51.100.8").login()
}

func TestGoodLoginsAreNotCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.browser().from("198.51.100.7")
	for range 70 {
		b.login()
	}
	var wg sync.WaitGroup
	for range 60 { // at once, more than the limits of the account and of the address
		other := w.browser().from("198.51.100.9")
		tokenOf(t, other)
		wg.Go(func() { other.login() })
	}
	wg.Wait()
}

func TestLimitsHoldAtOnceAndAcrossEdges(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := newEdge(testenv.Log(t), w.edge.cfg, w.pool, w.broker.Bus("edge"))
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the other edge connected", other.bus.Connected)
	rules := limits["POST /user/login"][:1]
	began := time.Now()
	var passed int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 100 {
		e := []*Edge{w.edge, other}[i%2]
		wg.Go(func() {
			v := &visit{form: map[string][]string{"username": {"ann"}}}
			if err := e.countAll(t.Context(), v, rules); err == nil {
				e.settle(v, func(counted) bool { return true }) // it was a guess
				mu.Lock()
				defer mu.Unlock()
				passed++
			}
		})
	}
	wg.Wait()
	// Fewer may pass when a count takes too long and an edge falls back to its own, stricter one.
	if passed > int(rules[0].limit)*windows(began) || passed < 3 {
		t.Errorf("%d of 100 passed", passed)
	}
}

func TestOtherLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.user.says("POST /user/reset-password", `{"reset_password":"success"}`)
	w.user.says("POST /user/forgot-username", `{"forgot_username":"success"}`)
	w.user.says("GET /user/verify-email-address", `{"verify_email_address":"verification_email_sent"}`)
	w.user.says("POST /user/put-chat-message", `{"put_chat_message":"true"}`)
	w.user.says("POST /user/pythonabot-notify-me", `{"pythonabot_notify_me":"success"}`)
	w.user.says("GET /internal/address-of-member", `{"member":false}`)
	w.order.says("POST /order/anonymous-email-address-payment-lookup", `{}`)
	w.order.says("POST /order/cart-apply-discount-code", `{"cart_apply_discount_code":"error","errors":{"error":"cart-discount-code-not-found"}}`)
	w.order.says("GET /order/unknown123", `{"order":"error","errors":{"error":"order-not-found"}}`)
	w.order.says("GET /order/known12345", `{"order":"success"}`)
	w.order.says("GET /order/cart-items", `{}`)
	for path, c := range map[string]struct{ least, most int }{
		"POST /user/create-account": {20, 60}, "POST /user/reset-password": {5, 30}, "POST /user/forgot-username": {5, 30},
		"POST /user/put-chat-message": {10, 40}, "POST /user/pythonabot-notify-me": {10, 40},
		"POST /order/anonymous-email-address-payment-lookup": {30, 100}, "POST /order/cart-apply-discount-code": {30, 100},
		"GET /order/unknown123": {30, 100}, "GET /user/verify-email-address": {5, 30},
	} {
		b := w.browser().from("198.51.100.7")
		if strings.Contains(path, "verify") {
			b.login()
		}
		n := 0
		for ; n < 120; n++ {
			method, target, _ := strings.Cut(path, " ")
			a := answer{}
			if method == http.MethodGet {
				a = b.get(target)
			} else {
				a = b.post(target, "username", "ann", "email_address", "ann@mail.example.com", "anonymous_email_address", "a@b.example")
			}
			if refused(t, a) {
				break
			}
			if a.StatusCode != http.StatusOK {
				t.Fatalf("%s: %d %s", path, a.StatusCode, a.body)
			}
		}
		if n < c.least || n > c.most {
			t.Errorf("%s passed %d times", path, n)
		}
	}
	b := w.browser().from("198.51.100.10")
	for range 150 {
		expect(t, b.get("/order/known12345"), http.StatusOK, "success")
		expect(t, b.get("/order/cart-items"), http.StatusOK, "{}")
	}
}

func TestLimitsWithoutBroker(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.broker.Stop()
	t.Cleanup(w.broker.Start)
	b := w.browser().from("198.51.100.7")
	for range 30 {
		b.login() // still possible, and not counted
	}
	n := 0
	for ; n < 50; n++ {
		if refused(t, b.post("/user/login", "username", "ann_lee", "password", "wrong")) {
			break
		}
	}
	if n < 5 || n > 24 { // two windows may meet in between
		t.Errorf("%d tries without a broker", n)
	}
}
