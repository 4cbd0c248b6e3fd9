package events

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// springAd is the filled-in form of an ad.
var springAd = []string{"title", "Spring <b>sale</b>", "final_url", "https://shop.example/products?sort=new", "final_url_suffix",
	"utm_source=x", "headline_1", "Clips", "type", "1", "status", "3", "campaignid", "=cmd"}

// A marketer adds an ad, its link brings a visitor, who buys, and the ad shows that.
func TestAnAdBringsAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	who := e.staff(adminui.Marketing)
	if a := who.Post("/staff/ads", springAd...); a.Status != 200 {
		t.Fatal(a)
	}
	code := e.Text(`SELECT ad_cd FROM ad`)

	own := ad{FinalURL: "https://shop.example/?ad_cd=other&sort=new", Suffix: "ad_cd=fake&utm_source=x", Code: "MINE"}
	if got := own.link(); got != "https://shop.example/?sort=new&utm_source=x&ad_cd=MINE" {
		t.Errorf("an ad with other codes in its address leads to %s", got)
	}
	link := who.Get("/staff/ads/1").Text("link")
	if len(code) != 20 || link != "https://shop.example/products?sort=new&utm_source=x&ad_cd="+code {
		t.Errorf("code %q, link %q", code, link)
	}

	now := time.Now().UTC()
	at := func(minutes int) string { return now.Add(time.Duration(minutes) * time.Minute).Format(time.RFC3339) }
	for id, data := range map[string]string{
		"v": `"at":"` + at(-9) + `","kind":"pageview","anonymous_id":"pat","url":"/products"`,
		"l": `"at":"` + at(-9) + `","kind":"linkevent","anonymous_id":"pat","url":"/products","ad_cd":"` + code + `"`,
		"o": `"at":"` + at(-1) + `","kind":"pageview","anonymous_id":"pat","url":"/account/order","order":"` + msg.OrderMark("A1") + `"`,
	} {
		e.report(id, `{"id":"`+id+`",`+data+`}`)
	}

	e.enqueue(msg.Message{Key: "order-placed:A1", Subject: msg.OrderPlacedSubject, Payload: msg.OrderPlaced{Identifier: "A1",
		PlacedAt: now.Add(-2 * time.Minute), Currency: "usd", OrderAmounts: msg.OrderAmounts{Total: 2500}}})
	e.Becomes(1, `SELECT count(*) FROM order_placed WHERE source LIKE 'ad:%'`)
	e.awaitCounts()

	days := "?from=" + now.AddDate(0, 0, -1).Format(time.DateOnly)
	ads := who.Get("/staff/ads" + days)
	ads.Want(1, "ads", "0", "clicks")
	ads.Want(1, "ads", "0", "orders")
	ads.Want("25.00", "ads", "0", "sales")
	who.Get("/staff/ads/1"+days).Want("A1", "orders", "0", "identifier")
	who.Get("/staff/reports/sources"+days).Want("Ad: Spring <b>sale</b>", "rows", "0", "title")
	who.Get("/staff/ads.csv?q=spring").Has(200, "Spring <b>sale</b>,Google AdWords,Running,"+code)

}

// Two people do not overwrite each other's ad, what they write is shown as text, and garbage
// changes nothing.
func TestAdsAreChangedByOne(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	who := e.staff(adminui.Marketing)
	if a := who.Post("/staff/ads", springAd...); a.Status != 200 {
		t.Fatal(a)
	}
	code := e.Text(`SELECT ad_cd FROM ad`)

	// Two people change the ad: the second one is asked again.
	page := e.staff(adminui.Owner)
	page.Header = http.Header{"Accept": {"text/html"}}
	page.Get("/staff/ads/1").Has(200, "Spring &lt;b&gt;sale&lt;/b&gt;", code)
	change := append([]string{"version", "1"}, springAd...)
	if a := who.Post("/staff/ads/1", change...); a.Status != 200 {
		t.Error(a)
	}
	page.Post("/staff/ads/1", change...).Has(409, "changed this at", "Spring &lt;b&gt;")

	// What makes no sense is refused and changes nothing.
	for want, list := range map[int][][]string{
		422: {{"version", "2"}, {"version", "2", "final_url", "javascript:alert(1)", "type", "1", "status", "1"},
			{"version", "2", "final_url", "https://x.example", "type", "99", "status", "1"},
			{"version", "2", "final_url", "https://x.example", "type", "1", "status", "1", "headline_1", strings.Repeat("é", 31)}},
		400: {{}, {"version", "99999999999999999999"}, {"version", "2", "title", "\x00"}, {"version", "2", "title", "\xff"}},
	} {
		for _, posted := range list {
			if a := page.Post("/staff/ads/1", posted...); a.Status != want {
				t.Errorf("%q: %d, want %d", posted, a.Status, want)
			}
		}
	}

	for _, path := range []string{"/staff/ads/2", "/staff/ads/x", "/staff/ads/99999999999999999999", "/staff/ads/%00"} {
		if a := page.Get(path); a.Status != 404 {
			t.Errorf("%s: %d", path, a.Status)
		}
	}

	if a := e.staff(adminui.ReadOnly).Post("/staff/ads", springAd...); a.Status != 403 {
		t.Error(a)
	}

	if n := e.Number(`SELECT count(*) * 10 + max(version) FROM ad`); n != 12 {
		t.Errorf("%d: an ad was added or changed by what was refused", n)
	}
	e.Becomes(2, `SELECT count(*) FROM outbox WHERE subject = 'staff.acted.events'`)
}

// The lists of what browsers reported are narrowed down by each of their filters, and show client
// addresses only to those who may see customers.
func TestListsOfEventsAreFiltered(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO member (id, mb_cd, version) VALUES (7, 'm', 1)`)
	e.Exec(`INSERT INTO prospect (id, version) VALUES (9, 1)`)
	e.Exec(`INSERT INTO ad (type_id, status_id, ad_cd) VALUES (1, 1, 'AD1')`)
	e.Exec(`INSERT INTO page_view (event_id, user_id, anonymous_id, url, remote_addr, user_agent, at) VALUES
		('a', 7, 'ann', '/<script>', '192.0.2.1', '=cmd', now()),
		('b', NULL, 'ben', '/cart', '192.0.2.2', 'B', now() - interval '1 hour'),
		('c', NULL, 'ben', '/old', NULL, NULL, now() - interval '40 days')`)
	e.Exec(`INSERT INTO call_error (event_id, anonymous_id, url, error_id, at) VALUES
		('a', 'ann', '/', 'cart', now()), ('b', 'ben', '/', 'login', now())`)
	e.Exec(`INSERT INTO click (event_id, anonymous_id, url, button_id, at) VALUES
		('a', 'ann', '/', 'chat', now()), ('b', 'ben', '/', 'x', now())`)
	e.Exec(`INSERT INTO arrival (event_id, prospect_id, anonymous_id, ad_id, email_id, url, at) VALUES
		('a', 9, 'ann', 1, NULL, '/', now()), ('b', NULL, 'ben', NULL, 1, '/', now())`)

	who := e.staff(adminui.Manager)

	// Each filter finds one of the two rows.
	for path, want := range map[string]string{
		"/records?member=7": "ann", "/records?anonymous_id=ben": "ben", "/records?remote_addr=192.0.2.2": "ben",
		"/records?url=SCRIPT":                  "ann",
		"/records/failed-calls?error_id=login": "ben", "/records/clicks?button_id=chat": "ann",
		"/records/arrivals?prospect=9": "ann", "/records/arrivals?ad_cd=AD1": "ann", "/records/arrivals?em_cd=gvREoqen93ffZsmBIc8zl": "ben",
		"/records/arrivals?anonymous_id=ann&ad_cd=AD1": "ann",
	} {
		a := who.Get("/staff" + path)
		a.Want(want, "rows", "0", "anonymous_id")
		if strings.Count(a.Body, `"anonymous_id"`) != 1 {
			t.Errorf("%s: %s", path, a)
		}
	}

	// Client addresses are for those who may see customers.
	who.Get("/staff/records").Has(200, "192.0.2.1")
	if a := e.staff(adminui.Marketing).Get("/staff/records"); a.Status != 200 || strings.Contains(a.Body, "192.0.2.1") {
		t.Error(a)
	}
	if a := e.staff(adminui.Marketing).Get("/staff/records?remote_addr=192.0.2.1"); a.Status != 403 {
		t.Errorf("whose an address is, asked by those who do not see it: %s", a)
	}
	if a := e.staff(adminui.Marketing).Get("/staff/records.csv"); a.Status != 403 {
		t.Errorf("the file of page views for a marketer: %s", a)
	}

	// What outsiders wrote is shown as text.
	page := e.staff(adminui.Owner)
	page.Header = http.Header{"Accept": {"text/html"}}
	page.Get("/staff/records").Has(200, "/&lt;script&gt;", "/customers/member-7")
	page.Get("/staff/records.csv").Has(200, "/<script>,", ",'=cmd\n")

	// Filters that make no sense are refused.
	for _, query := range []string{"?member=x", "?member=-1", "?member=99999999999999999999", "?url=%00", "?after=x", "?from=0", "?url=" +
		strings.Repeat("x", 201), "?anonymous_id=%ff"} {
		if a := page.Get("/staff/records" + query); a.Status != 400 {
			t.Errorf("%.40s: %d", query, a.Status)
		}
	}
}
