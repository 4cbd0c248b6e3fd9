package edge

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

func refused(t *testing.T, a testenv.Answer) bool {
	t.Helper()
	if a.Status != http.StatusTooManyRequests {
		return false
	}
	if seconds, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 3600 ||
		a.Body != `{"error":"too-many-requests"}` {
		t.Errorf("refused with %s %v", a.Body, a.Header)
	}
	return true
}

// windows is how many windows of a limit a test has touched since it began. Windows follow the
// clock, so one may end while the test runs.
func windows(began time.Time, window time.Duration) int {
	return int(time.Now().UnixNano()/int64(window)-began.UnixNano()/int64(window)) + 1
}

// ruleNamed returns a rule of the table of limits.
func ruleNamed(t *testing.T, name string) limits.Rule {
	t.Helper()
	for _, route := range limits.Table {
		for _, r := range route.Rules {
			if r.Name == name {
				return r
			}
		}
	}
	t.Fatalf("no limit is called %s", name)
	return limits.Rule{}
}

func (b *browser) from(address string) *browser {
	b.Header.Set("X-Forwarded-For", address)
	return b
}

// Guesses at one account from many addresses meet the account's limit; other accounts go on.
func TestLoginLimitOfAnAccount(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	contract := testenv.NewContract(t, "../user/openapi.yaml")
	free := int(ruleNamed(t, "login-account").Free)
	tries := 0
	for ; tries < free+20; tries++ { // each from another address
		a := e.browser().from(fmt.Sprint("198.51.100.", tries)).Post("/user/login", "username", "ann_lee", "password", "wrong",
			"remember_me", "false")
		contract.CheckAnswer(a)
		if refused(t, a) {
			break
		}
	}
	if tries < free || tries > free+15 { // the first pauses may end in the meantime
		t.Errorf("an account could be tried %d times, %d of them are free", tries, free)
	}
	e.attackAccount("ann_lee")
	asked := e.user.count("/user/login")
	if !refused(t, e.browser().from("198.51.100.200").Post("/user/login", "username", "ann_lee", "password", "right")) ||
		e.user.count("/user/login") != asked {
		t.Error("a login beyond the limit reached user")
	}
	e.browser().login("username", "bea_lee") // other accounts are not limited
}

// attackAccount guesses at an account from many addresses until the pause is long.
func (e *env) attackAccount(username string) {
	e.t.Helper()
	for i := range 60 {
		_, err := e.pool.Exec(e.t.Context(), `UPDATE guess SET at = ARRAY(SELECT t - interval '10 minutes' FROM unnest(at) t ORDER BY t)`)
		if err != nil {
			e.t.Fatal(err)
		}
		v := &request{client: netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i)), form: url.Values{"username": {username}}}
		c, err := e.server.limits.Count(e.t.Context(), v.limited("POST /user/login"))
		if err != nil {
			e.t.Fatal(err)
		}
		c.Answered(http.StatusOK, web.OutcomeWrong)
	}
}

// Guesses at many accounts from one address meet the address's limit; other addresses go on.
func TestLoginLimitOfAClient(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser().from("198.51.100.7")
	limit := int(ruleNamed(t, "login-client").Limit)
	began, tries := time.Now(), 0
	for ; tries < 200; tries++ {
		if refused(t, b.Post("/user/login", "username", fmt.Sprint("user_", tries), "password", "wrong")) {
			break
		}
	}
	// A slow answer of the broker may refuse one of the last tries, and a new window may begin.
	if tries < limit-4 || tries > limit*windows(began, time.Minute) {
		t.Errorf("a client could try %d accounts, the limit is %d", tries, limit)
	}
	e.browser().from("198.51.100.8").login()
}

// More good logins than the limits allow pass from one address, one after the other and at once.
func TestGoodLoginsAreNotCounted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser().from("198.51.100.7")
	for range 70 {
		b.login()
	}
	var wg sync.WaitGroup
	for range 60 { // at once, more than the limits of the account and of the address
		other := e.browser().from("198.51.100.9")
		tokenOf(t, other)
		wg.Go(func() { other.login() })
	}
	wg.Wait()
}

// A hundred guesses at once at two edges pass no oftener than one after the other at one edge.
func TestLimitsHoldAtOnceAndAcrossEdges(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	other, err := newServer(service.NewCore(testenv.Log(t), e.pool, e.broker.Bus("edge")), e.server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the other edge connected", other.bus.Connected)

	guesses := func(of func(i int) limits.Request) int {
		var passed atomic.Int64
		var wg sync.WaitGroup
		for i := range 100 {
			s := []*server{e.server, other}[i%2]
			wg.Go(func() {
				if c, err := s.limits.Count(t.Context(), of(i)); err == nil {
					c.Answered(http.StatusOK, web.OutcomeWrong)
					passed.Add(1)
				}
			})
		}
		wg.Wait()
		return int(passed.Load())
	}

	client, account := int(ruleNamed(t, "login-client").Limit), int(ruleNamed(t, "login-account").Free)
	began := time.Now()
	// Fewer pass if a count takes too long and an edge falls back to its own, stricter one.
	if n := guesses(func(i int) limits.Request {
		v := &request{client: netip.MustParseAddr("192.0.2.1"), form: url.Values{"username": {fmt.Sprint("user", i)}}}
		return v.limited("POST /user/login")
	}); n > client*windows(began, time.Minute) || n < 3 {
		t.Errorf("%d of 100 passed from one address", n)
	}
	if n := guesses(func(i int) limits.Request {
		v := &request{client: netip.MustParseAddr(fmt.Sprintf("2001:db8:%x::1", i)), form: url.Values{"username": {"ann_lee"}}}
		return v.limited("POST /user/login")
	}); n > account+1 || n < account-5 { // a pause may end in the meantime, and a count may fail under load
		t.Errorf("%d of 100 passed at one account", n)
	}
}

// The owner's browser logs in whatever others do to the account, from elsewhere or from its own
// address; a mailed code makes any browser the owner's.
func TestOthersDoNotLockOut(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.says("POST /user/reset-password", `{"reset_password":"success"}`)
	mine, fresh := e.browser().from("198.51.100.7"), e.browser().from("198.51.100.8")
	cookie := mine.login().Cookie(knownCookie)
	if cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || strings.Contains(cookie.Value, "ann") ||
		cookie.MaxAge < 86400 {
		t.Fatalf("the mark of a known browser is %v", cookie)
	}
	mine.Get("/user/logout")
	e.attackAccount("ann_lee")

	guesser := e.browser().from("198.51.100.7")
	for range 40 {
		refused(t, guesser.Post("/user/login", "username", "ann_lee", "password", "wrong"))
		refused(t, guesser.Post("/user/login", "username", rand.Text(), "password", "wrong"))
		if a := guesser.Post("/user/reset-password", "username", "ann_lee", "email_address",
			"ann@mail.example.com"); a.Status != http.StatusOK || a.Body != `{"reset_password":"success"}` {
			t.Fatalf("a reset answers %d %s", a.Status, a.Body)
		}
	}

	if !e.user.last().id.NoMail {
		t.Error("40 resets, 40 mails")
	}
	mine.Post("/user/reset-password", "username", " ann_lee", "email_address", "ann@mail.example.com")
	if id := e.user.last().id; id.NoMail || !id.KnownBrowser {
		t.Errorf("the owner's reset goes to user as %+v", id)
	}

	mine.login()
	if !e.user.last().id.KnownBrowser {
		t.Error("user is not told of the known browser")
	}
	fresh.Post("/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com")
	if id := e.user.last().id; id.NoMail || id.KnownBrowser {
		t.Errorf("a reset from a fresh address goes to user as %+v", id)
	}
	if !refused(t, fresh.Post("/user/login", "username", "ann_lee", "password", "right")) {
		t.Error("a fresh browser is not asked to wait")
	}

	fresh.Post("/user/set-new-password", "username", "ann_lee").Has(http.StatusOK, "success")
	fresh.login()
}

// A known-browser cookie is good for its own accounts only, and only as we made it.
func TestKnownBrowserCookieIsNotASession(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.attackAccount("ann_lee")
	other := e.browser()
	other.login("username", "bea_lee")
	mark := other.cookie(knownCookie)
	if other.member(); !refused(t, other.Post("/user/login", "username", "ann_lee", "password", "right")) {
		t.Error("one account's mark is good for another")
	}

	ann := knownAccount(e.server.keys.known, "ann_lee")
	for _, forged := range []string{"", mark + ":" + ann, "x:" + ann, "x:" + ann + ".x", strings.Replace(mark, ":", ":"+ann+":", 1),
		":" + ann, strings.Repeat("x:", 4000)} {
		b := e.browser()
		b.setCookie(knownCookie, forged)
		if !refused(t, b.Post("/user/login", "username", "ann_lee", "password", "right")) {
			t.Errorf("%.60q is a mark", forged)
		}
	}

	for i := range 2 * knownAccounts { // a household's browser keeps the newest
		other.login("username", fmt.Sprint("member_", i))
	}
	if v := unsign(e.server.keys.known, other.cookie(knownCookie)); strings.Count(v, ":") != knownAccounts {
		t.Errorf("the mark grew to %s", v)
	}
	key, k := e.server.keys.known, knownBrowser{"id", ann}
	if k.browserOf(key, "ann_lee") != "id" || k.browserOf(key, "Ann_lee") != "" || (knownBrowser{"id"}).browserOf(key, "") != "" {
		t.Error("a mark is read wrongly")
	}
}

// Limits count by the outcome that the owner tells, never by the answer's text.
func TestRewordedAnswersChangeNoLimit(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i, c := range []struct {
		route, method, path string
		outcome             web.Outcome
		body                string
		counted             bool
	}{
		{route: "POST /user/login", method: "POST", path: "/user/login", outcome: web.OutcomeWrong, body: `{"login":"refus\u00e9"}`,
			counted: true},
		{route: "POST /user/login", method: "POST", path: "/user/login", outcome: web.OutcomeNothing, body: `{"login":"false"}`},
		{route: "POST /user/create-account", method: "POST", path: "/user/create-account", outcome: web.OutcomeReveals,
			body: `{"create_account":"no"}`, counted: true},
		{route: "POST /user/create-account", method: "POST", path: "/user/create-account", outcome: web.OutcomeNothing,
			body: `{"errors":{"username":[{"type":"unavailable"}]}}`},
		{route: "POST /order/cart-apply-discount-code", method: "POST", path: "/order/cart-apply-discount-code", outcome: web.OutcomeWrong,
			body: `{}`, counted: true},
		{route: "POST /order/cart-apply-discount-code", method: "POST", path: "/order/cart-apply-discount-code",
			outcome: web.OutcomeNothing, body: `{"error":"cart-discount-code-not-found"}`},
		{route: "GET /order/abc", method: "GET", path: "/order/abc", outcome: web.OutcomeWrong, body: `{"order":"gone"}`, counted: true},
		{route: "GET /order/abc", method: "GET", path: "/order/abc", outcome: web.OutcomeNothing, body: `{"error":"order-not-found"}`},
		{route: "GET /order/checkout-session-success", method: "GET", path: "/order/checkout-session-success", outcome: web.OutcomeWrong,
			body: `{}`, counted: true},
		{route: "GET /order/checkout-session-success", method: "GET", path: "/order/checkout-session-success", outcome: web.OutcomeNothing,
			body: `{"error":"invalid-session"}`},
	} {
		for _, o := range []*owner{e.user, e.order} {
			o.tells(c.route, c.outcome, c.body)
		}
		b := e.browser().from(fmt.Sprint("198.51.100.", 100+i))
		n := 0
		for ; n < 210; n++ { // two windows of the highest limit
			a := testenv.Answer{}
			if c.method == "GET" {
				a = b.Get(c.path)
			} else {
				a = b.Post(c.path, "username", "ann_lee", "password", "x")
			}
			if refused(t, a) {
				break
			}
			if a.Header.Get(web.OutcomeHeader) != "" {
				t.Fatal("the outcome leaves the shop")
			}
		}
		if c.counted != (n < 210) {
			t.Errorf("%s with %s passed %d times", c.body, c.outcome, n)
		}
	}
}

// 500 guests an hour behind one address can check out.
func TestGuestsBehindOneAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.says("GET /internal/address-of-member", `{"member":false}`)
	e.order.says("POST /order/anonymous-email-address-payment-lookup", `{}`)
	for _, route := range []string{"POST /order/create-checkout-session", "GET /order/checkout-session-success"} {
		e.order.tells(route, web.OutcomeAsked, `{}`)
	}
	e.order.on("POST /order/cart-add-product-sku", func(rw http.ResponseWriter, _ seen) {
		rw.Header().Set(web.SetCartHeader, rand.Text())
		io.WriteString(rw, `{}`) //nolint:errcheck // a test's answer
	})

	for i := range 500 {
		b := e.browser().from("198.51.100.1")
		b.Post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
		b.Post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address",
			fmt.Sprint("guest", i, "@mail.example.com")).Has(http.StatusOK, "{}")
		b.Post("/order/create-checkout-session", "anonymous_email_address", "x").Has(http.StatusOK, "{}")
		b.Get("/order/checkout-session-success?session_id=cs_1").Has(http.StatusOK, "{}")
		if t.Failed() {
			t.FailNow()
		}
	}

	e.user.says("GET /internal/address-of-member", `{"member":true}`)
	e.order.tells("POST /order/anonymous-email-address-payment-lookup", web.OutcomeReveals, `{}`)

	n := 0
	for b := e.browser().from("198.51.100.1"); n < 150; n++ {
		if refused(t, b.Post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address",
			fmt.Sprint("member", n, "@mail.example.com"))) {
			break
		}
	}

	if limit := int(ruleNamed(t, "address").Limit); n < limit || n > 2*limit { // two hours may meet in between
		t.Errorf("%d members' addresses were told, the limit is %d", n, limit)
	}
}

// A request whose client leaves before the answer stays counted: the owner may have acted.
func TestLeavingBeforeTheAnswerCounts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	arrived := make(chan struct{})
	e.user.on("POST /user/login", func(_ http.ResponseWriter, r seen) {
		arrived <- struct{}{}
		<-r.Context().Done()
	})
	b := e.browser().from("198.51.100.7")
	tokenOf(t, b)

	for range 10 {
		ctx, leave := context.WithCancel(t.Context())
		r := b.form("/user/login", "username", "ann_lee", "password", "x").WithContext(ctx)
		r.Header.Set("X-CSRFToken", b.cookie(csrfCookie))
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		done := make(chan error, 1)
		go func() {
			client := http.Client{Jar: b.Jar}
			res, err := client.Do(r)
			if err == nil {
				err = res.Body.Close()
			}
			done <- err
		}()
		<-arrived
		leave()
		if err := <-done; err == nil {
			t.Error("answered")
		}
	}

	e.defaults()
	testenv.Eventually(t, 30*time.Second, "ten tries are counted", func() bool {
		n := 0
		if err := e.pool.QueryRow(t.Context(), `SELECT coalesce(max(cardinality(at)), 0) FROM guess`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 10
	})
	if !refused(t, b.Post("/user/login", "username", "ann_lee", "password", "x")) {
		t.Error("ten tries that were left do not count")
	}
}

// Each other limit lets about as many requests pass as its rule says; requests without a limit, and
// good ones, go on.
func TestOtherLimitsOfOneAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.user.says("POST /user/forgot-username", `{"forgot_username":"success"}`)
	e.user.says("GET /user/verify-email-address", `{"verify_email_address":"verification_email_sent"}`)
	e.user.tells("POST /user/put-chat-message", web.OutcomeDone, `{"put_chat_message":"true"}`)
	e.user.tells("POST /user/pythonabot-notify-me", web.OutcomeDone, `{"pythonabot_notify_me":"success"}`)
	e.user.says("GET /internal/address-of-member", `{"member":false}`)
	e.order.tells("POST /order/anonymous-email-address-payment-lookup", web.OutcomeReveals, `{}`)
	e.order.tells("POST /order/cart-apply-discount-code", web.OutcomeWrong,
		`{"cart_apply_discount_code":"error","errors":{"error":"cart-discount-code-not-found"}}`)
	e.order.tells("GET /order/unknown123", web.OutcomeWrong, `{"order":"error","errors":{"error":"order-not-found"}}`)
	e.order.says("GET /order/known12345", `{"order":"success"}`)
	e.order.says("GET /order/cart-items", `{}`)

	for path, name := range map[string]string{
		"POST /user/create-account":                          "register",
		"POST /user/forgot-username":                         "forgot",
		"POST /user/put-chat-message":                        "chat",
		"POST /user/pythonabot-notify-me":                    "waiting-list",
		"POST /order/anonymous-email-address-payment-lookup": "address",
		"POST /order/cart-apply-discount-code":               "code",
		"GET /order/unknown123":                              "order",
		"GET /user/verify-email-address":                     "verify",
	} {
		rule := ruleNamed(t, name)
		b := e.browser().from("198.51.100.7")
		if strings.Contains(path, "verify") {
			b.login()
		}
		began, n := time.Now(), 0
		for ; n < 250; n++ {
			method, target, _ := strings.Cut(path, " ")
			a := testenv.Answer{}
			if method == http.MethodGet {
				a = b.Get(target)
			} else {
				a = b.Post(target, "username", "ann", "email_address", "ann@mail.example.com", "anonymous_email_address", "a@b.example")
			}
			if refused(t, a) {
				break
			}
			if a.Status != http.StatusOK {
				t.Fatalf("%s: %d %s", path, a.Status, a.Body)
			}
		}
		// An edge allows half while the broker is slow, and all once more in the next window.
		if limit := int(rule.Limit); n < limit/2 || n > limit*windows(began, rule.Window) {
			t.Errorf("%s passed %d times, the limit is %d", path, n, limit)
		}
	}

	b := e.browser().from("198.51.100.10")
	for range 150 {
		b.Get("/order/known12345").Has(http.StatusOK, "success")
		b.Get("/order/cart-items").Has(http.StatusOK, "{}")
	}
}

// Without the broker an edge allows half of the limit by its own counts, and counts no good login.
func TestLimitsWithoutBroker(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.broker.Stop()
	t.Cleanup(e.broker.Start)
	b := e.browser().from("198.51.100.7")
	for range 30 {
		b.login() // still possible, and not counted
	}
	half := int(ruleNamed(t, "login-client").Limit) / 2
	n := 0
	for ; n < 50; n++ {
		if refused(t, b.Post("/user/login", "username", "ann_lee", "password", "wrong")) {
			break
		}
	}
	if n < 5 || n > 2*half { // two windows may meet in between
		t.Errorf("%d tries without a broker, want about %d", n, half)
	}
}
