package storefront

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// callsOf is how often an endpoint was called.
func (f *fakeAPI) callsOf(path string) int { return f.count(func() int { return f.calls[path] }) }

// The account page lists the devices that are logged in, and can log them out.
func TestSessionsOnTheAccountPage(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.member, f.terms = true, true
	b := newTab(t, server, 390, "light")
	b.Visit("/account")
	b.Says("#sessions", "Firefox on Linux")
	b.Says("#sessions", "from a private network")
	b.Until("this device is marked and has no button",
		`!document.querySelector('.session [data-slot=current]').hidden && document.querySelector('.session [data-slot=end]').hidden`)
	b.Axe("account with two devices")
	b.Click(`.session:nth-child(2) [data-slot=end]`)
	b.Says("#sessions-message", "logged out")
	b.Until("the device is gone", `document.querySelectorAll('.session').length === 1 && document.querySelector('#sessions-others').hidden`)
	f.set(func() { f.alone = false })
	b.Visit("/account")
	b.Click("#sessions-others")
	b.Says("#sessions-message", "All other devices are logged out")
	if n := f.callsOf("/user/end-other-sessions"); n != 1 {
		t.Errorf("%d calls", n)
	}

	// The page works without the list.
	f.set(func() { f.fail["/user/sessions"] = 503 })
	b.Expect("503")
	b.Visit("/account")
	b.Says("#orders", "aB3dE5gH7j")
	b.Until("no list is shown", `document.querySelector('#sessions-section').hidden`)
}

// A new address asks for the current password; a new name alone does not.
func TestNewAddressAsksForThePassword(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.member, f.terms = true, true
	b := newTab(t, server, 390, "light")
	b.Visit("/account/edit-my-information")
	b.Until("no password is asked for", `document.querySelector('#password-row').hidden`)
	b.Enter("#email", "new@mail.example.com")
	b.Visible("#current-password")
	b.Axe("edit my information with a new address")
	b.Click("#form button")
	b.Says("#current-password-error", "Please fill this in")
	if n := f.callsOf("/user/update-my-information"); n != 0 {
		t.Errorf("%d calls without the password", n)
	}

	b.Enter("#current-password", "Secret!pass")
	b.Click("#form button")
	b.At("/account")
	b.Says("#message", "We have mailed a link")
	if f.moved != "new@mail.example.com Secret!pass" {
		t.Errorf("sent %q", f.moved)
	}

	b.Visit("/account/edit-my-information")
	b.Enter("#firstname", "Anna")
	b.Click("#form button")
	b.Says("#message", "Your information is saved")
	if f.moved != "ann@mail.example.com " {
		t.Errorf("sent %q", f.moved)
	}
}

// The link that undoes a change of address changes nothing until its button is pressed.
func TestUndoAddressChangePage(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 390, "dark")
	b.Visit("/account/undo-address-change?address_undo_code=old")
	b.Axe("undo a change of address")
	b.Click("#form button")
	b.Says("[data-form-error]", "older than seven days")
	b.Visit("/account/undo-address-change?address_undo_code=good")
	if n := f.callsOf("/user/undo-address-change"); n != 1 {
		t.Errorf("%d calls before the button", n)
	}
	b.Click("#form button")
	b.Says("#done", "The former address is back")
	b.Until("the code is gone from the address", `location.search === ''`)
	b.Axe("undone")
}

// A browser without cookies is told about them, on every page and by every form.
func TestBlockedCookies(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.lines = []fakeLine{{6, 1}}

	b := browsertest.OpenWithoutCookies(t, server.URL, browsertest.Look{Width: 390, Scheme: "light"})
	for _, path := range []string{"/login", "/create-account", "/product/v26ujdy3N1", "/checkout/confirm", "/account"} {
		b.Visit(path)
		b.Visible("#no-cookies")
		b.Says("#no-cookies", "Your browser blocks cookies")
	}

	b.Axe("blocked cookies")
	b.Visit("/login?next=cart")
	b.Fill("#username", "ann_lee", "#password", "Secret!pass")
	b.Click("#form button")
	b.Says("[data-form-error]", "Your browser blocks cookies")
	if n := f.callsOf("/user/login"); n != 0 {
		t.Errorf("%d logins were tried", n)
	}

	b.Visit("/checkout/confirm")
	b.Fill("#guest-email", "pat@mail.example.com")
	b.Click("#guest-form button")
	b.Says("#guest-form [data-form-error]", "Your browser blocks cookies")

	// With cookies nothing is said about them.
	tab := newTab(t, server, 390, "light")
	tab.Visit("/login")
	tab.Gone("#no-cookies")
	if text := tab.Text("#form"); strings.Contains(text, "cookies") {
		t.Error(text)
	}
}
