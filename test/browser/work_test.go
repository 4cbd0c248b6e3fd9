package browser

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var workPictures = flag.Bool("work-pictures", false, "write the pictures of the work list, trail and customers to docs/admin")

// TestStaffWorkPages opens the pages of the work list, of an order's way, and of customers, with an
// entry of each kind: axe finds nothing, the policy is obeyed (the tab reports what is not), and
// nothing is wider than a phone. One of the parked messages is long, one is replayed on its page,
// and commands handle the others. An order's trail has no gap.
func TestStaffWorkPages(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=warn"}})
	seedWork(shop)

	guest := shop.For(t).Browser()
	session := guest.Checkout("6", "5", "pat@mail.example.com")
	shop.Pay(session, nil)
	shop.WaitMails("pat@mail.example.com", 1, time.Minute)
	seedCampaign(shop)
	const password = "three green umbrellas"

	for _, look := range []struct {
		name string
		browsertest.Look
	}{{"desk", browsertest.Desktop}, {"phone", browsertest.PhoneDark}} {
		tab := browsertest.Open(t, shop.Admin, look.Look)
		if look.name == "desk" {
			tab.Go(shop.AdminLink)
			tab.Click("main button")
			tab.At("/account")
			tab.Fill("#password-new", password)
			tab.Click("#password button")
			tab.Says(".notice", "Password changed")
		} else {
			tab.Go(shop.Admin + "/sign-in")
			tab.Fill("#form-username", "owner", "#form-password", password)
			tab.Click("#form button")
			tab.Says("h1", "Home")
		}

		for _, p := range []struct{ name, path string }{
			{"work-list", "/work"}, {"parked", "/parked/order"}, {"parked-message", "/parked/order/1"}, {"payments", "/payments"},
			{"payment", "/payments/1"}, {"mails", "/mails"}, {"mail", "/mails/1"}, {"mail-sent", "/mails/2"},
			{"templates", "/mails/templates"}, {"template", "/mails/templates/order-shipped"},
			{"campaigns", "/campaigns"}, {"campaign-draft", "/campaigns/2"}, {"campaign", "/campaigns/1"},
			{"trail", "/trail?key=" + session},
			{"customers", "/customers"}, {"prospect", "/customers/prospect-1"},
		} {
			tab.Go(shop.Admin + p.path)
			tab.Until("the page is there", "document.readyState === 'complete' && document.querySelector('main h1')")
			tab.Axe(p.path + ", " + look.name)
			tab.Until(p.path+" is no wider than the screen", "document.documentElement.scrollWidth <= innerWidth")

			if *workPictures {
				shot := browsertest.Call(tab, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: "webp"})
				if err := os.WriteFile(filepath.Join("../../docs/admin", p.name+"-"+look.name+".webp"), shot.Data, 0o600); err != nil {
					t.Fatal(err)
				}
			}

			if p.name == "template" || p.name == "campaign-draft" { // a reloaded frame shows the changed text
				tab.Eval(`document.querySelector('iframe[name=preview]').old = true;
					document.querySelector('[name=subject]').dispatchEvent(new Event('input', { bubbles: true }))`)
				tab.Until("the preview follows", "!document.querySelector('iframe[name=preview]').old")
			}
		}

		if look.name == "desk" {
			tab.Go(shop.Admin + "/parked/order/2")
			tab.Click("#replay button")
			tab.Says(".notice", "Replayed")
		}
	}

	parkedByCommand(t, shop)
}

// parkedByCommand handles the other parked messages with commands, which call the running shop.
func parkedByCommand(t *testing.T, shop *shoptest.Shop) {
	t.Helper()
	kind := []string{"replay", "-service", "order", "-consumer", "order-user", "-subject", "user.erased", "-by", "ben"}
	for _, c := range []struct {
		code int
		want string
		args []string
	}{
		{0, `"id":1,"consumer":"order-user"`, []string{"list"}}, {0, `"service":"order"`, []string{"list", "-service", "order"}},
		{2, "the services are", []string{"list", "-service", "shop"}},
		{0, `"reason": "read user.erased`, []string{"show", "-service", "order", "-message", "3"}},
		{1, "has parked no message 9", []string{"show", "-service", "order", "-message", "9"}},
		{2, "the commands are", []string{"all"}}, {2, "see the help", []string{"show"}},
		{2, "see the help", []string{"list", "-by", "ann"}},
		{2, "see the help", []string{"replay", "-service", "order", "-message", "1"}},
		{2, "see the help", []string{"drop", "-service", "order", "-message", "1", "-by", "ann"}},
		{0, "Dropped", []string{"drop", "-service", "order", "-message", "1", "-by", "ann", "-note", "A test & no more."}},
		{1, "replayed or dropped", []string{"drop", "-service", "order", "-message", "1", "-by", "ann", "-note", "again"}},
		{1, "replayed or dropped", []string{"replay", "-service", "order", "-message", "1", "-by", "ann"}},
		{0, `"resolved_by":"ann (command)"`, []string{"list", "-seen"}},
		{0, "Replayed 1 of 1", kind}, {1, "is waiting any longer", kind},
	} {
		code, out, stderr := shop.Command(append([]string{"parked"}, c.args...)...)
		if code != c.code || !strings.Contains(out+stderr, c.want) {
			t.Errorf("shop parked %v ended with %d: %.500s%.500s", c.args, code, out, stderr)
		}
	}

	// The replayed message erases the person whom it names, and itself too.
	if n := shop.Count("order", `SELECT count(*) FROM parked WHERE note = 'A test & no more.' OR id <> 1`); n != 1 {
		t.Errorf("%d messages are left, want the one that was dropped", n)
	}

	shop.Eventually(time.Minute, "the commands are in the log of acts", func() bool {
		return shop.Count("admin", `SELECT count(*) FROM audit WHERE name IN ('ann (command)', 'ben (command)') AND kind = 'message'`) == 2
	})
}

// seedWork makes an entry of each kind for staff.
func seedWork(shop *shoptest.Shop) {
	shop.Exec("order", `INSERT INTO parked (consumer, key, subject, payload, reason, attempts, at)
		SELECT 'order-user', 'user.erased:' || n, 'user.erased', 
		  convert_to('{"emails":["<b>shopper' || n || '</b>@mail.example.com"],"at":"2026-01-01T00:00:00Z","long":['
		    || repeat('"what was said at length", ', CASE n WHEN 1 THEN 200 ELSE 0 END) || '""]}', 'UTF8'),
		  'read user.erased: the version is behind, ' || repeat('and this is a long reason ', 6), 3, now() - interval '2 hours'
		FROM generate_series(1, 3) AS n`)
	shop.Exec("order", `INSERT INTO payment_issue (reason, explanation, session_id, payment_intent, amount, currency, payload, at)
		VALUES ('paid-twice', 'This cart was paid with another session already and is an order. Refund this payment in Stripe.',
		  'cs_test_seed', 'pi_seed', 4200, 'usd', '{"id":"cs_test_seed","amount_total":4200}', now() - interval '1 day')`)
	shop.Exec("mailer",
		`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, state, deadline, created_at, done_at,
		  reason, smtp_reply, attempts)
		VALUES ('welcome:1', 'welcome',
		  '{"kind":"welcome","to":["ada@mail.example.com"],"data":{"first_name":"Ada","last_name":"Byron","username":"ada"}}', '{x}', 'm1', 'parked', now(), now() - interval '3 hours', now(),
		  'refused for good', '550 no such user', 2)`)
}

// seedCampaign leaves one of the campaigns of a new shop half sent.
func seedCampaign(shop *shoptest.Shop) {
	shop.Exec("mailer", `UPDATE campaign SET state = 'paused', receivers = 8, started_at = now() - interval '1 hour', paused_at = now(),
		pace = 60, changed_by = 'Mia Lindqvist' WHERE id = 1`)
	shop.Exec("mailer", `INSERT INTO newsletter (em_cd, kind, subject, body_text, body_html, from_address, bcc_address, campaign_id)
		SELECT em_cd, 'prospect', subject, body_text, body_html, '', '', id FROM campaign WHERE id = 1`)
	shop.Exec("mailer", `INSERT INTO delivery (key, kind, to_hashes, message_id, state, deadline, created_at, done_at,
		  newsletter_id, smtp_reply)
		SELECT 'newsletter:' || n, 'newsletter', '{x}', 'n' || n,
		  CASE WHEN n < 6 THEN 'sent' WHEN n < 7 THEN 'parked' ELSE 'paused' END, now(),
		  now() - interval '1 hour', now(), (SELECT max(id) FROM newsletter), CASE WHEN n = 6 THEN '550 no such user' END
		FROM generate_series(1, 8) AS n`)
	shop.Exec("mailer", `INSERT INTO campaign_count (campaign_id, shard, accepted, bounced) VALUES (1, 0, 5, 1)`)
}
