package order

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// The guide of a new shop knows what is done, calls Stripe and has a mail sent, and stays away once
// it was put away.
func TestTheGuideOfANewShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	stripeSays := http.StatusUnauthorized
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(stripeSays)
		if stripeSays == http.StatusOK {
			fmt.Fprint(w, `{"object":"list","data":[],"has_more":false}`)
			return
		}
		fmt.Fprint(w, `{"error":{"type":"invalid_request_error","message":"Invalid API Key provided"}}`)
	}))

	t.Cleanup(server.Close)
	e.server.cfg = Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: server.URL, StripeSecretKey: "sk_test_1"}
	e.server.stripe = newStripe(testenv.Log(t), e.server.cfg, nil)
	staff := e.staff(adminui.Owner)
	done := func() (titles []string) {
		a := staff.Get("/staff/home").OK()
		for n := 0; a.At("steps", fmt.Sprint(n)) != nil; n++ {
			if a.At("steps", fmt.Sprint(n), "done") == true {
				titles = append(titles, a.Text("steps", fmt.Sprint(n), "title"))
			}
		}
		return titles
	}

	is := func(want ...string) {
		t.Helper()
		if got := done(); strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("done are %q, want %q", got, want)
		}
	}

	// Nothing is done in a new shop. Stripe is called with a key that is wrong at first.
	is()
	const call = "/staff/settings/guide/stripe"
	staff.Post(call).Has(200, "does not know this key")
	is()
	stripeSays = http.StatusOK
	staff.Post(call).Has(200, "the key works")
	is("Take money with Stripe")

	// The shop gets its name, which other services are told once.
	for field, bad := range map[string]string{"shop_name": strings.Repeat("x", 61), "shop_email": "x@",
		"shop_address": strings.Repeat("x\n", 7)} {
		staff.Post("/staff/settings/shop", "version", "1", field, bad).Has(422)
	}

	staff.Post("/staff/settings/shop", "version", "1", "shop_name", "Paper & Co", "shop_address", " 1 Elm Street \r\n\r\nSpringfield").OK()
	const told = `SELECT count(*) FROM outbox WHERE subject = 'order.shop' AND convert_from(payload, 'UTF8') = '{"name":"Paper \u0026 Co","version":2}'`
	if n := e.Number(told); n != 1 {
		t.Errorf("%d messages about the shop's name, want 1", n)
	}
	for range 2 { // at each start
		if _, err := e.server.repeatShop(t.Context(), e.pool); err != nil {
			t.Fatal(err)
		}
	}

	if n := e.Number(told); n != 1 {
		t.Errorf("%d messages about the shop's name, want 1", n)
	}

	// A product with a picture and a shipping method complete the other steps.
	e.Exec(`INSERT INTO product (identifier, title, title_url) VALUES ('mine', 'Mine', 'Mine')`)
	e.Exec(`WITH s AS (INSERT INTO sku (product_id, inventory_id) SELECT id, 1 FROM product WHERE identifier = 'mine' RETURNING id)
		INSERT INTO sku_price (sku_id, price_cents, created_date_time) SELECT id, 100, now() FROM s`)
	e.Exec(`INSERT INTO product_image (product_id, image_url, main_image)
		SELECT id, 'https://pictures.example/mine.jpg', true FROM product WHERE identifier = 'mine'`)

	staff.Post("/staff/settings/shipping", with(weightForm, "identifier", "Parcel")...).OK()
	is("Say who you are", "Show what you sell", "Make the first product", "Say what shipping costs", "Take money with Stripe")
	id := e.sold("ann@mail.example.com", "1")
	e.browser(adminui.Fulfilment).Get("/staff/orders/slips?id="+id).Has(200, "Paper &amp; Co · 1 Elm Street · Springfield")

	// Pressing the button twice sends one test mail.
	staff.Post("/staff/settings/guide/mail").OK()
	staff.Post("/staff/settings/guide/mail").OK()
	if n := e.mails("test"); n < 1 || n > 2 { // two if a minute ended in between
		t.Errorf("%d test mails, want 1 or 2", n)
	}

	// With a live key the shop is live, but Stripe has to be called again.
	e.server.cfg.StripeSecretKey = "sk_live_1" // another key must be tested again
	is("Say who you are", "Show what you sell", "Make the first product", "Say what shipping costs", "Go live")
	if a := e.staff(adminui.Fulfilment).Get("/staff/home").OK(); a.At("steps") != nil {
		t.Error(a)
	}

	// The guide can be put away for everybody, and brought back.
	e.staff(adminui.ReadOnly).Post("/staff/settings/guide/hide").Has(403)
	staff.Get("/staff/settings").Want(false, "guide_hidden")
	staff.Post("/staff/settings/guide/hide").OK()
	if a := staff.Get("/staff/home").OK(); a.At("steps") != nil {
		t.Error(a)
	}

	staff.Get("/staff/settings").Want(true, "guide_hidden")
	e.browser(adminui.Owner).Get("/staff/settings").Has(200, `action="/settings/guide/show"`)
	e.browser(adminui.ReadOnly).Post("/staff/settings/guide/show").Has(403)
	staff.Post("/staff/settings/guide/show").OK()
	is("Say who you are", "Show what you sell", "Make the first product", "Say what shipping costs", "Go live")
	staff.Get("/staff/settings").Want(false, "guide_hidden")
}
