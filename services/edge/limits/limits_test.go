package limits_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

type env struct {
	*limits.Limiter
	t    *testing.T
	pool *pgxpool.Pool
}

func newEnv(t *testing.T) env {
	t.Helper()
	e, _ := newEnvWithBroker(t)
	return e
}

func newEnvWithBroker(t *testing.T) (env, *testenv.Broker) {
	t.Helper()
	broker := testenv.NewBroker(t)
	b := broker.Bus("edge")
	testenv.Eventually(t, 30*time.Second, "connected to the broker", b.Connected)
	pool := testenv.Pool(t, "edge", edge.Migrations()...)
	return env{limits.New(testenv.Log(t), []byte("a key of this test"), b, pool), t, pool}, broker
}

func login(username, client, browser string) limits.Request {
	r := limits.Request{Route: "POST /user/login", Form: url.Values{"username": {username}}, Browser: browser}
	if client != "" {
		r.Client = netip.MustParseAddr(client)
	}
	return r
}

// try sends a request and answers it; it returns how long to wait if it was refused.
func (e env) try(r limits.Request, o web.Outcome) (wait time.Duration) {
	e.t.Helper()
	c, err := e.Count(e.t.Context(), r)
	if refused, ok := errors.AsType[*web.Error](err); ok && refused.Status == http.StatusTooManyRequests {
		return refused.RetryAfter
	}
	if err != nil {
		e.t.Fatal(err)
	}
	c.Answered(http.StatusOK, o)
	return 0
}

// later lets time pass for the database's counters.
func (e env) later(d time.Duration) {
	e.t.Helper()
	_, err := e.pool.Exec(e.t.Context(), `UPDATE guess SET at = ARRAY(SELECT t - $1::interval FROM unnest(at) t ORDER BY t), until = `+
		`until - $1::interval`, d)
	if err != nil {
		e.t.Fatal(err)
	}
	if err := e.Clean(e.t.Context()); err != nil {
		e.t.Fatal(err)
	}
}

// from is the i-th address of a crowd, each in a network of its own.
func from(i int) string { return fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff) }

// A crowd that guesses at one account, as fast as it may and never twice from one address, gets at
// most 200 guesses a day, with growing pauses. Meanwhile the account's own browser gets through,
// and so does a right password after the pause.
func TestADayOfGuessing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var passed []time.Duration
	var longest time.Duration
	clock := time.Duration(0)
	for i := 0; clock < 36*time.Hour; i++ {
		wait := e.try(login("ann_lee", from(i), ""), web.OutcomeWrong)
		if wait == 0 {
			passed = append(passed, clock)
			continue
		}
		if len(passed) < 30 {
			t.Fatalf("refused after %d", len(passed))
		}
		if clock < 12*time.Hour && wait < longest/2 {
			t.Fatalf("after %d guesses the pause fell from %s to %s", len(passed), longest, wait)
		}
		longest = max(longest, wait)
		clock += wait
		e.later(wait)
	}

	for i, began := range passed {
		n := 0
		for _, at := range passed[i:] {
			if at < began+24*time.Hour {
				n++
			}
		}
		if n > 200 {
			t.Fatalf("%d guesses in a day", n)
		}
	}

	if longest < 10*time.Minute || longest > 20*time.Minute || len(passed) < 200 {
		t.Errorf("%d guesses in 36 hours, the longest pause was %s", len(passed), longest)
	}
	if e.try(login("ann_lee", from(1<<20), ""), web.OutcomeWrong) == 0 { // the crowd is back
		e.try(login("ann_lee", from(1<<20+1), ""), web.OutcomeWrong)
	}
	if wait := e.try(login("ann_lee", "192.0.2.1", "browser1"), web.OutcomeNothing); wait != 0 {
		t.Errorf("the owner's browser waits %s", wait)
	}
	if wait := e.try(login("ann_lee", "192.0.2.2", ""), web.OutcomeNothing); wait > 20*time.Minute {
		t.Errorf("the owner waits %s at a fresh address", wait)
	} else {
		e.later(wait + time.Second)
	}
	if wait := e.try(login("ann_lee", "192.0.2.2", ""), web.OutcomeNothing); wait != 0 {
		t.Errorf("after the pause, the owner waits %s", wait)
	}
}

// One address only stops itself: not the account from elsewhere, not its neighbors' known browsers,
// not another account.
func TestOneAddressStopsItself(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	passed, clock := 0, time.Duration(0)
	for clock < 20*time.Hour {
		if wait := e.try(login(" ann_lee ", "192.0.2.66", ""), web.OutcomeWrong); wait > 0 {
			if passed == 10 && e.try(login("bea_lee", "192.0.2.66", ""), web.OutcomeNothing) != 0 {
				t.Error("a neighbor waits, too")
			}
			clock += wait
			e.later(wait)
			continue
		}
		passed++
	}

	if passed < 15 || passed > 30 {
		t.Errorf("one address had %d guesses", passed)
	}
	for what, r := range map[string]limits.Request{
		"the owner at another address":       login("ann_lee", "192.0.2.67", ""),
		"the owner's browser at the address": login("ann_lee", "192.0.2.66", "browser1"),
	} {
		if wait := e.try(r, web.OutcomeNothing); wait != 0 {
			t.Errorf("%s waits %s", what, wait)
		}
	}

	e.try(login("ann_lee", "192.0.2.66", ""), web.OutcomeWrong) // as soon as it may
	if e.try(login("ann_lee", "192.0.2.66", ""), web.OutcomeNothing) == 0 {
		t.Error("the guesser is let in")
	}
}

// A stolen known-browser cookie is no way around the limits.
func TestAKnownBrowserHasLimitsToo(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	passed, clock := 0, time.Duration(0)
	for i := 0; clock < 24*time.Hour; i++ {
		if wait := e.try(login("ann_lee", from(i), "browser1"), web.OutcomeWrong); wait > 0 {
			clock += wait
			e.later(wait)
			continue
		}
		passed++
	}
	if passed < 20 || passed > 100 {
		t.Errorf("a known browser had %d guesses in a day", passed)
	}
	if wait := e.try(login("ann_lee", "192.0.2.1", "browser2"), web.OutcomeNothing); wait != 0 {
		t.Errorf("another known browser waits %s", wait)
	}
}

// Right requests leave no counts behind, even many at once; wrong ones at once are not more than
// allowed.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	send := func(n int, o web.Outcome, r func(i int) limits.Request) (passed int) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				if e.try(r(i), o) == 0 {
					mu.Lock()
					defer mu.Unlock()
					passed++
				}
			})
		}
		wg.Wait()
		return passed
	}

	one := func(int) limits.Request { return login("ann_lee", "192.0.2.1", "") }
	if n := send(60, web.OutcomeNothing, one); n != 60 {
		t.Errorf("%d of 60 right ones from one address", n)
	}
	if n := send(100, web.OutcomeNothing, func(i int) limits.Request { return login("ann_lee", from(i), "") }); n != 100 {
		t.Errorf("%d of 100 right ones from everywhere", n)
	}
	if n := send(60, web.OutcomeWrong, one); n != 10 {
		t.Errorf("%d of 60 wrong ones from one address", n)
	}
	if n := send(60, web.OutcomeWrong, func(i int) limits.Request { return login("ann_lee", from(1000+i), "") }); n < 20 || n > 21 {
		t.Errorf("%d of 60 more wrong ones from everywhere", n)
	}
	if err := e.Clean(t.Context()); err != nil {
		t.Fatal(err)
	}
	if local, inFlight := e.Held(); inFlight != 0 {
		t.Errorf("%d counters, %d in flight", local, inFlight)
	}
}

// Thousands of long names cost little memory and few rows, and all of that ends.
func TestLongNamesCostLittle(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()

	const names = 4000
	for i := range names {
		name := strings.Repeat("x", 50_000) + fmt.Sprint(i)
		if i%4 == 0 { // counters in the database
			e.try(login(name, from(i), ""), web.OutcomeWrong)
			continue
		}
		e.try(limits.Request{Route: "POST /user/reset-password", Form: url.Values{"username": {name}},
			Client: netip.MustParseAddr(from(i))}, web.OutcomeNothing)
		e.try(limits.Request{Route: "POST /user/forgot-username", Form: url.Values{"email_address": {name}},
			Client: netip.MustParseAddr(from(i))}, web.OutcomeNothing)
	}

	if grown := int64(heap()) - int64(before); grown > 16<<20 { //nolint:gosec // far below 63 bits
		t.Errorf("%d names took %d KiB", names, grown>>10)
	}
	var rows, longest int
	if err := e.pool.QueryRow(t.Context(), `SELECT count(*), max(length(key)) FROM guess`).Scan(&rows, &longest); err != nil {
		t.Fatal(err)
	}
	if rows != names/2 || longest != 16 { // account and address, account alone
		t.Errorf("%d rows, the longest key has %d bytes", rows, longest)
	}

	e.later(61 * time.Minute) // few tries end after an hour
	if err := e.pool.QueryRow(t.Context(), `SELECT count(*) FROM guess`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
}

// The memory of one edge is bounded, and a flood of new keys does not push out high counts.
func TestLocalCountersAreBounded(t *testing.T) {
	t.Parallel()
	e, broker := newEnvWithBroker(t)
	broker.Stop()
	t.Cleanup(broker.Start)
	chat := func(i int) limits.Request {
		return limits.Request{Route: "POST /user/put-chat-message", Client: netip.MustParseAddr(from(i))}
	}
	for e.try(chat(0), web.OutcomeDone) == 0 {
	}
	for i := range limits.MaxLocal + 10_000 {
		e.try(chat(i+1), web.OutcomeDone)
	}
	if local, _ := e.Held(); local > limits.MaxLocal {
		t.Errorf("%d counters", local)
	}
	if e.try(chat(0), web.OutcomeDone) == 0 {
		t.Error("a flood reset the limit of an address")
	}
}

// What people type is counted as its owner reads it.
func TestKeysAreNormalized(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	forgot := func(address string) limits.Request {
		return limits.Request{Route: "POST /user/forgot-username", Form: url.Values{"email_address": {address}},
			Client: netip.MustParseAddr("192.0.2.1")}
	}
	spellings := []string{"ann@mail.example.com", " Ann@mail.example.com", "ANN@MAIL.EXAMPLE.COM\t"}
	n := 0
	for ; n < 60 && e.try(forgot(spellings[n%3]), web.OutcomeNothing) == 0; n++ {
	}
	if n > 50 { // in two windows
		t.Errorf("%d requests for one address in three spellings", n)
	}
	n = 0
	for ; n < 60 && e.try(login([]string{"ann_lee", " ann_lee", "ann_lee\t"}[n%3], "192.0.2.2", ""), web.OutcomeWrong) == 0; n++ {
	}
	if n != 10 {
		t.Errorf("%d guesses at one account in three spellings", n)
	}
}

// An owner that does not tell an outcome yet is counted; its errors are not.
func TestAnswersWithoutOutcome(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	answered := func(status int) int {
		for n := range 40 {
			c, err := e.Count(t.Context(), login("ann_lee", fmt.Sprintf("192.0.2.%d", status&0xff), ""))
			if err != nil {
				return n
			}
			c.Answered(status, "")
		}
		return 40
	}
	if n := answered(http.StatusServiceUnavailable); n != 40 {
		t.Errorf("%d of 40 unanswered ones", n)
	}
	if n := answered(http.StatusOK); n != 10 {
		t.Errorf("%d of 40 answered ones", n)
	}
}

// A reader of the database learns nothing from the counters: a name cannot be tried against a key.
func TestKeysAreHashedUnderAKey(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	other := limits.New(testenv.Log(t), []byte("another key"), testenv.NewBroker(t).Bus("edge"), e.pool)
	r := limits.Request{Route: "POST /user/change-my-password", Member: 7}
	for _, l := range []*limits.Limiter{e.Limiter, other} {
		c, err := l.Count(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		c.Keep()
	}
	rows, err := e.pool.Query(t.Context(), `SELECT key FROM guess`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()

	var keys [][]byte
	for rows.Next() {
		var k []byte
		if err := rows.Scan(&k); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, k)
	}
	if len(keys) != 2 || bytes.Equal(keys[0], keys[1]) {
		t.Errorf("keys %x", keys)
	}
}

// New carts and client events of one address are limited; other shoppers and this machine are not.
func TestCartsAndEventsOfOneAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	add := func(client string, member int64, cart string) time.Duration {
		return e.try(limits.Request{Route: "POST /order/cart-add-product-sku", Client: netip.MustParseAddr(client), Member: member,
			Cart: cart}, "")
	}

	var refused int
	for range 3100 {
		if add("198.51.100.7", 0, "") > 0 {
			refused++
		}
	}

	if refused < 100 || refused > 3100-1500 { // a window may have ended in the meantime
		t.Errorf("%d of 3100 new carts were refused", refused)
	}
	if add("198.51.100.7", 0, "cart") > 0 || add("198.51.100.7", 7, "") > 0 || add("198.51.100.8", 0, "") > 0 {
		t.Error("a shopper with a cart, a member or another address is refused")
	}

	kept := 0
	crowd := netip.MustParseAddr("198.51.100.9")
	began := time.Now()

	for range limits.EventLimit + 1000 {
		if e.Event(crowd) {
			kept++
		}
	}

	if windows := int(time.Since(began)/limits.EventWindow) + 2; kept < limits.EventLimit || kept > windows*limits.EventLimit ||
		windows == 2 && time.Now().Unix()/60 == began.Unix()/60 && kept != limits.EventLimit {
		t.Errorf("%d events of one address were kept", kept)
	}
	if !e.Event(netip.MustParseAddr("198.51.100.10")) || !e.Event(netip.Addr{}) {
		t.Error("another address is not kept")
	}

	for range limits.EventLimit + 10 {
		if !e.Event(netip.MustParseAddr("127.0.0.1")) {
			t.Fatal("this machine's events are dropped")
		}
	}
}
