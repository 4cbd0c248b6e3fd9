package edge

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// rule is one limit on guessing or flooding. A request is counted when it comes, so that many at once
// cannot slip through, and taken back when its answer shows that it was no guess. No more than half of
// the limit are in hand at once, others wait: those in hand may all be right.
type rule struct {
	what   string // name of the counter; rules with one name share it
	by     func(v *visit) string
	limit  int64
	window time.Duration
	// counts, if set, says by the owner's answer whether the request stays counted.
	counts func(answer []byte) bool
}

// limits says what is counted, by method and path. Windows of accounts are minutes, so that nobody
// can lock an owner out for longer. Two windows meet in the midst of a series of tries, so those for
// logins stay below half of 50.
var limits = map[string][]rule{
	"POST /user/login": {
		{"login", byField("username"), 20, time.Minute, answers(`"login":"false"`)},
		{"login-client", byClient, 24, time.Minute, answers(`"login":"false"`)},
	},
	"POST /user/create-account": {
		{"register", byClient, 40, time.Hour, answers(`"create_account":"true"`)},
		{"register-taken", byClient, 40, time.Hour, answers(`"unavailable"`)}, // it tells which usernames exist
		{"register-try", byClient, 400, time.Hour, nil},
	},
	"POST /user/reset-password": {
		{"reset", byField("username"), 25, 10 * time.Minute, nil},
		{"reset-client", byClient, 40, time.Hour, nil},
	},
	"POST /user/set-new-password": {
		{"set-password", byField("username"), 40, 10 * time.Minute, nil},
		{"set-password-client", byClient, 100, time.Hour, nil},
	},
	"POST /user/forgot-username": {
		{"forgot", byField("email_address"), 25, 10 * time.Minute, nil},
		{"forgot-client", byClient, 40, time.Hour, nil},
	},
	"GET /user/verify-email-address":           {{"verify", byMember, 10, 10 * time.Minute, nil}},
	"POST /user/verify-email-address-response": {{"verify-code", byMember, 30, 10 * time.Minute, nil}},
	"POST /user/change-my-password":            {{"password", byMember, 10, 10 * time.Minute, answers("current_password_invalid")}},
	"POST /user/update-my-information": {
		{"information", byMember, 20, time.Hour, answers(`"update_my_information":"success"`)},
		{"password", byMember, 10, 10 * time.Minute, answers("current_password_invalid")},
	},
	"POST /user/undo-address-change": {{"undo-client", byClient, 100, time.Hour, nil}},
	"POST /user/put-chat-message": {
		{"chat", byClient, 40, time.Hour, answers(`"put_chat_message":"true"`, `"put_chat_message":"email_failed"`)},
		{"chat-try", byClient, 300, time.Hour, nil},
	},
	"POST /user/pythonabot-notify-me": {
		{"waiting-list", byClient, 40, time.Hour, answers(`"success"`)},
		{"waiting-list-try", byClient, 300, time.Hour, nil},
	},
	"POST /order/anonymous-email-address-payment-lookup": {{"address", byClient, 60, time.Hour, nil}},
	"POST /order/cart-apply-discount-code":               {{"code", byClient, 100, time.Hour, answers("cart-discount-code-not-found")}},
	"POST /order/create-checkout-session":                {{"checkout", byShopper, 60, time.Minute, nil}},
	orderLookup:                                          {{"order", byVisitor, 60, time.Hour, answers(`"order-not-found"`)}},
}

// orderLookup stands for GET /order/{order_identifier}.
const orderLookup = "GET /order/"

// A shop that is tried out without a proxy has one client address, that of the machine itself; its
// limits by address are wider. Limits by account stay.
const loopbackFactor = 20

// A rule's key begins with what it names. An empty key means that the rule does not apply.

func byField(name string) func(*visit) string {
	return func(v *visit) string {
		// Without blanks around it, as user reads it: else each number of blanks were an account of its own.
		if value := strings.TrimSpace(v.form.Get(name)); value != "" {
			return "account " + value
		}
		return ""
	}
}

const clientKey = "client "

func byClient(v *visit) string {
	if !v.client.IsValid() {
		return ""
	}
	return clientKey + web.Network(v.client)
}

func byMember(v *visit) string {
	if v.session == nil {
		return "" // the owner refuses visitors
	}
	return "member " + strconv.FormatInt(v.session.MemberID, 10)
}

func byVisitor(v *visit) string {
	if v.session != nil {
		return "" // members see their own orders only, whatever they guess
	}
	return byClient(v)
}

func byShopper(v *visit) string {
	switch {
	case v.session != nil:
		return byMember(v)
	case v.cart != "":
		return "cart " + v.cart
	}
	return byClient(v)
}

// answers says that one of these texts is in an answer.
func answers(texts ...string) func([]byte) bool {
	return func(answer []byte) bool {
		answer = bytes.ReplaceAll(answer, []byte(`": `), []byte(`":`))
		for _, t := range texts {
			if bytes.Contains(answer, []byte(t)) {
				return true
			}
		}
		return false
	}
}

// counted is a rule that a request was counted for.
type counted struct {
	rule
	key    string
	at     time.Time
	shared bool // the broker has counted it, too
}

// limit refuses requests beyond their limits with 429.
func (e *Edge) limit(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if rules := limits[limitKey(r)]; rules != nil {
			v := visitOf(r)
			defer e.settle(v, func(counted) bool { return true }) // what no answer has settled stays counted
			if err := e.countAll(r.Context(), v, rules); err != nil {
				return err
			}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func limitKey(r *http.Request) string {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if id, ok := orderIdentifier(r.URL.Path); ok && id != "products" && method == http.MethodGet {
		return orderLookup
	}
	return method + " " + r.URL.Path
}

func (e *Edge) countAll(ctx context.Context, v *visit, rules []rule) error {
	for _, rule := range rules {
		key := rule.by(v)
		if key == "" {
			continue
		}
		c, ok := e.admit(ctx, v, rule, key)
		if !ok {
			e.settle(v, func(counted) bool { return false }) // a refused request holds no other counter
			return web.TooMany(c.window - time.Duration(c.at.UnixNano()%int64(c.window)))
		}
		v.counted = append(v.counted, c)
	}
	return nil
}

// admit counts a request, once few enough like it are in hand, and says whether it is within the limit.
func (e *Edge) admit(ctx context.Context, v *visit, r rule, key string) (c counted, ok bool) {
	limit := r.limit
	if v.client.IsLoopback() && strings.HasPrefix(key, clientKey) {
		limit *= loopbackFactor
	}
	c = counted{rule: r, key: key, at: time.Now()}
	if r.counts == nil {
		ok = e.count(ctx, &c, limit)
		return c, ok
	}
	if !e.inHand.enter(ctx, c, (limit+1)/2) {
		return c, false
	}
	c.at = time.Now()
	if !e.count(ctx, &c, limit) {
		e.inHand.leave(c)
		return c, false
	}
	return c, true
}

// count says whether a request is within a limit. While the broker is away, or slow, each edge goes
// by what it has counted itself, to a half: there may be another edge.
func (e *Edge) count(ctx context.Context, c *counted, limit int64) bool {
	own := e.local.add(*c, 1)
	n, err := e.bus.Count(ctx, c.what, c.key, c.window)
	if c.shared = err == nil; !c.shared {
		return own <= (limit+1)/2
	}
	return n <= limit
}

// settle takes back what does not stay counted.
func (e *Edge) settle(v *visit, stays func(counted) bool) {
	for _, c := range v.counted {
		if !stays(c) {
			e.takeBack(c)
		}
		if c.counts != nil {
			e.inHand.leave(c)
		}
	}
	v.counted = nil
}

func (e *Edge) takeBack(c counted) {
	e.local.add(c, -1)
	if !c.shared {
		return
	}
	if err := e.bus.Uncount(c.what, c.key, c.window, c.at); err != nil {
		e.log.Debug("limits", "error", err)
	}
}

// localCounts are what one edge has counted: they stand in for the shared counters.
type localCounts struct {
	mu     sync.Mutex
	counts map[localKey]int64
}

type localKey struct {
	what, key string
	window    int64
}

func (l *localCounts) add(c counted, n int64) int64 {
	k := localKey{c.what, c.key, c.at.UnixNano() / int64(c.window)}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil || len(l.counts) > 100_000 {
		l.counts = map[localKey]int64{}
	}
	sum := max(l.counts[k]+n, 0)
	if l.counts[k] = sum; sum == 0 {
		delete(l.counts, k)
	}
	return sum
}

// queueTime is how long a request may wait for others like it.
const queueTime = 20 * time.Second

// gates hold back requests while too many of the same counter are in hand.
type gates struct {
	mu   sync.Mutex
	open map[gateKey]*gate
}

type gateKey struct{ what, key string }

type gate struct {
	inside chan struct{}
	users  int // inside or waiting
}

// enter waits for a place among at most n; it is false when none came free in time. Whoever is inside
// must leave.
func (g *gates) enter(ctx context.Context, c counted, n int64) bool {
	k := gateKey{c.what, c.key}
	g.mu.Lock()
	if g.open == nil {
		g.open = map[gateKey]*gate{}
	}
	in := g.open[k]
	if in == nil {
		in = &gate{inside: make(chan struct{}, n)}
		g.open[k] = in
	}
	in.users++
	g.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, queueTime)
	defer cancel()
	select {
	case in.inside <- struct{}{}:
		return true
	case <-ctx.Done():
		g.forget(k)
		return false
	}
}

func (g *gates) leave(c counted) {
	k := gateKey{c.what, c.key}
	g.mu.Lock()
	in := g.open[k]
	g.mu.Unlock()
	<-in.inside
	g.forget(k)
}

func (g *gates) forget(k gateKey) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open[k].users--; g.open[k].users == 0 {
		delete(g.open, k)
	}
}
