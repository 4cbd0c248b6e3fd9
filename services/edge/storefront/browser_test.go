package storefront

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// membersOnly are the pages that send a visitor to the login.
var membersOnly = map[string]bool{
	"/account/edit-my-information": true, "/account/change-password": true, "/account/edit-communication-preferences": true,
}

// Every page, in both color schemes, on a phone and on a desktop, passes axe and logs nothing on
// the console.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			f, _, server := newFake(t)
			width := map[string]int64{"light": 390, "dark": 1440}[scheme]
			b := newTab(t, server, width, scheme)
			b.Expect("404") // the page for unknown addresses is one of them
			for path := range addresses() {
				if membersOnly[path] {
					continue
				}
				b.Visit(path)
				b.Until("a visitor is told of the terms", `!document.querySelector('#terms-banner').hidden`)
				b.Axe(scheme + " " + path)
			}
			f.set(func() { f.member = true })
			for path := range membersOnly {
				b.Visit(path)
				b.Axe(scheme + " " + path)
			}
		})
	}
}

// The states that a mere visit does not show: filled, refused, open, done.
func TestEveryStateIsAccessible(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			f, _, server := newFake(t)
			b := newTab(t, server, 768, scheme)
			b.Expect("503")
			f.set(func() { f.lines, f.code = []fakeLine{{1, 2}, {7, 1}, {2, 1}}, true })
			b.Visit("/cart")
			b.Visible("#blocked")
			b.Axe("cart with a line out of stock")
			b.Visit("/checkout/confirm")
			b.Axe("confirm, blocked")
			f.set(func() { f.lines = f.lines[:2] })
			b.Visit("/checkout/confirm")
			b.Click("#guest-form button")
			b.Visible("#guest-email-error")
			b.Axe("confirm, without an address")
			b.Enter("#guest-email", "pat@mail.example.com")
			b.Click("#guest-form button")
			b.Click("#pay")
			b.Visible("#agree-error")
			b.Axe("confirm, without a tick")
			b.Visit("/account/order?identifier=aB3dE5gH7j")
			b.Axe("order")
			b.Visit("/account/email-unsubscribe?token=T")
			b.Click("#confirm-form button")
			b.Visible("#why-form")
			b.Axe("unsubscribed")
			b.Visit("/set-new-password?password_reset_code=x")
			b.Axe("set a new password")
			b.Visit("/create-account")
			b.Click("#form button")
			b.Visible("#username-error")
			b.Axe("create an account, refused")
			b.Click("#chat-open")
			b.Until("the chat is ready", `!document.querySelector('#chat-form button').disabled`)
			b.Click("#chat-form button[type=submit]")
			b.Visible("#chat-message-error")
			b.Axe("chat, refused")
			f.set(func() { f.member, f.terms = true, false })
			b.Visit("/account")
			b.Visible("#terms-dialog")
			b.Axe("account with new terms")
			f.set(func() { f.fail["/order/cart-items"] = 503 })
			b.Do(chromedp.Navigate(server.URL + "/cart"))
			b.Visible("#trouble")
			b.Axe("cart in trouble")
		})
	}
}

// At 320 px (WCAG 1.4.10) less the 15 of a scroll bar, no page scrolls sideways, and the shop's
// name keeps clear of the tools beside it.
func TestNothingIsWiderThanASmallPhone(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 305, "light")
	b.Expect("404")
	f.set(func() { f.member, f.lines, f.code = true, []fakeLine{{1, 2}, {2, 1}}, true })
	for path := range addresses() {
		b.Visit(path)
		// Before its font has come, the name may be wider.
		b.Until(path+" ends within the screen", `![...document.body.querySelectorAll('*')].some(e =>
			e.checkVisibility() && !e.closest('.skip, dialog') && (e.getBoundingClientRect().right > innerWidth + 1 ||
			e.matches('header .brand') && e.scrollWidth > e.clientWidth + 1))`)
	}
}

// set changes the fake while pages are using it.
func (f *fakeAPI) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

// count reads a counter of the fake.
func (f *fakeAPI) count(read func() int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return read()
}
