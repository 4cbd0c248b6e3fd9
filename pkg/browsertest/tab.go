package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Timeout is how long a tab waits for a condition, even on a busy machine.
const Timeout = 40 * time.Second

// Look is how a tab shows its pages.
type Look struct {
	// Width is the width in CSS pixels: 390 as a phone has, 1440 as a desktop has.
	Width int64
	// Scheme is light or dark.
	Scheme string
}

// The looks that the storefront is drawn for.
var (
	Phone       = Look{390, "light"}
	PhoneDark   = Look{390, "dark"}
	Desktop     = Look{1440, "light"}
	DesktopDark = Look{1440, "dark"}
)

// Tab is one page of the browser.
type Tab struct {
	tb   testing.TB
	ctx  context.Context
	base string
	look Look

	mu       sync.Mutex
	problems []string
	expected []string
	requests map[string]string
}

// Open opens a tab for a shopper who has no cookies yet. base is the shop's address.
func Open(tb testing.TB, base string, look Look) *Tab {
	tb.Helper()
	parent, err := process()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	return open(ctx, cancel, tb, base, look)
}

// Another opens a second tab for the same shopper. It lives no longer than the first.
func (b *Tab) Another() *Tab {
	b.tb.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	return open(ctx, cancel, b.tb, b.base, b.look)
}

func open(ctx context.Context, cancel context.CancelFunc, tb testing.TB, base string, look Look) *Tab {
	tb.Helper()
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context of this call
		tb.Fatalf("open a tab: %v", err)
	}
	b := &Tab{tb: tb, ctx: ctx, base: base, look: look, requests: map[string]string{}}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		tb.Fatal(err)
	}
	b.Do(chromedp.EmulateViewport(look.Width, 900))
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: look.Scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if tb.Failed() {
			tb.Logf("the page at the end:\n%s", b.describe())
		}
		b.Close()
		cancel()
	})
	return b
}

// Context is for actions of chromedp that a Tab has no method for.
func (b *Tab) Context() context.Context { return b.ctx }

// Close checks what the tab complained of. The test's end closes a tab by itself.
func (b *Tab) Close() {
	b.tb.Helper()
	for _, problem := range b.Problems() {
		b.tb.Error(problem)
	}
	if err := chromedp.Cancel(b.ctx); err != nil && b.ctx.Err() == nil {
		b.tb.Logf("close a tab: %v", err)
	}
}

const (
	// describeTimeout bounds the requests to a page whose test has failed already.
	describeTimeout = 5 * time.Second
	// untilEvery is how often Until evaluates its expression.
	untilEvery = 25 * time.Millisecond
)

// describe is the address and the text of the page, for a test that failed.
func (b *Tab) describe() string {
	ctx, cancel := context.WithTimeout(b.ctx, describeTimeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](
		`location.href + "\n" + (document.querySelector('main') ?? document.body).innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// Do runs actions with a deadline, so that a page that never gets there fails the test.
func (b *Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Timeout)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.tb.Fatal(err)
	}
}

// Go opens an address: a path of the shop, or a whole one.
func (b *Tab) Go(address string) {
	b.tb.Helper()
	if strings.HasPrefix(address, "/") {
		address = b.base + address
	}
	b.Do(chromedp.Navigate(address))
}

// Visit opens a page of the shop and waits until it is ready.
func (b *Tab) Visit(address string) {
	b.tb.Helper()
	b.Go(address)
	b.Ready()
}

// Ready waits until a page of the shop has run its scripts and filled itself.
func (b *Tab) Ready() {
	b.tb.Helper()
	b.Until("the page is ready", `document.readyState === 'complete' && `+
		`!document.querySelector('#chat-open').hidden && (!document.querySelector('#loading') || `+
		`document.querySelector('#loading').hidden)`)
}

// Eval runs an expression in the page.
func (b *Tab) Eval(expression string) {
	b.tb.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void](expression, chromedp.EvalAwaitPromise))
}

// Read is the text that an expression gives.
func (b *Tab) Read(expression string) string {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Timeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.tb.Fatalf("%s: %v", expression, err)
	}
	return text
}

// Text is what an element shows, also while scripts are off.
func (b *Tab) Text(selector string) string {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Timeout)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		b.tb.Fatalf("%s: %v", selector, err)
	}
	return text
}

// Until waits for an expression to become true. A page that is just being left can't answer and is
// asked again.
func (b *Tab) Until(what, expression string) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Timeout)
	defer cancel()
	tick := time.NewTicker(untilEvery)
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
			b.tb.Fatalf("waiting until %s: %v (%v)", what, ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// Visible waits for an element to be shown.
func (b *Tab) Visible(selector string) {
	b.tb.Helper()
	b.Until(selector+" is visible", fmt.Sprintf("document.querySelector(%s)?.checkVisibility()", quote(selector)))
}

// Gone waits for an element to be hidden or away.
func (b *Tab) Gone(selector string) {
	b.tb.Helper()
	b.Until(selector+" is gone", fmt.Sprintf("!document.querySelector(%s)?.checkVisibility()", quote(selector)))
}

// Says waits for a visible element to hold a text.
func (b *Tab) Says(selector, text string) {
	b.tb.Helper()
	b.Until(fmt.Sprintf("%s says %q", selector, text),
		fmt.Sprintf("document.querySelector(%s)?.textContent.includes(%s)", quote(selector), quote(text)))
}

// At waits until the page has an address that holds a text.
func (b *Tab) At(address string) {
	b.tb.Helper()
	b.Until("the address is "+address, fmt.Sprintf("location.href.includes(%s) && document.readyState === 'complete'",
		quote(address)))
}

// Click presses an element once it is visible, enabled and at rest: the browser clicks at a
// position, and would click whatever has moved there in the meantime, such as the button beside it.
func (b *Tab) Click(selector string) {
	b.tb.Helper()
	b.Visible(selector)
	b.Until(selector+" works", fmt.Sprintf(
		"!document.querySelector(%[1]s).disabled && document.querySelector(%[1]s).getAttribute('aria-disabled') !== "+
			"'true'", quote(selector)))
	b.Until(selector+" stands still", fmt.Sprintf(`((e) => {
		const at = JSON.stringify(e.getBoundingClientRect()), still = e.stoodAt === at;
		e.stoodAt = at;
		return still;
	})(document.querySelector(%s))`, quote(selector)))
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Follow presses a link or a field by script, also one that is covered by what it belongs to. It
// waits for the whole page, since one that is still arriving may not have it yet, and presses after
// the call has ended, since a page that is being left can't answer it.
func (b *Tab) Follow(selector string) {
	b.tb.Helper()
	b.Until(selector+" is there", fmt.Sprintf(
		"document.readyState === 'complete' && document.querySelector(%s)", quote(selector)))
	b.Eval(fmt.Sprintf("void setTimeout(() => document.querySelector(%s).click())", quote(selector)))
}

// Enter replaces what a field holds by typing.
func (b *Tab) Enter(selector, text string) {
	b.tb.Helper()
	b.Visible(selector)
	b.Eval(fmt.Sprintf("document.querySelector(%s).value = ''", quote(selector)))
	b.Do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Fill enters pairs of selector and text.
func (b *Tab) Fill(pairs ...string) {
	b.tb.Helper()
	for i := 0; i < len(pairs); i += 2 {
		b.Enter(pairs[i], pairs[i+1])
	}
}

// Press sends keys to what has the focus.
func (b *Tab) Press(keys string) {
	b.tb.Helper()
	b.Do(chromedp.KeyEvent(keys))
}

// TabTo presses the tab key until the focus is on an element, and fails where the focus can't be
// seen on the way. A radio button that is drawn by its label shows the focus there.
func (b *Tab) TabTo(selector string) {
	b.tb.Helper()
	const focus = `((e) => {
		const shows = (x) => x && (getComputedStyle(x).boxShadow !== 'none' ||
			getComputedStyle(x).outlineStyle !== 'none');
		return [e.matches(%s), e === document.body || shows(e) || shows(e.nextElementSibling),
			e.outerHTML.slice(0, 200)].join('|');
	})(document.activeElement)`
	for range 100 {
		b.Press("\t")
		at := strings.SplitN(b.Read(fmt.Sprintf(focus, quote(selector))), "|", 3)
		if at[1] != "true" {
			b.tb.Errorf("the focus does not show on %s", at[2])
		}
		if at[0] == "true" {
			return
		}
	}
	b.tb.Fatalf("the tab key never reaches %s", selector)
}

func quote(text string) string {
	q, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string is always written
	}
	return string(q)
}

// WithoutScripts switches scripts off for the pages to come.
func (b *Tab) WithoutScripts() {
	b.tb.Helper()
	b.Expect("request failed with : GET " + b.base + "/static/") // Chromium then leaves a page's scripts alone
	Call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}
