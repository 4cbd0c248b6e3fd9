package browser

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var noticeLink = regexp.MustCompile(`http://\S+/account/no-notices\?notice=\S+`)

// A shopper without scripts signs up for a sold-out item, gets one mail when it is back in stock,
// and unsubscribes from that mail.
func TestBackInStockForm(t *testing.T) {
	t.Parallel()
	const email = "waits@mail.example.com"
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=warn"}})
	shop.Staff("order").Post("/staff/settings/automatic-mails", "version", "1", "shop_back_in_stock", "on").Has(303)
	shop.Exec("order", `UPDATE sku SET inventory_id = 1, stock = 0 WHERE id = 5`)

	b := browsertest.Open(t, shop.URL, browsertest.Phone)
	shop.Eventually(browsertest.Timeout, "the page offers to tell", func() bool {
		b.Visit("/product/" + binderClips)
		return b.Read(`document.querySelector('.tell') !== null`) == "true"
	})
	b.Axe("product with a form that asks to be told")
	b.WithoutScripts()

	send := func(address string) {
		b.Go("/product/" + binderClips)
		b.Do(chromedp.SendKeys(chromedp.CSS("#tell-sku"), "Black, Medium"))
		b.Do(chromedp.SendKeys(chromedp.CSS("#tell-address"), address+kb.Enter))
	}
	says := func(page, heading string) {
		t.Helper()
		b.Do(chromedp.WaitVisible(chromedp.CSS(page)))
		if text := b.Text("main"); !strings.Contains(text, heading) {
			t.Fatalf("the page says %s, want %s", text, heading)
		}
	}
	const plain = "main:not(:has(form)) .button"

	// Sign up, at the second try.
	b.Expect("422")
	send("waits@mail") // browsers accept it as an address
	says(plain, "We need an e-mail address")
	send(email)
	says(plain, "We will tell you")

	// The item is back in stock.
	shop.Exec("order", `UPDATE sku SET stock = 3 WHERE id = 5`)
	mail := shop.WaitMails(email, 1, 2*time.Minute)[0]
	if !strings.Contains(mail.Subject, "Binder Clips, Black, Medium") || !strings.Contains(mail.Text, "/product/"+binderClips) {
		t.Errorf("the mail says %s\n%s", mail.Subject, mail.Text)
	}

	// No more mails.
	b.Go(noticeLink.FindString(mail.Text))
	says("main form .button", "No more notices?")
	b.Do(chromedp.Click(chromedp.CSS("main form button")))
	says(plain, "That is noted")
	if n := shop.Count("order", `SELECT count(*) FROM restock_declined`); n != 1 {
		t.Errorf("%d addresses want no notices, want 1", n)
	}
}
