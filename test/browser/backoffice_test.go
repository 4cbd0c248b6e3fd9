package browser

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var pictures = flag.Bool("pictures", false, "write the pictures of docs/admin")

// office is the back office in a tab.
type office struct {
	*testing.T
	shop *shoptest.Shop
	tab  *browsertest.Tab
	look string
	app  *authenticator
}

// TestBackOffice opens every page of the back office with the data of a shop in use. Each page is
// accessible, obeys the policy (the tab reports what does not), and fits its screen.
func TestBackOffice(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=warn", "SHIPPING_MAIL_AFTER=200ms"}})
	fillShop(t, shop)
	fillFigures(shop)
	fillPeople(shop)

	shop.Exec("admin", `INSERT INTO person (username, name, roles, password) VALUES
		('ben', 'Ben Okafor', '{fulfilment}', 'x'),
		('mia', 'Mia Lindqvist', '{marketing,support}', 'x'), ('tom', 'Tom Ashe', '{read-only}', NULL)`)
	app := &authenticator{}
	for _, look := range []struct {
		name string
		browsertest.Look
	}{{"desk", browsertest.Desktop}, {"phone", browsertest.PhoneDark}} {
		o := &office{T: t, shop: shop, look: look.name, app: app, tab: browsertest.Open(t, shop.Admin, look.Look)}
		o.shows("/sign-in", "sign-in")
		if look.name == "desk" {
			o.enrols()
		}
		o.signsIn()
		if look.name == "desk" {
			o.servesAPurchase()
		}

		for name, path := range map[string]string{"stripe": "/stripe", "stripe-event": o.anEvent(),
			"home": "/", "orders": "/orders", "work": "/work", "people": "/people",
			"person": "/people/2",
			"invite": "/people/invite", "log": "/audit", "account": "/account", "authenticator": "/account/app",
			"discounts": "/discounts", "discount": "/discounts/1?cart=6+x+2", "discount-new": "/discounts/new",
			"discounts-bulk": "/discounts/bulk",
			"products":       "/catalog", "product": "/catalog/products/bSusp6dBHm",
			"product-pictures": "/catalog/products/bSusp6dBHm/media", "product-new": "/catalog/new",
			"collections": "/catalog/collections", "collection": "/catalog/collections/desk",
			"reports": "/reports", "report-live": "/reports/live", "report-sales": "/reports/sales", "report-funnel": "/reports/funnel",
			"report-sources": "/reports/sources", "ads": "/ads", "ad": "/ads/1", "ad-new": "/ads/new", "records": "/records",
			"product-skus": "/catalog/products/ITHJW3mytn/skus", "product-prices": "/catalog/products/v26ujdy3N1/prices",
			"product-stock": "/catalog/products/ITHJW3mytn/stock", "stock-states": "/catalog/states", "product-files": "/catalog/import",
			"recording": "/records/settings",
			"customer":  "/customers/member-901", "customer-edit": "/customers/member-901/edit", "reasons": "/customers/reasons",
			"customer-merge": "/customers/member-901/accounts/902",
			"prospects":      "/prospects", "prospect-new": "/prospects/new", "import": "/prospects/import", "chat": "/chat",
			"thread": "/chat/901?use=901", "canned": "/chat/answers", "terms": "/terms", "agreed": "/terms/1"} {
			o.shows(path, name)
		}

		if look.name == "desk" {
			o.taxes()
			o.guide()
			o.tab.Go("/orders")
			o.tab.Visible("tbody tr")
			o.keys()
			o.seesAVisit()
		}
	}
}

const officePassword = "three green umbrellas"

// taxes turns on Stripe Tax for a purchase. The order shows the amount that was paid.
func (o *office) taxes() {
	o.Helper()
	set := func(mode string) {
		o.shop.Exec("order", `UPDATE configuration SET value = $1 WHERE key = 'tax_mode'`, mode)
	}
	set("stripe")
	defer set("none")
	session := o.shop.For(o.T).Browser().Checkout("6", "1", "tax@mail.example.com")
	o.shop.Pay(session, []byte(`{"address": {"line1": "1 Main Street", "city": "Albany", "state": "NY", "postal_code": "12207",
		"country": "US"}}`))
	count := func(sql string) int { return o.shop.Count("order", sql+` FROM orders WHERE session_id = $1`, session) }
	o.shop.Eventually(20*time.Second, "the order is there", func() bool { return count("SELECT count(*)") == 1 })
	// 8.875 % of 3.99 and of 9.56, each rounded.
	tax, paid := count("SELECT sales_tax"), o.shop.Session(session).AmountTotal
	if tax != 35+85 || int64(count("SELECT total")) != paid || paid != 1355+120 {
		o.Errorf("the tax is %d, paid were %d", tax, paid)
	}
}

// guide goes through the steps that the guide of a new shop can test, and names the shop. The
// storefront shows the name at once.
func (o *office) guide() {
	o.Helper()
	o.tab.Go(o.shop.Admin + "/")
	o.tab.Click(`form[action="/settings/guide/stripe"] button`)
	o.tab.Says(".notice", "the key works")
	o.tab.Click(`form[action="/settings/guide/mail"] button`)
	o.tab.Says(".notice", "on its way")
	o.shop.Eventually(20*time.Second, "the test mail was sent", func() bool {
		return o.shop.Count("mailer", `SELECT count(*) FROM delivery WHERE kind = 'test' AND state = 'sent'`) == 1
	})
	o.tab.Go(o.shop.Admin + "/settings/shop")
	o.tab.Fill("#form-shop_name", "Paper & Co")
	o.tab.Click("#form button")
	o.tab.Says(".notice", "It takes effect at once")
	store := browsertest.Open(o.T, o.shop.URL, browsertest.Desktop)
	o.shop.Eventually(10*time.Second, "the storefront has the name", func() bool {
		store.Go("/")
		return store.Read("document.title.includes('Paper & Co') ? 'yes' : 'no'") == "yes"
	})
}

// seesAVisit has a shopper search in vain. The report of searches and the live view show it.
func (o *office) seesAVisit() {
	o.Helper()
	shopper := browsertest.Open(o.T, o.shop.URL, browsertest.Desktop)
	shopper.Go("/search?q=Umbrella+stand")
	o.shop.Eventually(time.Minute, "the search is counted", func() bool {
		return o.shop.Count("events", `SELECT count(*) FROM day_part WHERE kind = 'search' AND name = 'umbrella stand'`) == 1
	})
	o.tab.Go("/reports/searches")
	o.tab.Says("tbody", "umbrella stand")
	o.tab.Go("/reports/live")
	o.tab.Says(".ranks", "/search")
	o.tab.Click(".chart summary")
	o.tab.Eval(`document.querySelector('.chart details').old = true`)
	o.tab.Until("the table is open still when the page has looked again",
		"(table => table && !table.old && table.open)(document.querySelector('.chart details'))")
}

// keys goes through pages by keyboard alone.
func (o *office) keys() {
	o.Helper()
	focus := func(what, row string) {
		o.Helper()
		o.tab.Until(what, "document.activeElement.closest('tr') === document.querySelectorAll('tbody tr')["+row+"]")
	}

	o.tab.Press("j")
	focus("the first row", "0")
	o.tab.Press("j")
	focus("the second row", "1")
	o.tab.Press("k")
	focus("the first row again", "0")

	o.tab.Press("/")
	o.tab.Until("the search has the focus", "document.activeElement.type === 'search'")
	o.tab.Press("gone")
	// Chromium's protocol types the slash itself too, which a keyboard does not.
	o.tab.Until("letters are typed, not obeyed", "document.activeElement.value.endsWith('gone')")
	o.tab.Do(chromedp.KeyEvent(kb.Escape))

	o.tab.Press("?")
	o.tab.Visible("#keys")
	o.tab.Axe("keys")
	o.tab.Do(chromedp.KeyEvent(kb.Escape))
	o.tab.Gone("#keys")

	o.tab.Press("g")
	o.tab.Press("h")
	o.tab.Says("h1", "Home")
}

// fillShop makes orders like those of a shop in use.
func fillShop(t *testing.T, shop *shoptest.Shop) {
	t.Helper()
	shop.Exec("order",
		`INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, agreed_at, quote, item_subtotal, item_discount,
			shipping_subtotal, shipping_discount, total, expires_at)
		SELECT 'c' || n, -n, 1, 'h', 'paid', now(), '{}', n, 0, 0, 0, n, now() FROM generate_series(1, 120) AS n`)
	shop.Exec("order",
		`INSERT INTO orders (identifier, checkout_id, session_id, payment_intent, cart_id, cart_generation, email, customer_name,
			currency, item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, agreed_with_terms_of_sale, placed_at)
		SELECT left(translate(md5('x' || n), '0123', 'KqRz'), 10), 'c' || n, 's' || n, 'p' || n, -n, 1,
		  'shopper' || n || '@mail.example.com',
			(ARRAY['Ada Byron', 'Grace Hopper', 'José Ferreira', 'Łucja Nowak', 'Kim Ji-woo', 'Bartholomew Featherstonehaugh'])[1 + n % 6],
			'usd', n * 217, 0, 0, 0, n * 217, true, now() - n * n * interval '7 minutes' FROM generate_series(1, 120) AS n`)
	shop.Exec("order", `INSERT INTO order_status (order_id, status, created_date_time)
		SELECT id, (ARRAY['accepted', 'packing', 'shipped'])[1 + least(2, id / 4)], placed_at FROM orders`)
}

// fillFigures makes two months of visits and orders, for reports.
func fillFigures(shop *shoptest.Shop) {
	shop.Exec("events", `INSERT INTO ad (type_id, status_id, title, headline_1, final_url)
		VALUES (1, 3, 'Clips in spring', 'Clips that hold', 'https://shop.example/')`)
	shop.Exec("events", `INSERT INTO page_view (event_id, anonymous_id, bought, url, referrer, at)
		SELECT 'v' || d || '-' || b || '-' || i, 'b' || d || '-' || b, i = 3 AND b % 8 = 3, 'https://shop.example' ||
			(ARRAY['/', '/product/bSusp6dBHm', '/cart', '/checkout/confirm'])[1 + i],
			CASE WHEN i = 0 THEN (ARRAY['search.example', 'blog.example', NULL])[1 + b % 3] END,
			now() - d * interval '1 day' - b * interval '90 seconds' + i * interval '20 seconds'
		FROM generate_series(0, 59) AS d, generate_series(1, 12 + (d * 7) % 11 + CASE WHEN d < 30 THEN 6 ELSE 0 END) AS b,
			generate_series(0, b % 4) AS i`)

	shop.Exec("events", `INSERT INTO arrival (event_id, anonymous_id, ad_id, url, at)
		SELECT event_id, anonymous_id, (SELECT min(id) FROM ad), url, at FROM page_view WHERE referrer = 'search.example'`)
	shop.Exec("events", `INSERT INTO order_placed (identifier, visitor, currency, total, pieces, at, country, source, again)
		SELECT 'f' || d || 'o' || i, TRUE, 'usd', 1900 + (d * 37 + i * 211) % 4000, 2, now() - d * interval '1 day' - i * interval '1 hour',
			(ARRAY['US', 'DE', 'FR'])[1 + i % 3],
			(ARRAY['direct', 'site:blog.example', 'ad:' || (SELECT min(ad_cd) FROM ad)])[1 + d % 3], i = 2
		FROM generate_series(0, 59) AS d, generate_series(1, 1 + abs(hashtext('day' || d)) % 5 + CASE WHEN d < 30 THEN 1 ELSE 0 END) AS i`)

	shop.Exec("events", `UPDATE order_placed SET tax = total / 11`)
	shop.Exec("events", `INSERT INTO order_returned (identifier, version, returns, days)
		SELECT identifier, 1,
		  jsonb_build_array(jsonb_build_object('at', at + interval '1 hour', 'amount', total / 2, 'tax', total / 22)),
		  ARRAY[((at + interval '1 hour') AT TIME ZONE 'UTC')::date]
		FROM order_placed WHERE total % 9 = 0`)
	shop.Exec("events", `INSERT INTO order_item (identifier, seq, product, title, pieces, sales)
		SELECT identifier, 0, 'P' || pieces, (ARRAY['Paper Clips', 'Binder Clips', 'Rubber Bands'])[1 + total % 3], 2, total
		FROM order_placed`)

	shop.Exec("events", `INSERT INTO click (event_id, url, button_id, search, at)
		SELECT 's' || i, '/search', 'search-empty', (ARRAY['stapler', 'glue', 'paper <b>clamps</b>'])[1 + i % 3], now()
		FROM generate_series(1, 11) AS i`)

	shop.Eventually(time.Minute, "figures are counted", func() bool { return shop.Count("events", `SELECT count(*) FROM recount`) == 0 })
}

// shows opens a page, checks it, and takes a picture of it.
func (o *office) shows(path, name string) {
	o.Helper()
	o.tab.Go(o.shop.Admin + path)
	o.tab.Until("the page is there", "document.readyState === 'complete' && document.querySelector('main h1')")
	o.tab.Axe(path + ", " + o.look)
	o.tab.Until("nothing is wider than the screen", "document.documentElement.scrollWidth <= innerWidth")
	if !*pictures {
		return
	}
	shot := browsertest.Call(o.tab, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp"})
	if err := os.WriteFile(filepath.Join("../../docs/admin", name+"-"+o.look+".webp"), shot.Data, 0o600); err != nil {
		o.Fatal(err)
	}
}
