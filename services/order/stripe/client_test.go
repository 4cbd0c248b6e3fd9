package stripe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// stripeMock starts Stripe's own mock, which validates every request against Stripe's description
// of its API: an unknown parameter or a wrong value is a 400. It keeps no state.
func stripeMock(t *testing.T) *Client {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "stripe-mock")
	build := exec.CommandContext(t.Context(), "go", "build", "-C", "../../../tools/stripe-mock", "-o", binary,
		"github.com/stripe/stripe-mock")
	build.Env = append(os.Environ(), "GOWORK=off")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build stripe-mock: %v\n%s", err, out)
	}

	addr := testenv.Port(t)
	ctx, cancel := context.WithCancel(context.Background())
	mock := exec.CommandContext(ctx, binary, "-http-addr", addr, "-https-addr", testenv.Port(t)) //nolint:gosec // built above
	if err := mock.Start(); err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() {
		cancel()
		_ = mock.Wait() // it was killed
	})
	testenv.Eventually(t, time.Minute, "stripe-mock answers", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr, nil)
		if err != nil {
			return false
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			return false
		}
		return w.Body.Close() == nil
	})

	return New(testenv.Log(t), Settings{Shop: "https://shop.test", APIBase: "http://" + addr, SecretKey: "sk_test_123"})
}

// Stripe's mock accepts each kind of request that the client makes.
func TestStripesOwnDescriptionAcceptsOurRequests(t *testing.T) {
	t.Parallel()
	api := stripeMock(t)
	page := Page{
		CheckoutID: "CHECKOUT", Attempt: 1, CartID: 7, Email: "pat@mail.example.com", Currency: "usd", ExpiresAt: time.Now().Add(time.Hour),
		Lines: []Line{
			{Name: "Binder Clips", Text: "Black", Picture: "/img/product/binder_clip_small_2.jpg", Price: 399, Quantity: 5},
			{Name: "Shipping: USPS Retail Ground", Price: 956, Quantity: 1},
		},
		Discount: 200,
	}

	made, err := api.CreatePage(t.Context(), page) // the coupon, and the session with every parameter that we use
	if err != nil {
		t.Fatal(err)
	}
	if made.ID == "" {
		t.Error("no session came back")
	}

	page.Discount, page.Lines, page.Email, page.CheckoutID = 0, page.Lines[:1], "", "OTHER"
	if _, err := api.CreatePage(t.Context(), page); err != nil {
		t.Error(err)
	}
	if _, err := api.Session(t.Context(), "cs_test_1"); err != nil {
		t.Error(err)
	}
	if _, err := api.IntentFailed(t.Context(), "pi_1"); err != nil {
		t.Error(err)
	}
	if err := api.Expire(t.Context(), "cs_test_1"); err != nil {
		t.Error(err)
	}

	listed := 0
	if err := api.Sessions(t.Context(), time.Now().Add(-time.Hour), func(Session) error { listed++; return nil }); err != nil ||
		listed == 0 {
		t.Errorf("listed %d, %v", listed, err)
	}
	if r, err := api.Refund(t.Context(), RefundOrder{ID: "REFUND", PaymentIntent: "pi_1", Amount: 100, Reason: "duplicate"}); err != nil ||
		r.ID == "" {
		t.Errorf("refund %+v, %v", r, err)
	}
	if list, err := api.RefundsOf(t.Context(), "pi_1"); err != nil || len(list) == 0 {
		t.Errorf("refunds %+v, %v", list, err)
	}

	listed = 0
	if err := errors.Join(api.Refunds(t.Context(), time.Now(), func(Refund) error { listed++; return nil }),
		api.Disputes(t.Context(), time.Now(), func(d Dispute) error { listed++; return nil })); err != nil || listed < 2 {
		t.Errorf("listed %d, %v", listed, err)
	}
	if d, err := api.Dispute(t.Context(), "dp_1"); err != nil || d.ID == "" {
		t.Errorf("dispute %+v, %v", d, err)
	}
}

// Small servers, and proxies between us and Stripe, read only as much of a body as Content-Length
// says.
func TestRequestsToStripeHaveALength(t *testing.T) {
	t.Parallel()
	asked := map[string]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, max(r.ContentLength, 0))
		if _, err := io.ReadFull(r.Body, body); err != nil {
			t.Error(err)
		}
		asked[r.URL.Path] = fmt.Sprintf("%v %s", r.TransferEncoding, body)
		if r.Method == http.MethodGet {
			http.Error(w, "no such page", http.StatusNotFound)
		} else if _, err := io.WriteString(w, `{"id":"made"}`); err != nil {
			t.Error(err)
		}
	}))
	defer server.Close()

	api := New(testenv.Log(t), Settings{Shop: "https://shop.test", APIBase: server.URL, SecretKey: "sk_test_123"})
	if _, err := api.CreatePage(t.Context(), Page{CheckoutID: "CHECKOUT", Currency: "usd", Discount: 200}); err != nil {
		t.Fatal(err)
	}
	if err := api.Expire(t.Context(), "made"); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Session(t.Context(), "lost"); !errors.Is(err, ErrNoSession) {
		t.Errorf("a refusal in other words than Stripe's: %v", err)
	}

	for path, holds := range map[string]string{"/v1/coupons": "amount_off=200", "/v1/checkout/sessions": "[coupon]=made",
		"/v1/checkout/sessions/made/expire": ""} {
		if got, ok := asked[path]; !ok || !strings.HasPrefix(got, "[] ") || !strings.Contains(got, holds) {
			t.Errorf("%s came with %q", path, got)
		}
	}
}
