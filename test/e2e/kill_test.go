package e2e

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// meanwhile runs all actions at once, kills the shop at a random moment, and starts it again.
// Actions may fail.
func meanwhile(shop *shoptest.Shop, within time.Duration, actions ...func()) {
	var all sync.WaitGroup
	for _, do := range actions {
		all.Go(do)
	}
	killed := time.NewTimer(time.Duration(rand.Int64N(int64(within))))
	<-killed.C
	shop.Kill()
	all.Wait()
	shop.Again()
}

// TestKilledWhileTheyRegister: after a kill each account exists completely, with its one welcome
// mail, or not at all. A client that got "true" has one.
func TestKilledWhileTheyRegister(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	const people = 12
	heard := make([]bool, people)
	var actions []func()
	for i := range people {
		b := shop.Browser()
		b.Get("/user/token")
		actions = append(actions, func() {
			a := try(b, "/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", fmt.Sprintf("ann_lee_%d", i),
				"email_address", fmt.Sprintf("ann%d@mail.example.com", i),
				"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false")
			heard[i] = a.Text("create_account") == "true"
		})
	}

	meanwhile(shop, 600*time.Millisecond, actions...)
	shop.Quiet(60 * time.Second)
	made := 0
	for i := range people {
		b := shop.Browser()
		there := b.Post("/user/login", "username", fmt.Sprintf("ann_lee_%d", i), "password", password, "remember_me",
			"false").Text("login") == "true"
		mails := len(shop.Mails(fmt.Sprintf("ann%d@mail.example.com", i)))
		if there {
			made++
			shop.WaitMails(fmt.Sprintf("ann%d@mail.example.com", i), 1, 60*time.Second)
		} else if mails > 0 {
			t.Errorf("person %d has no account and %d mails", i, mails)
		}
		if mails > 1 || (heard[i] && !there) {
			t.Errorf("person %d: account %t, heard so %t, %d mails", i, there, heard[i], mails)
		}
	}

	t.Logf("%d of %d accounts were made before the kill", made, people)
}

// TestKilledWhileTheyLogInWithACart: the visitor's cart is the visitor's or the member's
// afterwards, and a second login completes a merge that the first did not.
func TestKilledWhileTheyLogInWithACart(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})

	const people = 6
	var browsers []*shoptest.Browser
	var actions []func()
	for i := range people {
		name := fmt.Sprintf("merge_%d", i)
		member := shop.Browser()
		member.Want(member.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name, "email_address",
			name+"@mail.example.com",
			"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false"), "true", "create_account")
		member.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2")
		visitor := shop.Browser()
		visitor.Post("/order/cart-add-product-sku", "sku_id", "7", "quantity", "3")
		visitor.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "9")
		browsers = append(browsers, visitor)
		actions = append(actions, func() { try(visitor, "/user/login", "username", name, "password", password, "remember_me", "false") })
	}

	meanwhile(shop, 300*time.Millisecond, actions...)
	for i, b := range browsers {
		if b.Get("/user/logged-in").At("logged_in") != true {
			b.Get("/user/token")
			b.Want(b.Post("/user/login", "username", fmt.Sprintf("merge_%d", i), "password", password, "remember_me", "false"), "true",
				"login")
		}
		items := b.Get("/order/cart-items")
		b.Want(items, 6, "item_data", "product_sku_data", "0", "sku_id")
		b.Want(items, 2, "item_data", "product_sku_data", "0", "quantity") // the member's quantity wins
		b.Want(items, 7, "item_data", "product_sku_data", "1", "sku_id")
		b.Want(items, 3, "item_data", "product_sku_data", "1", "quantity")
	}

	if n := shop.Count("order", `SELECT count(*) FROM cart`); n != people {
		t.Errorf("%d carts for %d members", n, people)
	}
}

// TestStockUnderKills: whenever the shop dies, pieces sold and pieces left add up.
func TestStockUnderKills(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	const pieces, buyers = 10, 24

	shop.Exec("order", `UPDATE sku SET stock = $1 WHERE id = 6`, pieces)
	var actions []func()
	for i := range buyers {
		b := shop.Browser()
		b.Get("/user/token")
		actions = append(actions, func() {
			try(b, "/order/cart-add-product-sku", "sku_id", "6", "quantity", "1")
			a := try(b, "/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address",
				fmt.Sprintf("stock%d@mail.example.com", i))
			if session := a.Text("session_id"); session != "" && i%3 > 0 {
				_ = shop.TryPay(session, nil) // the stand-in dies with the shop
			}
		})
	}

	meanwhile(shop, 1500*time.Millisecond, actions[:buyers/2]...)
	meanwhile(shop, 1500*time.Millisecond, actions[buyers/2:]...)

	// No one pays any longer, and the sweep ends quotes that never got a page.
	for _, s := range shop.Ledger() { // an unpaid session is never paid from here on
		if s.Status == "open" {
			shop.StripeDo("/_/sessions/"+s.ID+"/expire", "")
		}
	}
	shop.Stop()
	shop.Exec("order", `UPDATE checkout SET expires_at = now() - interval '1 hour', checked_at = now() - interval '1 hour' WHERE `+
		`session_id IS NULL AND state = 'creating'`)
	shop.Again("SWEEP_EVERY=200ms", "SWEEP_AFTER=0s") // the sweep ends quotes that never got a page
	shop.Check(60 * time.Second)
	shop.Eventually(30*time.Second, "nothing is reserved",
		func() bool { return shop.Count("order", `SELECT count(*) FROM reservation`) == 0 })

	sold := shop.Count("order", `SELECT coalesce(sum(quantity), 0) FROM order_line`)
	left := shop.Count("order", `SELECT stock FROM sku WHERE id = 6`)
	if sold+left != pieces {
		t.Errorf("%d sold and %d left of %d", sold, left, pieces)
	}
	t.Logf("%d sold, %d left", sold, left)
}
