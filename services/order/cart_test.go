package order

import (
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestAnEmptyHanded(t *testing.T) {
	t.Parallel()
	p := newShop(t).visitor()
	want(t, p.get("/order/cart-items"), false, "cart_found")
	want(t, p.get("/order/cart-shipping-methods"), nil, "shipping_method_selected")
	want(t, p.get("/order/cart-discount-codes"), false, "cart_found")
	totals := p.get("/order/cart-totals")
	want(t, totals, "0", "cart_totals_data", "cart_total")
	want(t, totals, 0, "cart_totals_data", "item_subtotal")
	for path, pairs := range map[string][]string{
		"/order/cart-update-sku-quantity":    {"sku_id", "1", "quantity", "1"},
		"/order/cart-remove-sku":             {"sku_id", "1"},
		"/order/cart-apply-discount-code":    {"discount_code_id", "WELCOME10"},
		"/order/cart-remove-discount-code":   {"discount_code_id", "1"},
		"/order/cart-update-shipping-method": {"shipping_method_identifier", "UPSGround"},
		"/order/cart-delete-cart":            nil,
	} {
		want(t, p.post(path, pairs...), "cart-not-found", "errors", "error")
	}
}

func TestAdd(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	for _, c := range []struct{ sku, quantity, problem string }{
		{"1", "", "not_an_int"}, {"1", "x", "not_an_int"}, {"1", "1.5", "not_an_int"}, {"1", "+5", "not_an_int"}, {"1", " 5", "not_an_int"},
		{"1", "1_0", "not_an_int"}, {"1", "٣", "not_an_int"}, {"1", "-1", "out_of_range"}, {"1", "100", "out_of_range"}, {"1", "99999999999999999999999", "out_of_range"},
		{"nonsense", "x", "not_an_int"}, // the quantity is judged before the SKU
	} {
		b := p.add(c.sku, c.quantity)
		list, _ := b.at("errors", "quantity").([]any)
		if len(list) != 1 || list[0].([]any)[0].(map[string]any)["type"] != c.problem {
			t.Errorf("add %v answered %v", c, b)
		}
		want(t, b, c.sku, "sku_id")
	}
	for _, sku := range []string{"3", "0", "-1", "x", "", "1e3", "99999999999999999999", "1;drop"} {
		want(t, p.add(sku, "1"), "sku-not-found", "errors", "error")
	}
	want(t, p.post("/order/cart-add-product-sku", "quantity", "1"), "sku-id-required", "errors", "error")
	s.exec(`INSERT INTO sku (id, inventory_id) VALUES (900, 1)`)
	s.exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (900, 100)`)
	want(t, p.add("900", "1"), "sku-not-found", "errors", "error") // belongs to no product
	if p.Cart != "" || s.number(`SELECT count(*) FROM cart`) != 0 {
		t.Errorf("refused adds left cart %q", p.Cart)
	}

	b := p.add("7", "2")
	want(t, b, "success", "cart_add_product_sku")
	want(t, b, "7", "sku_id")
	want(t, b, 1, "cart_item_count")
	want(t, p.add("1", "0"), 2, "cart_item_count")
	want(t, p.add("4", "1"), 3, "cart_item_count") // back-ordered ones can be put in
	want(t, p.add("7", "97"), 3, "cart_item_count")
	if list, _ := p.add("7", "1").at("errors", "quantity").([]any); len(list) == 0 {
		t.Error("a sum above 99 was accepted")
	}
	items := p.get("/order/cart-items")
	for i, sku := range []int{7, 1, 4} { // as put in
		want(t, items, sku, "item_data", "product_sku_data", strconv.Itoa(i), "sku_id")
	}
	want(t, items, 99, "item_data", "product_sku_data", "0", "quantity")
	want(t, items, "/img/product/rubber_bands_2.jpg", "item_data", "product_sku_data", "0", "sku_image_url")
	want(t, p.get("/internal/cart-counts?member=1&cart=none&cart="+p.Cart), 3, "carts", p.Cart)
}

func TestUpdateRemoveDelete(t *testing.T) {
	t.Parallel()
	p := newShop(t).visitor()
	p.add("1", "2")
	p.add("7", "1")
	const update, remove = "/order/cart-update-sku-quantity", "/order/cart-remove-sku"
	want(t, p.post(update, "quantity", "1"), "sku-id-required", "errors", "error")
	want(t, p.post(remove), "sku-id-required", "errors", "error")
	for _, c := range [][2]string{{"6", "1"}, {"x", "1"}, {"1", "x"}, {"1", "-1"}, {"1", "100"}, {"1", ""}, {"99999999999999999999", "1"}} {
		want(t, p.post(update, "sku_id", c[0], "quantity", c[1]), "cart-sku-not-found", "errors", "error")
	}
	want(t, p.post(update, "sku_id", "1"), "cart-sku-not-found", "errors", "error")
	want(t, p.post(remove, "sku_id", "6"), "cart-sku-not-found", "errors", "error")

	b := p.post(update, "sku_id", "1", "quantity", "3")
	want(t, b, "10.50", "sku_subtotal")
	want(t, b, "25.49", "cart_totals_data", "item_subtotal")
	want(t, p.post(update, "sku_id", "7", "quantity", "0"), "0.00", "sku_subtotal") // the line stays
	want(t, p.get("/internal/cart-counts?cart="+p.Cart), 2, "carts", p.Cart)

	want(t, p.get("/order/cart-shipping-methods"), "USPSRetailGround", "shipping_method_selected")
	b = p.post(remove, "sku_id", "7")
	want(t, b, 1, "cart_item_count")
	want(t, b, nil, "shipping_method_selected")
	want(t, b, 0, "cart_totals_data", "shipping_subtotal")
	want(t, p.post(remove, "sku_id", "1"), 0, "cart_item_count")
	want(t, p.get("/order/cart-items"), true, "cart_found")
	want(t, p.post("/order/cart-delete-cart"), "success", "cart_delete_cart")
	want(t, p.post("/order/cart-delete-cart"), "cart-not-found", "errors", "error")
}

// A cart page asks for totals and shipping methods at once, and shows the default method as chosen: the
// totals fit it whichever call comes first.
func TestTotalsFitTheDefaultMethod(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for range 20 {
		p := s.visitor()
		p.add("1", "1")
		totals := make(chan body, 1)
		go func() { totals <- p.get("/order/cart-totals") }()
		want(t, p.get("/order/cart-shipping-methods"), "USPSRetailGround", "shipping_method_selected")
		want(t, <-totals, "9.56", "cart_totals_data", "shipping_subtotal")
	}
	p := s.visitor()
	p.add("1", "1")
	want(t, p.get("/order/cart-totals"), "13.06", "cart_totals_data", "cart_total")
	want(t, p.get("/order/cart-shipping-methods"), "USPSRetailGround", "shipping_method_selected")
}

// A call that deletes a cart locks it and then its lines. Other calls that come meanwhile must neither
// fail nor make it fail.
func TestACartIsDeletedBesideOtherCalls(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for what, call := range map[string]func(p *shopper, paid checkout){
		"apply a code": func(p *shopper, _ checkout) {
			b := p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
			want(t, b, "cart-not-found", "errors", "error")
		},
		"remove a line": func(p *shopper, _ checkout) {
			want(t, p.post("/order/cart-remove-sku", "sku_id", "1"), "cart-sku-not-found", "errors", "error")
		},
		"be paid for": func(p *shopper, paid checkout) { p.mustHandle(event("evt_1", completed, paid, nil)) },
	} {
		p := s.visitor()
		p.add("1", "1")
		paid := p.quoted("")
		tx, err := s.db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cart := s.number(`SELECT id FROM cart WHERE anonymous_id = $1`, p.Cart)
		if _, err := tx.Exec(t.Context(), `SELECT FROM cart WHERE id = $1 FOR UPDATE`, cart); err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			call(p, paid)
		}()
		s.waitsForALock("to " + what)
		if _, err := tx.Exec(t.Context(), `DELETE FROM cart WHERE id = $1`, cart); err != nil {
			t.Errorf("deleting a cart beside a call to %s: %v", what, err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Errorf("deleting a cart beside a call to %s: %v", what, err)
		}
		<-done
	}
	if n := s.number(`SELECT count(*) FROM orders`); n != 1 {
		t.Errorf("%d orders", n)
	}
}

// waitsForALock waits until a statement of this shop does.
func (s *shop) waitsForALock(what string) {
	s.t.Helper()
	testenv.Eventually(s.t, 20*time.Second, "a call "+what+" waits for a lock", func() bool {
		return s.number(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`) == 1
	})
}

// A page that is still loading must not put the default in the place of a choice.
func TestDefaultMethodLeavesAChoiceAlone(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, path := range []string{"/order/cart-shipping-methods", "/order/confirm-shipping-method"} {
		p := s.visitor()
		p.add("1", "1")
		tx, err := s.db.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `UPDATE cart SET shipping_method_id = (SELECT id FROM shipping_method WHERE identifier = 'FedExGround') WHERE anonymous_id = $1`, p.Cart); err != nil {
			t.Fatal(err)
		}
		got := make(chan body)
		go func() { got <- p.get(path) }()
		s.waitsForALock("to " + path)
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		if b := <-got; b.at("shipping_method_selected") != "FedExGround" && b.at("confirm_shipping_method", "identifier") != "FedExGround" {
			t.Errorf("%s answers %v", path, b)
		}
		want(t, p.get("/order/cart-totals"), "14.35", "cart_totals_data", "cart_total")
	}
}

func TestShippingMethods(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	p.add("1", "1")
	b := p.get("/order/cart-shipping-methods")
	for i, identifier := range []string{"USPSPriorityMail2Day", "UPSGround", "FedExGround", "USPSRetailGround"} { // dearest first
		want(t, b, identifier, "cart_shipping_methods", strconv.Itoa(i), "identifier")
	}
	want(t, p.get("/order/cart-totals"), "13.06", "cart_totals_data", "cart_total")
	const path = "/order/cart-update-shipping-method"
	want(t, p.post(path), "shipping-method-identifier-required", "errors", "error")
	for _, identifier := range []string{"None", "x", "", "uspsretailground"} { // None is free, and inactive
		want(t, p.post(path, "shipping_method_identifier", identifier), "error-setting-cart-shipping-method", "errors", "error")
	}
	want(t, p.post(path, "shipping_method_identifier", "FedExGround"), "14.35", "cart_totals_data", "cart_total")
	// A default that staff switched off does not leave carts without shipping.
	s.exec(`UPDATE shipping_method SET active = false WHERE identifier = 'USPSRetailGround'`)
	q := s.visitor()
	q.add("1", "1")
	want(t, q.get("/order/cart-shipping-methods"), "FedExGround", "shipping_method_selected")
}

func TestDiscountCodes(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`INSERT INTO discount_code (code, description, start_date_time, end_date_time, type_id, amount, order_minimum_cents, combinable, max_uses) VALUES
		('OLD', 'x', now() - interval '2 days', now() - interval '1 day', 1, 1000, 0, false, NULL),
		('SOON', 'x', now() + interval '1 day', now() + interval '2 days', 1, 1000, 0, false, NULL),
		('FREESHIP', 'x', now() - interval '1 day', now() + interval '1 day', 4, 0, 2000, true, NULL),
		('GONE', 'x', now() - interval '1 day', now() + interval '1 day', 1, 1000, 0, false, 0)`)
	p := s.visitor()
	p.add("6", "5")
	const apply, remove = "/order/cart-apply-discount-code", "/order/cart-remove-discount-code"
	want(t, p.post(apply), "discount-code-required", "errors", "error")
	for code, refusal := range map[string]string{"nope": "cart-discount-code-not-found", "welcome10": "cart-discount-code-not-found", "": "cart-discount-code-not-found",
		"OLD": "cart-discount-code-not-active", "SOON": "cart-discount-code-not-active", "GONE": "cart-discount-code-not-active"} {
		want(t, p.post(apply, "discount_code_id", code), refusal, "errors", "error")
	}
	p.get("/order/cart-shipping-methods")
	b := p.post(apply, "discount_code_id", "WELCOME10") // the contract's example, rounded to cents
	want(t, b, "2.00", "cart_totals_data", "item_discount")
	want(t, b, "27.51", "cart_totals_data", "cart_total")
	want(t, b, true, "discount_code_data", "1", "discount_applied")
	want(t, p.post(apply, "discount_code_id", "WELCOME10"), "cart-discount-code-already-applied", "errors", "error")

	b = p.post(apply, "discount_code_id", "FREESHIP") // minimum 20.00, the cart has 19.95
	want(t, b, 0, "cart_totals_data", "shipping_discount")
	b = p.post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "6")
	want(t, b, "9.56", "cart_totals_data", "shipping_discount")
	want(t, p.post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround"), 0, "cart_totals_data", "shipping_discount")

	// A code that ends after it was applied no longer counts, and the cart says so.
	s.exec(`UPDATE discount_code SET end_date_time = now() - interval '1 second' WHERE id = 1`)
	b = p.get("/order/cart-discount-codes")
	want(t, b, false, "discount_code_data", "1", "discount_applied")
	want(t, p.get("/order/cart-totals"), "0", "cart_totals_data", "item_discount")

	for _, c := range [][2]string{{"99", "cart-discount-code-not-found"}, {"x", "cart-discount-code-not-found"}, {"WELCOME10", "cart-discount-code-not-found"}} {
		want(t, p.post(remove, "discount_code_id", c[0]), c[1], "errors", "error")
	}
	want(t, p.post(remove), "discount-code-required", "errors", "error")
	want(t, p.post(remove, "discount_code_id", "1"), "success", "cart_remove_discount_code")
	want(t, p.post(remove, "discount_code_id", "1"), "success", "cart_remove_discount_code") // known, not on the cart
}

func TestParallelAddsLoseNothing(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for _, p := range []*shopper{s.member(5), s.visitor()} {
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
		items := p.get("/order/cart-items")
		want(t, items, 40, "item_data", "product_sku_data", "0", "quantity")
		want(t, items, 20, "item_data", "product_sku_data", "1", "quantity")
	}
	if n := s.number(`SELECT count(*) FROM cart`); n != 2 {
		t.Errorf("%d carts", n)
	}
}

// One shopper with many tabs: whatever meets whatever, each gets an answer of the contract.
func TestEverythingAtOnceOnOneCart(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	m := s.member(1)
	actions := []func(p *shopper){
		func(p *shopper) { p.add("6", "1") },
		func(p *shopper) { p.add("1", "1") },
		func(p *shopper) { p.post("/order/cart-remove-sku", "sku_id", "6") },
		func(p *shopper) { p.post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "2") },
		func(p *shopper) { p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") },
		func(p *shopper) { p.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10") },
		func(p *shopper) { p.post("/order/cart-remove-discount-code", "discount_code_id", "1") },
		func(p *shopper) { p.get("/order/confirm-totals") },
		func(p *shopper) { p.get("/order/cart-shipping-methods") },
		func(p *shopper) { p.post("/order/cart-delete-cart") },
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

func TestOneShopperNeverSeesAnothersCart(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	a, b, m := s.visitor(), s.visitor(), s.member(1)
	a.add("1", "1")
	m.add("7", "1")
	want(t, b.get("/order/cart-items"), false, "cart_found")
	m.Cart = a.Cart // a member's request ignores the visitor's cart
	want(t, m.get("/order/cart-items"), 7, "item_data", "product_sku_data", "0", "sku_id")
}

func TestWrongMethods(t *testing.T) {
	t.Parallel()
	p := newShop(t).visitor()
	for _, path := range []string{"/order/cart-add-product-sku", "/order/cart-delete-cart", "/order/create-checkout-session"} {
		if status, _ := p.raw(http.MethodGet, path, nil); status != http.StatusMethodNotAllowed {
			t.Errorf("GET %s answered %d", path, status)
		}
	}
	if status, _ := p.raw(http.MethodPost, "/order/cart-items", url.Values{}); status != http.StatusMethodNotAllowed {
		t.Errorf("POST cart-items answered %d", status)
	}
}

func TestMerge(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	v, m := s.visitor(), s.member(1)
	v.add("1", "2")
	v.add("7", "1")
	v.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	v.post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround")

	login := *m
	login.Cart = v.Cart
	login.post("/internal/cart-merge") // the member has no cart: theirs now
	want(t, m.get("/order/cart-items"), 2, "item_data", "product_sku_data", "0", "quantity")
	want(t, v.get("/order/cart-items"), false, "cart_found")
	want(t, m.get("/order/cart-shipping-methods"), "UPSGround", "shipping_method_selected")

	w := s.visitor()
	w.add("1", "9")
	w.add("6", "3")
	login.Cart = w.Cart
	for range 3 { // a repetition changes nothing
		login.post("/internal/cart-merge")
	}
	items := m.get("/order/cart-items")
	for i, q := range []int{2, 1, 3} { // the member's quantity stays
		want(t, items, q, "item_data", "product_sku_data", strconv.Itoa(i), "quantity")
	}
	want(t, w.get("/order/cart-items"), false, "cart_found")
	if n := s.number(`SELECT (visitor->'lines'->0->>'quantity')::int FROM cart_merge`); n != 9 {
		t.Errorf("the history says %d pieces, want the visitor's 9", n)
	}
}

func TestMergeAtOnce(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	m := s.member(1)
	var visitors []string
	for range 8 {
		v := s.visitor()
		v.add("1", "1")
		visitors = append(visitors, v.Cart)
	}
	var wg sync.WaitGroup
	for _, c := range visitors {
		wg.Go(func() {
			login := *m
			login.Cart = c
			login.post("/internal/cart-merge")
		})
	}
	wg.Wait()
	if n := s.number(`SELECT count(*) FROM cart`); n != 1 {
		t.Errorf("%d carts, want the member's", n)
	}
}
