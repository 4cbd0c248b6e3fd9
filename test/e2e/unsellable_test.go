package e2e

import (
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// A sale does not fail if Stripe refuses a part of the payment page that it can do without: an
// address that only Stripe dislikes, a picture's address as staff write it, an empty color.
func TestWhatOnlyStripeDislikesStopsNoSale(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := shop.Database("order").Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}

	payer := 0
	buys := func(address string) {
		t.Helper()
		session := shop.Browser().Checkout("6", "1", address)
		payer++
		shop.Pay(session, payAs(address))
	}

	for _, address := range []string{"two..dots@mail.example.com", "hyphen@-mail.example.com"} {
		buys(address)
		shop.WaitMails(address, 1, 60*time.Second)
	}

	for _, picture := range []string{"/img/red clip.jpg", "img/größe.jpg", "//cdn.example/a b.jpg", "/img/100%.jpg",
		"https://bücher.example/x.jpg", "ftp://cdn.example/x.jpg", "http://[", `\img\x.jpg`} {
		exec(`UPDATE sku_image SET image_url = $1 WHERE sku_id = 6`, picture)
		buys("pictures@mail.example.com")
	}

	exec(`UPDATE sku SET color = '  ', size = '' WHERE id = 6`)
	buys("colour@mail.example.com")
	exec(`UPDATE product SET title = E' \t ' WHERE id = 2`)
	buys("title@mail.example.com")

	shop.Check(60 * time.Second)
	if n := len(shop.Orders()); n != payer {
		t.Errorf("%d orders of %d", n, payer)
	}
}

// A member whose address Stripe dislikes can buy.
func TestAMemberWhomStripeDislikesBuys(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	b := shop.Browser()
	b.Want(b.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", "ann_lee", "email_address",
		"ann..lee@mail.example.com",
		"password", "Secret!word", "confirm_password", "Secret!word", "newsletter", "false", "remember_me", "false"), "true",
		"create_account")
	shop.WaitMails("ann..lee@mail.example.com", 1, 60*time.Second)
	session := b.Checkout("6", "1", "")
	shop.Pay(session, payAs("ann..lee@mail.example.com"))
	b.Want(b.Success(session), "success", pageOfSuccess)
	shop.Check(60 * time.Second)
}

// Stripe measures the shortest life of a page by its own clock. A clock that is minutes ahead of
// ours stops no sale.
func TestStripesClockIsAhead(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.StripeDo("/_/clock", `{"advance_seconds":240}`)
	b := shop.Browser()
	session := b.Checkout("6", "1", "clock@mail.example.com")
	shop.Pay(session, payAs("clock@mail.example.com"))
	b.Want(b.Success(session), "success", pageOfSuccess)
	shop.Check(60 * time.Second)
}
