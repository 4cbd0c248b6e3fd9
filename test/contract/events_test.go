package contract

import (
	"net/url"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var clientEvents = map[string]func(*testing.T, *env){
	"page views":  testPageViews,
	"odd events":  testOddEvents,
	"link events": testLinkEvents,
}

// report sends a client event as the frontend does, without cookies.
func (b *browser) report(kind string, pairs ...string) {
	b.TB.Helper()
	a := b.get("/clientevent/"+kind+"?"+testenv.Form(pairs...).Encode(), header("Cookie", ""))
	if a.Status != 200 || strings.TrimSpace(a.Body) != `"thank you"` {
		b.TB.Errorf("%s %v answered %d %s", kind, pairs, a.Status, a.Body)
	}
}

// awaitStored waits until n events of a page are stored.
func (e *env) awaitStored(t *testing.T, n int, table, page, condition string, args ...any) {
	t.Helper()
	testenv.Eventually(t, patience, table+" "+page+" "+condition, func() bool {
		return e.db(t, "events").Number("SELECT count(*) FROM "+table+" WHERE url = $1 AND "+condition,
			append([]any{page}, args...)...) == n
	})
}

func page() string { return "https://www.shop.example/p/" + random() }

// Page views, errors and clicks are stored under the member to whom the cookie belongs.
func testPageViews(t *testing.T, e *env) {
	b := e.browser(t)
	b.get("/user/logged-in")
	visitor, p := b.cookies["anonymousclientevent"], page()
	b.report("pageview", "client_event_id", "null", "anonymous_id", visitor, "url", p, "pageWidth", "1440")
	e.awaitStored(t, 1, "page_view", p, "user_id IS NULL AND anonymous_id IS NOT NULL AND page_width = 1440 AND remote_addr = $2 AND "+
		"user_agent LIKE 'Go-http-client%'", b.address)
	m := b.register()
	id := e.db(t, "user").Text("SELECT id::text FROM account WHERE username = $1", m.username)
	b.get("/user/logged-in").Want(int(e.db(t, "user").Number("SELECT id FROM account WHERE username = $1", m.username)), "client_event_id")
	testenv.Eventually(t, patience, "the member is known to events", func() bool {
		return e.db(t, "events").Number("SELECT count(*) FROM member WHERE id = $1::bigint", id) == 1
	})
	for kind, table := range map[string]string{"pageview": "page_view", "ajaxerror": "call_error", "buttonclick": "click"} {
		// The id in the cookie tells whose session it was. A claim without it does not make the
		// event a member's.
		for anonymous, condition := range map[string]string{b.cookies["anonymousclientevent"]: "user_id = $2::bigint",
			"undefined": "user_id IS NULL AND $2::bigint > 0", visitor: "user_id IS NULL AND $2::bigint > 0"} {
			p := page()
			b.report(kind, "client_event_id", id, "anonymous_id", anonymous, "url", p, "pageWidth", "390", "error_id", "cart-items",
				"button_id", "chat-icon")
			e.awaitStored(t, 1, table, p, condition, id)
		}
	}
}

// Events with odd values are answered like all others, and stored without these values.
func testOddEvents(t *testing.T, e *env) {
	b := e.browser(t)
	for _, kind := range []string{"pageview", "ajaxerror", "buttonclick", "linkevent"} {
		b.report(kind)
		b.report(kind, "url", "")
		b.report(kind, "url", strings.Repeat("é", 5000), "anonymous_id", strings.Repeat("a", 5000), "error_id", strings.Repeat("a", 5000),
			"button_id", strings.Repeat("a", 5000), "pageWidth", strings.Repeat("9", 500))
		for _, raw := range []string{"url=%00", "url=%ff%fe", "url=%zz", "url=a&url=b&client_event_id=%00", "url=x&pageWidth=%00", "a;b",
			"url=" + url.QueryEscape(page()) + "&anonymous_id=%00x"} {
			a := b.get("/clientevent/" + kind + "?" + raw)
			if a.Status != 200 || strings.TrimSpace(a.Body) != `"thank you"` {
				t.Errorf("%s?%.60s answered %d %s", kind, raw, a.Status, a.Body)
			}
		}
	}

	for _, width := range []string{"", "x", "-1", "1.5", "99999999999999", "NaN"} {
		p := page()
		b.report("pageview", "client_event_id", "null", "anonymous_id", "undefined", "url", p, "pageWidth", width)
		e.awaitStored(t, 1, "page_view", p, "page_width IS NULL OR page_width = -1")
	}
	for _, id := range []string{"", "undefined", "999999999", "99999999999999999999", "-1", "x", "1.5"} {
		p := page()
		b.report("pageview", "client_event_id", id, "url", p, "pageWidth", "10")
		e.awaitStored(t, 1, "page_view", p, "user_id IS NULL")
	}

	p := page()
	b.report("buttonclick", "url", p)
	b.report("ajaxerror", "url", p)
	e.awaitStored(t, 1, "click", p, "user_id IS NULL")
	e.awaitStored(t, 1, "call_error", p, "user_id IS NULL")
}

// Arrivals by a link are stored with the member, prospect and mail of its codes.
func testLinkEvents(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	code := e.db(t, "user").Text("SELECT mb_cd FROM account WHERE username = $1", m.username)
	address := email()
	b.post("/user/pythonabot-notify-me", "email_address", address, "how_excited", "3")
	prospect := e.db(t, "user").Text("SELECT pr_cd FROM prospect WHERE email = $1", address)
	testenv.Eventually(t, patience, "the codes are known to events", func() bool {
		return e.db(t, "events").Number("SELECT (SELECT count(*) FROM member WHERE mb_cd = $1) + (SELECT count(*) FROM prospect_code "+
			"WHERE pr_cd = $2)", code, prospect) == 2
	})
	p := page()
	b.report("linkevent", "mb_cd", code, "pr_cd", "null", "em_cd", "gvREoqen93ffZsmBIc8zl", "ad_cd", "null", "anonymous_id", "undefined",
		"url", p)
	e.awaitStored(t, 1, "arrival", p, "user_id IS NOT NULL AND prospect_id IS NULL AND email_id IS NOT NULL AND ad_id IS NULL")
	p = page()
	b.report("linkevent", "mb_cd", "null", "pr_cd", prospect, "em_cd", "FpGyZy6kld9R2XTjqvBQN", "ad_cd", "null", "anonymous_id", "x", "url",
		p)
	e.awaitStored(t, 1, "arrival", p, "user_id IS NULL AND prospect_id IS NOT NULL AND email_id IS NOT NULL")
	p = page()
	b.report("linkevent", "mb_cd", "zzz", "pr_cd", "zzz", "em_cd", "zzz", "ad_cd", "zzz", "anonymous_id", "x", "url", p)
	e.awaitStored(t, 1, "arrival", p, "user_id IS NULL AND prospect_id IS NULL AND email_id IS NULL AND ad_id IS NULL")
}
