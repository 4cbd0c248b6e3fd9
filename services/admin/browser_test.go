package admin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/webauthn"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// authenticator gives a tab a device that makes passkeys and asks its owner each time.
func authenticator(tab *browsertest.Tab) {
	browsertest.Call(tab, webauthn.Enable, webauthn.EnableParams{})
	browsertest.Call(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{Protocol: webauthn.AuthenticatorProtocolCtap2,
			Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true, IsUserVerified: true,
			AutomaticPresenceSimulation: true}})
}

// A person comes by a link, makes a passkey, and from then on signs in and confirms with it.
// Everyone can use each page on the way, and each obeys the policy.
func TestPasskeyInABrowser(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	tab := browsertest.Open(t, e.url, browsertest.PhoneDark)
	tab.Expect("403", "422") // the request to confirm; a passkey that does not match
	authenticator(tab)
	token, hash := newToken()
	if err := insertLink(t.Context(), e.pool, hash, e.person("ann", adminui.Owner), linkTTL); err != nil {
		t.Fatal(err)
	}
	at := func(path string) {
		t.Helper()
		tab.Until("the page is "+path, fmt.Sprintf("location.pathname === %q && document.readyState === 'complete'", path))
		tab.Axe(path)
	}
	tab.Go("/sign-in/link/" + token)
	at("/sign-in/link/" + token)
	tab.Click("main button")
	at("/sign-in/enrol")
	tab.Click("form[data-passkey] button")
	at("/sign-in/enrol/passkey")
	tab.Says("h1", "Recovery codes")
	tab.Click("a.primary")
	at("/account")
	tab.Says(".rows strong", "Passkey")
	tab.Click(".me button")
	at("/sign-in")

	tab.Click("form[data-passkey] button")
	at("/")
	if n := e.Number(`SELECT count(*) FROM passkey WHERE used_at IS NOT NULL
			AND (credential->'authenticator'->>'signCount')::int > 1`); n != 1 {
		t.Error("the counter of the passkey is not kept")
	}
	e.Exec(`UPDATE session SET fresh_until = now()`)
	tab.Go("/people/invite")
	at("/people/invite")
	tab.Says("h1", "Confirm that it is you")
	tab.Click("form[data-passkey] button")
	tab.Says("h1", "Invite")
	tab.Fill("#form-name", "Ben", "#form-username", "ben")
	tab.Click(`[value="support"]`)
	e.Exec(`UPDATE session SET fresh_until = now()`)
	tab.Click("main .form button.primary")
	tab.Says("h1", "Confirm that it is you")
	tab.Axe("confirm a form")
	tab.Click("form[data-passkey] button")
	tab.Says("h1", "A link for Ben") // the form's input was sent along
	for _, path := range []string{"/people", "/people/2", "/people/invite", "/audit", "/account", "/orders", "/account/app"} {
		tab.Go(path)
		at(path)
		tab.Until("nothing is wider than the screen at "+path, "document.documentElement.scrollWidth <= innerWidth")
	}
	tab.Go("/people/2")
	tab.Says(".panel .timeline", "Invited Ben") // the panel was fetched
}

// The answer of an authenticator is valid once, for its own ceremony, person and purpose.
func TestPasskeyReplay(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	tab := browsertest.Open(t, e.url, browsertest.Desktop)
	tab.Expect("422")
	authenticator(tab)
	ann := e.person("ann", adminui.Owner)
	token, hash := newToken()
	if err := insertLink(t.Context(), e.pool, hash, ann, linkTTL); err != nil {
		t.Fatal(err)
	}

	tab.Go("/sign-in/link/" + token)
	tab.Click("main button")
	tab.Click("form[data-passkey] button")
	tab.Says("h1", "Recovery codes")
	tab.Click("a.primary")
	tab.Click(".me button")
	tab.At("/sign-in") // the account page has such a form, too
	tab.Visible("form[data-passkey] button")

	// The page keeps the answer instead of posting it.
	tab.Eval(`HTMLFormElement.prototype.submit = function () {
		window.kept = [this.elements.token.value, this.elements.response.value]; }`)
	tab.Click("form[data-passkey] button")
	tab.Until("the authenticator answered", "window.kept")
	kept := []string{tab.Read("kept[0]"), tab.Read("kept[1]")}
	post := func(path, token, response string, pairs ...string) int {
		b := e.browser()
		return b.Post(path, append(pairs, "token", token, "response", response)...).Status
	}
	ceremony := func() string {
		begun := e.browser()
		begun.Header.Set("Accept", "application/json")
		return begun.Client.Post("/sign-in/passkey/begin").Text("token")
	}

	for what, status := range map[string]int{
		"the answer to another ceremony": post("/sign-in/passkey", ceremony(), kept[1]),
		"no ceremony":                    post("/sign-in/passkey", "x", kept[1]),
		"no answer":                      post("/sign-in/passkey", ceremony(), "{}"),
		"garbage":                        post("/sign-in/passkey", ceremony(), strings.Repeat("x", 1000)),
	} {
		if status != 422 {
			t.Errorf("%s: %d", what, status)
		}
	}

	tab.Go("/sign-in")
	tab.Visible("form[data-passkey] button")
	tab.Eval(`HTMLFormElement.prototype.submit = function () {
		window.kept = [this.elements.token.value, this.elements.response.value]; }`)
	tab.Click("form[data-passkey] button")
	tab.Until("the authenticator answered again", "window.kept")
	e.Exec(`ALTER TABLE passkey RENAME COLUMN credential TO gone`)
	if status := post("/sign-in/passkey", tab.Read("kept[0]"), tab.Read("kept[1]")); status != 500 {
		t.Errorf("the database says nothing, the answer is %d", status)
	}

	e.Exec(`ALTER TABLE passkey RENAME COLUMN gone TO credential`)
	if status := post("/sign-in/passkey", kept[0], kept[1]); status != 303 {
		t.Errorf("the answer itself: %d", status)
	}
	if status := post("/sign-in/passkey", kept[0], kept[1]); status != 422 {
		t.Errorf("the answer a second time: %d", status)
	}
	e.Exec(`UPDATE person SET disabled_at = now() WHERE id = $1`, ann)
}
