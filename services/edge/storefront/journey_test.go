package storefront

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A guest buys: product, cart, code, shipping, address, terms, payment page, success, order.
func TestGuestBuys(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.Visit("/products")
	b.Click("#terms-banner-agree")
	b.Until("the banner is gone", `document.querySelector('#terms-banner').hidden`)
	b.Follow(`a[href="/product/v26ujdy3N1"]`)
	b.Visible("#add:not(:disabled)")
	b.Click(`[data-step="1"]`)
	b.Click("#add")
	b.Says("#added-text", "2 × Rubber Bands")
	b.Says("#cart-count", "1")
	b.Visit("/cart")
	b.Says("[data-total=total]", "$39.54")
	b.Enter("#code", "nothing")
	b.Click("#code-form button[type=submit]")
	b.Says("#code-error", "We do not know the code “nothing”")
	b.Enter("#code", "WELCOME10")
	b.Click("#code-form button[type=submit]")
	b.Says("#codes", "applied")
	b.Says("[data-total=item_discount]", "−$3.00")
	b.Follow("input[value=FedExGround]")
	b.Says("[data-total=total]", "$37.83")
	b.Follow(`[aria-label^="One more"]`)
	b.Says("[data-total=item_subtotal]", "$44.97")
	b.Click("#codes button")
	b.Until("the code is gone", `document.querySelector('#codes').children.length === 0`)
	b.Says("#status", "New total: $55.82")
	b.Visit("/checkout/confirm")
	b.Enter("#guest-email", "ann@mail.example.com")
	b.Click("#guest-form button")
	b.Says("#guest-form [data-form-error]", "There is an account with this address")
	b.Enter("#guest-email", "pat@mail.example.com")
	b.Click("#guest-form button")
	b.Says("#receipt-address", "pat@mail.example.com")
	b.Click("#pay")
	b.Says("#agree-error", "Please agree")
	b.Click("#agree")
	b.Eval(`for (let i = 0; i < 5; i++) document.querySelector('#pay').click()`)
	b.Visible("#paid")
	if n := f.count(func() int { return f.calls["/order/create-checkout-session"] }); n != 1 {
		t.Errorf("five presses made %d payment sessions", n)
	}

	b.Click("#paid")
	b.Says("#waiting-text", "Payment pending")
	b.Until("the order is shown", `location.pathname === '/account/order' && !document.querySelector('#order').hidden`)
	b.Visible("#thanks")
	b.Says("#number", "aB3dE5gH7j")
	b.Says("#tracking a", "1Z999")
	b.Says("#tracking span", "B 7")
	b.Says("#totals [data-total=refunded]", "$3.99")
	b.Says("#shipping-address", "Apt 5B")
	b.Says("#billing-address", "Apt 5B")
}

// A payment that waits for staff is safe, and the page says so instead of waiting.
func TestAPaymentForStaff(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"unexpected-error", "cart-not-found"} {
		f, _, server := newFake(t)
		f.staff = code
		b := newTab(t, server, 390, "light")
		b.Visit("/checkout/success?session_id=cs_test_1")
		b.Says("#failed-title", "Your payment is safe")
		b.Says("#failed-text", "Our staff have been told")
		b.Until("there is nothing to look for again",
			`document.querySelector('#again').hidden && document.querySelector('#waiting').hidden`)
		if n := f.count(func() int { return f.polls }); n != 1 {
			t.Errorf("%s: %d requests", code, n)
		}
	}
}

// Only a SKU in stock can be put into the cart, and the page says why.
func TestStockStates(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 768, "light")
	b.Visit("/product?name=BinderClips&id=ITHJW3mytn&referrer=cart")
	b.Says("#back", "Back to the cart")
	b.Says("#price", "$3.99")
	b.Follow(`input[value="5"]`)
	b.Says("#price", "$4.99")
	b.Says("#stock-title", "Out of Stock")
	b.Until("nothing can be bought", `document.querySelector('#buy-row').hidden`)
	b.Until("its picture is shown", `document.querySelector('#stage-image').src.endsWith('binder_clip_medium_2.jpg')`)
	b.Follow(`input[value="6"]`)
	b.Visible("#add")
	b.Enter("#quantity", "x")
	b.Click("#add")
	b.Says("#quantity-error", "whole number")
}

// The confirm page leads to the login, and the login back.
func TestMemberLogsInToBuy(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.lines = []fakeLine{{6, 1}}
	b := newTab(t, server, 1440, "dark")
	b.Visit("/checkout/confirm")
	b.Click("#way-login")
	b.Enter("#username", "ann_lee")
	b.Enter("#password", "wrong")
	b.Click("#form button")
	b.Says("[data-form-error]", "do not match")
	b.Enter("#password", "Secret!pass")
	b.Click("#form button")
	b.Until("the confirm page is back", `location.pathname === '/checkout/confirm'`)
	b.Says("#receipt-address", "ann@mail.example.com")
	b.Says("#account-initials", "AL")
	b.Visible("#pay-form")
}

// A forged address cannot lead away from the shop after the login.
func TestLoginLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.Visit("/login?next=//evil.example/x&message=<b>hello</b>")
	b.Until("no message of strangers is shown", `document.querySelector('#message').hidden`)
	b.Enter("#username", "ann_lee")
	b.Enter("#password", "Secret!pass")
	b.Click("#form button")
	b.Until("the account is shown", `location.pathname === '/account' && location.host === '`+strings.TrimPrefix(server.URL, "http://")+`'`)
	b.Says("#orders", "aB3dE5gH7j")
}

// The browser's own address parser judges the table of forms and a fuzz: node's may differ.
func TestRedirectTargets(t *testing.T) {
	t.Parallel()
	f, pages, server := newFake(t)
	source, err := os.ReadFile("static/js/links.testdata.js")
	if err != nil {
		t.Fatal(err)
	}
	b := newTab(t, server, 390, "light")
	b.Visit("/login")

	script := strings.ReplaceAll(string(source), "export ", "")
	seed := time.Now().UnixNano() % 1e9
	b.Eval(fmt.Sprintf(`(async () => {
		const { safeNext } = await import(%q);
		%s
		const wrong = [];
		for (const form of forms) { const away = leadsAway(safeNext, form, location.origin);
			if (away) wrong.push(JSON.stringify(form) + ': ' + away); }
		for (const form of randomForms(%d, 20000)) { const away = leadsAway(safeNext, form, location.origin);
			if (away) wrong.push(JSON.stringify(form) + ': ' + away); }
		globalThis.outcome = forms.length + ' forms, wrong: ' + wrong.slice(0, 20).join('; ');
	})()`, pages.assets.path("js/links.js"), script, seed))

	if wrong := b.Read("outcome"); !strings.HasSuffix(wrong, " forms, wrong: ") {
		t.Errorf("seed %d: %s", seed, wrong)
	}

	// The same as a shopper meets it: after a login the address is still ours.
	for _, form := range []string{".//evil.example", "/a/..//evil.example", "/%2e//evil.example", "//user@evil.example", `/\evil.example`} {
		f.set(func() { f.member = false })
		tab := newTab(t, server, 390, "light")
		tab.Visit("/login?next=" + url.QueryEscape(form))
		tab.Fill("#username", "ann_lee", "#password", "Secret!pass")
		tab.Click("#form button")
		tab.Until("the account is shown after "+form,
			`location.pathname === '/account' && location.host === '`+strings.TrimPrefix(server.URL, "http://")+`'`)
	}
}

// A mailed link confirms the address, even if the login comes in between.
func TestVerifyLink(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.Do(chromedp.Navigate(server.URL + "/account/?email_verification_code=good"))
	b.Visible("#username")
	b.Says("#message", "Please log in first")
	b.Enter("#username", "ann_lee")
	b.Enter("#password", "Secret!pass")
	b.Click("#form button")
	b.Says("#message", "your e-mail address is confirmed")
	b.Until("the code is gone from the address", `location.search === ''`)
	b.Says("#email-state", "confirmed")
}

func TestUnsubscribeByLink(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.Visit("/account/email-unsubscribe?token=T&em_cd=E&mb_cd=M")
	b.Says("#address", "annl***@mail.example.com")
	b.Click("#confirm-form button")
	b.Click("#spam")
	b.Click("#why-form button")
	b.Visible("#thanks")
	b.Visit("/account/email-unsubscribe?token=X")
	b.Says("#refused-text", "has been used already")
	if n := f.count(func() int { return f.events["linkevent"] }); n != 1 {
		t.Errorf("%d link events, want 1", n)
	}
}

// A member agrees to new terms and writes to the shop, and the clicks are recorded.
func TestChatAndTerms(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.member, f.terms = true, false
	b := newTab(t, server, 768, "light")
	b.Visit("/")
	b.Says("#terms-note strong", "shorter")
	b.Click("#terms-agree")
	b.Until("the terms are gone", `!document.querySelector('#terms-dialog').open`)
	b.Until("nothing of the note ran", `document.title !== 'broken'`)
	b.Click("#chat-open")
	b.Until("the chat knows the member", `document.querySelector('#chat-email').value === 'ann@mail.example.com'`)
	b.Enter("#chat-message", "Hello <b>there</b>")
	b.Click("#chat-form button[type=submit]")
	b.Visible("#chat-done")
	b.Click("#chat-close")
	b.Until("clicks are recorded", `true`)
	if n := f.count(func() int { return f.events["buttonclick"] }); n < 1 {
		t.Errorf("%d clicks recorded", n)
	}
}

// A refused form keeps its input, and an accepted one says so.
func TestWaitingList(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "dark")
	b.Visit("/pythonabot")
	b.Enter("#email", "a@b.example")
	b.Click("#form button")
	b.Says("#excited-error", "fill this in")
	b.Until("what was typed stays", `document.querySelector('#email').value === 'a@b.example'`)
	b.Follow(`input[value="4"]`)
	b.Click("#form button")
	b.Visible("#done")
}

// A failed call is shown to the shopper, recorded, and can be tried again.
func TestTroubleAndRetry(t *testing.T) {
	t.Parallel()
	f, _, server := newFake(t)
	f.lines = []fakeLine{{1, 1}}
	f.fail["/order/cart-totals"] = http.StatusInternalServerError
	b := newTab(t, server, 390, "light")
	b.Expect("500")
	b.Do(chromedp.Navigate(server.URL + "/cart"))
	b.Says("#trouble-text", "on our side")
	f.set(func() { delete(f.fail, "/order/cart-totals") })
	b.Click("#trouble-retry")
	b.Says("[data-total=total]", "$13.06")
	if n := f.count(func() int { return f.events["ajaxerror"] }); n != 1 {
		t.Errorf("%d failures recorded, want 1", n)
	}
}

// An item that one tab puts into the cart shows in the other.
func TestTwoTabs(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	cart := newTab(t, server, 768, "light")
	shelf := cart.Another()
	cart.Visit("/cart")
	cart.Visible("#empty")
	shelf.Visit("/product/bSusp6dBHm")
	shelf.Click("#add")
	cart.Says("#lines", "Paper Clips")
	cart.Says("#cart-count", "1")
	cart.Follow("[data-slot=remove]")
	cart.Visible("#empty")
	shelf.Until("the badge is gone", `document.querySelector('#cart-badge').hidden`)
}

// Without scripts the catalog is whole and says how to buy.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "light")
	b.WithoutScripts()
	b.Go("/product/ITHJW3mytn")
	text := b.Text("main")
	for _, part := range []string{"Binder Clips", "$5.99", "Out of Stock", "Buying needs JavaScript"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page without scripts lacks %q:\n%s", part, text)
		}
	}
}

// A reduced price stands beside the regular one of the chosen SKU.
func TestAReducedPrice(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	b := newTab(t, server, 390, "dark")
	b.Visit("/product/bSusp6dBHm")
	b.Says("#price", "$3.50")
	b.Says("#price-was", "instead of $4.25")
	b.Axe("a reduced price")
	b.Click(".option:nth-of-type(2)")
	b.Gone("#price-was")
	b.Click(".option:nth-of-type(1)")
	b.Visible("#price-was")
}
