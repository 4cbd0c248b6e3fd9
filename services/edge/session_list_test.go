package edge

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

type listed struct {
	Session  string
	Device   string
	Place    string
	LoggedIn time.Time `json:"logged_in_date_time"`
	LastSeen time.Time `json:"last_seen_date_time"`
	Current  bool
}

// sessions lists the sessions as the account page does, checked against the contract.
func (b *browser) sessions() []listed {
	b.TB.Helper()
	a := b.Get("/user/sessions")
	a.Has(http.StatusOK, `{"sessions":"success"`)
	testenv.NewContract(b.TB, "openapi.yaml").CheckAnswer(a)
	var body struct {
		Data []listed `json:"session_data"`
	}
	if err := json.Unmarshal([]byte(a.Body), &body); err != nil {
		b.TB.Fatal(err)
	}
	return body.Data
}

func (e *env) contract() *testenv.Contract {
	e.t.Helper()
	return testenv.NewContract(e.t, "openapi.yaml")
}

// changeSessions changes rows that edge may have cached.
func (e *env) changeSessions(sql string, args ...any) {
	e.t.Helper()
	e.Exec(sql, args...)
	e.server.sessions.evictAll()
}

// A session that is not remembered ends after twelve hours without a request and a day after the
// login; one that is remembered ends after two weeks, used or not.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		name, remember, change string
		member                 bool
	}{
		{name: "used a while ago", remember: "false", change: `seen_at = now() - interval '11 hours'`, member: true},
		{name: "idle", remember: "false", change: `seen_at = now() - interval '12 hours 1 second'`},
		{name: "in its 24th hour", remember: "false",
			change: `created_at = created_at - interval '23 hours 50 minutes', expires_at = expires_at - interval '23 hours 50 minutes'`,
			member: true},
		{name: "a day old", remember: "false", change: `created_at = created_at - interval '24 hours 1 second', expires_at = expires_at ` +
			`- interval '24 hours 1 second'`},
		{name: "a day old, by an older edge", remember: "false",
			change: `created_at = created_at - interval '24 hours 1 second', expires_at = now() + interval '13 days'`},
		{name: "remembered and idle", remember: "true",
			change: `seen_at = now() - interval '13 days', created_at = created_at - interval '13 days', expires_at = expires_at - ` +
				`interval '13 days'`, member: true},
		{name: "remembered for two weeks", remember: "true", change: `expires_at = expires_at - interval '14 days 1 second'`},
	} {
		b := e.browser()
		b.login("remember_me", c.remember)
		if !b.member() {
			t.Fatal("not logged in")
		}
		e.changeSessions(`UPDATE session SET `+c.change+` WHERE token_hash = $1`, hashOf(b))
		if got := b.member(); got != c.member {
			t.Errorf("%s: a member: %t", c.name, got)
		}
	}

	var left, living int
	if _, err := deleteExpiredSessions(t.Context(), e.pool); err != nil {
		t.Fatal(err)
	}
	if err := e.pool.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE `+livingSessionSQL+`) FROM session`).Scan(&left,
		&living); err != nil || left != 3 || living != 3 {
		t.Errorf("%d sessions are kept, %d of them living (%v)", left, living, err)
	}

	// A session that is used does not end idle.
	b := e.browser()
	b.login("remember_me", "false")
	e.changeSessions(`UPDATE session SET seen_at = now() - interval '11 hours' WHERE token_hash = $1`, hashOf(b))
	b.member()
	if got := b.sessions(); time.Since(got[0].LastSeen) > time.Minute {
		t.Errorf("last seen %s", got[0].LastSeen)
	}
}

func hashOf(b *browser) []byte {
	_, unknown, _ := newSessions().look([]string{b.cookie(sessionCookie)})
	return unknown[0]
}

// A member's twenty-first session ends the oldest.
func TestAtMostTwentySessions(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	first, second := e.browser(), e.browser()
	first.login()
	second.login()
	e.changeSessions(`UPDATE session SET created_at = created_at - interval '2 hours' WHERE token_hash = $1`, hashOf(first))
	e.changeSessions(`UPDATE session SET created_at = created_at - interval '1 hour' WHERE token_hash = $1`, hashOf(second))
	for range maxSessions - 2 {
		e.browser().login()
	}
	if !first.member() || len(first.sessions()) != maxSessions {
		t.Fatalf("%d sessions", len(first.sessions()))
	}

	last := e.browser()
	last.login()
	if first.member() {
		t.Error("the oldest session lives on beside 20 others")
	}
	if !second.member() || !last.member() || len(last.sessions()) != maxSessions {
		t.Errorf("%d sessions after one more", len(last.sessions()))
	}

	// Many logins at once do not exceed the limit.
	var wg sync.WaitGroup
	for range 8 {
		b := e.browser()
		b.Get("/user/token")
		wg.Go(func() { b.login() })
	}

	wg.Wait()
	var n int
	if err := e.pool.QueryRow(t.Context(), `SELECT count(*) FROM session`).Scan(&n); err != nil || n != maxSessions {
		t.Errorf("%d sessions after parallel logins (%v)", n, err)
	}
}

// The list shows the living sessions of the member, which can be ended one by one or all but the
// current one.
func TestSessionList(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	visitor := e.browser()
	visitor.Get("/user/sessions").Has(http.StatusOK, `{"sessions":"user_not_authenticated"`)
	visitor.Post("/user/end-session", "session", "x").Has(http.StatusOK, `{"end_session":"user_not_authenticated"`)
	visitor.Post("/user/end-other-sessions").Has(http.StatusOK, `{"end_other_sessions":"user_not_authenticated"`)

	open := func(agent, client string) *browser {
		b := e.browser()
		b.Header = http.Header{"User-Agent": {agent}, "X-Forwarded-For": {client}}
		b.login()
		return b
	}
	laptop := open("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "203.0.113.77")
	phone := open("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 "+
		"Mobile/15E148 Safari/604.1", "2001:db8:1:2::3")
	other := open("<script>alert(1)</script>", "10.1.2.3")
	list := laptop.sessions()
	got := map[string]string{}
	for _, s := range list {
		got[s.Device] = fmt.Sprintf("%s %t", s.Place, s.Current)
	}
	if diff := cmp.Diff(map[string]string{
		"Firefox on Linux": "the network 203.0.113.0/24 true", "Safari on an iPhone": "the network 2001:db8:1::/48 false",
		"an unknown device": "a private network false",
	}, got); diff != "" {
		t.Error(diff)
	}
	name := func(device string) string {
		return list[slices.IndexFunc(list, func(s listed) bool { return s.Device == device })].Session
	}
	// The list holds nothing that opens a session, and a member cannot end another's session.
	if a := laptop.Get("/user/sessions"); strings.Contains(a.Body, laptop.cookie(sessionCookie)) ||
		strings.Contains(a.Body, fmt.Sprintf("%x", hashOf(laptop))) {
		t.Errorf("the list gives a session away: %s", a.Body)
	}
	e.changeSessions(`INSERT INTO session (token_hash, member_id, username, first_name, last_name, email, code, remember, expires_at)
		VALUES ('\x01', 8, 'bob_lee', 'Bob', 'Lee', 'bob@mail.example.com', 'b', true, now() + interval '1 day')`)
	laptop.Post("/user/end-session", "session", e.server.sessionName(&session{TokenHash: []byte{1}})).Has(http.StatusOK,
		`{"end_session":"session-not-found"`)
	laptop.Post("/user/end-session", "session", "").Has(http.StatusOK, `{"end_session":"session-not-found"`)
	laptop.Post("/user/end-session").Has(http.StatusBadRequest, `"parameter":"session"`)

	// A GET changes nothing, and neither does a form of another site.
	laptop.Get("/user/end-session?session="+name("Safari on an iPhone")).Has(http.StatusMethodNotAllowed, "method-not-allowed")
	laptop.Do(laptop.form("/user/end-other-sessions")).Has(http.StatusForbidden, "csrf-failed")
	if !phone.member() {
		t.Fatal("the phone's session is gone")
	}
	a := laptop.Post("/user/end-session", "session", name("Safari on an iPhone"))
	a.Has(http.StatusOK, `{"end_session":"success"`)
	e.contract().CheckAnswer(a)
	if phone.member() || !laptop.member() || !other.member() {
		t.Error("another session ended than the one that was named")
	}
	third := open("curl/8", "203.0.113.78")
	a = laptop.Post("/user/end-other-sessions")
	a.Has(http.StatusOK, `{"end_other_sessions":"success"`)
	e.contract().CheckAnswer(a)
	if third.member() || other.member() || !laptop.member() || len(laptop.sessions()) != 1 {
		t.Error("the others go on, or the asking one has ended")
	}
	// The current session ends as by a logout.
	a = laptop.Post("/user/end-session", "session", laptop.sessions()[0].Session)
	if c := a.Cookie(sessionCookie); c == nil || c.MaxAge >= 0 || laptop.member() {
		t.Errorf("the asking session, ended: %v", c)
	}
}

func TestWordsForDevicesAndPlaces(t *testing.T) {
	t.Parallel()
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 " +
			"Edg/131.0": "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 " +
			"Safari/605.1.15": "Safari on a Mac",
		"Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36": "Chrome on Android",
		"": "an unknown device", "Firefox/1": "Firefox", "Windows": "an unknown browser on Windows",
		strings.Repeat("x", 70_000): "an unknown device",
	} {
		t.Run(want, func(t *testing.T) {
			if got := device(agent); got != want {
				t.Errorf("%.50s: %s", agent, got)
			}
		})
	}

	for addr, want := range map[string]string{
		"127.0.0.1": "the shop's own machine", "::1": "the shop's own machine", "192.168.1.2": "a private network",
		"fe80::1%eth0":        "a private network",
		"::ffff:198.51.100.7": "the network 198.51.100.0/24",
	} {
		t.Run(addr, func(t *testing.T) {
			if got := place(netip.MustParseAddr(addr)); got != want {
				t.Errorf("%s: %s", addr, got)
			}
		})
	}

	if got := place(netip.Addr{}); got != "an unknown network" {
		t.Error(got)
	}
}

// However many session cookies a request has, they cost one query, and the living one among them is
// found.
func TestManySessionCookiesCostOneQuery(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.login()
	token := b.cookie(sessionCookie)
	tokens := make([]string, 1000)
	for i := range tokens {
		tokens[i], _ = newToken()
	}

	ask := func(tokens []string) (*session, int64) {
		t.Helper()
		e.server.sessions.evictAll()
		ctx, queries := pg.CountQueries(t.Context())
		s, err := e.server.session(ctx, netip.Addr{}, tokens...)
		if err != nil {
			t.Fatal(err)
		}
		return s, queries.Load()
	}
	if s, n := ask(tokens); s != nil || n != 1 {
		t.Errorf("1000 unknown cookies: %v, %d queries", s, n)
	}
	if s, n := ask(append(slices.Clone(tokens), token)); s == nil || n != 1 {
		t.Errorf("1000 unknown cookies before a good one: %v, %d queries", s, n)
	}
	if s, n := ask([]string{"short", strings.Repeat("*", tokenLength)}); s != nil || n != 0 {
		t.Errorf("cookies that cannot be ours: %v, %d queries", s, n)
	}

	// The same through edge, with the largest header that the server accepts.
	r := e.browser().Body(http.MethodGet, "/user/logged-in", "")
	cookies := make([]string, 0, 1001)
	for _, junk := range tokens {
		cookies = append(cookies, sessionCookie+"="+junk)
	}
	r.Header.Set("Cookie", strings.Join(append(cookies, sessionCookie+"="+token), "; "))
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // a test's answer
	var body struct {
		LoggedIn bool `json:"logged_in"`
	}
	if err := json.NewDecoder(res.Body).Decode(&body); err != nil || !body.LoggedIn {
		t.Errorf("%d %v: %+v", res.StatusCode, err, body)
	}
}
