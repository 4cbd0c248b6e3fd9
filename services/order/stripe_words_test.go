package order

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

	stripe "github.com/stripe/stripe-go/v76"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Stripe's messages repeat what they refuse, and its objects hold the buyer: neither gets further than
// the client, whichever call it answers.
func TestStripesWordsStayOut(t *testing.T) {
	t.Parallel()
	const buyer, address = "Quirina Zeltbaum", "quirina@mail.example.com"
	refusal := `{"error":{"type":"invalid_request_error","code":"email_invalid","param":"customer_email","decline_code":"` + address + `","message":"Invalid email address: ` + address + `",
		"payment_intent":{"id":"pi_1","receipt_email":"` + address + `"},"payment_method":{"billing_details":{"name":"` + buyer + `"}},"charge":"` + address + `"}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Request-Id", "req_123")
		w.WriteHeader(http.StatusPaymentRequired)
		io.WriteString(w, refusal) //nolint:errcheck // a test's answer
	}))
	t.Cleanup(server.Close)
	var log bytes.Buffer
	api := newStripeAPI(Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: server.URL, StripeSecretKey: "sk_test_123"},
		slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	c := checkout{ID: "CHECKOUT", Email: address, Currency: currency, StripeAttempt: 1, ExpiresAt: time.Now().Add(time.Hour), Total: 100, ItemSubtotal: 100}
	discounted := c
	discounted.ItemDiscount = 10
	for name, call := range map[string]func() error{
		"create":  func() error { _, err := api.createSession(t.Context(), c); return err },
		"coupon":  func() error { _, err := api.coupon(t.Context(), discounted); return err },
		"session": func() error { _, err := api.session(t.Context(), "cs_1"); return err },
		"expire":  func() error { return api.expire(t.Context(), "cs_1") },
		"intent":  func() error { _, err := api.intentFailed(t.Context(), "pi_1"); return err },
		"list":    func() error { return api.listSessions(t.Context(), time.Now(), func(session) error { return nil }) },
	} {
		err := call()
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		text := fmt.Sprintf("%v %+v", err, err)
		if e, ok := errors.AsType[*stripe.Error](err); ok {
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
