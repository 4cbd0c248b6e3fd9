package stripestandin

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// formOf is a good session as a form, with fields changed as pairs; "-" leaves a field out.
func formOf(pairs ...string) string {
	f := url.Values{
		"mode": {"payment"}, "success_url": {"http://shop.example/ok?s={CHECKOUT_SESSION_ID}"},
		"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"usd"},
		"line_items[0][price_data][unit_amount]": {"1000"}, "line_items[0][price_data][product_data][name]": {"Mug"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if f.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
			f.Del(pairs[i])
		}
	}
	return f.Encode()
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if status, _, body := w.call("POST", "/v1/checkout/sessions", formOf()); status != 200 {
		t.Fatalf("the good form: %d %v", status, body)
	}
	if status, _, body := w.call("POST", "/v1/coupons", "id=HALF&percent_off=50&duration=once"); status != 200 || body["percent_off"] != 50.0 {
		t.Fatalf("coupon: %d %v", status, body)
	}
	const price = "line_items[0][price_data]"
	in := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	for _, c := range []struct{ name, code, param, form string }{
		{"unknown parameter", "parameter_unknown", "colour", formOf("colour", "blue")},
		{"unknown nested parameter", "parameter_unknown", price + "[vat]", formOf(price+"[vat]", "1")},
		{"no mode", "parameter_missing", "mode", formOf("mode", "-")},
		{"odd mode", "", "mode", formOf("mode", "gift")},
		{"no success address", "parameter_missing", "success_url", formOf("success_url", "-")},
		{"relative success address", "url_invalid", "success_url", formOf("success_url", "/ok")},
		{"relative cancel address", "url_invalid", "cancel_url", formOf("cancel_url", "checkout")},
		{"script as address", "url_invalid", "cancel_url", formOf("cancel_url", "javascript:alert(1)")},
		{"no lines", "parameter_missing", "line_items", "mode=payment&success_url=http%3A%2F%2Fx.example"},
		{"lines as text", "parameter_invalid_object", "line_items", "mode=payment&success_url=http%3A%2F%2Fx.example&line_items=none"},
		{"quantity 0", "parameter_invalid_integer", "line_items[0][quantity]", formOf("line_items[0][quantity]", "0")},
		{"quantity below 0", "parameter_invalid_integer", "line_items[0][quantity]", formOf("line_items[0][quantity]", "-2")},
		{"no quantity", "parameter_missing", "line_items[0][quantity]", formOf("line_items[0][quantity]", "-")},
		{"negative amount", "parameter_invalid_integer", price + "[unit_amount]", formOf(price+"[unit_amount]", "-1")},
		{"amount with cents", "parameter_invalid_integer", price + "[unit_amount]", formOf(price+"[unit_amount]", "12.50")},
		{"amount with exponent", "parameter_invalid_integer", price + "[unit_amount]", formOf(price+"[unit_amount]", "1e3")},
		{"amount too large", "parameter_invalid_integer", price + "[unit_amount]", formOf(price+"[unit_amount]", "100000000")},
		{"total too small", "amount_too_small", "", formOf(price+"[unit_amount]", "49")},
		{"total too large", "amount_too_large", "", formOf(price+"[unit_amount]", "99999999", "line_items[0][quantity]", "2")},
		{"discounted below the least", "amount_too_small", "", formOf(price+"[unit_amount]", "98", "discounts[0][coupon]", "HALF")},
		{"no currency", "parameter_missing", price + "[currency]", formOf(price+"[currency]", "-")},
		{"odd currency", "", price + "[currency]", formOf(price+"[currency]", "xyz")},
		{"empty name", "parameter_invalid_empty", price + "[product_data][name]", formOf(price+"[product_data][name]", "")},
		{"blank name", "parameter_invalid_empty", price + "[product_data][name]", formOf(price+"[product_data][name]", "  ")},
		{"empty description", "parameter_invalid_empty", price + "[product_data][description]", formOf(price+"[product_data][description]", "")},
		{"relative image", "url_invalid", price + "[product_data][images][0]", formOf(price+"[product_data][images][0]", "/mug.jpg")},
		{"image with a blank", "url_invalid", price + "[product_data][images][0]", formOf(price+"[product_data][images][0]", "http://shop.example/red mug.jpg")},
		{"image with other letters", "url_invalid", price + "[product_data][images][0]", formOf(price+"[product_data][images][0]", "http://shop.example/größe.jpg")},
		{"image with an odd escape", "url_invalid", price + "[product_data][images][0]", formOf(price+"[product_data][images][0]", "http://shop.example/100%.jpg")},
		{"success address with other letters", "url_invalid", "success_url", formOf("success_url", "http://bücher.example/ok")},
		{"unknown coupon", "resource_missing", "discounts[0][coupon]", formOf("discounts[0][coupon]", "NONE")},
		{"two coupons", "parameter_invalid", "discounts", formOf("discounts[0][coupon]", "HALF", "discounts[1][coupon]", "HALF")},
		{"odd email", "email_invalid", "customer_email", formOf("customer_email", "ann at home")},
		{"email without domain", "email_invalid", "customer_email", formOf("customer_email", "ann@localhost")},
		{"email with two dots in a row", "email_invalid", "customer_email", formOf("customer_email", "ann..lee@mail.example")},
		{"email of a host with an odd hyphen", "email_invalid", "customer_email", formOf("customer_email", "ann@-mail.example")},
		{"empty email", "parameter_invalid_empty", "customer_email", formOf("customer_email", "")},
		{"expires too soon", "", "expires_at", formOf("expires_at", in(29*time.Minute))},
		{"expires too late", "", "expires_at", formOf("expires_at", in(24*time.Hour+time.Minute))},
		{"odd country", "", "shipping_address_collection[allowed_countries][0]", formOf("shipping_address_collection[allowed_countries][0]", "XX")},
		{"odd boolean", "", "phone_number_collection[enabled]", formOf("phone_number_collection[enabled]", "yes")},
		{"odd billing", "", "billing_address_collection", formOf("billing_address_collection", "always")},
		{"odd method", "", "payment_method_types[0]", formOf("payment_method_types[0]", "gold")},
		{"long reference", "parameter_invalid_string_length", "client_reference_id", formOf("client_reference_id", strings.Repeat("x", 201))},
		{"long metadata", "", "metadata[a]", formOf("metadata[a]", strings.Repeat("x", 501))},
		{"not imitated", "standin_unsupported", "automatic_tax", formOf("automatic_tax[enabled]", "true")},
		{"stored price", "resource_missing", "line_items[0][price]", formOf("line_items[0][price]", "price_1")},
		{"expand nonsense", "", "expand", formOf("expand[0]", "nonsense")},
		{"control characters", "", "", formOf("metadata[a]", "\x00")},
		{"no UTF-8", "", "", formOf() + "&metadata[a]=%ff%fe"},
		{"bad escape", "", "", formOf() + "&metadata[a]=%zz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, head, body := w.call("POST", "/v1/checkout/sessions", c.form)
			e, _ := body["error"].(map[string]any)
			code, _ := e["code"].(string)
			param, _ := e["param"].(string)
			if status != 400 || code != c.code || param != c.param || e["type"] != "invalid_request_error" || e["message"] == "" || head.Get("Request-Id") == "" {
				t.Errorf("%d %v", status, e)
			}
		})
	}
	if n := len(w.Sessions()); n != 1 {
		t.Errorf("%d sessions: refused ones were made", n)
	}
}

func TestManyLines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := func(n int) string {
		var b strings.Builder
		b.WriteString("mode=payment&success_url=http%3A%2F%2Fx.example")
		for i := range n {
			fmt.Fprintf(&b, "&line_items[%d][quantity]=1&line_items[%d][price_data][currency]=usd&line_items[%d][price_data][unit_amount]=100&line_items[%d][price_data][product_data][name]=n%d", i, i, i, i, i)
		}
		return b.String()
	}
	status, _, body := w.call("POST", "/v1/checkout/sessions", form(100))
	if status != 200 || body["amount_total"] != 10000.0 {
		t.Fatalf("100 lines: %d %v", status, body)
	}
	// Lines keep the order of their numbers, also past nine.
	_, _, lines := w.call("GET", "/v1/checkout/sessions/"+body["id"].(string)+"/line_items?limit=100", "")
	if last := lines["data"].([]any)[99].(map[string]any); last["description"] != "n99" {
		t.Errorf("last line %v", last)
	}
	if status, _, _ := w.call("POST", "/v1/checkout/sessions", form(101)); status != 400 {
		t.Errorf("101 lines: %d", status)
	}
}

func TestAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, header string
		status       int
	}{
		{"bearer", "Bearer " + testKey, 404},
		{"none", "", 401},
		{"wrong", "Bearer sk_test_wrong_wrong_wrong", 401},
		{"wrong basic", "Basic eDo=", 401},
		{"odd", "Digest x", 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := w.call("GET", "/v1/checkout/sessions/cs_none", "", "Authorization", c.header)
			e := body["error"].(map[string]any)
			if status != c.status || e["type"] != "invalid_request_error" {
				t.Errorf("%d %v", status, e)
			}
			if strings.Contains(fmt.Sprint(e["message"]), "wrong_wrong") {
				t.Errorf("the key is shown: %v", e["message"])
			}
		})
	}
	_, err := stripeClient(w.URL(), "sk_test_other").CheckoutSessions.New(w.params())
	if err == nil || !strings.Contains(err.Error(), "Invalid API Key") {
		t.Errorf("stripe-go with a wrong key: %v", err)
	}
	for _, c := range []struct{ method, path string }{{"GET", "/v1/customers"}, {"POST", "/v1/checkout/session"}, {"PUT", "/v1/coupons"}, {"GET", "/v1/coupons/none"}, {"GET", "/v1/events/none"}, {"GET", "/v1/payment_intents/none"}, {"GET", "/v1/charges/none"}, {"GET", "/v1/refunds/none"}} {
		if status, _, body := w.call(c.method, c.path, ""); status != 404 || body["error"] == nil {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, body)
		}
	}
	if status, _, _ := w.call("POST", "/v1/coupons", `{"id":"x"}`, "Content-Type", "application/json"); status != 400 {
		t.Errorf("JSON body: %d", status)
	}
	if status, _, _ := w.call("POST", "/v1/coupons", strings.Repeat("a=b&", 300_000)); status != 413 {
		t.Errorf("large body: %d", status)
	}
}

func TestLiveKeysAreRefused(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{SecretKey: "sk_live_x"}, {SecretKey: "rk_live_x"}, {SecretKey: "sk_test_x", PublishableKey: "pk_live_x"}, {}, {SecretKey: "sk_test_x", WebhookURL: "/hook"}} {
		if s, err := New(cfg); err == nil {
			t.Errorf("%+v: started at %s", cfg, s.URL())
		}
	}
}
