package edge

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	if b.member() {
		t.Fatal("a fresh browser is a member")
	}
	before := b.cookie(csrfCookie)
	a := b.login("remember_me", "false")
	c := a.Cookie(sessionCookie)
	if c == nil || !c.HttpOnly || c.MaxAge != 0 || !c.Expires.IsZero() || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure {
		t.Errorf("session cookie: %v", c)
	}
	if fresh := a.Cookie(csrfCookie); fresh == nil || fresh.Value == before {
		t.Errorf("csrf cookie after login: %v", fresh)
	}
	if a.Header.Get(web.SessionHeader) != "" {
		t.Error("the session header got out")
	}
	if !b.member() {
		t.Fatal("not logged in")
	}

	old := b.cookie(sessionCookie)
	a = b.Get("/user/logout")
	a.Has(http.StatusOK, `{"logout":"true"`)

	for name, deleted := range map[string]bool{sessionCookie: true, cartCookie: true, anonymousCookie: false} {
		if c := a.Cookie(name); c == nil || (c.MaxAge < 0) != deleted {
			t.Errorf("logout sets %s: %v", name, c)
		}
	}

	b.setCookie(sessionCookie, old)
	if b.member() {
		t.Error("the session outlives the logout")
	}
	if b.cookie(sessionCookie) != "" {
		t.Error("logged-in leaves an unknown session cookie")
	}
	b.Get("/user/logout").Has(http.StatusOK, `{"logout":"user_not_authenticated"`)
}

func TestRememberMe(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	r := b.Post("/user/login", "username", "ann_lee", "password", "right", "remember_me", "true")
	if c := r.Cookie(sessionCookie); c == nil || c.MaxAge != 1209600 {
		t.Errorf("session cookie: %v", c)
	}
	a := b.Post("/user/change-my-password")
	if c := a.Cookie(sessionCookie); c == nil || c.MaxAge != 1209600 {
		t.Errorf("session cookie after a password change: %v", c)
	}
	b = e.browser()
	b.login()
	a = b.Post("/user/change-my-password")
	if c := a.Cookie(sessionCookie); c == nil || c.MaxAge != 0 {
		t.Errorf("a password change turned a browser's session into %v", c)
	}
}

func TestFailedLoginOpensNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	a := b.Post("/user/login", "username", "ann_lee", "password", "wrong", "remember_me", "true")
	a.Has(http.StatusOK, `{"login":"false"`)
	if len(a.Cookies()) != 0 || b.cookie(sessionCookie) != "" {
		t.Errorf("cookies: %v", a.Cookies())
	}
}

func TestSessionIdIsNewAtLogin(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	planted := strings.Repeat("A", tokenLength)
	b.setCookie(sessionCookie, planted)
	b.login()
	first := b.cookie(sessionCookie)
	if first == planted || len(first) != tokenLength {
		t.Fatalf("session %q", first)
	}
	b.login()
	if b.cookie(sessionCookie) == first {
		t.Error("a second login kept the session id")
	}
	b.setCookie(sessionCookie, first)
	if b.member() {
		t.Error("the first session outlives the second login")
	}
}

func TestPasswordChangeEndsTheOthers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	one, two := e.browser(), e.browser()
	one.login()
	two.login()
	if !one.member() || !two.member() {
		t.Fatal("not logged in")
	}
	before := one.cookie(sessionCookie)
	one.Post("/user/change-my-password").Has(http.StatusOK, `"success"`)
	if after := one.cookie(sessionCookie); after == before || !one.member() {
		t.Error("the asking session is not renewed")
	}
	if two.member() {
		t.Error("the other session goes on")
	}
	// A reset ends all sessions at once, on every edge.
	other := e.browser()
	other.Post("/user/set-new-password").Has(http.StatusOK, `"success"`)
	if one.member() {
		t.Error("a session outlives the reset")
	}
}

func TestRevocationReachesOtherEdges(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	other, err := newServer(service.NewCore(testenv.Log(t), e.pool, e.broker.Bus("edge")), e.server.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.listen(t.Context()); err != nil {
		t.Fatal(err)
	}

	testenv.Eventually(t, 30*time.Second, "the other edge listens", other.bus.Connected)
	b := e.browser()
	b.login()
	token := b.cookie(sessionCookie)
	if s, err := other.session(t.Context(), netip.Addr{}, token); s == nil || err != nil {
		t.Fatal(s, err)
	}

	revoked := func() int {
		other.sessions.mu.RLock()
		defer other.sessions.mu.RUnlock()
		return other.sessions.evictions
	}
	before := revoked()
	b.Get("/user/logout")
	testenv.Eventually(t, 30*time.Second, "the signal heard on the other edge", func() bool { return revoked() > before })

	// The session is gone at once, not only when the cache has aged.
	if s, err := other.session(t.Context(), netip.Addr{}, token); s != nil || err != nil {
		t.Errorf("the session on the other edge: %v, %v", s, err)
	}
}
