package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// wontClose makes Stripe refuse to close payment pages.
const wontClose = `{"api_faults":[{"kind":"500","times":-1,"method":"POST","path":"/v1/checkout/sessions/"}]}`

// openPages are the sessions, of those given, that can be paid at Stripe.
func openPages(shop *shoptest.Shop, among ...string) (open []string) {
	for _, one := range shop.Ledger() {
		for _, id := range among {
			if one.ID == id && one.Status == "open" {
				open = append(open, id)
			}
		}
	}
	return open
}

// When a cart ends, in any way, its payment page is closed and its reserved pieces are given back:
// the shopper who reserved the last piece can buy it.
func TestAPaymentPageEndsWithItsCart(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: quickSweep})
	for name, end := range map[string]func(*shoptest.Shop, *shoptest.Browser){
		"deleting": func(_ *shoptest.Shop, b *shoptest.Browser) {
			b.Want(b.Post("/order/cart-delete-cart"), "success", "cart_delete_cart")
		},
		"removing the last line": func(_ *shoptest.Shop, b *shoptest.Browser) {
			b.Want(b.Post("/order/cart-remove-sku", "sku_id", "7"), "success", "cart_remove_sku")
		},
		"no pieces": func(_ *shoptest.Shop, b *shoptest.Browser) {
			b.Want(b.Post("/order/cart-update-sku-quantity", "sku_id", "7", "quantity", "0"), "success", "cart_update_sku_quantity")
		},
		"registering": func(_ *shoptest.Shop, b *shoptest.Browser) { register(b, "reg") },
		"logging in":  logInWithACart,
	} {
		t.Run(name, func(t *testing.T) {
			shop := shop.For(t)
			shop.Exec("order", `UPDATE sku SET stock = 1 WHERE id = 7`)
			b := shop.Browser()
			old := b.Checkout("7", "1", "ends@mail.example.com")
			end(shop, b)
			if open := openPages(shop, old); len(open) != 0 {
				t.Error("the page can still be paid")
			}

			a := checkOut(b, "ends@mail.example.com")
			if error := a.Text("errors", "error"); error == "cart-not-found" || error == "cart-is-empty" { // the cart was not merged
				b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "7", "quantity", "1"), "success", "cart_add_product_sku")
				a = checkOut(b, "ends@mail.example.com")
			}
			b.Want(a, "success", "create_checkout_session")
			fresh := a.Text("session_id")
			if fresh == old {
				t.Error("the old page is handed out again")
			}

			shop.Pay(fresh, payAs("ends@mail.example.com"))
			b.Want(b.Success(fresh), "success", pageOfSuccess)
		})
	}

	shop.Exec("order", `UPDATE sku SET stock = NULL WHERE id = 7`)
	shop.Check(60 * time.Second)
}

// logInWithACart logs a visitor in to an account that has a cart already, so that both are merged.
func logInWithACart(shop *shoptest.Shop, b *shoptest.Browser) {
	elsewhere := shop.Browser()
	username := register(elsewhere, "log")
	elsewhere.Want(elsewhere.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success", "cart_add_product_sku")
	elsewhere.Want(elsewhere.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "0"), "success", "cart_update_sku_quantity")
	b.Want(b.Post("/user/login", "username", username, "password", "Zebra!river42", "remember_me", "false"), "true", "login")
}

// A page that Stripe does not close is closed as soon as it does. If it is paid meanwhile that is
// one order, and the second payment is an entry for staff.
func TestAPageThatStripeWouldNotClose(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: quickSweep})
	shop.StripeSwitches(wontClose)
	var except []string
	for n, oldFirst := range []bool{true, false} {
		b := shop.Browser()
		email := fmt.Sprintf("both%d@mail.example.com", n)
		old := b.Checkout("6", "1", email)
		b.Want(b.Post("/order/cart-delete-cart"), "success", "cart_delete_cart")
		fresh := b.Checkout("6", "2", email)
		first, second := old, fresh
		if !oldFirst {
			first, second = fresh, old
		}

		// Both pages are paid.
		for _, session := range []string{first, second} {
			shop.Pay(session, payAs(email))
			b.Success(session)
		}
		b.Want(b.Success(first), "success", pageOfSuccess)
		b.Want(b.Success(second), "unexpected-error", "errors", "error")
		if n := shop.Count("order", `SELECT count(*) FROM payment_issue WHERE session_id = $1 AND reason = 'paid-twice'`, second); n != 1 {
			t.Errorf("the second payment is %d times on the list for staff", n)
		}
		except = append(except, second)

		// A later checkout is another purchase.
		another := b.Checkout("6", "1", email)
		shop.Pay(another, payAs(email))
		b.Want(b.Success(another), "success", pageOfSuccess)
	}

	// The sweep closes a page once Stripe does.
	b := shop.Browser()
	left := b.Checkout("6", "1", "left@mail.example.com")
	b.Want(b.Post("/order/cart-delete-cart"), "success", "cart_delete_cart")
	if open := openPages(shop, left); len(open) != 1 {
		t.Error("Stripe closed the page although it was told not to")
	}
	shop.StripeSwitches(`{"api_faults":[]}`)
	shop.Eventually(30*time.Second, "the sweep closes the page", func() bool { return len(openPages(shop, left)) == 0 })
	shop.Check(60*time.Second, except...)
}

// Concurrent clicks, each with another content of the cart, leave one page that can be paid, and it
// is for the present content.
func TestClicksAtOnceLeaveOneOpenPage(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	for round := range 12 {
		b := shop.Browser()
		b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success", "cart_add_product_sku")

		var mu sync.Mutex
		var wg sync.WaitGroup
		before := map[string]bool{}
		for _, one := range shop.Ledger() {
			before[one.ID] = true
		}

		answers := 0
		for click := range 10 {
			wg.Go(func() {
				// Some tabs change the cart before they pay, some change the address for the
				// receipt.
				email := "tab@mail.example.com"
				if click%2 == 0 {
					if _, err := b.Try(http.MethodPost, "/order/cart-add-product-sku",
						url.Values{"sku_id": {fmt.Sprint(6 + click%4/2)}, "quantity": {"1"}}); err != nil {
						t.Error(err)
					}
				} else if round%2 == 0 {
					email = fmt.Sprintf("tab%d@mail.example.com", click)
				}
				a, err := b.Try(http.MethodPost, pageOfCheckout,
					url.Values{"agree_to_terms_of_sale": {"true"}, "anonymous_email_address": {email}})
				mu.Lock()
				defer mu.Unlock()
				if err != nil || a.JSON == nil {
					t.Errorf("a click was answered %d %s %v", a.Status, a.Body, err)
				} else if a.Text("create_checkout_session") == "success" {
					answers++
				}
			})
		}

		wg.Wait()
		var open []int64
		for _, one := range shop.Ledger() {
			if !before[one.ID] && one.Status == "open" {
				open = append(open, one.AmountTotal)
			}
		}
		if len(open) != 1 || answers == 0 {
			t.Fatalf("round %d: %d pages can be paid, %d clicks were answered by a page", round, len(open), answers)
		}

		held := shop.Count("order", `SELECT total FROM checkout WHERE state = 'open' ORDER BY created_at DESC LIMIT 1`)
		if int64(held) != open[0] {
			t.Errorf("round %d: the open page is for %d, the shop holds one for %d", round, open[0], held)
		}
		b.Want(b.Post("/order/cart-delete-cart"), "success", "cart_delete_cart")
	}
}

// A cart that was paid in another tab is reported as paid, whatever this tab clicks.
func TestPaidInAnotherTab(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	shop.StripeSwitches(dropWebhooks)
	for name, change := range map[string]func(b *shoptest.Browser, session string){
		"with other contents": func(b *shoptest.Browser, session string) {
			b.Want(b.Post("/order/cart-add-product-sku", "sku_id", "7", "quantity", "1"), "success", "cart_add_product_sku")
		},
		"and made an order": func(b *shoptest.Browser, session string) { b.Success(session) },
		"from a deleted cart": func(b *shoptest.Browser, session string) {
			b.Want(b.Post("/order/cart-delete-cart"), "success", "cart_delete_cart")
		},
	} {
		t.Run(name, func(t *testing.T) {
			shop := shop.For(t)
			b := shop.Browser()
			session := b.Checkout("6", "1", "paid@mail.example.com")
			shop.Pay(session, payAs("paid@mail.example.com"))
			change(b, session)
			a := checkOut(b, "paid@mail.example.com")
			order := b.Success(session).Text("order_identifier")
			if order == "" {
				t.Fatal("no order")
			}

			b.Want(a, order, "errors", "order_identifier")
			b.Want(a, "paid-already", "errors", "reason")
			if text := a.Text("errors", "description"); !strings.Contains(text, order) {
				t.Errorf("the shopper reads %q", text)
			}
		})
	}
	shop.Check(60 * time.Second)
}
