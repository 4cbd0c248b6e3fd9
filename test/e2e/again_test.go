package e2e

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// lostClick is a POST whose process dies after the commit and before the answer.
type lostClick struct {
	path string
	run  func(v visit)
}

// visit is a shopper with a click during which a process may die.
type visit struct {
	*shoptest.Browser
	t     *testing.T
	shop  *shoptest.Shop
	click func(pairs ...string) shoptest.Answer
}

// clicksUnderKills clicks on everything that changes something, while one of two processes dies
// during the click. The other process answers, and the change was made once.
func clicksUnderKills(t *testing.T, f *shoptest.Fleet, folder string) {
	t.Helper()
	began, n := time.Now(), 0
	discounts(f.Shop)
	for _, c := range []struct {
		service, look string
		clicks        []lostClick
	}{{"order", "/order/cart-items", orderClicks}, {"user", "/user/terms-of-use-agree-check", userClicks}} {
		p := f.Of(c.service)[0]
		p.Stop()
		p.Use(folder)
		for _, one := range c.clicks {
			p.StartWith(c.service + "." + one.path + ":1")
			died := false
			for try := 0; try < 30 && !died; try++ { // the other process has its turns, too
				v := visit{Browser: f.Browser(), t: t, shop: f.Shop}
				v.click = func(pairs ...string) shoptest.Answer {
					for range try % 2 {
						v.Get(c.look) // otherwise each click could be the other's turn
					}
					a := v.Post(one.path, pairs...)
					if a.Status != http.StatusOK {
						t.Errorf("POST %s is answered %d %s", one.path, a.Status, a.Body)
					}
					return a
				}
				one.run(v)
				died = p.HasDied()
			}

			if !died {
				t.Fatalf("no process died of %s", one.path)
			}
			n++
		}
		p.StartWith("")
	}

	t.Logf("%d clicks whose process died, in %s", n, time.Since(began).Round(time.Second))
}

var orderClicks = []lostClick{
	{"/order/cart-add-product-sku", func(v visit) {
		v.Want(v.click("sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")
		v.wantPieces(2)
	}},
	{"/order/cart-update-sku-quantity", func(v visit) {
		v.fill()
		v.Want(v.click("sku_id", "6", "quantity", "5"), "success", "cart_update_sku_quantity")
		v.wantPieces(5)
	}},
	{"/order/cart-remove-sku", func(v visit) {
		v.fill()
		v.Want(v.Post("/order/cart-add-product-sku", "sku_id", "7", "quantity", "1"), 2, "cart_item_count")
		a := v.click("sku_id", "7")
		v.Want(a, "success", "cart_remove_sku")
		v.Want(a, 1, "cart_item_count")
		v.wantPieces(2)
	}},
	{"/order/cart-apply-discount-code", func(v visit) {
		v.fill()
		v.Want(v.click("discount_code_id", "E2ETEN"), "success", "cart_apply_discount_code")
	}},
	{"/order/cart-remove-discount-code", func(v visit) {
		v.fill()
		a := v.Post("/order/cart-apply-discount-code", "discount_code_id", "E2ETEN")
		codes, ok := a.At("discount_code_data").(map[string]any)
		if !ok || len(codes) != 1 {
			v.t.Fatalf("codes: %s", a.Body)
		}
		for id := range codes {
			a = v.click("discount_code_id", id)
			v.Want(a, "success", "cart_remove_discount_code")
			v.Want(a, nil, "discount_code_data", id)
		}
	}},
	{"/order/cart-update-shipping-method", func(v visit) {
		v.fill()
		v.Want(v.click("shipping_method_identifier", "UPSGround"), "success", "cart_update_shipping_method")
		v.Want(v.Get("/order/cart-shipping-methods"), "UPSGround", "shipping_method_selected")
	}},
	{"/order/cart-delete-cart", func(v visit) {
		v.fill()
		v.Want(v.click(), "success", "cart_delete_cart")
		v.Want(v.Get("/order/cart-items"), false, "cart_found")
	}},
	{"/order/anonymous-email-address-payment-lookup", func(v visit) {
		v.fill()
		v.Want(v.click("anonymous_email_address", anyAddress()), "success", "anonymous_email_address_payment_lookup")
	}},
	{pageOfCheckout, func(v visit) {
		v.fill()
		email := anyAddress()
		a := v.click("agree_to_terms_of_sale", "true", "anonymous_email_address", email)
		v.Want(a, "success", "create_checkout_session")
		if n := v.shop.Count("order", `SELECT count(*) FROM checkout WHERE email = $1`, email); n != 1 {
			v.t.Errorf("%d payment pages of one click", n)
		}
		v.shop.Pay(a.Text("session_id"), payAs(email))
		v.Want(v.Success(a.Text("session_id")), "success", "checkout_session_success")
	}},
}

// userClicks are the repeatable clicks of members.
var userClicks = []lostClick{
	{"/user/login", func(v visit) {
		name := register(v.Browser, "once")
		v.Want(v.Get("/user/logout"), "true", "logout")
		v.Want(v.click("username", name, "password", "Zebra!river42", "remember_me", "false"), "true", "login")
		v.Want(v.Get("/user/logged-in"), true, "logged_in")
	}},
	{"/user/update-my-information", func(v visit) {
		register(v.Browser, "moves")
		email := anyAddress()
		v.Want(v.click("firstname", "Bea", "lastname", "Lee", "email_address", email), "success", "update_my_information")
		v.Want(v.Get("/user/logged-in"), email, "email_address")
		if n := v.shop.Count("user", `SELECT count(*) FROM code WHERE email = $1`, email); n != 1 {
			v.t.Errorf("%d mails with codes of one change of address", n)
		}
	}},
}

func anyAddress() string { return strings.ToLower(rand.Text()) + "@mail.example.com" }

// fill puts two pieces into the cart.
func (v visit) fill() {
	v.t.Helper()
	v.Want(v.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "2"), "success", "cart_add_product_sku")
}

// wantPieces wants a cart with one SKU and so many pieces of it.
func (v visit) wantPieces(n int) {
	v.t.Helper()
	a := v.Get("/order/cart-items")
	v.Want(a, n, "item_data", "product_sku_data", "0", "quantity")
	v.Want(a, nil, "item_data", "product_sku_data", "1")
}
