package order

import (
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Without a cart pages get empty answers, and every change is refused.
func TestShopperWithoutACart(t *testing.T) {
	t.Parallel()
	p := newEnv(t).visitor()
	p.Get("/order/cart-items").Want(false, "cart_found")
	p.Get("/order/cart-shipping-methods").Want(nil, "shipping_method_selected")
	p.Get("/order/cart-discount-codes").Want(false, "cart_found")
	totals := p.Get("/order/cart-totals")
	totals.Want("0", "cart_totals_data", "cart_total")
	totals.Want(0, "cart_totals_data", "item_subtotal")
	for path, pairs := range map[string][]string{
		"/order/cart-update-sku-quantity":    {"sku_id", "1", "quantity", "1"},
		"/order/cart-remove-sku":             {"sku_id", "1"},
		"/order/cart-apply-discount-code":    {"discount_code_id", "WELCOME10"},
		"/order/cart-remove-discount-code":   {"discount_code_id", "1"},
		"/order/cart-update-shipping-method": {"shipping_method_identifier", "UPSGround"},
		"/order/cart-delete-cart":            nil,
	} {
		p.Post(path, pairs...).Want("cart-not-found", "errors", "error")
	}
}

// Quantities and SKUs are checked in the contract's order, and pieces of a SKU add up to one line.
func TestAddToCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	for _, c := range []struct{ sku, quantity, problem string }{
		{"1", "", "not_an_int"}, {"1", "x", "not_an_int"}, {"1", "1.5", "not_an_int"}, {"1", "+5", "not_an_int"}, {"1", " 5", "not_an_int"},
		{"1", "1_0", "not_an_int"}, {"1", "٣", "not_an_int"}, {"1", "-1", "out_of_range"}, {"1", "100", "out_of_range"},
		{"1", "99999999999999999999999", "out_of_range"},
		{"nonsense", "x", "not_an_int"}, // the quantity is judged before the SKU
	} {
		b := p.add(c.sku, c.quantity)
		list, _ := b.At("errors", "quantity").([]any)
		if len(list) != 1 || list[0].([]any)[0].(map[string]any)["type"] != c.problem {
			t.Errorf("add %v answered %v", c, b)
		}
		b.Want(c.sku, "sku_id")
	}

	for _, sku := range []string{"3", "0", "-1", "x", "", "1e3", "99999999999999999999", "1;drop"} {
		p.add(sku, "1").Want("sku-not-found", "errors", "error")
	}
	p.Post("/order/cart-add-product-sku", "quantity", "1").Want("sku-id-required", "errors", "error")
	e.Exec(`INSERT INTO sku (id, inventory_id) VALUES (900, 1)`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (900, 100)`)
	p.add("900", "1").Want("sku-not-found", "errors", "error") // it belongs to no product
	if p.Cart != "" || e.Number(`SELECT count(*) FROM cart`) != 0 {
		t.Errorf("refused adds left cart %q", p.Cart)
	}

	b := p.add("7", "2")
	b.Want("success", "cart_add_product_sku")
	b.Want("7", "sku_id")
	b.Want(1, "cart_item_count")
	p.add("1", "0").Want(2, "cart_item_count")
	p.add("4", "1").Want(3, "cart_item_count") // back-ordered SKUs can be added
	p.add("7", "97").Want(3, "cart_item_count")
	if list, _ := p.add("7", "1").At("errors", "quantity").([]any); len(list) == 0 {
		t.Error("a sum above 99 was accepted")
	}

	items := p.Get("/order/cart-items")
	for i, sku := range []int{7, 1, 4} { // in the order in which they were added
		items.Want(sku, "item_data", "product_sku_data", strconv.Itoa(i), "sku_id")
	}
	items.Want(99, "item_data", "product_sku_data", "0", "quantity")
	items.Want("/img/product/rubber_bands_2.jpg", "item_data", "product_sku_data", "0", "sku_image_url")
	p.Get("/internal/cart-counts?member=1&cart=none&cart="+p.Cart).Want(3, "carts", p.Cart)
}

// Lines are changed and removed, and a deleted cart is gone.
func TestUpdateRemoveAndDeleteCart(t *testing.T) {
	t.Parallel()
	p := newEnv(t).visitor()
	p.add("1", "2")
	p.add("7", "1")
	const update, remove = "/order/cart-update-sku-quantity", "/order/cart-remove-sku"
	p.Post(update, "quantity", "1").Want("sku-id-required", "errors", "error")
	p.Post(remove).Want("sku-id-required", "errors", "error")

	for _, c := range [][2]string{{"6", "1"}, {"x", "1"}, {"1", "x"}, {"1", "-1"}, {"1", "100"}, {"1", ""}, {"99999999999999999999", "1"}} {
		p.Post(update, "sku_id", c[0], "quantity", c[1]).Want("cart-sku-not-found", "errors", "error")
	}
	p.Post(update, "sku_id", "1").Want("cart-sku-not-found", "errors", "error")
	p.Post(remove, "sku_id", "6").Want("cart-sku-not-found", "errors", "error")

	b := p.Post(update, "sku_id", "1", "quantity", "3")
	b.Want("10.50", "sku_subtotal")
	b.Want("25.49", "cart_totals_data", "item_subtotal")
	p.Post(update, "sku_id", "7", "quantity", "0").Want("0.00", "sku_subtotal") // the line stays

	p.Get("/internal/cart-counts?cart="+p.Cart).Want(2, "carts", p.Cart)

	p.Get("/order/cart-shipping-methods").Want("USPSRetailGround", "shipping_method_selected")
	b = p.Post(remove, "sku_id", "7")
	b.Want(1, "cart_item_count")
	b.Want(nil, "shipping_method_selected")
	b.Want(0, "cart_totals_data", "shipping_subtotal")
	p.Post(remove, "sku_id", "1").Want(0, "cart_item_count")
	p.Get("/order/cart-items").Want(true, "cart_found")
	p.Post("/order/cart-delete-cart").Want("success", "cart_delete_cart")
	p.Post("/order/cart-delete-cart").Want("cart-not-found", "errors", "error")
}

// A cart page requests totals and shipping methods at once, and shows the default method as chosen:
// the totals fit it, whichever request comes first.
func TestTotalsFitTheDefaultMethod(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for range 20 {
		p := e.visitor()
		p.add("1", "1")
		totals := make(chan testenv.Answer, 1)
		go func() { totals <- p.Get("/order/cart-totals") }()
		p.Get("/order/cart-shipping-methods").Want("USPSRetailGround", "shipping_method_selected")
		(<-totals).Want("9.56", "cart_totals_data", "shipping_subtotal")
	}
	p := e.visitor()
	p.add("1", "1")
	p.Get("/order/cart-totals").Want("13.06", "cart_totals_data", "cart_total")
	p.Get("/order/cart-shipping-methods").Want("USPSRetailGround", "shipping_method_selected")
}

// A request that deletes a cart locks it and then its lines. Other requests at the same time must
// neither fail nor make it fail.
func TestDeleteCartDuringOtherRequests(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for what, call := range map[string]func(p *shopper, paid checkout){
		"apply a code": func(p *shopper, _ checkout) {
			b := p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
			b.Want("cart-not-found", "errors", "error")
		},
		"remove a line": func(p *shopper, _ checkout) {
			p.Post("/order/cart-remove-sku", "sku_id", "1").Want("cart-sku-not-found", "errors", "error")
		},
		"be paid for": func(p *shopper, paid checkout) { p.mustHandle(event("evt_1", completed, paid, nil)) },
	} {
		p := e.visitor()
		p.add("1", "1")
		paid := p.quoted("")
		tx, err := e.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cart := e.Number(`SELECT id FROM cart WHERE anonymous_id = $1`, p.Cart)
		if _, err := tx.Exec(t.Context(), `SELECT FROM cart WHERE id = $1 FOR UPDATE`, cart); err != nil {
			t.Fatal(err)
		}

		done := make(chan struct{})
		go func() {
			defer close(done)
			call(p, paid)
		}()

		e.waitsForALock("to " + what)
		if _, err := tx.Exec(t.Context(), `DELETE FROM cart WHERE id = $1`, cart); err != nil {
			t.Errorf("deleting a cart beside a call to %s: %v", what, err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Errorf("deleting a cart beside a call to %s: %v", what, err)
		}
		<-done
	}
	e.Counts(1, `SELECT count(*) FROM orders`)
}

// waitsForALock waits until a statement of this shop does.
func (e *env) waitsForALock(what string) {
	e.t.Helper()
	testenv.Eventually(e.t, 20*time.Second, "a call "+what+" waits for a lock", func() bool {
		return e.Number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
	})
}

// A page that is still loading must not replace a choice by the default.
func TestDefaultMethodLeavesAChoiceAlone(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, path := range []string{"/order/cart-shipping-methods", "/order/confirm-shipping-method"} {
		p := e.visitor()
		p.add("1", "1")
		tx, err := e.pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE cart SET shipping_method_id = (SELECT id FROM shipping_method WHERE identifier = `+
			`'FedExGround') WHERE anonymous_id = $1`, p.Cart); err != nil {
			t.Fatal(err)
		}
		got := make(chan testenv.Answer)
		go func() { got <- p.Get(path) }()
		e.waitsForALock("to " + path)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b := <-got; b.At("shipping_method_selected") != "FedExGround" && b.At("confirm_shipping_method", "identifier") != "FedExGround" {
			t.Errorf("%s answers %v", path, b)
		}
		p.Get("/order/cart-totals").Want("14.35", "cart_totals_data", "cart_total")
	}
}

// A shopper chooses among the active methods, the most expensive first.
func TestChooseShippingMethod(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("1", "1")
	b := p.Get("/order/cart-shipping-methods")
	for i, identifier := range []string{"USPSPriorityMail2Day", "UPSGround", "FedExGround", "USPSRetailGround"} { // expensive first
		b.Want(identifier, "cart_shipping_methods", strconv.Itoa(i), "identifier")
	}
	p.Get("/order/cart-totals").Want("13.06", "cart_totals_data", "cart_total")
	const path = "/order/cart-update-shipping-method"
	p.Post(path).Want("shipping-method-identifier-required", "errors", "error")
	for _, identifier := range []string{"None", "x", "", "uspsretailground"} { // None is free, and inactive
		p.Post(path, "shipping_method_identifier", identifier).Want("error-setting-cart-shipping-method", "errors", "error")
	}
	p.Post(path, "shipping_method_identifier", "FedExGround").Want("14.35", "cart_totals_data", "cart_total")
	// If staff deactivate the default, carts are not left without shipping.
	e.Exec(`UPDATE shipping_method SET active = false WHERE identifier = 'USPSRetailGround'`)
	q := e.visitor()
	q.add("1", "1")
	q.Get("/order/cart-shipping-methods").Want("FedExGround", "shipping_method_selected")
}

// Codes are applied once, while they are valid, and count in the totals.
func TestApplyAndRemoveDiscountCodes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO discount_code (
		  code, description, start_date_time, end_date_time, type_id, amount, order_minimum_cents, combinable, max_uses) VALUES
		('OLD', 'x', now() - interval '2 days', now() - interval '1 day', 1, 1000, 0, false, NULL),
		('SOON', 'x', now() + interval '1 day', now() + interval '2 days', 1, 1000, 0, false, NULL),
		('FREESHIP', 'x', now() - interval '1 day', now() + interval '1 day', 4, 0, 2000, true, NULL),
		('GONE', 'x', now() - interval '1 day', now() + interval '1 day', 1, 1000, 0, false, 0)`)

	p := e.visitor()
	p.add("6", "5")
	const apply, remove = "/order/cart-apply-discount-code", "/order/cart-remove-discount-code"
	p.Post(apply).Want("discount-code-required", "errors", "error")
	for code, refusal := range map[string]string{"nope": "cart-discount-code-not-found", "welcome10": "cart-discount-code-not-found",
		"":    "cart-discount-code-not-found",
		"OLD": "cart-discount-code-not-active", "SOON": "cart-discount-code-not-active", "GONE": "cart-discount-code-not-active"} {
		p.Post(apply, "discount_code_id", code).Want(refusal, "errors", "error")
	}

	p.Get("/order/cart-shipping-methods")
	b := p.Post(apply, "discount_code_id", "WELCOME10") // the contract's example, rounded to cents
	b.Want("2.00", "cart_totals_data", "item_discount")
	b.Want("27.51", "cart_totals_data", "cart_total")
	b.Want(true, "discount_code_data", "1", "discount_applied")
	p.Post(apply, "discount_code_id", "WELCOME10").Want("cart-discount-code-already-applied", "errors", "error")

	b = p.Post(apply, "discount_code_id", "FREESHIP") // minimum 20.00, the cart has 19.95
	b.Want(0, "cart_totals_data", "shipping_discount")
	b = p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "6")
	b.Want("9.56", "cart_totals_data", "shipping_discount")
	p.Post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround").Want(0, "cart_totals_data", "shipping_discount")

	// A code that ends after it was applied no longer counts, and the cart says so.
	e.Exec(`UPDATE discount_code SET end_date_time = now() - interval '1 second' WHERE id = 1`)
	b = p.Get("/order/cart-discount-codes")
	b.Want(false, "discount_code_data", "1", "discount_applied")
	p.Get("/order/cart-totals").Want("0", "cart_totals_data", "item_discount")

	for _, c := range [][2]string{{"99", "cart-discount-code-not-found"}, {"x", "cart-discount-code-not-found"},
		{"WELCOME10", "cart-discount-code-not-found"}} {
		p.Post(remove, "discount_code_id", c[0]).Want(c[1], "errors", "error")
	}

	p.Post(remove).Want("discount-code-required", "errors", "error")
	p.Post(remove, "discount_code_id", "1").Want("success", "cart_remove_discount_code")
	p.Post(remove, "discount_code_id", "1").Want("success", "cart_remove_discount_code") // known, not on the cart
}

// Pieces that are added in parallel requests all count, in one cart.
func TestParallelAddsLoseNothing(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, p := range []*shopper{e.member(5), e.visitor()} {
		p.add("1", "0")
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				q := *p
				q.add("1", "2")
				q.add("7", "1")
			})
		}
		wg.Wait()
		items := p.Get("/order/cart-items")
		items.Want(40, "item_data", "product_sku_data", "0", "quantity")
		items.Want(20, "item_data", "product_sku_data", "1", "quantity")
	}
	e.Counts(2, `SELECT count(*) FROM cart`)
}

// One shopper with many tabs: whichever requests meet, each gets an answer of the contract.
func TestParallelRequestsOnOneCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	m := e.member(1)
	actions := []func(p *shopper){
		func(p *shopper) { p.add("6", "1") },
		func(p *shopper) { p.add("1", "1") },
		func(p *shopper) { p.Post("/order/cart-remove-sku", "sku_id", "6") },
		func(p *shopper) { p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "2") },
		func(p *shopper) { p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") },
		func(p *shopper) { p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") },
		func(p *shopper) { p.Post("/order/cart-remove-discount-code", "discount_code_id", "1") },
		func(p *shopper) { p.Get("/order/confirm-totals") },
		func(p *shopper) { p.Get("/order/cart-shipping-methods") },
		func(p *shopper) { p.Post("/order/cart-delete-cart") },
	}

	var wg sync.WaitGroup
	for _, action := range actions {
		wg.Go(func() {
			p := *m
			for range 30 {
				action(&p) // fails the test on any answer but 200 in the contract's shape
			}
		})
	}
	wg.Wait()
}

// A cart is visible to its own shopper alone.
func TestOneShopperNeverSeesAnothersCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	a, b, m := e.visitor(), e.visitor(), e.member(1)
	a.add("1", "1")
	m.add("7", "1")
	b.Get("/order/cart-items").Want(false, "cart_found")
	m.Cart = a.Cart // a member's request ignores the visitor's cart
	m.Get("/order/cart-items").Want(7, "item_data", "product_sku_data", "0", "sku_id")
}

// A GET does not change a cart, and a POST does not read it.
func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	p := newEnv(t).visitor()
	for _, path := range []string{"/order/cart-add-product-sku", "/order/cart-delete-cart", "/order/create-checkout-session"} {
		if a := p.Ask(http.MethodGet, path); a.Status != http.StatusMethodNotAllowed {
			t.Error(a)
		}
	}
	if a := p.Ask(http.MethodPost, "/order/cart-items"); a.Status != http.StatusMethodNotAllowed {
		t.Error(a)
	}
}

// A visitor's cart becomes the member's at login, or its missing lines are added to the member's
// cart.
func TestMergeCarts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	v, m := e.visitor(), e.member(1)
	v.add("1", "2")
	v.add("7", "1")
	v.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	v.Post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround")

	login := *m
	login.Cart = v.Cart

	login.Post("/internal/cart-merge") // the member has no cart and takes this one over
	m.Get("/order/cart-items").Want(2, "item_data", "product_sku_data", "0", "quantity")
	v.Get("/order/cart-items").Want(false, "cart_found")
	m.Get("/order/cart-shipping-methods").Want("UPSGround", "shipping_method_selected")

	w := e.visitor()
	w.add("1", "9")
	w.add("6", "3")
	login.Cart = w.Cart

	for range 3 { // a repetition changes nothing
		login.Post("/internal/cart-merge")
	}
	items := m.Get("/order/cart-items")
	for i, q := range []int{2, 1, 3} { // the member's quantity stays
		items.Want(q, "item_data", "product_sku_data", strconv.Itoa(i), "quantity")
	}
	w.Get("/order/cart-items").Want(false, "cart_found")
	if n := e.Number(`SELECT (visitor->'lines'->0->>'quantity')::int FROM cart_merge`); n != 9 {
		t.Errorf("the history says %d pieces, want the visitor's 9", n)
	}
}

// Several visitors' carts are merged into one member's at the same time.
func TestParallelMergesMakeOneCart(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	m := e.member(1)
	var visitors []string
	for range 8 {
		v := e.visitor()
		v.add("1", "1")
		visitors = append(visitors, v.Cart)
	}
	var wg sync.WaitGroup
	for _, c := range visitors {
		wg.Go(func() {
			login := *m
			login.Cart = c
			login.Post("/internal/cart-merge")
		})
	}
	wg.Wait()
	if n := e.Number(`SELECT count(*) FROM cart`); n != 1 {
		t.Errorf("%d carts, want the member's", n)
	}
}
