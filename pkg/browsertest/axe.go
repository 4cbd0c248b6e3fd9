package browsertest

import (
	"context"
	_ "embed"
	"encoding/json"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// axeSource is axe-core, to be run in a page.
//
//go:embed axe/axe.min.js
var axeSource string

// Axe fails the test for everything that keeps people from using the page as it is now. It does not
// look into frames: those of the back office hold what others wrote, sandboxed, where no script can
// be put. It does not fetch style sheets and media once more: no rule that is on looks at the
// former, and no page plays the latter.
func (b *Tab) Axe(what string) {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Timeout)
	defer cancel()
	call := axeSource + `; axe.run(document, { resultTypes: ['violations'], iframes: false, preload: false }).then(
		(r) => JSON.stringify(
		r.violations.map((v) => v.id + ': ' + v.nodes.map(
			(n) => n.target.join(' ') + ' ' + (n.any[0]?.message ?? n.failureSummary)).join(' | '))))`
	answer, err := chromedp.Run(ctx, chromedp.Evaluate[string](call, chromedp.EvalAwaitPromise))
	if err != nil {
		b.tb.Fatalf("axe on %s: %v", what, err)
	}
	var violations []string
	if err := json.Unmarshal([]byte(answer), &violations); err != nil {
		b.tb.Fatal(err)
	}
	for _, v := range violations {
		b.tb.Errorf("%s: %s", what, v)
	}
}

// Call sends a command of Chromium's protocol to the tab.
func Call[P, R any](b *Tab, command cdp.Command[P, R], params P) R {
	b.tb.Helper()
	answer, err := chromedp.Call(b.ctx, command, params)
	if err != nil {
		b.tb.Fatalf("%s: %v", command.Method, err)
	}
	return answer
}
