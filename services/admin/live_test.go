package admin

import (
	"bufio"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// An open page hears that something of a kind changed, and what it missed while it asked again.
func TestLiveChanges(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	b := e.as(adminui.Support)
	listen := func(id string) (next func() (id, kinds string), stop func()) {
		t.Helper()
		r := b.Request("GET", "/live")
		r.Header.Set("Accept", "text/event-stream")
		r.Header.Set("Last-Event-ID", id)
		res, err := (&http.Client{Jar: b.Jar, Timeout: time.Minute}).Do(r)
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatal(err, res)
		}
		lines := bufio.NewScanner(res.Body)
		return func() (id, kinds string) {
			for lines.Scan() {
				if rest, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
					id = rest
				}
				if rest, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
					return id, rest
				}
			}
			t.Fatal("the stream ended")
			return "", ""
		}, func() { res.Body.Close() }
	}
	next, stop := listen("")
	first, kinds := next()
	if kinds != "" {
		t.Errorf("at the beginning: %s", kinds)
	}
	e.server.heard.add("order")
	e.server.heard.add("mail")
	e.server.heard.add("order")
	if _, kinds := next(); kinds != "mail order" {
		t.Errorf("after changes: %s", kinds)
	}

	stop()
	for id, want := range map[string]string{first: "mail order", "another-3": "all", "x": "all"} {
		next, stop := listen(id)
		if _, kinds := next(); kinds != want {
			t.Errorf("from %s on: %s, want %s", id, kinds, want)
		}
		stop()
	}

	if a := e.browser().Get("/live"); a.Status != http.StatusSeeOther {
		t.Errorf("without a session: %s", a)
	}
}

// The work list is fetched again when a payment, a mail or a message begins to wait, and when staff
// see to one. The subjects of other messages are not listened to.
func TestPagesHearOfWhatTheyShow(t *testing.T) {
	t.Parallel()
	var heard []string
	for _, subject := range liveSubjects {
		kind, _, _ := strings.Cut(subject, ".")
		heard = append(heard, kind)
	}
	if !slices.Equal(heard, adminui.LiveKinds) {
		t.Errorf("changes of %v are told, pages know %v", heard, adminui.LiveKinds)
	}
	b := newEnv(t).as(adminui.Manager)
	for _, path := range []string{"/", "/work"} {
		b.Get(path).Has(200, `data-live="order mail dead staff"`)
	}
}

// An unavailable service costs its part of the home page.
func TestHome(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Manager)
	b.Get("/").Has(200, "Orders to ship", "<strong>3</strong>", "Payments without an order", "1000+")
	b.Get("/").Has(200, "1 of 2 done", `<a href="/settings/shop">Paint the sign</a>`, "Put the guide away")
	if counts := b.Get("/counts"); counts.Status != 200 || fmt.Sprint(counts.At("/orders", "count")) != "3" {
		t.Errorf("beside the navigation: %s", counts)
	}
	e.owner.Close()
	b.Get("/").Has(200, "The service order does not answer")
	if counts := b.Get("/counts"); counts.Status != 200 || counts.At("/orders") != nil {
		t.Errorf("beside the navigation, without order: %s", counts)
	}
	// An unavailable service costs its part of another's page.
	b.Header.Set("HX-Request", "true")
	if part := b.Get("/mails/panel/order/order1"); part.Status != http.StatusServiceUnavailable ||
		!strings.Contains(part.Body, "does not answer") || strings.Contains(part.Body, "<html") {
		t.Error(part)
	}
}
