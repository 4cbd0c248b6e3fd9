package storefront

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// fakeAPI answers the public API from memory, with one cart for everybody: enough to view and test
// the pages without the services. The end-to-end tests use the real ones.
type fakeAPI struct {
	mu       sync.Mutex
	lines    []fakeLine
	method   string
	code     bool
	member   bool
	verified bool
	moved    string         // address and password of the last update-my-information
	alone    bool           // the other device is logged out
	terms    bool           // whether the newest terms are agreed to
	polls    int            // requests for the order after paying
	staff    string         // code of a payment that waits for staff
	events   map[string]int // client events by kind
	fail     map[string]int // status to answer with, by path
	calls    map[string]int
	products sync.Map // the API's answers, by identifier
	listed   func() (*listing.List, error)
}

type fakeLine struct{ sku, quantity int }

type fakeSKU struct {
	product, titleURL, identifier, color, size, description, state, stateTitle, picture string
	cents                                                                               int
	regular                                                                             int // price without the sale
}

var fakeSKUs = map[int]fakeSKU{
	1: {product: "Paper Clips", titleURL: "PaperClips", identifier: "bSusp6dBHm", color: "Silver", size: "Medium",
		description: "Bent to the left", state: "in-stock", stateTitle: "In Stock", picture: "/img/product/paper_clip_left_2.jpg",
		cents: 350, regular: 425},
	2: {product: "Paper Clips", titleURL: "PaperClips", identifier: "bSusp6dBHm", color: "Silver", size: "Medium",
		description: "Bent to the right", state: "back-ordered", stateTitle: "Back Ordered", picture: "/img/product/paper_clip_right_2.jpg",
		cents: 350},
	4: {product: "Binder Clips", titleURL: "BinderClips", identifier: "ITHJW3mytn", color: "Black", size: "Large",
		description: "Holds up to 200 sheets", state: "back-ordered", stateTitle: "Back Ordered",
		picture: "/img/product/binder_clip_large_2.jpg", cents: 599},
	5: {product: "Binder Clips", titleURL: "BinderClips", identifier: "ITHJW3mytn", color: "Black", size: "Medium",
		description: "Holds up to 100 sheets", state: "out-of-stock", stateTitle: "Out of Stock",
		picture: "/img/product/binder_clip_medium_2.jpg", cents: 499},
	6: {product: "Binder Clips", titleURL: "BinderClips", identifier: "ITHJW3mytn", color: "Black", size: "Small",
		description: "Holds up to 40 sheets", state: "in-stock", stateTitle: "In Stock", picture: "/img/product/binder_clip_small_2.jpg",
		cents: 399},
	7: {product: "Rubber Bands", titleURL: "RubberBands", identifier: "v26ujdy3N1", color: "Multi", size: "Multi",
		description: "A bag of 120", state: "in-stock", stateTitle: "In Stock", cents: 1499},
}

type object = map[string]any

var fakeMethods = []object{
	{"identifier": "USPSPriorityMail2Day", "carrier": "USPS Priority Mail 2-Day", "shipping_cost": "13.65",
		"tracking_code_base_url": "https://tools.usps.com/?tLabels="},
	{"identifier": "UPSGround", "carrier": "UPS Ground", "shipping_cost": "11.34",
		"tracking_code_base_url": "https://wwwapps.ups.com/?trackNums="},
	{"identifier": "FedExGround", "carrier": "FedEx Ground", "shipping_cost": "10.85",
		"tracking_code_base_url": "https://www.fedex.com/?trackingnumber="},
	{"identifier": "USPSRetailGround", "carrier": "USPS Retail Ground", "shipping_cost": "9.56",
		"tracking_code_base_url": "https://tools.usps.com/?tLabels="},
}

// fakeList is the product list.
//
//go:embed testdata/products.json
var fakeList string

// listOf is the list that edge makes of the contract's.
func listOf(body string) (*listing.List, error) {
	var answer struct {
		Products ordered[json.RawMessage] `json:"products_data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return nil, err
	}
	f := listing.Feed{Whole: true, Collections: []*listing.Collection{{Address: "desk", Title: "On the desk", Text: "Within reach."},
		{Address: "empty", Title: "Nothing yet"}}}
	for i, e := range answer.Products {
		p := new(listing.Product)
		if err := json.Unmarshal(fmt.Appendf(nil, `{"id":%d,"listed":%s,"collections":{"desk":%d}}`, i+1, e.value, -i), p); err != nil {
			return nil, err
		}
		f.Products = append(f.Products, p)
	}
	return listing.New(f, time.Now()), nil
}

// catalog is the product list.
func (f *fakeAPI) catalog(context.Context) (*listing.List, error) {
	return f.listed()
}

// search finds products whose titles begin with a word; "papper" was meant to be "paper".
func (f *fakeAPI) search(_ context.Context, list *listing.List, text string) (found listing.Found, err error) {
	q := strings.ToLower(text)
	if q == "papper" {
		q, found.Meant = "paper", "paper"
	}
	for _, p := range list.Products() {
		if q != "" && strings.Contains(strings.ToLower(p.Title), q) {
			found.Products = append(found.Products, p)
		}
	}
	return found, nil
}

// remembered is product from memory, as edge provides it.
func (f *fakeAPI) remembered(_ context.Context, identifier string) ([]byte, error) {
	if known, ok := f.products.Load(identifier); ok {
		return known.([]byte), nil
	}
	body, err := f.product(identifier)
	f.products.Store(identifier, body)
	return body, err
}

// product is one product with all its fields.
func (f *fakeAPI) product(identifier string) ([]byte, error) {
	var list struct {
		Products map[string]object `json:"products_data"`
	}
	if err := json.Unmarshal([]byte(fakeList), &list); err != nil {
		return nil, err
	}

	item, ok := list.Products[identifier]
	if !ok {
		return json.Marshal(object{"product": "error", "errors": object{"error": "product-identifier-not-found"},
			"product_identifier": identifier})
	}
	item["description_part_1"] = "Drawn from spring steel that remembers its shape, bent in one go and rounded at both ends, so that it " +
		"slides over paper and never scratches it."
	item["description_part_2"] = "A box holds one hundred. It is made of board, and fits through a letter slot."
	item["product_images"] = object{"1": object{"image_url": item["product_image_url"], "main": true, "caption": "All of them"}}
	item["product_videos"] = object{}
	if identifier != "v26ujdy3N1" {
		item["product_videos"] = object{"1": object{"video_url": "https://player.vimeo.com/video/334006583",
			"video_thumbnail_url": "/img/product/paper_clip_video_1_2_thumbnail.jpg", "caption": "How they are made"}}
	}

	skus := object{}
	for id, s := range fakeSKUs {
		if s.identifier != identifier {
			continue
		}
		images := object{}
		if s.picture != "" {
			images["1"] = object{"image_url": s.picture, "main": true, "caption": ""}
		}
		notes := map[string]string{"in-stock": "Leaves the workshop within two working days.",
			"back-ordered": "We are making more. It can't be ordered until they are here.",
			"out-of-stock": "Sold out, and not planned at the moment."}
		skus[strconv.Itoa(id)] = object{"color": s.color, "size": s.size, "description": s.description, "price": dollars(s.cents),
			"inventory_status_identifier": s.state, "inventory_status_title": s.stateTitle, "inventory_status_description": notes[s.state],
			"sku_images": images}
		if s.regular > 0 {
			skus[strconv.Itoa(id)].(object)["regular_price"] = dollars(s.regular)
		}
	}

	item["skus"] = skus
	return json.Marshal(object{"product": "success", "product_identifier": identifier, "product_data": item})
}

func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func (f *fakeAPI) mount(r chi.Router) {
	get := func(path string, answer func(r *http.Request) any) { r.Get(path, f.handle(path, answer)) }
	post := func(path string, answer func(r *http.Request) any) { r.Post(path, f.handle(path, answer)) }
	f.mountUser(get, post)
	f.mountAccount(get, post)
	f.mountSessions(get, post)
	f.mountMail(get, post)
	f.mountCart(get, post)
	f.mountCartChanges(get, post)
	f.mountCheckout(get, post)

	get("/order/products", func(r *http.Request) any {
		list, err := f.listed()
		if err != nil {
			panic(err)
		}
		found, err := f.search(r.Context(), list, r.URL.Query().Get("q"))
		if err != nil {
			panic(err)
		}
		data := object{}
		for _, p := range found.Products[:min(len(found.Products), listing.PageSize)] {
			data[p.Identifier] = p.Body
		}
		return object{"products_data": data, "count": len(found.Products)}
	})

	r.Get("/clientevent/{kind}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.events[chi.URLParam(r, "kind")]++
		f.mu.Unlock()
		fmt.Fprint(w, `"thank you"`)
	})
	r.Get("/pay", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><title>Pay</title><a id="paid" href="/checkout/success?session_id=cs_test_1">Pay</a>`)
	})
}

// handle locks the state, sets the CSRF cookie as edge does, and fails where it was told to.
func (f *fakeAPI) handle(path string, answer func(*http.Request) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.calls[path]++
		w.Header().Set("Content-Type", "application/json")
		if path == "/user/token" || path == "/user/logged-in" {
			http.SetCookie(w, &http.Cookie{Name: "csrftoken", Value: "tok", Path: "/"})
			http.SetCookie(w, &http.Cookie{Name: "anonymousclientevent", Value: "anon", Path: "/"})
		}
		if status := f.fail[path]; status != 0 {
			w.WriteHeader(status)
			return
		}
		if r.Method == http.MethodPost && r.Header.Get("X-CSRFToken") != "tok" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		if err := json.NewEncoder(w).Encode(answer(r)); err != nil {
			panic(err)
		}
	}
}

type route = func(path string, answer func(r *http.Request) any)

func (f *fakeAPI) mountUser(get, post route) {
	get("/user/token", func(*http.Request) any { return object{"token": ""} })
	get("/user/logged-in", func(*http.Request) any {
		who := object{"logged_in": f.member, "log_client_events": true, "client_event_id": "null", "cart_item_count": len(f.lines)}
		if f.member {
			who["client_event_id"], who["member_initials"], who["first_name"], who["last_name"], who["email_address"] = 7, "AL", "Ann",
				"Lee", "ann@mail.example.com"
		}
		return who
	})
	post("/user/login", func(r *http.Request) any {
		f.member = r.FormValue("password") == "Secret!pass"
		return object{"login": strconv.FormatBool(f.member)}
	})
	get("/user/logout", func(*http.Request) any { f.member = false; return object{"logout": "true"} })

	get("/user/account-content", func(*http.Request) any {
		if !f.member {
			return object{"account_content": object{"authenticated": "false"}}
		}
		return object{"account_content": object{"authenticated": "true",
			"personal_data": object{"username": "ann_lee", "first_name": "Ann", "last_name": "Lee", "newsletter_subscriber": true,
				"email_unsubscribed": false, "joined_date_time": "2026-01-31T12:00:00.123Z",
				"last_login_date_time": "2026-01-31T12:00:00.223Z", "terms_of_use_agreed_date_time": "2026-01-31T12:00:00.173Z"},
			"email_data": object{"email_address": "ann@mail.example.com", "email_verified": f.verified,
				"verification_request_sent_within_24_hours": true},
			"orders_data": object{"1": object{"order_id": 6, "identifier": "aB3dE5gH7j", "order_date_time": "2026-01-31T12:30:00.000Z",
				"sales_tax_amt": "0.00", "order_total": "16.56"},
				"2": object{"order_id": 5, "identifier": "Zx81mNq0Pp", "order_date_time": "2025-11-02T09:10:00.000Z",
					"sales_tax_amt": "0.00", "order_total": "104.20"}}}}
	})
}

func (f *fakeAPI) mountAccount(get, post route) {
	post("/user/verify-email-address-response", func(r *http.Request) any {
		f.verified = r.FormValue("email_verification_code") == "good"
		if !f.verified {
			return object{"verify_email_address_response": "signature-expired"}
		}
		return object{"verify_email_address_response": "success"}
	})
	get("/user/verify-email-address", func(*http.Request) any { return object{"verify_email_address": "verification_email_sent"} })

	post("/user/create-account", func(r *http.Request) any {
		if r.FormValue("username") != "ann_lee" {
			return object{"create_account": "false",
				"errors": object{"firstname": true, "lastname": []object{{"type": "required", "description": "x"}},
					"username":      []object{{"type": "unavailable", "description": "x"}},
					"email-address": []object{{"type": "not_valid", "description": "x"}},
					"password": []object{{"type": "no_capital_letter", "description": "x"},
						{"type": "confirm_password_doesnt_match", "description": "x"}}}}
		}
		f.member = true
		return object{"create_account": "true"}
	})

	get("/user/terms-of-use-agree-check", func(*http.Request) any {
		if f.terms {
			return object{"terms_of_use_agree_check": true}
		}
		return object{"terms_of_use_agree_check": false, "version": 2,
			"version_note": `<p>We made them <strong>shorter</strong>.<script>document.title='broken'</script></p>`}
	})
	post("/user/terms-of-use-agree", func(r *http.Request) any {
		f.terms = true
		return object{"terms_of_use_agree": "success", "version": r.FormValue("version")}
	})
}

// mountSessions serves two devices, until the other is logged out.
func (f *fakeAPI) mountSessions(get, post route) {
	get("/user/sessions", func(*http.Request) any {
		if !f.member {
			return object{"sessions": "user_not_authenticated"}
		}
		list := []object{{"session": "s1", "device": "Firefox on Linux", "place": "the network 203.0.113.0/24",
			"logged_in_date_time": "2026-01-31T12:00:00.123Z", "last_seen_date_time": "2026-01-31T12:30:00.123Z", "current": true}}
		if !f.alone {
			list = append(list, object{"session": "s2", "device": "Safari on an iPhone", "place": "a private network",
				"logged_in_date_time": "2026-01-30T12:00:00.123Z", "last_seen_date_time": "2026-01-30T12:30:00.123Z", "current": false})
		}
		return object{"sessions": "success", "session_data": list}
	})

	post("/user/end-session", func(r *http.Request) any {
		f.alone = r.FormValue("session") == "s2"
		return object{"end_session": "success"}
	})
	post("/user/end-other-sessions", func(*http.Request) any { f.alone = true; return object{"end_other_sessions": "success"} })
	post("/user/update-my-information", func(r *http.Request) any {
		f.moved = r.FormValue("email_address") + " " + r.FormValue("current_password")
		return object{"update_my_information": "success"}
	})
	post("/user/undo-address-change", func(r *http.Request) any {
		if r.FormValue("address_undo_code") != "good" {
			return object{"undo_address_change": "signature-expired"}
		}
		return object{"undo_address_change": "success"}
	})
}

func (f *fakeAPI) mountMail(get, post route) {
	post("/user/put-chat-message", func(r *http.Request) any {
		if r.FormValue("message") == "" {
			return object{"put_chat_message": "validation_error",
				"errors": object{"name": true, "email_address": true, "message": []object{{"type": "required", "description": "x"}}}}
		}
		return object{"put_chat_message": "true"}
	})
	post("/user/pythonabot-notify-me", func(r *http.Request) any {
		if r.FormValue("how_excited") == "" {
			return object{"pythonabot_notify_me": "validation_error",
				"errors": object{"email_address": true, "how_excited": []object{{"type": "required", "description": "x"}}}}
		}
		return object{"pythonabot_notify_me": "success"}
	})
	get("/user/email-unsubscribe-lookup", func(r *http.Request) any {
		if r.FormValue("token") != "T" {
			return object{"email_unsubscribe_lookup": "error", "errors": object{"error": "member-not-found"}}
		}
		return object{"email_unsubscribe_lookup": "success", "email_address": "annl***@mail.example.com"}
	})
	post("/user/email-unsubscribe-confirm", func(*http.Request) any {
		return object{"email_unsubscribe_confirm": "success", "email_address": "annl***@mail.example.com", "token": "U"}
	})
	post("/user/email-unsubscribe-why", func(*http.Request) any { return object{"email_unsubscribe_why": "success"} })

	for _, name := range []string{"reset-password", "forgot-username", "set-new-password", "update-communication-preferences",
		"change-my-password"} {
		post("/user/"+name, func(*http.Request) any { return object{strings.ReplaceAll(name, "-", "_"): "success"} })
	}
}

// items are the lines as cart, confirm and order show them.
func (f *fakeAPI) items() object {
	lines := object{}
	for i, l := range f.lines {
		s := fakeSKUs[l.sku]
		picture := s.picture
		if picture == "" {
			picture = "/img/product/rubber_bands_2.jpg"
		}
		lines[strconv.Itoa(i)] = object{"sku_id": l.sku, "sku_type__title": "product", "sku_inventory__title": s.stateTitle,
			"sku_inventory__identifier": s.state, "color": s.color, "size": s.size, "description": s.description, "price": dollars(s.cents),
			"quantity": l.quantity, "parent_product__title": s.product, "parent_product__title_url": s.titleURL,
			"parent_product__identifier": s.identifier, "sku_image_url": picture}
	}
	return object{"product_sku_data": lines}
}

func (f *fakeAPI) codes() object {
	if !f.code {
		return object{}
	}
	return object{"1": object{"discount_code_id": 1, "code": "WELCOME10", "description": "{}% off your first order",
		"end_date_time": "2099-01-01T00:00:00.000Z", "combinable": false, "discount_amount": "10.00", "order_minimum": "0.00",
		"discounttype__applies_to": "item_total", "discounttype__action": "percent-off", "discount_applied": true}}
}

func (f *fakeAPI) totals() object {
	items, discount := 0, 0
	for _, l := range f.lines {
		items += fakeSKUs[l.sku].cents * l.quantity
	}
	if f.code {
		discount = (items + 5) / 10
	}
	shipping := "0.00"
	for _, m := range fakeMethods {
		if m["identifier"] == f.method {
			shipping = m["shipping_cost"].(string)
		}
	}
	cents, err := strconv.Atoi(strings.Replace(shipping, ".", "", 1))
	if err != nil {
		panic(err)
	}
	return object{"item_subtotal": dollars(items), "item_discount": dollars(discount), "shipping_subtotal": shipping,
		"shipping_discount": 0, "cart_total": dollars(items - discount + cents)}
}

func (f *fakeAPI) changed(name string, more object) object {
	answer := object{name: "success", "cart_found": true, "discount_code_data": f.codes(), "cart_totals_data": f.totals()}
	for k, v := range more {
		answer[k] = v
	}
	return answer
}

func (f *fakeAPI) methods() object {
	all := object{}
	for i, m := range fakeMethods {
		all[strconv.Itoa(i)] = m
	}
	return all
}

func (f *fakeAPI) mountCart(get, post route) {
	get("/order/cart-items", func(*http.Request) any {
		return object{"cart_found": len(f.lines) > 0, "item_data": f.items()}
	})
	get("/order/cart-shipping-methods", func(*http.Request) any {
		return object{"cart_found": true, "cart_shipping_methods": f.methods(), "shipping_method_selected": f.method}
	})
	get("/order/cart-discount-codes", func(*http.Request) any { return object{"cart_found": true, "discount_code_data": f.codes()} })
	get("/order/cart-totals", func(*http.Request) any { return object{"cart_found": true, "cart_totals_data": f.totals()} })
	post("/order/cart-add-product-sku", func(r *http.Request) any {
		sku, _ := strconv.Atoi(r.FormValue("sku_id"))
		quantity, err := strconv.Atoi(r.FormValue("quantity"))
		if err != nil {
			return object{"cart_add_product_sku": "error",
				"errors": object{"quantity": [][]object{{{"type": "not_an_int", "description": "x"}}}}, "sku_id": r.FormValue("sku_id")}
		}
		f.lines = append(f.lines, fakeLine{sku, quantity})
		return object{"cart_add_product_sku": "success", "sku_id": r.FormValue("sku_id"), "cart_item_count": len(f.lines)}
	})
}

func (f *fakeAPI) mountCartChanges(_, post route) {
	post("/order/cart-update-sku-quantity", func(r *http.Request) any {
		for i := range f.lines {
			if strconv.Itoa(f.lines[i].sku) == r.FormValue("sku_id") {
				f.lines[i].quantity, _ = strconv.Atoi(r.FormValue("quantity"))
				return f.changed("cart_update_sku_quantity",
					object{"sku_id": r.FormValue("sku_id"), "sku_subtotal": dollars(fakeSKUs[f.lines[i].sku].cents * f.lines[i].quantity)})
			}
		}
		return object{"cart_update_sku_quantity": "error", "errors": object{"error": "cart-sku-not-found"}}
	})

	post("/order/cart-remove-sku", func(r *http.Request) any {
		var rest []fakeLine
		for _, l := range f.lines {
			if strconv.Itoa(l.sku) != r.FormValue("sku_id") {
				rest = append(rest, l)
			}
		}
		f.lines = rest
		return f.changed("cart_remove_sku", object{"cart_item_count": len(rest), "cart_shipping_methods": f.methods(),
			"shipping_method_selected": nil})
	})

	post("/order/cart-apply-discount-code", func(r *http.Request) any {
		if r.FormValue("discount_code_id") != "WELCOME10" {
			return object{"cart_apply_discount_code": "error", "errors": object{"error": "cart-discount-code-not-found"}}
		}
		f.code = true
		return f.changed("cart_apply_discount_code", nil)
	})
	post("/order/cart-remove-discount-code", func(*http.Request) any { f.code = false; return f.changed("cart_remove_discount_code", nil) })
	post("/order/cart-update-shipping-method", func(r *http.Request) any {
		f.method = r.FormValue("shipping_method_identifier")
		return f.changed("cart_update_shipping_method", nil)
	})
	post("/order/cart-delete-cart", func(*http.Request) any { f.lines = nil; return object{"cart_delete_cart": "success"} })
}

func (f *fakeAPI) mountCheckout(get, post route) {
	get("/order/confirm-items", func(*http.Request) any {
		return object{"checkout_allowed": true, "cart_found": len(f.lines) > 0, "item_data": f.items()}
	})
	get("/order/confirm-shipping-method", func(*http.Request) any {
		return object{"checkout_allowed": true, "cart_found": true, "confirm_shipping_method": fakeMethods[3]}
	})
	get("/order/confirm-discount-codes", func(*http.Request) any {
		return object{"checkout_allowed": true, "cart_found": true, "discount_code_data": f.codes()}
	})
	get("/order/confirm-totals", func(*http.Request) any {
		return object{"checkout_allowed": true, "cart_found": true, "confirm_totals_data": f.totals()}
	})
	post("/order/anonymous-email-address-payment-lookup", func(r *http.Request) any {
		if r.FormValue("anonymous_email_address") == "ann@mail.example.com" {
			return object{"checkout_allowed": true, "anonymous_email_address_payment_lookup": "error",
				"errors": object{"error": "email-address-is-associated-with-member", "description": "x"}}
		}
		return object{"checkout_allowed": true, "anonymous_email_address_payment_lookup": "success", "stripe_publishable_key": "pk",
			"customer_data": nil}
	})
	get("/order/change-confirmation-email-address", func(*http.Request) any {
		return object{"checkout_allowed": true, "change_confirmation_email_address": "success"}
	})
	post("/order/create-checkout-session", func(r *http.Request) any {
		if r.FormValue("agree_to_terms_of_sale") != "true" {
			return object{"create_checkout_session": "error", "errors": object{"error": "terms-of-sale-agreement-required"}}
		}
		return object{"create_checkout_session": "success", "session_id": "cs_test_1", "checkout_url": "http://" + r.Host + "/pay"}
	})

	get("/order/checkout-session-success", func(r *http.Request) any {
		f.polls++
		if f.staff != "" {
			errs := object{"error": f.staff}
			if f.staff == "unexpected-error" && r.FormValue("payment") == "true" {
				errs = object{"error": f.staff, "description": "x", "payment": "with-staff"}
			}
			return object{"checkout_session_success": "error", "errors": errs}
		}
		if f.polls < 2 {
			return object{"checkout_session_success": "error", "errors": object{"error": "payment-not-completed"}}
		}
		return object{"checkout_session_success": "success", "order_identifier": "aB3dE5gH7j"}
	})

	get("/order/{identifier}", func(r *http.Request) any {
		if chi.URLParam(r, "identifier") != "aB3dE5gH7j" {
			return object{"order_detail": "error", "errors": object{"error": "order-not-found"}, "order_identifier": "x"}
		}
		return f.order()
	})
}

func (f *fakeAPI) order() object {
	kept := f.lines
	f.lines = []fakeLine{{1, 2}, {7, 1}}
	defer func() { f.lines = kept }()
	address := object{"name": "Pat Buyer", "address_line1": "12 Elm Street", "address_line2": "Apt 5B", "city": "Springfield",
		"state": "IL", "zip": "62704", "country": "US", "country_code": "US"}

	return object{"order_detail": "success", "order_data": object{
		"order_attributes": object{"identifier": "aB3dE5gH7j", "order_date_time": "2026-01-31T12:00:00.123Z", "sales_tax_amt": "0.00"},
		"order_items":      f.items(),
		"order_shipping_method": object{"identifier": "UPSGround", "carrier": "UPS Ground", "shipping_cost": "11.34",
			"tracking_number": "1Z999", "tracking_code_base_url": "https://wwwapps.ups.com/?trackNums="},
		"order_shipments": object{"0": object{"carrier": "UPS Ground", "tracking_code_base_url": "https://wwwapps.ups.com/?trackNums=",
			"tracking_number": "1Z999", "shipped_date_time": "2026-02-02T12:00:00.123Z", "quantity": 2},
			"1": object{"carrier": "A bicycle", "tracking_code_base_url": "", "tracking_number": "B 7",
				"shipped_date_time": "2026-02-03T12:00:00.123Z", "quantity": 1}},
		"order_refunded":       "3.99",
		"order_discount_codes": object{},
		"order_totals": object{"item_subtotal": "21.99", "item_discount": "2.20", "shipping_subtotal": "11.34",
			"shipping_discount": "0.00", "order_total": "31.13"},
		"order_statuses": object{"0": object{"identifier": "packing", "title": "Packing", "description": "It is being packed.",
			"created_date_time": "2026-02-01T12:00:00.123Z"},
			"1": object{"identifier": "accepted", "title": "Accepted", "description": "We have your order.",
				"created_date_time": "2026-01-31T12:00:00.123Z"}},
		"order_shipping_address": address, "order_billing_address": address,
		"order_payment_info": object{"email": "pat@mail.example.com", "payment_type": "card", "card_name": "Pat Buyer", "card_brand": nil,
			"card_last4": nil},
	}}
}
