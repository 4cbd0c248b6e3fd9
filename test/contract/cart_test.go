package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var carts = map[string]func(*testing.T, *env){
	"products":      testProducts,
	"product":       testProduct,
	"empty cart":    testNoCart,
	"add":           testAdd,
	"update":        testUpdate,
	"remove":        testRemove,
	"shipping":      testShipping,
	"delete":        testDelete,
	"merge":         testMerge,
	"parallel adds": testParallelAdds,
	"GET on a cart": testGetOnCart,
}

func (b *browser) add(sku, quantity string) testenv.Answer {
	b.TB.Helper()
	a := b.post("/order/cart-add-product-sku", "sku_id", sku, "quantity", quantity)
	a.Want("success", "cart_add_product_sku")
	return a
}

// Products are listed in their order, with prices and pictures.
func testProducts(t *testing.T, e *env) {
	b := e.browser(t)
	a := b.get("/order/products")
	if keys := keysOf(t, a, "products_data"); !slices.Equal(keys, []string{"bSusp6dBHm", "ITHJW3mytn", "v26ujdy3N1"}) {
		t.Errorf("products are in the order %v", keys)
	}
	for id, p := range map[string][5]string{
		"bSusp6dBHm": {"Paper Clips", "PaperClips", "3.50", "3.50", "/img/product/paper_clip_main_2.jpg"},
		"ITHJW3mytn": {"Binder Clips", "BinderClips", "3.99", "5.99", "/img/product/binder_clips_main_2.jpg"},
		"v26ujdy3N1": {"Rubber Bands", "RubberBands", "14.99", "14.99", "/img/product/rubber_bands_2.jpg"},
	} {
		for i, key := range []string{"title", "title_url", "price_low", "price_high", "product_image_url"} {
			a.Want(p[i], "products_data", id, key)
		}
		a.Want(id, "products_data", id, "identifier")
		if got := b.get(p[4]); got.Status != 200 || !strings.HasPrefix(got.Header.Get("Content-Type"), "image/jpeg") {
			t.Errorf("%s answered %d %s", p[4], got.Status, got.Header.Get("Content-Type"))
		}
	}
}

// A product has its SKUs and pictures, and identifiers are case-sensitive.
func testProduct(t *testing.T, e *env) {
	b := e.browser(t)
	a := b.get("/order/product/bSusp6dBHm")
	a.Want("success", "product")
	a.Want("bSusp6dBHm", "product_identifier")
	for sku, s := range map[string][5]string{
		"1": {"Silver", "3.50", "in-stock", "In Stock", "/img/product/paper_clip_left_2.jpg"},
		"2": {"Silver", "3.50", "back-ordered", "Back Ordered", "/img/product/paper_clip_right_2.jpg"},
	} {
		for i, key := range []string{"color", "price", "inventory_status_identifier", "inventory_status_title"} {
			a.Want(s[i], "product_data", "skus", sku, key)
		}
		images, ok := a.At("product_data", "skus", sku, "sku_images").(map[string]any)
		if !ok || !strings.Contains(fmt.Sprint(images), s[4]) {
			t.Errorf("SKU %s has the images %v", sku, images)
		}
	}
	wantParts(t, a.Body, "https://player.vimeo.com/video/334006583", "/img/product/paper_clip_video_1_2_thumbnail.jpg")

	a = b.get("/order/product/ITHJW3mytn")
	a.Want("out-of-stock", "product_data", "skus", "5", "inventory_status_identifier")
	a.Want("Out of Stock", "product_data", "skus", "5", "inventory_status_title")
	a.Want("5.99", "product_data", "skus", "4", "price")

	a = b.get("/order/product/v26ujdy3N1")
	a.Want("14.99", "product_data", "skus", "7", "price")
	if images := a.At("product_data", "skus", "7", "sku_images"); len(images.(map[string]any)) != 0 {
		t.Errorf("SKU 7 has the images %v", images)
	}

	b.get("/order/product/bsusp6dbhm").Want("error", "product")
}

// Without a cart, reading calls answer with an empty one and changing calls refuse, for visitors
// and members.
func testNoCart(t *testing.T, e *env) {
	for _, b := range []*browser{e.browser(t), e.browser(t)} {
		b.get("/order/cart-items").Is(`{"cart_found":false,"item_data":{},"order-api-version":"0.0.1"}`)
		b.get("/order/cart-shipping-methods").Is(
			`{"cart_found":false,"cart_shipping_methods":{},"shipping_method_selected":null,"order-api-version":"0.0.1"}`)
		b.get("/order/cart-discount-codes").Is(`{"cart_found":false,"discount_code_data":{},"order-api-version":"0.0.1"}`)
		a := b.get("/order/cart-totals")
		a.Want(false, "cart_found")
		wantZeroTotals(t, a, "cart_totals_data")

		for path, pairs := range map[string][]string{
			"cart-update-sku-quantity": {"sku_id", "1", "quantity", "1"}, "cart-remove-sku": {"sku_id", "1"},
			"cart-apply-discount-code":    {"discount_code_id", "WELCOME10"},
			"cart-remove-discount-code":   {"discount_code_id", "1"},
			"cart-update-shipping-method": {"shipping_method_identifier", "FedExGround"}, "cart-delete-cart": nil,
		} {
			refusal := `{"` + strings.ReplaceAll(path, "-", "_") +
				`":"error","errors":{"error":"cart-not-found"},"order-api-version":"0.0.1"}`
			b.post("/order/"+path, pairs...).Is(refusal)
			b.post("/order/" + path).Is(refusal)
		}

		b.get("/order/checkout-allowed").Is(`{"checkout_allowed":true,"order-api-version":"0.0.1"}`)
		b.get("/order/confirm-items").Is(`{"checkout_allowed":true,"cart_found":false,"item_data":{},"order-api-version":"0.0.1"}`)
		b.get("/order/confirm-shipping-method").Is(
			`{"checkout_allowed":true,"cart_found":false,"confirm_shipping_method":{},"order-api-version":"0.0.1"}`)
		b.get("/order/confirm-discount-codes").Is(
			`{"checkout_allowed":true,"cart_found":false,"discount_code_data":{},"order-api-version":"0.0.1"}`)
		a = b.get("/order/confirm-totals")
		wantZeroTotals(t, a, "confirm_totals_data")
		b.get("/order/change-confirmation-email-address").Is(
			`{"checkout_allowed":true,"change_confirmation_email_address":"success","order-api-version":"0.0.1"}`)
		b.wantRefusal(b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), "cart-not-found")

		b.register()
	}
}

// wantZeroTotals wants five totals of zero.
func wantZeroTotals(t *testing.T, a testenv.Answer, key string) {
	t.Helper()
	for _, part := range []string{"item_subtotal", "item_discount", "shipping_subtotal", "shipping_discount", "cart_total"} {
		if v := fmt.Sprint(a.At(key, part)); v != "0" && v != "0.00" {
			t.Errorf("%s is %v", part, v)
		}
	}
}

func line(quantity int) string {
	return fmt.Sprintf(`{"sku_id":1,"sku_type__title":"product","sku_inventory__title":"In Stock","sku_inventory__identifier":"in-stock","color":"Silver","size":"*","description":"*",
		"price":"3.50","quantity":%d,"parent_product__title":"Paper Clips","parent_product__title_url":"PaperClips","parent_product__identifier":"bSusp6dBHm",
		"sku_image_url":"/img/product/paper_clip_left_2.jpg"}`, quantity)
}

// Adding checks SKU and quantity, sums quantities up to 99, and keeps the order of the lines, for
// visitors and members.
func testAdd(t *testing.T, e *env) {
	for _, b := range []*browser{e.browser(t), e.browser(t)} {
		add := func(pairs ...string) testenv.Answer { return b.post("/order/cart-add-product-sku", pairs...) }
		missing := `{"cart_add_product_sku":"error","errors":{"error":"sku-id-required"},"sku_id":null,"order-api-version":"0.0.1"}`

		// Refused.
		add("quantity", "1").Is(missing)
		add("quantity", "x").Is(missing)
		add().Is(missing)
		for quantity, code := range map[string]string{"": "not_an_int", "x": "not_an_int", "1.0": "not_an_int", " 1": "not_an_int",
			"+5": "not_an_int", "1_0": "not_an_int", "1\n": "not_an_int", "٣": "not_an_int",
			"-1": "out_of_range", "100": "out_of_range", "99999999999999999999999": "out_of_range", "1e1": "not_an_int",
			"0x1": "not_an_int"} {
			add("sku_id", "1", "quantity", quantity).Is(`{"cart_add_product_sku":"error","errors":{"quantity":[[{"type":"` + code +
				`","description":"*"}]]},"sku_id":"1","order-api-version":"0.0.1"}`)
		}
		add("sku_id", "1").Is(`{"cart_add_product_sku":"error","errors":{"quantity":[[{"type":"not_an_int","description":"*"}]]},` +
			`"sku_id":"1","order-api-version":"0.0.1"}`)
		add("sku_id", "3", "quantity", "x").Is(`{"cart_add_product_sku":"error","errors":{"quantity":[[{"type":"not_an_int",` +
			`"description":"*"}]]},"sku_id":"3","order-api-version":"0.0.1"}`)
		for _, sku := range []string{"3", "0", "-1", "x", "99999999999999999999", "1.0", "1 ", "é"} {
			add("sku_id", sku, "quantity", "1").Is(`{"cart_add_product_sku":"error","errors":{"error":"sku-not-found"},"sku_id":"` + sku +
				`","order-api-version":"0.0.1"}`)
		}
		if a := add("sku_id", "", "quantity", "1"); a.Text("errors", "error") != "sku-not-found" &&
			a.Text("errors", "error") != "sku-id-required" {
			t.Errorf("an empty SKU answered %s", a.Body)
		}

		b.get("/order/cart-items").Want(false, "cart_found")

		// Accepted.
		add("sku_id", "1", "quantity", "2").Is(`{"cart_add_product_sku":"success","sku_id":"1","cart_item_count":1,` +
			`"order-api-version":"0.0.1"}`)
		b.get("/order/cart-items").Is(`{"cart_found":true,"item_data":{"product_sku_data":{"0":` + line(2) +
			`}},"order-api-version":"0.0.1"}`)
		add("sku_id", "1", "quantity", "97").Is(`{"cart_add_product_sku":"success","sku_id":"1","cart_item_count":1,` +
			`"order-api-version":"0.0.1"}`)
		add("sku_id", "1", "quantity", "1").Is(`{"cart_add_product_sku":"error","errors":{"quantity":[[{"type":"out_of_range",` +
			`"description":"*"}]]},"sku_id":"1","order-api-version":"0.0.1"}`)
		add("sku_id", "5", "quantity", "0").Is(`{"cart_add_product_sku":"success","sku_id":"5","cart_item_count":2,` +
			`"order-api-version":"0.0.1"}`)
		add("sku_id", "7", "quantity", "1").Is(`{"cart_add_product_sku":"success","sku_id":"7","cart_item_count":3,` +
			`"order-api-version":"0.0.1"}`)

		a := b.get("/order/cart-items")
		for i, sku := range []int{1, 5, 7} {
			a.Want(sku, "item_data", "product_sku_data", fmt.Sprint(i), "sku_id")
		}
		a.Want("out-of-stock", "item_data", "product_sku_data", "1", "sku_inventory__identifier")
		a.Want("/img/product/rubber_bands_2.jpg", "item_data", "product_sku_data", "2", "sku_image_url")
		b.get("/user/logged-in").Want(3, "cart_item_count")

		*b = *e.browser(t)
		b.register()
	}
}

const noCodes = `"discount_code_data":{},`

// wantTotals compares totals by value: the contract allows a number or a text for each.
func (b *browser) wantTotals(a testenv.Answer, key string, five ...string) {
	b.TB.Helper()
	for i, name := range []string{"item_subtotal", "item_discount", "shipping_subtotal", "shipping_discount", "cart_total"} {
		text := fmt.Sprint(a.At(key, name))
		if text == "0" {
			text = "0.00"
		}
		if text != five[i] {
			b.TB.Errorf("%s is %v, want %s, in %s", name, a.At(key, name), five[i], a.Body)
		}
	}
	if _, ok := a.At(key, "cart_total").(string); !ok {
		b.TB.Errorf("cart_total is no text in %s", a.Body)
	}
	if _, ok := a.At(key, "item_discount").(string); !ok {
		b.TB.Errorf("item_discount is no text in %s", a.Body)
	}
}

// Updating sets the quantity of a line, and refuses what is not in the cart or not from 0 to 99.
func testUpdate(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	b.get("/order/cart-shipping-methods")
	update := func(pairs ...string) testenv.Answer { return b.post("/order/cart-update-sku-quantity", pairs...) }
	a := update("sku_id", "1", "quantity", "2")
	a.Is(`{"cart_update_sku_quantity":"success","cart_found":true,"sku_id":"1","sku_subtotal":"7.00",` + noCodes + totalsJSON(a,
		"cart_totals_data") + `,"order-api-version":"0.0.1"}`)
	b.wantTotals(a, "cart_totals_data", "7.00", "0.00", "9.56", "0.00", "16.56")
	update("quantity", "2").Is(`{"cart_update_sku_quantity":"error","errors":{"error":"sku-id-required"},"order-api-version":"0.0.1"}`)
	for _, pairs := range [][2]string{{"6", "1"}, {"3", "1"}, {"x", "1"}, {"1", "x"}, {"1", "-1"}, {"1", "100"}, {"1", "1.5"}, {"1", ""},
		{"1", " 1"}, {"1", "99999999999999999999"}, {"99999999999999999999", "1"}} {
		update("sku_id", pairs[0], "quantity", pairs[1]).Is(
			`{"cart_update_sku_quantity":"error","errors":{"error":"cart-sku-not-found"},"sku_id":"` + pairs[0] +
				`","order-api-version":"0.0.1"}`)
	}
	if a := update("sku_id", "1"); a.Status != 400 && a.Text("errors", "error") != "cart-sku-not-found" {
		t.Errorf("without a quantity: %d %s", a.Status, a.Body)
	}
	b.get("/order/cart-items").Want(2, "item_data", "product_sku_data", "0", "quantity")
	a = update("sku_id", "1", "quantity", "0")
	a.Want("0.00", "sku_subtotal")
	b.get("/order/cart-items").Want(0, "item_data", "product_sku_data", "0", "quantity")
	update("sku_id", "1", "quantity", "99").Want("346.50", "sku_subtotal")
	update("sku_id", "1", "quantity", "007").Want("24.50", "sku_subtotal")
}

// totalsJSON repeats an answer's own totals, to compare the rest of it.
func totalsJSON(a testenv.Answer, key string) string {
	var parts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.Body), &parts); err != nil {
		a.TB.Error(err)
	}
	return `"` + key + `":` + string(parts[key])
}

// Removing the last line leaves an empty cart, which cannot be checked out.
func testRemove(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	b.add("6", "2")
	b.get("/order/cart-shipping-methods")
	remove := func(pairs ...string) testenv.Answer { return b.post("/order/cart-remove-sku", pairs...) }
	remove().Is(`{"cart_remove_sku":"error","errors":{"error":"sku-id-required"},"order-api-version":"0.0.1"}`)
	remove("sku_id", "7").Is(`{"cart_remove_sku":"error","errors":{"error":"cart-sku-not-found"},"sku_id":"7","order-api-version":"0.0.1"}`)
	remove("sku_id", "x").Is(`{"cart_remove_sku":"error","errors":{"error":"cart-sku-not-found"},"sku_id":"x","order-api-version":"0.0.1"}`)
	a := remove("sku_id", "1")
	a.Want("success", "cart_remove_sku")
	a.Want(true, "cart_found")
	a.Want("1", "sku_id")
	a.Want(1, "cart_item_count")
	a.Want(nil, "shipping_method_selected")
	b.wantTotals(a, "cart_totals_data", "7.98", "0.00", "0.00", "0.00", "7.98")
	want(t, "methods", len(a.At("cart_shipping_methods").(map[string]any)), 4)
	a = remove("sku_id", "6")
	a.Want(0, "cart_item_count")
	wantZeroTotals(t, a, "cart_totals_data")
	b.get("/order/cart-items").Want(true, "cart_found")
	b.get("/order/cart-items").Is(`{"cart_found":true,"item_data":{"product_sku_data":{}},"order-api-version":"0.0.1"}`)
	b.get("/user/logged-in").Want(0, "cart_item_count")
	b.wantRefusal(b.post("/order/create-checkout-session", "agree_to_terms_of_sale", "true"), "cart-is-empty")
}

// The shipping methods are listed with a default, and the chosen one counts in all totals.
func testShipping(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "2")
	// The totals include the default method that the page shows as chosen, whichever call comes
	// first.
	b.wantTotals(b.get("/order/cart-totals"), "cart_totals_data", "7.00", "0.00", "9.56", "0.00", "16.56")

	a := b.get("/order/cart-shipping-methods")
	a.Want("USPSRetailGround", "shipping_method_selected")
	for i, m := range [][3]string{{"USPSPriorityMail2Day", "USPS Priority Mail 2-Day", "13.65"}, {"UPSGround", "UPS Ground", "11.34"},
		{"FedExGround", "FedEx Ground", "10.85"}, {"USPSRetailGround", "USPS Retail Ground", "9.56"}} {
		for j, key := range []string{"identifier", "carrier", "shipping_cost"} {
			a.Want(m[j], "cart_shipping_methods", fmt.Sprint(i), key)
		}
	}
	a.Want("https://tools.usps.com/go/TrackConfirmAction.action?tRef=fullpage&tLc=1&text28777=&tLabels=", "cart_shipping_methods", "3",
		"tracking_code_base_url")
	a.Want(nil, "cart_shipping_methods", "4")
	b.wantTotals(b.get("/order/cart-totals"), "cart_totals_data", "7.00", "0.00", "9.56", "0.00", "16.56")

	// Another method.
	choose := func(pairs ...string) testenv.Answer { return b.post("/order/cart-update-shipping-method", pairs...) }
	a = choose("shipping_method_identifier", "FedExGround")
	a.Is(`{"cart_update_shipping_method":"success","cart_found":true,"shipping_method_identifier":"FedExGround",` + noCodes + totalsJSON(a,
		"cart_totals_data") + `,"order-api-version":"0.0.1"}`)
	b.wantTotals(a, "cart_totals_data", "7.00", "0.00", "10.85", "0.00", "17.85")

	// Unknown methods.
	choose().Is(`{"cart_update_shipping_method":"error","errors":{"error":"shipping-method-identifier-required"},` +
		`"order-api-version":"0.0.1"}`)
	for _, unknown := range []string{"x", "None", "fedexground", "FedExGround ", "1"} {
		choose("shipping_method_identifier", unknown).Is(
			`{"cart_update_shipping_method":"error","errors":{"error":"error-setting-cart-shipping-method"},` +
				`"shipping_method_identifier":"` + unknown + `","order-api-version":"0.0.1"}`)
	}
	b.get("/order/cart-shipping-methods").Want("FedExGround", "shipping_method_selected")
	b.get("/order/confirm-shipping-method").Golden("testdata/confirm_shipping_method.json")

	// The default counts on each page of the checkout.
	for _, path := range []string{"confirm-items", "confirm-shipping-method", "confirm-discount-codes", "confirm-totals"} {
		b := e.browser(t)
		b.add("1", "1")
		b.get("/order/"+path).Want(true, "checkout_allowed")
		if path != "confirm-items" && path != "confirm-discount-codes" {
			b.wantTotals(b.get("/order/confirm-totals"), "confirm_totals_data", "3.50", "0.00", "9.56", "0.00", "13.06")
			b.get("/order/confirm-shipping-method").Want("USPSRetailGround", "confirm_shipping_method", "identifier")
		}
		b.get("/order/confirm-items").Is(`{"checkout_allowed":true,"cart_found":true,"item_data":{"product_sku_data":{"0":` + line(1) +
			`}},"order-api-version":"0.0.1"}`)
	}
}

// A deleted cart is gone with its codes, and the next one begins empty.
func testDelete(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	b.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	b.post("/order/cart-delete-cart").Is(`{"cart_delete_cart":"success","order-api-version":"0.0.1"}`)
	b.post("/order/cart-delete-cart").Is(`{"cart_delete_cart":"error","errors":{"error":"cart-not-found"},"order-api-version":"0.0.1"}`)
	b.get("/order/cart-items").Want(false, "cart_found")
	b.add("6", "1").Is(`{"cart_add_product_sku":"success","sku_id":"6","cart_item_count":1,"order-api-version":"0.0.1"}`)
	b.get("/order/cart-discount-codes").Is(`{"cart_found":true,"discount_code_data":{},"order-api-version":"0.0.1"}`)
}

// A login merges the visitor's cart into the member's. The member's quantities and method win.
func testMerge(t *testing.T, e *env) {
	home := e.browser(t)
	m := home.register()

	// A visitor's cart becomes the member's.
	b := e.browser(t)
	b.add("1", "2")
	b.add("6", "3")
	b.post("/order/cart-update-shipping-method", "shipping_method_identifier", "UPSGround")
	a := b.login(m, "false")
	a.Is(loggedIn)
	if c := a.Cookie("an_ct"); c == nil || c.MaxAge >= 0 {
		t.Errorf("an_ct is not deleted: %v", a.Header["Set-Cookie"])
	}
	b.get("/user/logged-in").Want(2, "cart_item_count")
	b.get("/order/cart-shipping-methods").Want("UPSGround", "shipping_method_selected")
	home.get("/user/logged-in").Want(2, "cart_item_count")

	// A second visitor's cart is merged into it.
	second := e.browser(t)
	second.add("1", "5")
	second.add("7", "4")
	second.post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	second.post("/order/cart-update-shipping-method", "shipping_method_identifier", "FedExGround")
	visitor := second.cookies["an_ct"]
	second.login(m, "false").Is(loggedIn)
	a = second.get("/order/cart-items")
	for i, want := range [][2]int{{1, 2}, {6, 3}, {7, 4}} {
		a.Want(want[0], "item_data", "product_sku_data", fmt.Sprint(i), "sku_id")
		a.Want(want[1], "item_data", "product_sku_data", fmt.Sprint(i), "quantity")
	}

	second.get("/order/cart-shipping-methods").Want("UPSGround", "shipping_method_selected")
	second.get("/order/cart-discount-codes").Want("WELCOME10", "discount_code_data", "1", "code")

	// The visitor's cart is gone.
	stranger := e.browser(t)
	stranger.cookies["an_ct"] = visitor
	stranger.get("/order/cart-items").Want(false, "cart_found")

	// A failed login merges nothing.
	wrong := e.browser(t)
	wrong.add("1", "1")
	m.password = "wrong!Word"
	if a := wrong.login(m, "false"); a.Cookie("an_ct") != nil {
		t.Error("a failed login touches the cart")
	}
	wrong.get("/order/cart-items").Want(true, "cart_found")
}

// Concurrent adds to one cart all count.
func testParallelAdds(t *testing.T, e *env) {
	for _, member := range []bool{false, true} {
		b := e.browser(t)
		if member {
			b.register()
		} else {
			b.add("1", "0")
		}
		b.token()
		var wait sync.WaitGroup
		for range 20 {
			one := *b
			one.cookies = map[string]string{}
			for name, value := range b.cookies {
				one.cookies[name] = value
			}
			tab := one.clone() // before another tab's answer changes the cookies
			wait.Go(func() { one.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "2") })
			wait.Go(func() { tab.get("/order/cart-shipping-methods") })
		}
		wait.Wait()
		b.get("/order/cart-items").Want(40, "item_data", "product_sku_data", "0", "quantity")
	}
}

// clone is the same shopper in another tab.
func (b *browser) clone() *browser {
	c := *b
	c.cookies = map[string]string{}
	for _, name := range []string{"sessionid", "csrftoken", "an_ct"} {
		if v := b.cookies[name]; v != "" {
			c.cookies[name] = v
		}
	}
	return &c
}

// A GET does not change a cart, and a query does not replace the form.
func testGetOnCart(t *testing.T, e *env) {
	b := e.browser(t)
	b.add("1", "1")
	for _, path := range []string{"cart-add-product-sku?sku_id=1&quantity=5", "cart-update-sku-quantity?sku_id=1&quantity=5",
		"cart-remove-sku?sku_id=1", "cart-delete-cart", "cart-apply-discount-code?discount_code_id=WELCOME10",
		"cart-remove-discount-code?discount_code_id=1", "cart-update-shipping-method?shipping_method_identifier=FedExGround",
		"create-checkout-session", "anonymous-email-address-payment-lookup?anonymous_email_address=a@b.cc"} {
		a := b.get("/order/" + path)
		if !isJSON(a) || a.Status != 405 && a.Status != 200 {
			t.Errorf("GET %s answered %d %s", path, a.Status, a.Body)
		}
	}
	// A query does not replace the form.
	if a := b.post("/order/cart-add-product-sku?sku_id=1&quantity=1"); a.At("errors", "error") != "sku-id-required" && a.Status != 400 {
		t.Errorf("a query instead of a form: %s", a.Body)
	}
	a := b.get("/order/cart-items")
	a.Want(1, "item_data", "product_sku_data", "0", "quantity")
}
