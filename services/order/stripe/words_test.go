package stripe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/stripe/stripe-go/v76"
)

// Stripe's messages quote what they refuse, and its objects contain the buyer: neither gets past
// the client, whichever call it answers.
func TestStripesMessagesAreLeftOut(t *testing.T) {
	t.Parallel()
	const buyer, address = "Quirina Zeltbaum", "quirina@mail.example.com"
	refusal := `{"error":{"type":"invalid_request_error","code":"email_invalid","param":"customer_email","decline_code":"` + address +
		`","message":"Invalid email address: ` + address + `",
		"payment_intent":{"id":"pi_1","receipt_email":"` + address + `"},"payment_method":{"billing_details":{"name":"` + buyer + `"}},"charge":"` + address + `"}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "req_123")
		w.WriteHeader(http.StatusPaymentRequired)
		io.WriteString(w, refusal) //nolint:errcheck // a test's answer
	}))
	t.Cleanup(server.Close)

	var log bytes.Buffer
	api := New(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Settings{Shop: "https://shop.test", APIBase: server.URL, SecretKey: "sk_test_123"})
	page := Page{
		CheckoutID: "CHECKOUT", Attempt: 1, Email: address, Currency: "usd", ExpiresAt: time.Now().Add(time.Hour),
		Lines: []Line{{Name: "Clip", Price: 100, Quantity: 1}},
	}
	discounted := page
	discounted.Discount = 10

	for name, call := range map[string]func() error{
		"create":  func() error { _, err := api.CreatePage(t.Context(), page); return err },
		"coupon":  func() error { _, err := api.coupon(t.Context(), discounted); return err },
		"session": func() error { _, err := api.Session(t.Context(), "cs_1"); return err },
		"expire":  func() error { return api.Expire(t.Context(), "cs_1") },
		"intent":  func() error { _, err := api.IntentFailed(t.Context(), "pi_1"); return err },
		"list":    func() error { return api.Sessions(t.Context(), time.Now(), func(Session) error { return nil }) },
	} {
		err := call()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := fmt.Sprintf("%v %+v", err, err)
		if e, ok := errors.AsType[*sdk.Error](err); ok {
			text += fmt.Sprintf(" %+v", e)
		}
		for _, part := range []string{buyer, address, "Zeltbaum"} {
			if strings.Contains(text, part) || strings.Contains(log.String(), part) {
				t.Errorf("%s hands on %q: %s\n%s", name, part, text, log.String())
			}
		}
		for _, part := range []string{"email_invalid", "customer_email", "req_123", "402"} {
			if !strings.Contains(text, part) {
				t.Errorf("%s does not say %q: %s", name, part, text)
			}
		}
	}
}
