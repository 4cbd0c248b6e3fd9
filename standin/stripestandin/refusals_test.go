package stripestandin

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
)

// formOf is a valid session as a form, in which the given pairs replace fields; "-" removes a
// field.
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
	e := newEnv(t)
	if status, _, body := e.call("POST", "/v1/checkout/sessions", formOf()); status != 200 {
		t.Fatalf("the good form: %d %v", status, body)
	}
	if status, _, body := e.call("POST", "/v1/coupons", "id=HALF&percent_off=50&duration=once"); status != 200 ||
		body["percent_off"] != 50.0 {
		t.Fatalf("coupon: %d %v", status, body)
	}

	const price = "line_items[0][price_data]"
	in := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
	for _, c := range []struct{ name, code, param, form string }{
		{name: "unknown parameter", code: "parameter_unknown", param: "colour", form: formOf("colour", "blue")},
		{name: "unknown nested parameter", code: "parameter_unknown", param: price + "[vat]", form: formOf(price+"[vat]", "1")},
		{name: "no mode", code: "parameter_missing", param: "mode", form: formOf("mode", "-")},
		{name: "odd mode", param: "mode", form: formOf("mode", "gift")},
		{name: "no success address", code: "parameter_missing", param: "success_url", form: formOf("success_url", "-")},
		{name: "relative success address", code: "url_invalid", param: "success_url", form: formOf("success_url", "/ok")},
		{name: "relative cancel address", code: "url_invalid", param: "cancel_url", form: formOf("cancel_url", "checkout")},
		{name: "script as address", code: "url_invalid", param: "cancel_url", form: formOf("cancel_url", "javascript:alert(1)")},
		{name: "no lines", code: "parameter_missing", param: "line_items", form: "mode=payment&success_url=http%3A%2F%2Fx.example"},
		{name: "lines as text", code: "parameter_invalid_object", param: "line_items",
			form: "mode=payment&success_url=http%3A%2F%2Fx.example&line_items=none"},
		{name: "quantity 0", code: "parameter_invalid_integer", param: "line_items[0][quantity]",
			form: formOf("line_items[0][quantity]", "0")},
		{name: "quantity below 0", code: "parameter_invalid_integer", param: "line_items[0][quantity]",
			form: formOf("line_items[0][quantity]", "-2")},
		{name: "no quantity", code: "parameter_missing", param: "line_items[0][quantity]", form: formOf("line_items[0][quantity]", "-")},
		{name: "negative amount", code: "parameter_invalid_integer", param: price + "[unit_amount]",
			form: formOf(price+"[unit_amount]", "-1")},
		{name: "amount with cents", code: "parameter_invalid_integer", param: price + "[unit_amount]",
			form: formOf(price+"[unit_amount]", "12.50")},
		{name: "amount with exponent", code: "parameter_invalid_integer", param: price + "[unit_amount]",
			form: formOf(price+"[unit_amount]", "1e3")},
		{name: "amount too large", code: "parameter_invalid_integer", param: price + "[unit_amount]",
			form: formOf(price+"[unit_amount]", "100000000")},
		{name: "total too small", code: "amount_too_small", form: formOf(price+"[unit_amount]", "49")},
		{name: "total too large", code: "amount_too_large",
			form: formOf(price+"[unit_amount]", "99999999", "line_items[0][quantity]", "2")},
		{name: "discounted below the least", code: "amount_too_small",
			form: formOf(price+"[unit_amount]", "98", "discounts[0][coupon]", "HALF")},
		{name: "no currency", code: "parameter_missing", param: price + "[currency]", form: formOf(price+"[currency]", "-")},
		{name: "odd currency", param: price + "[currency]", form: formOf(price+"[currency]", "xyz")},
		{name: "empty name", code: "parameter_invalid_empty", param: price + "[product_data][name]",
			form: formOf(price+"[product_data][name]", "")},
		{name: "blank name", code: "parameter_invalid_empty", param: price + "[product_data][name]",
			form: formOf(price+"[product_data][name]", "  ")},
		{name: "empty description", code: "parameter_invalid_empty", param: price + "[product_data][description]",
			form: formOf(price+"[product_data][description]", "")},
		{name: "relative image", code: "url_invalid", param: price + "[product_data][images][0]",
			form: formOf(price+"[product_data][images][0]", "/mug.jpg")},
		{name: "image with a blank", code: "url_invalid", param: price + "[product_data][images][0]",
			form: formOf(price+"[product_data][images][0]", "http://shop.example/red mug.jpg")},
		{name: "image with other letters", code: "url_invalid", param: price + "[product_data][images][0]",
			form: formOf(price+"[product_data][images][0]", "http://shop.example/größe.jpg")},
		{name: "image with an odd escape", code: "url_invalid", param: price + "[product_data][images][0]",
			form: formOf(price+"[product_data][images][0]", "http://shop.example/100%.jpg")},
		{name: "success address with other letters", code: "url_invalid", param: "success_url",
			form: formOf("success_url", "http://bücher.example/ok")},
		{name: "unknown coupon", code: "resource_missing", param: "discounts[0][coupon]", form: formOf("discounts[0][coupon]", "NONE")},
		{name: "two coupons", code: "parameter_invalid", param: "discounts",
			form: formOf("discounts[0][coupon]", "HALF", "discounts[1][coupon]", "HALF")},
		{name: "odd email", code: "email_invalid", param: "customer_email", form: formOf("customer_email", "ann at home")},
		{name: "email without domain", code: "email_invalid", param: "customer_email", form: formOf("customer_email", "ann@localhost")},
		{name: "email with two dots in a row", code: "email_invalid", param: "customer_email",
			form: formOf("customer_email", "ann..lee@mail.example")},
		{name: "email of a host with an odd hyphen", code: "email_invalid", param: "customer_email",
			form: formOf("customer_email", "ann@-mail.example")},
		{name: "empty email", code: "parameter_invalid_empty", param: "customer_email", form: formOf("customer_email", "")},
		{name: "expires too soon", param: "expires_at", form: formOf("expires_at", in(29*time.Minute))},
		{name: "expires too late", param: "expires_at", form: formOf("expires_at", in(24*time.Hour+time.Minute))},
		{name: "odd country", param: "shipping_address_collection[allowed_countries][0]",
			form: formOf("shipping_address_collection[allowed_countries][0]", "XX")},
		{name: "odd boolean", param: "phone_number_collection[enabled]", form: formOf("phone_number_collection[enabled]", "yes")},
		{name: "odd billing", param: "billing_address_collection", form: formOf("billing_address_collection", "always")},
		{name: "odd method", param: "payment_method_types[0]", form: formOf("payment_method_types[0]", "gold")},
		{name: "long reference", code: "parameter_invalid_string_length", param: "client_reference_id",
			form: formOf("client_reference_id", strings.Repeat("x", 201))},
		{name: "long metadata", param: "metadata[a]", form: formOf("metadata[a]", strings.Repeat("x", 501))},
		{name: "not imitated", code: "standin_unsupported", param: "tax_id_collection", form: formOf("tax_id_collection[enabled]", "true")},
		{name: "stored price", code: "resource_missing", param: "line_items[0][price]", form: formOf("line_items[0][price]", "price_1")},
		{name: "expand nonsense", param: "expand", form: formOf("expand[0]", "nonsense")},
		{name: "control characters", form: formOf("metadata[a]", "\x00")},
		{name: "no UTF-8", form: formOf() + "&metadata[a]=%ff%fe"},
		{name: "bad escape", form: formOf() + "&metadata[a]=%zz"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, head, body := e.call("POST", "/v1/checkout/sessions", c.form)
			refusal, _ := body["error"].(map[string]any)
			code, _ := refusal["code"].(string)
			param, _ := refusal["param"].(string)
			if status != 400 || code != c.code || param != c.param || refusal["type"] != "invalid_request_error" ||
				refusal["message"] == "" || head.Get("Request-Id") == "" {
				t.Errorf("%d %v", status, refusal)
			}
		})
	}

	if n := len(e.Sessions()); n != 1 {
		t.Errorf("%d sessions: refused ones were made", n)
	}
}

func TestAtMostHundredLines(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	form := func(n int) string {
		var b strings.Builder
		b.WriteString("mode=payment&success_url=http%3A%2F%2Fx.example")
		for i := range n {
			fmt.Fprintf(&b,
				"&line_items[%d][quantity]=1&line_items[%d][price_data][currency]=usd&line_items[%d][price_data][unit_amount]=100&line_items[%d][price_data][product_data][name]=n%d", i, i, i, i, i)
		}
		return b.String()
	}
	status, _, body := e.call("POST", "/v1/checkout/sessions", form(100))
	if status != 200 || body["amount_total"] != 10000.0 {
		t.Fatalf("100 lines: %d %v", status, body)
	}

	// Lines keep the order of their numbers, even beyond nine.
	_, _, lines := e.call("GET", "/v1/checkout/sessions/"+body["id"].(string)+"/line_items?limit=100", "")
	if last := lines["data"].([]any)[99].(map[string]any); last["description"] != "n99" {
		t.Errorf("last line %v", last)
	}
	if status, _, _ := e.call("POST", "/v1/checkout/sessions", form(101)); status != 400 {
		t.Errorf("101 lines: %d", status)
	}
}

// Calls without the secret key, of unknown routes and objects, or with a bad body are refused.
func TestCallsThatAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
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
			status, _, body := e.call("GET", "/v1/checkout/sessions/cs_none", "", "Authorization", c.header)
			refusal := body["error"].(map[string]any)
			if status != c.status || refusal["type"] != "invalid_request_error" {
				t.Errorf("%d %v", status, refusal)
			}
			if strings.Contains(fmt.Sprint(refusal["message"]), "wrong_wrong") {
				t.Errorf("the key is shown: %v", refusal["message"])
			}
		})
	}

	_, err := stripeClient(e.URL(), "sk_test_other").CheckoutSessions.New(e.params())
	if err == nil || !strings.Contains(err.Error(), "Invalid API Key") {
		t.Errorf("stripe-go with a wrong key: %v", err)
	}

	for _, c := range []struct{ method, path string }{{"GET", "/v1/customers"}, {"POST", "/v1/checkout/session"}, {"PUT", "/v1/coupons"},
		{"GET", "/v1/coupons/none"}, {"GET", "/v1/events/none"}, {"GET", "/v1/payment_intents/none"}, {"GET", "/v1/charges/none"},
		{"GET", "/v1/refunds/none"}} {
		if status, _, body := e.call(c.method, c.path, ""); status != 404 || body["error"] == nil {
			t.Errorf("%s %s: %d %v", c.method, c.path, status, body)
		}
	}

	if status, _, _ := e.call("POST", "/v1/coupons", `{"id":"x"}`, "Content-Type", "application/json"); status != 400 {
		t.Errorf("JSON body: %d", status)
	}
	if status, _, _ := e.call("POST", "/v1/coupons", strings.Repeat("a=b&", 300_000)); status != 413 {
		t.Errorf("large body: %d", status)
	}
}

func TestLiveKeysAreRefused(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{{SecretKey: "sk_live_x"}, {SecretKey: "rk_live_x"}, {SecretKey: "sk_test_x", PublishableKey: "pk_live_x"},
		{}, {SecretKey: "sk_test_x", WebhookURL: "/hook"}} {
		if s, err := New(cfg); err == nil {
			t.Errorf("%+v: started at %s", cfg, s.URL())
		}
	}
}
