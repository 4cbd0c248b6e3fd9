package browsertest

import (
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
)

// hear notes what the page complains of. Chromium calls it between two messages, so it must be
// quick and must not ask the page anything.
func (b *Tab) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()

	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		var words []string
		for _, arg := range e.Args {
			words = append(words, strings.TrimSpace(string(arg.Value)+" "+arg.Description))
		}
		b.note("console %s: %s", e.Type, strings.Join(words, " "))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		b.note("script error: %s", text)
	case *log.EventEntryAdded:
		b.note("console %s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *network.EventRequestWillBeSent:
		b.requests[string(e.RequestID)] = e.Request.Method + " " + e.Request.URL
	case *network.EventResponseReceived:
		if e.Response.Status >= 400 {
			b.note("request answered %d: %s", e.Response.Status, b.requests[string(e.RequestID)])
		}
	case *network.EventLoadingFailed:
		// A page that is left takes its open requests with it.
		if !e.Canceled && e.ErrorText != "net::ERR_ABORTED" {
			b.note("request failed with %s: %s", e.ErrorText, b.requests[string(e.RequestID)])
		}
	}
}

func (b *Tab) note(format string, args ...any) {
	b.problems = append(b.problems, fmt.Sprintf(format, args...))
}

// Expect names parts of complaints that this test provokes, such as "503".
func (b *Tab) Expect(parts ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.expected = append(b.expected, parts...)
}

// Problems is what the page complained of so far and the test did not expect.
func (b *Tab) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var found []string
	for _, problem := range b.problems {
		known := false
		for _, part := range b.expected {
			known = known || strings.Contains(problem, part)
		}
		if !known {
			found = append(found, problem)
		}
	}
	return found
}
