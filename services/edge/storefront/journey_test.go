package storefront

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A guest buys: product, cart, code, shipping, address, terms, payment page, success, order.
func TestGuestBuys(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.visit("/products")
	b.click("#terms-banner-agree")
	b.until("the banner is gone", `document.querySelector('#terms-banner').hidden`)
	b.eval(`document.querySelector('a[href="/product/v26ujdy3N1"]').click()`)
	b.visible("#add:not(:disabled)")
	b.click(`[data-step="1"]`)
	b.click("#add")
	b.says("#added-text", "2 × Rubber Bands")
	b.says("#cart-count", "1")
	b.visit("/cart")
	b.says("[data-total=total]", "$39.54")
	b.enter("#code", "nothing")
	b.click("#code-form button[type=submit]")
	b.says("#code-error", "We know no code “nothing”")
	b.enter("#code", "WELCOME10")
	b.click("#code-form button[type=submit]")
	b.says("#codes", "applied")
	b.says("[data-total=item_discount]", "−$3.00")
	b.eval(`document.querySelector('input[value=FedExGround]').click()`)
	b.says("[data-total=total]", "$37.83")
	b.eval(`document.querySelector('[aria-label^="One more"]').click()`)
	b.says("[data-total=item_subtotal]", "$44.97")
	b.click("#codes button")
	b.until("the code is gone", `document.querySelector('#codes').children.length === 0`)
	b.says("#status", "New total: $55.82")
	b.visit("/checkout/confirm")
	b.enter("#guest-email", "ann@mail.example.com")
	b.click("#guest-form button")
	b.says("#guest-form [data-form-error]", "There is an account with this address")
	b.enter("#guest-email", "pat@mail.example.com")
	b.click("#guest-form button")
	b.says("#receipt-address", "pat@mail.example.com")
	b.click("#pay")
	b.says("#agree-error", "Please agree")
	b.click("#agree")
	b.eval(`for (let i = 0; i < 5; i++) document.querySelector('#pay').click()`)
	b.visible("#paid")
	if n := f.count(func() int { return f.calls["/order/create-checkout-session"] }); n != 1 {
		t.Errorf("five presses made %d payment sessions", n)
	}
	b.click("#paid")
	b.says("#waiting-text", "Payment pending")
	b.until("the order is shown", `location.pathname === '/account/order' && !document.querySelector('#order').hidden`)
	b.visible("#thanks")
	b.says("#number", "aB3dE5gH7j")
	b.says("#tracking a", "1Z999")
}

// Stock states: only what is in stock can be put into the cart, and the page says why.
func TestStockStates(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 768, "light")
	b.visit("/product?name=BinderClips&id=ITHJW3mytn&referrer=cart")
	b.says("#back", "Back to the cart")
	b.says("#price", "$3.99")
	b.eval(`document.querySelector('input[value="5"]').click()`)
	b.says("#price", "$4.99")
	b.says("#stock-title", "Out of Stock")
	b.until("nothing can be bought", `document.querySelector('#buy-row').hidden`)
	b.until("its picture is shown", `document.querySelector('#stage-image').src.endsWith('binder_clip_medium_2.jpg')`)
	b.eval(`document.querySelector('input[value="6"]').click()`)
	b.visible("#add")
	b.enter("#quantity", "x")
	b.click("#add")
	b.says("#quantity-error", "whole number")
}

// The way from the confirm page to the login and back.
func TestMemberLogsInToBuy(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.lines = []fakeLine{{6, 1}}
	b := newTab(t, server, 1440, "dark")
	b.visit("/checkout/confirm")
	b.click("#way-login")
	b.enter("#username", "ann_lee")
	b.enter("#password", "wrong")
	b.click("#form button")
	b.says("[data-form-error]", "do not belong together")
	b.enter("#password", "Secret!pass")
	b.click("#form button")
	b.until("the confirm page is back", `location.pathname === '/checkout/confirm'`)
	b.says("#receipt-address", "ann@mail.example.com")
	b.says("#account-initials", "AL")
	b.visible("#pay-form")
}

// A forged address can't lead away from the shop after the login.
func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.visit("/login?next=//evil.example/x&message=<b>hello</b>")
	b.until("no message of strangers is shown", `document.querySelector('#message').hidden`)
	b.enter("#username", "ann_lee")
	b.enter("#password", "Secret!pass")
	b.click("#form button")
	b.until("the account is shown", `location.pathname === '/account' && location.host === '`+strings.TrimPrefix(server.URL, "http://")+`'`)
	b.says("#orders", "aB3dE5gH7j")
}

// A mailed link confirms the address, also when the login comes in between.
func TestVerifyLink(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.do(chromedp.Navigate(server.URL + "/account/?email_verification_code=good"))
	b.visible("#username")
	b.says("#message", "Please log in first")
	b.enter("#username", "ann_lee")
	b.enter("#password", "Secret!pass")
	b.click("#form button")
	b.says("#message", "your e-mail address is confirmed")
	b.until("the code is gone from the address", `location.search === ''`)
	b.says("#email-state", "confirmed")
}

func TestUnsubscribeByLink(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.visit("/account/email-unsubscribe?token=T&em_cd=E&mb_cd=M")
	b.says("#address", "annl***@mail.example.com")
	b.click("#confirm-form button")
	b.click("#spam")
	b.click("#why-form button")
	b.visible("#thanks")
	b.visit("/account/email-unsubscribe?token=X")
	b.says("#refused-text", "has been used already")
	if n := f.count(func() int { return f.events["linkevent"] }); n != 1 {
		t.Errorf("%d link events, want 1", n)
	}
}

func TestChatAndTerms(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.member, f.terms = true, false
	b := newTab(t, server, 768, "light")
	b.visit("/")
	b.says("#terms-note strong", "shorter")
	b.click("#terms-agree")
	b.until("the terms are gone", `!document.querySelector('#terms-dialog').open`)
	b.until("nothing of the note ran", `document.title !== 'broken'`)
	b.click("#chat-open")
	b.until("the chat knows the member", `document.querySelector('#chat-email').value === 'ann@mail.example.com'`)
	b.enter("#chat-message", "Hello <b>there</b>")
	b.click("#chat-form button[type=submit]")
	b.visible("#chat-done")
	b.click("#chat-close")
	b.until("clicks are recorded", `true`)
	if n := f.count(func() int { return f.events["buttonclick"] }); n < 1 {
		t.Errorf("%d clicks recorded", n)
	}
}

func TestWaitingList(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "dark")
	b.visit("/pythonabot")
	b.enter("#email", "a@b.example")
	b.click("#form button")
	b.says("#excited-error", "fill this in")
	b.until("what was typed stays", `document.querySelector('#email').value === 'a@b.example'`)
	b.eval(`document.querySelector('input[value="4"]').click()`)
	b.click("#form button")
	b.visible("#done")
}

// A call that fails is told to the shopper, recorded, and can be tried again.
func TestTroubleAndRetry(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.lines = []fakeLine{{1, 1}}
	f.fail["/order/cart-totals"] = http.StatusInternalServerError
	b := newTab(t, server, 390, "light")
	b.expected = "500"
	b.do(chromedp.Navigate(server.URL + "/cart"))
	b.says("#trouble-text", "on our side")
	f.set(func() { delete(f.fail, "/order/cart-totals") })
	b.click("#trouble-retry")
	b.says("[data-total=total]", "$13.06")
	if n := f.count(func() int { return f.events["ajaxerror"] }); n != 1 {
		t.Errorf("%d failures recorded, want 1", n)
	}
}

// What one tab puts into the cart, the other shows.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	cart := newTab(t, server, 768, "light")
	shelf := cart.another()
	cart.visit("/cart")
	cart.visible("#empty")
	shelf.visit("/product/bSusp6dBHm")
	shelf.click("#add")
	cart.says("#lines", "Paper Clips")
	cart.says("#cart-count", "1")
	cart.eval(`document.querySelector('[data-slot=remove]').click()`)
	cart.visible("#empty")
	shelf.until("the badge is gone", `document.querySelector('#cart-badge').hidden`)
}

// Without scripts the catalogue is whole and says how to buy.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(server.URL + "/product/ITHJW3mytn"))
	text, err := chromedp.Run(b.ctx, chromedp.Text("main"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Binder Clips", "$5.99", "Out of Stock", "Buying needs JavaScript"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page without scripts lacks %q:\n%s", part, text)
		}
	}
}

// Everything on the product page can be reached and used with the keyboard.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 1440, "light")
	b.visit("/product/bSusp6dBHm")
	b.do(chromedp.KeyEvent("\t"))
	b.until("the skip link is first", `document.activeElement.classList.contains('skip')`)
	seen := map[string]bool{}
	for range 40 {
		b.do(chromedp.KeyEvent("\t"))
		id, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.activeElement.id || document.activeElement.className`))
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
		if id == "add" {
			break
		}
	}
	for _, id := range []string{"cart-link", "back", "thumb", "quantity", "add"} {
		if !seen[id] {
			t.Errorf("the keyboard never reaches %s: %v", id, seen)
		}
	}
	b.until("the focus shows", `getComputedStyle(document.activeElement).boxShadow !== 'none'`)
	b.do(chromedp.KeyEvent("\r"))
	b.visible("#added")
}
