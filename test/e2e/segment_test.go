package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// A campaign to a segment reaches those of its audience who meet its conditions according to order
// and user, however they gave consent. It is refused while a service that must be asked is down.
func TestCampaignToASegment(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	buy := func(email, sku, newsletter string) {
		b := shop.Browser()
		b.Get("/user/token")
		b.Want(b.Post("/order/cart-add-product-sku", "sku_id", sku, "quantity", "2"), "success", "cart_add_product_sku")
		a := b.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", email,
			"newsletter", newsletter)
		b.Want(a, "success", "create_checkout_session")
		shop.Pay(a.Text("session_id"), payAs(email))
		b.Want(b.Success(a.Text("session_id")), "success", "checkout_session_success")
	}
	buy("clips@mail.example.com", "6", "true")
	buy("quiet@mail.example.com", "6", "false")
	buy("bands@mail.example.com", "7", "true")
	shop.Eventually(30*time.Second, "mailer knows them", func() bool {
		return shop.Count("mailer", `SELECT count(*) FROM recipient WHERE kind = 'prospect' AND NOT unsubscribed`) == 2
	})
	var prospect int
	if err := shop.Database("user").QueryRow(t.Context(), `SELECT id FROM prospect WHERE email = 'bands@mail.example.com'`).
		Scan(&prospect); err != nil {
		t.Fatal(err)
	}
	shop.Exec("user", `UPDATE prospect SET tags = '{fair}' WHERE id = $1`, prospect)
	shop.Exec("user", `INSERT INTO tag (name) VALUES ('fair')`)

	staff := shop.Staff("mailer")
	var id, version int
	if _, err := fmt.Sscanf(staff.Post("/staff/campaigns", "name", "Clips").Header.Get("Location"), "/campaigns/%d", &id); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprint("/staff/campaigns/", id)
	save := func(status int, says string, fields ...string) {
		t.Helper()
		version = shop.Count("mailer", `SELECT version FROM campaign WHERE id = $1`, id)
		a := staff.Post(path, append([]string{"version", fmt.Sprint(version), "name", "Clips", "audience", "prospects", "subject", "News",
			"body_text", "Hello, {unsubscribe_link}"}, fields...)...)
		if a.Status == 303 {
			a = staff.Get(path + "/receivers")
			a.Status = 303
		}
		a.Has(status, says)
	}
	save(422, "There is no such product or SKU.", "bought", "<b>none")
	save(422, "No customer was ever given this tag.", "tag", "unheard")
	save(422, "A number from 1", "idle_days", "-3")
	save(422, "An amount such as", "spent_over", "lots")
	for says, fields := range map[string][]string{
		"goes to 2 people": {"spent_over", "0"}, "no one now": {"idle_days", "30"},
		"goes to 1 person": {"tag", "fair", "spent_over", "1"},
	} {
		save(303, says, fields...)
	}
	save(303, "goes to 1 person", "bought", "6")
	staff.Post(path+"/start", "version", fmt.Sprint(version+1)).Has(303)
	shop.Eventually(time.Minute, "it has ended", func() bool {
		return shop.Count("mailer", `SELECT count(*) FROM campaign WHERE id = $1 AND state = 'ended' AND receivers = 1`, id) == 1
	})
	if n := len(shop.WaitMails("clips@mail.example.com", 2, time.Minute)); n != 2 {
		t.Errorf("%d mails to the one who bought clips, want the confirmation and the newsletter", n)
	}
	staff.Get(path).Has(200, "bought 6")
}

// Automatic mails of a whole shop: staff switch them on, a shopper signs up for a sold-out item,
// leaves a checkout and gets a parcel. Each mail arrives once, although the shop is killed while it
// queues and sends them.
func TestAutomaticMailsOfAShop(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Faults: true})

	// Staff switch the mails on.
	staff := shop.Staff("order")
	staff.Post("/staff/settings/automatic-mails", "version", "1", "checkout_reminder", "on", "shop_back_in_stock", "on", "review_request",
		"on").Has(303)

	// A stranger signs up for a sold-out item, twice.
	shop.Exec("order", `UPDATE sku SET stock = 0 WHERE id = 6`)
	shop.Eventually(time.Minute, "the product's page offers to tell", func() bool {
		_, page := callShop(t, http.MethodGet, shop.URL+"/product/ITHJW3mytn", "", "")
		return strings.Contains(page, `action="/order/back-in-stock"`) && strings.Contains(page, `value="6"`)
	})
	for range 2 { // a form without scripts or cookies
		status, answer := callShop(t, http.MethodPost, shop.URL+"/order/back-in-stock", "application/x-www-form-urlencoded",
			"sku_id=6&email_address=stranger%40mail.example.com")
		if status != 200 || !strings.Contains(answer, "We will tell you") {
			t.Fatalf("%d %.200s", status, answer)
		}
	}

	// A visitor leaves a checkout.
	left := shop.Browser()
	left.Get("/user/token")
	left.Want(left.Post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1"), "success", "cart_add_product_sku")
	left.Want(left.Post("/order/anonymous-email-address-payment-lookup", "anonymous_email_address", "left@mail.example.com"), "success",
		"anonymous_email_address_payment_lookup")
	left.Want(left.Post(pageOfCheckout, "agree_to_terms_of_sale", "true", "anonymous_email_address", "left@mail.example.com", "newsletter",
		"true"), "success", "create_checkout_session")

	// A buyer's order is shipped.
	buyer := shop.Browser()
	buyer.Get("/user/token")
	buyer.Want(buyer.Post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1"), "success", "cart_add_product_sku")
	a := buyer.Post(pageOfCheckout, "agree_to_terms_of_sale", "true", "anonymous_email_address", "buyer@mail.example.com",
		"newsletter", "true")
	shop.Pay(a.Text("session_id"), payAs("buyer@mail.example.com"))
	order := buyer.Success(a.Text("session_id")).Text("order_identifier")
	shop.WaitMails("buyer@mail.example.com", 1, time.Minute)

	shop.Eventually(time.Minute, "mailer knows the prospects", func() bool {
		return shop.Count("mailer", `SELECT count(*) FROM recipient
			WHERE email = ANY('{left@mail.example.com,buyer@mail.example.com}')`) == 2
	})

	// Time passes: the mails are due.
	shop.Stop()
	shop.Exec("order", `INSERT INTO shipment (id, order_id, carrier, mail_at, told_at, by_name, shipped_at)
		SELECT 'sent', id, 'Post', now(), now(), 'Kim', now() - interval '14 days 1 hour' FROM orders WHERE identifier = $1`, order)
	shop.Exec("order", `INSERT INTO shipment_line (shipment_id, order_id, seq, quantity) SELECT 'sent', o.id, l.seq, l.quantity
		FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.identifier = $1`, order)
	shop.Exec("order", `INSERT INTO order_status (order_id, status) SELECT id, 'shipped' FROM orders WHERE identifier = $1`, order)
	shop.Exec("order", `UPDATE checkout SET state = 'expired', created_at = created_at - interval '5 hours',
		expires_at = now() - interval '5 hours' WHERE email = 'left@mail.example.com'`)
	shop.Exec("order", `UPDATE sku SET stock = 5 WHERE id = 6`)

	// The shop dies at each step.
	for _, point := range []string{"order.automatic-taken:2", "mailer.claimed:1", "mailer.written:1", "mailer.sent:1", "mailer.noted:1"} {
		shop.AgainUnseen("FAULT=" + point)
		if !shop.Ended(time.Minute) {
			t.Fatalf("the shop was not killed at %s", point)
		}
	}
	shop.Again("FAULT=")

	// Each mail arrives once.
	for to, mails := range map[string]int{"stranger@mail.example.com": 1, "left@mail.example.com": 1, "buyer@mail.example.com": 2} {
		if got := shop.WaitMails(to, mails, 2*time.Minute); len(got) != mails {
			t.Errorf("%d mails to %s, want %d", len(got), to, mails)
		}
	}
	shop.Quiet(time.Minute)
	if n := shop.Count("mailer", `SELECT count(*) FROM delivery WHERE kind = ANY('{checkout-reminder,back-in-stock,review-request}')
		AND state = 'sent'`); n != 3 || shop.Count("order", `SELECT count(*) FROM restock_wish`) != 0 {
		t.Errorf("%d automatic mails sent, want 3", n)
	}
}
