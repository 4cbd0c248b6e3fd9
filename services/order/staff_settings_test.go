package order

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

var checkoutForm = []string{"usernames_allowed_to_checkout", "*", "an_ct_values_allowed_to_checkout", "*", "shipping_countries", "US, CA",
	"default_shipping_method", "UPSGround", "initial_order_status", "packing", "order_confirmation_em_cd_member", "abc",
	"order_confirmation_em_cd_prospect", "def"}

var weightForm = []string{"carrier", "Parcel", "cost", "5.00", "price_by", "weight", "steps", "1000 8.00\r\n2000: 12.50",
	"free_from", "100", "tracking", "https://track.example/?n=", "active", "on"}

// Settings that staff change take effect at once, but not on existing quotes.
func TestSettingsAreFrozenWithAQuote(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staff(adminui.Manager)
	staff.Post("/staff/settings/shipping", with(weightForm, "identifier", "Parcel")...).OK()

	staff.Post("/staff/settings/weights", "weights", "6 400\n1\t100", "version", e.weightsVersion()).OK()
	form := with(checkoutForm, "default_shipping_method", "Parcel", "version", e.settingsVersion())
	staff.Post("/staff/settings/checkout", form...).OK()
	p := e.visitor()
	for _, c := range []struct{ pieces, price string }{{"1", "5.00"}, {"3", "8.00"}, {"5", "12.50"}, {"26", "0.00"}} {
		if p.Cart == "" {
			p.add("6", "1")
		}
		p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", c.pieces)
		p.Get("/order/cart-shipping-methods").Want("Parcel", "shipping_method_selected")
		p.Get("/order/cart-totals").Want(c.price, "cart_totals_data", "shipping_subtotal")
		p.Get("/order/confirm-shipping-method").Want(c.price, "confirm_shipping_method", "shipping_cost")
		shown := p.Get("/order/cart-shipping-methods").Body
		if !strings.Contains(shown, `"carrier":"Parcel","shipping_cost":"`+c.price+`"`) {
			t.Errorf("%s pieces: %s", c.pieces, shown)
		}
	}

	p.Post("/order/cart-update-sku-quantity", "sku_id", "6", "quantity", "5")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	quote := p.quoted("ann@mail.example.com")
	if quote.ShippingSubtotal != 1250 || quote.Total != 1995-200+1250 {
		t.Fatalf("quoted %+v", quote)
	}

	staff.Post("/staff/settings/shipping/"+e.Text(`SELECT id::text FROM shipping_method WHERE identifier = 'Parcel'`),
		with(weightForm, "cost", "99", "price_by", "flat", "free_from", "", "active", "", "version", "1")...).OK()
	staff.Post("/staff/settings/weights", "weights", "6 9000", "version", e.weightsVersion()).OK()
	staff.Post("/staff/discounts/1", with(tenOff, "code", "WELCOME10", "amount", "90", "version", "1")...).OK()
	staff.Post("/staff/settings/checkout", with(checkoutForm, "shipping_countries", "de at", "version", e.settingsVersion())...).OK()
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents, created_date_time) VALUES (6, 1, now())`)
	e.mustHandle(event("evt_frozen", completed, quote, nil))
	if got := e.Text(`SELECT concat_ws(' ', item_subtotal, item_discount, shipping_subtotal, shipping_discount, total,
		shipping_method->>'carrier', current_status) FROM orders`); got != "1995 200 1250 0 3045 Parcel packing" {
		t.Errorf("the order has %s", got)
	}

	q := e.visitor()
	q.add("6", "1")
	next := q.quoted("bob@mail.example.com")
	if next.Quote.Shipping.Identifier != "UPSGround" || next.ItemSubtotal != 1 {
		t.Errorf("the next quote is %+v", next)
	}
	c, err := readCart(t.Context(), e.pool, q.Identity, checkoutSettings(), "")
	if err != nil || !slices.Equal(countryList(pg.Text(c.settings[settingCountries])), []string{"DE", "AT"}) {
		t.Errorf("countries %v, %v", c.settings, err)
	}
}

// settingsVersion is the version of the form about the checkout.
func (e *env) settingsVersion() string {
	e.t.Helper()
	return e.Text(`SELECT (1 + sum(version))::text FROM configuration WHERE key = ANY($1)`, checkoutGroup.keys)
}

// weightsVersion is the version of a form about weights.
func (e *env) weightsVersion() string {
	e.t.Helper()
	return fmt.Sprint(e.staff(adminui.Manager).Get("/staff/settings/weights").OK().At("version"))
}

// Settings refuse invalid values, show what another person stored in the meantime, and are on
// record.
func TestStaffChangeSettings(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staff(adminui.Owner)
	form := with(checkoutForm, "version", e.settingsVersion())
	for field, bad := range map[string]string{"shipping_countries": "US, XX", "default_shipping_method": "None",
		"initial_order_status": "shipped", "order_confirmation_em_cd_member": "<b>",
		"usernames_allowed_to_checkout": strings.Repeat("a", 5001)} {
		if a := staff.Post("/staff/settings/checkout", with(form, field, bad)...); a.Status != 422 || a.At("errors", field) == nil {
			t.Errorf("%s: %s", field, a)
		}
	}

	staff.Post("/staff/settings/checkout", "shipping_countries", "\x00").Has(400)
	staff.Post("/staff/settings/checkout", "version", "9223372036854775808").Has(400)
	few := with(form, "usernames_allowed_to_checkout", "ada, =bob", "an_ct_values_allowed_to_checkout", "")
	staff.Post("/staff/settings/checkout", few...).OK()
	e.visitor().Get("/order/checkout-allowed").Want(false, "checkout_allowed")
	e.member(5).Get("/order/checkout-allowed").Want(false, "checkout_allowed")
	e.browser(adminui.Manager).Post("/staff/settings/checkout", with(form, "shipping_countries", "FR")...).
		Has(409, "Ada changed this", ">FR</textarea>", "Now: <strong>US,CA")

	staff.Post("/staff/settings/checkout", with(form, "version", e.settingsVersion())...).OK()
	e.member(5).Get("/order/checkout-allowed").Want(true, "checkout_allowed")

	const shipping, statuses = "/staff/settings/shipping", "/staff/settings/statuses"
	method := with(weightForm, "identifier", "Parcel")
	for field, bad := range map[string]string{"identifier": "A B", "carrier": "", "cost": "-1", "price_by": "moon",
		"steps": "2000 1\n1000 2", "free_from": "x", "tracking": "javascript:alert(1)"} {
		if a := staff.Post(shipping, with(method, field, bad)...); a.Status != 422 || a.At("errors", field) == nil {
			t.Errorf("%s: %s", field, a)
		}
	}

	staff.Post(shipping, method...).OK()
	staff.Post(shipping, method...).Has(422, "already exists")
	page := shipping + "/" + e.Text(`SELECT id::text FROM shipping_method WHERE identifier = 'Parcel'`)
	staff.Get(page).Want("12.50", "method", "steps", "1", "price")
	staff.Post(page, with(weightForm, "version", "1", "steps", "5 1.00", "price_by", "total")...).OK()
	e.browser(adminui.Owner).Post(page, with(weightForm, "version", "1", "carrier", "Mine")...).
		Has(409, `value="Mine"`, "Now: <strong>5.00 1.00")
	for _, bad := range []string{"6", "6 x", "6 1\n6 2", "x 1", "", "99999 1", "6 -1"} {
		staff.Post("/staff/settings/weights", "weights", bad).Has(422)
	}
	staff.Get("/staff/settings/weights", "q", "6").Want(6, "weights", "0", "sku")

	version := e.weightsVersion()
	staff.Post("/staff/settings/weights", "weights", "6 400", "version", version).OK()
	staff.Post("/staff/settings/weights", "weights", "1 50", "version", version).OK() // another SKU
	e.browser(adminui.Owner).Post("/staff/settings/weights", "weights", "6 900\n2 5", "version", version).
		Has(409, "6 900\n2 5</textarea>", "Now: <strong>6 400", "Ada changed this")
	staff.Post("/staff/settings/weights", "weights", "6 900").Has(400) // with an unknown version
	if got := e.Text(`SELECT string_agg(concat(id, ':', weight_grams), ' ' ORDER BY id) FROM sku WHERE weight_grams > 0`); got !=
		"1:50 6:400" {
		t.Errorf("weights %s", got)
	}

	status := []string{"identifier", "waiting", "title", "<b>Waiting", "description", "We wait.", "position", "2"}
	for field, bad := range map[string]string{"identifier": "new", "title": "", "position": "x", "description": strings.Repeat("x", 501)} {
		staff.Post(statuses, with(status, field, bad)...).Has(422)
	}
	staff.Post(statuses, status...).OK()
	e.browser(adminui.Owner).Get(statuses+"/waiting").Has(200, "&lt;b&gt;Waiting", "Delete")
	staff.Post(statuses+"/waiting", with(status, "version", "1", "title", "Waiting")...).OK()
	e.browser(adminui.Owner).Post(statuses+"/waiting", with(status, "version", "1")...).Has(409, "Now: <strong>Waiting")
	staff.Post(statuses + "/packing/delete").Has(409) // new orders begin with it

	staff.Post(statuses + "/shipped/delete").Has(409)
	staff.Post(statuses + "/waiting/delete").OK()
	for _, gone := range []string{statuses + "/waiting", shipping + "/0", shipping + "/x"} {
		staff.Get(gone).Has(404)
	}
	e.browser(adminui.Owner).Get("/staff/settings").Has(200, `href="/settings/checkout"`, `href="/settings/shipping"`)
	reader := e.browser(adminui.ReadOnly)
	for _, path := range []string{"/staff/settings", "/staff/settings/checkout", page, statuses + "/packing"} {
		if a := reader.Get(path).OK(); strings.Contains(a.Body, "<form class=\"form\"") || strings.Contains(a.Body, "Save") {
			t.Errorf("a reader is offered to change %s", path)
		}
	}

	for _, path := range []string{"/staff/settings/checkout", shipping, statuses, "/staff/settings/weights"} {
		e.staff(adminui.ReadOnly).Post(path, form...).Has(403)
		e.staff(adminui.Marketing).Get(path).Has(403)
	}
	if n := strings.Count(e.acts(), "settings.edit"); n != 9 {
		t.Errorf("%d acts: %s", n, e.acts())
	}
}
