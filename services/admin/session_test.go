package admin

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The first link makes an owner and signs them in once. None is made once someone can sign in.
func TestFirstLink(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	if a := b.Get("/orders?q=x"); a.Status != http.StatusSeeOther || a.Header.Get("Location") != "/sign-in?to=%2Forders%3Fq%3Dx" {
		t.Errorf("%s, %s", a, a.Header.Get("Location"))
	}

	link := func() string {
		t.Helper()
		link, err := FirstLink(t.Context(), e.databaseURL, testenv.ShopName, e.url)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimPrefix(link, e.url)
	}
	first, second := link(), link()
	for range 2 { // opening it does not use it up
		b.Get(first).Has(200, `action="`+first+`"`)
	}
	if n := e.Number(`SELECT count(*) FROM link WHERE hash::text LIKE '%' || $1 || '%'`,
		strings.TrimPrefix(first, "/sign-in/link/")); n != 0 {
		t.Error("the link itself is stored")
	}

	signed := b.Post(first)
	cookie := signed.Cookie(developmentCookie)
	if signed.Status != http.StatusSeeOther || cookie == nil || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%s sets %v", signed, signed.Header["Set-Cookie"])
	}
	b.Get("/").Has(200, "Owner", `href="/orders"`)

	for _, used := range []string{first, second, "/sign-in/link/x"} {
		if a := e.browser().Post(used); a.Status != http.StatusGone || a.Cookie(developmentCookie) != nil {
			t.Errorf("a link that has ended: %s", a)
		}
	}

	e.person("ben", adminui.Manager)
	if l := link(); l != "" {
		t.Errorf("there are people, and the command makes %s", l)
	}
}

// Signing in opens a new session and ends the one that the browser brought along.
func TestSessionFixation(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	eve := e.as(adminui.ReadOnly)
	before := e.Number(`SELECT count(*) FROM session`)
	id := e.person("ann", adminui.Owner)
	token, hash := newToken()
	if err := insertLink(t.Context(), e.pool, hash, id, linkTTL); err != nil {
		t.Fatal(err)
	}
	a := eve.Post("/sign-in/link/" + token)
	if n := e.Number(`SELECT count(*) FROM session`); a.Status != http.StatusSeeOther || n != before {
		t.Errorf("%s; %d sessions, before %d", a, n, before)
	}
	planted := e.browser()
	planted.Header.Set("Cookie", developmentCookie+"=planted")
	token, hash = newToken()
	if err := insertLink(t.Context(), e.pool, hash, id, linkTTL); err != nil {
		t.Fatal(err)
	}
	if c := planted.Post("/sign-in/link/" + token).Cookie(developmentCookie); c == nil || c.Value == "planted" {
		t.Errorf("the session is the one that was planted: %v", c)
	}
}

// A session ends by itself, by its person, and with the person's rights.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	in := func(b *browser, want bool) {
		t.Helper()
		if got := b.Get("/").Status == 200; got != want {
			t.Errorf("signed in: %t, want %t", got, want)
		}
	}
	id := e.person("ann", adminui.Manager)
	idle, old, out, disabled := e.in(id), e.in(id), e.in(id), e.in(id)
	e.Exec(`UPDATE session SET seen_at = now() - interval '29 minutes' WHERE hash = (SELECT hash FROM session ORDER BY created_at LIMIT 1)`)
	idle.Get("/counts").Has(200) // an open page keeps no session alive
	if n := e.Number(`SELECT count(*) FROM session WHERE seen_at < now() - interval '28 minutes'`); n != 1 {
		t.Error("a page that asks by itself counts as the person's use")
	}

	e.Exec(`UPDATE session SET seen_at = now() - interval '31 minutes' WHERE hash = (SELECT hash FROM session ORDER BY created_at LIMIT 1)`)
	in(idle, false)
	e.Exec(`UPDATE session SET expires_at = now() WHERE hash = (SELECT hash FROM session ORDER BY created_at OFFSET 1 LIMIT 1)`)
	in(old, false)
	in(out, true)
	if a := out.Post("/sign-out"); a.Status != http.StatusSeeOther {
		t.Error(a)
	}

	in(out, false)
	in(disabled, true)
	e.Exec(`UPDATE person SET roles = '{fulfilment}'`)
	disabled.Get("/orders").Has(200)
	e.Exec(`UPDATE person SET roles = '{marketing}'`)
	disabled.Get("/orders").Has(403, "You may not do this")
	if a := disabled.Get("/"); strings.Contains(a.Body, `href="/orders"`) {
		t.Error("the navigation shows what the person may not see")
	}

	e.Exec(`UPDATE person SET disabled_at = now()`)
	in(disabled, false)
	if n, err := deleteOldSessions(t.Context(), e.pool); err != nil || n != 2 {
		t.Errorf("%d deleted, %v", n, err)
	}
}
