package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// A campaign to a segment goes to those of its audience for whom order and user say that its conditions hold, however
// they were told of consent; it is refused while one of them cannot be asked about what it names.
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
