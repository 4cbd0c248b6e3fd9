package storefront

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/startupwebapp/startupwebapp/services/edge/browsertest"
)

// browser is the one Chromium of all tests; each test has tabs of its own.
var browser = sync.OnceValues(func() (context.Context, error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox)
	allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ := chromedp.NewContext(allocator)
	return ctx, chromedp.Do(ctx)
})

// tab is one page of the browser. Whatever it writes to the console fails the test, but for what
// the test expects.
type tab struct {
	t        *testing.T
	ctx      context.Context
	server   *httptest.Server
	expected string
	mu       sync.Mutex
	console  []string
}

// newTab opens a tab of a phone's or a desk's width in light or dark colours, for a shopper who has
// no cookies yet.
func newTab(t *testing.T, server *httptest.Server, width int64, scheme string) *tab {
	t.Helper()
	parent, err := browser()
	if err != nil {
		t.Fatalf("start Chromium: %v", err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	return openTab(ctx, cancel, t, server, width, scheme)
}

// another opens a second tab for the same shopper.
func (b *tab) another() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	return openTab(ctx, cancel, b.t, b.server, 390, "light")
}

func openTab(ctx context.Context, cancel context.CancelFunc, t *testing.T, server *httptest.Server, width int64, scheme string) *tab {
	t.Helper()
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of this call
		t.Fatalf("open a tab: %v", err)
	}
	b := &tab{t: t, ctx: ctx, server: server}
	b.do(chromedp.EmulateViewport(width, 900))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		t.Fatal(err)
	}
	go func() {
		for message, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.console = append(b.console, fmt.Sprint(message))
			b.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		b.checkConsole()
		cancel()
	})
	return b
}

func (b *tab) checkConsole() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, message := range b.console {
		if b.expected == "" || !strings.Contains(message, b.expected) {
			b.t.Errorf("console: %s", message)
		}
	}
}

// do runs actions with a deadline, so that a page that never gets there fails the test.
func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// visit opens a page and waits until its scripts have asked who is there.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.server.URL + path))
	b.until("the page is ready", `document.readyState === 'complete' && !document.querySelector('#chat-open').hidden && (!document.querySelector('#loading') || document.querySelector('#loading').hidden)`)
}

// eval runs an expression in the page.
func (b *tab) eval(expression string) {
	b.t.Helper()
	b.do(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to become true. A page that is just being left can't answer and is
// asked again.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		done, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+expression+")"))
		if done && err == nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			b.t.Fatalf("waiting until %s: %v (%v)", what, ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// visible waits for an element to be shown.
func (b *tab) visible(selector string) {
	b.t.Helper()
	b.until(selector+" is visible", fmt.Sprintf("document.querySelector(%q)?.checkVisibility()", selector))
}

// says waits for an element to hold a text.
func (b *tab) says(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf("%s says %q", selector, text), fmt.Sprintf("document.querySelector(%q)?.textContent.includes(%q)", selector, text))
}

// click and enter are what a shopper does.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.visible(selector)
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

func (b *tab) enter(selector, text string) {
	b.t.Helper()
	b.visible(selector)
	b.eval(fmt.Sprintf("document.querySelector(%q).value = ''", selector))
	b.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// axe checks the page as it is now.
func (b *tab) axe(what string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	call := browsertest.AxeSource + `; axe.run(document, { resultTypes: ['violations'] }).then((r) => JSON.stringify(
		r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.failureSummary)).join(' | '))))`
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](call, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("axe on %s: %v", what, err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(answer), &violations); err != nil {
		b.t.Fatal(err)
	}
	for _, v := range violations {
		b.t.Errorf("%s: %s", what, v)
	}
}

// membersOnly are the pages that send a visitor to the login.
var membersOnly = map[string]bool{
	"/account/edit-my-information": true, "/account/change-password": true, "/account/edit-communication-preferences": true,
}

// Every page, in both colours, as a phone and as a desk sees it, has nothing for axe to complain
// about, and says nothing on the console.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			f, _, server := newFake(t)
			width := map[string]int64{"light": 390, "dark": 1440}[scheme]
			b := newTab(t, server, width, scheme)
			b.expected = "404" // the page for unknown addresses is one of them
			for path := range addresses() {
				if membersOnly[path] {
					continue
				}
				b.visit(path)
				b.until("a visitor is told of the terms", `!document.querySelector('#terms-banner').hidden`)
				b.axe(scheme + " " + path)
			}
			f.set(func() { f.member = true })
			for path := range membersOnly {
				b.visit(path)
				b.axe(scheme + " " + path)
			}
		})
	}
}

// The states that a visit alone does not show: filled, refused, open, done.
func TestEveryStateIsAccessible(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"light", "dark"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			f, _, server := newFake(t)
			b := newTab(t, server, 768, scheme)
			b.expected = "503"
			f.set(func() { f.lines, f.code = []fakeLine{{1, 2}, {7, 1}, {2, 1}}, true })
			b.visit("/cart")
			b.visible("#blocked")
			b.axe("cart with a line out of stock")
			b.visit("/checkout/confirm")
			b.axe("confirm, blocked")
			f.set(func() { f.lines = f.lines[:2] })
			b.visit("/checkout/confirm")
			b.click("#guest-form button")
			b.visible("#guest-email-error")
			b.axe("confirm, without an address")
			b.enter("#guest-email", "pat@mail.example.com")
			b.click("#guest-form button")
			b.click("#pay")
			b.visible("#agree-error")
			b.axe("confirm, without a tick")
			b.visit("/account/order?identifier=aB3dE5gH7j")
			b.axe("order")
			b.visit("/account/email-unsubscribe?token=T")
			b.click("#confirm-form button")
			b.visible("#why-form")
			b.axe("unsubscribed")
			b.visit("/set-new-password?password_reset_code=x")
			b.axe("set a new password")
			b.visit("/create-account")
			b.click("#form button")
			b.visible("#username-error")
			b.axe("create an account, refused")
			b.click("#chat-open")
			b.until("the chat is ready", `!document.querySelector('#chat-form button').disabled`)
			b.click("#chat-form button[type=submit]")
			b.visible("#chat-message-error")
			b.axe("chat, refused")
			f.set(func() { f.member, f.terms = true, false })
			b.visit("/account")
			b.visible("#terms-dialog")
			b.axe("account with new terms")
			f.set(func() { f.fail["/order/cart-items"] = 503 })
			b.do(chromedp.Navigate(server.URL + "/cart"))
			b.visible("#trouble")
			b.axe("cart in trouble")
		})
	}
}

// set changes the fake while pages talk to it.
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
