package stripestandin

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"
)

func TestPurchaseWithStripeGo(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	off, err := e.sc.Coupons.New(&stripe.CouponParams{
		AmountOff: stripe.Int64(300), Currency: stripe.String("usd"), Duration: stripe.String("once"),
		Name: stripe.String("Welcome"), MaxRedemptions: stripe.Int64(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := e.session(func(p *stripe.CheckoutSessionParams) {
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{Coupon: stripe.String(off.ID)}}
		p.SetIdempotencyKey("checkout-1-v1")
		p.AddExpand("line_items")
	})
	if s.Status != "open" || s.PaymentStatus != "unpaid" || s.PaymentIntent != nil || s.Livemode || s.Currency != "usd" ||
		s.ClientReferenceID != "checkout-1" || s.Metadata["cart_id"] != "17" || s.LastResponse.RequestID == "" {
		t.Errorf("new session: %+v", s)
	}
	if s.AmountSubtotal != 3000 || s.AmountTotal != 2700 || s.TotalDetails.AmountDiscount != 300 {
		t.Errorf("amounts %d, %d, discount %d", s.AmountSubtotal, s.AmountTotal, s.TotalDetails.AmountDiscount)
	}
	var discounts, totals int64
	for _, l := range s.LineItems.Data {
		discounts += l.AmountDiscount
		totals += l.AmountTotal
	}
	if len(s.LineItems.Data) != 2 || discounts != 300 || totals != 2700 {
		t.Errorf("%d lines, discounts %d, totals %d", len(s.LineItems.Data), discounts, totals)
	}

	resp := e.post(s.URL, typed())
	if want := e.shop.URL + "/checkout/success?session_id=" + s.ID; resp.Status != http.StatusSeeOther ||
		resp.Header.Get("Location") != want {
		t.Fatalf("status %d, to %s", resp.Status, resp.Header.Get("Location"))
	}
	// The page waits for the shop's answer, so the event has arrived already.
	paid := e.events(1, "checkout.session.completed")[0]
	checkCompleted(t, paid, s.ID)
	checkPaidSession(t, e, s.ID)
	if used, err := e.sc.Coupons.Get(off.ID, nil); err != nil || used.Valid || used.TimesRedeemed != 1 {
		t.Errorf("coupon after use: %+v, %v", used, err)
	}
}

// checkCompleted reads the event as the shop does.
func checkCompleted(t *testing.T, got received, id string) {
	t.Helper()
	e, err := webhook.ConstructEvent(got.body, got.header, testSecret)
	if err != nil {
		t.Fatalf("stripe-go refuses the event: %v", err)
	}
	var s stripe.CheckoutSession
	if err := json.Unmarshal(e.Data.Raw, &s); err != nil {
		t.Fatal(err)
	}
	if s.ID != id || s.Status != "complete" || s.PaymentStatus != "paid" || s.PaymentIntent == nil || s.URL != "" ||
		e.APIVersion != "2023-10-16" || e.PendingWebhooks != 1 {
		t.Errorf("event %s of session %s: %s %s", e.ID, s.ID, s.Status, s.PaymentStatus)
	}

	want := &stripe.Address{Line1: "12 Long Road", Line2: "Flat 3", City: "Denver", State: "CO", PostalCode: "80202", Country: "US"}
	if diff := cmp.Diff(want, s.ShippingDetails.Address); diff != "" || s.ShippingDetails.Name != "Ann Buyer" {
		t.Errorf("shipping (want, got): %s", diff)
	}
	if diff := cmp.Diff(want, s.CustomerDetails.Address); diff != "" || s.CustomerDetails.Email != "ann@example.com" ||
		s.CustomerDetails.Phone != "+1 555 555 0123" {
		t.Errorf("customer (want, got): %s", diff)
	}
	var newer struct {
		Collected struct {
			Shipping struct {
				Name    string          `json:"name"`
				Address *stripe.Address `json:"address"`
			} `json:"shipping_details"`
		} `json:"collected_information"`
	}

	if err := json.Unmarshal(e.Data.Raw, &newer); err != nil || newer.Collected.Shipping.Name != "Ann Buyer" ||
		!cmp.Equal(want, newer.Collected.Shipping.Address) {
		t.Errorf("collected_information: %+v, %v", newer, err)
	}
}

func checkPaidSession(t *testing.T, e *env, id string) {
	t.Helper()
	get := &stripe.CheckoutSessionParams{}
	get.AddExpand("line_items")
	get.AddExpand("payment_intent.latest_charge")
	s, err := e.sc.CheckoutSessions.Get(id, get)
	if err != nil {
		t.Fatal(err)
	}
	in := s.PaymentIntent
	if s.PaymentStatus != "paid" || in.Status != "succeeded" || in.AmountReceived != s.AmountTotal || in.Metadata["checkout"] != "1" ||
		!in.LatestCharge.Paid || in.LatestCharge.PaymentMethodDetails.Card.Last4 != "4242" {
		t.Errorf("session after payment: %+v", s)
	}

	if again, err := e.sc.PaymentIntents.Get(in.ID, nil); err != nil || again.LatestCharge.ID != in.LatestCharge.ID {
		t.Errorf("payment intent: %+v, %v", again, err)
	}
	if ch, err := e.sc.Charges.Get(in.LatestCharge.ID, nil); err != nil || ch.Amount != s.AmountTotal {
		t.Errorf("charge: %+v, %v", ch, err)
	}

	list := &stripe.CheckoutSessionListLineItemsParams{Session: stripe.String(id)}
	list.Limit = stripe.Int64(1) // two pages
	items, n := e.sc.CheckoutSessions.ListLineItems(list), 0
	for items.Next() {
		n++
	}
	if items.Err() != nil || n != 2 {
		t.Errorf("%d line items, %v", n, items.Err())
	}
	if _, err := e.sc.CheckoutSessions.Expire(id, nil); err == nil {
		t.Error("a paid session could be expired")
	}

	if l := e.Sessions()[0]; !l.Paid() || l.AmountTotal != s.AmountTotal || l.PaymentIntent != in.ID || len(l.Lines) != 2 {
		t.Errorf("ledger %+v", l)
	}
}

func TestRefundsAndDisputes(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	if _, err := e.Pay(s.ID, PayOptions{}); err != nil {
		t.Fatal(err)
	}

	pi := e.Sessions()[0].PaymentIntent
	re, err := e.sc.Refunds.New(&stripe.RefundParams{PaymentIntent: stripe.String(pi), Amount: stripe.Int64(1000)})
	if err != nil || re.Status != "succeeded" {
		t.Fatalf("refund %+v, %v", re, err)
	}
	if got, err := e.sc.Refunds.Get(re.ID, nil); err != nil || got.Amount != 1000 {
		t.Errorf("refund read: %+v, %v", got, err)
	}

	var ch stripe.Charge
	refunded := e.events(1, "charge.refunded")[0].event
	if err := json.Unmarshal(refunded.Data.Raw, &ch); err != nil || ch.AmountRefunded != 1000 || ch.Refunded {
		t.Errorf("charge.refunded %+v, %v", ch, err)
	}

	e.events(1, "refund.updated")
	if _, err := e.Refund(pi, 5000); err == nil {
		t.Error("more than was paid could be refunded")
	}
	if _, err := e.Dispute(pi, false); err != nil {
		t.Fatal(err)
	}

	e.events(1, "charge.dispute.created")
	if _, err := e.Refund(pi, 0); err == nil {
		t.Error("a disputed charge could be refunded")
	}
	if _, err := e.ChangeDispute(pi, "won"); err != nil {
		t.Fatal(err)
	}

	e.events(1, "charge.dispute.closed")
	if _, err := e.Refund(pi, 0); err != nil {
		t.Errorf("refund of the rest: %v", err)
	}
	if _, err := e.Refund(pi, 0); err == nil {
		t.Error("refunded twice")
	}
	if l := e.Sessions()[0]; l.AmountRefunded != l.AmountTotal || !l.Disputed {
		t.Errorf("ledger %+v", l)
	}
}

func TestListsPageWithStripeGo(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var ids []string
	for range 5 {
		ids = append([]string{e.session().ID}, ids...)
	}
	if _, err := e.Pay(ids[1], PayOptions{}); err != nil {
		t.Fatal(err)
	}

	collect := func(p *stripe.CheckoutSessionListParams) (got []string) {
		t.Helper()
		it := e.sc.CheckoutSessions.List(p)
		for it.Next() {
			got = append(got, it.CheckoutSession().ID)
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		return got
	}

	all := &stripe.CheckoutSessionListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: 1}}
	all.Limit = stripe.Int64(2)
	if diff := cmp.Diff(ids, collect(all)); diff != "" {
		t.Errorf("newest first (want, got): %s", diff)
	}

	back := &stripe.CheckoutSessionListParams{}
	back.EndingBefore = stripe.String(ids[3])
	back.Single = true
	if diff := cmp.Diff([]string{ids[0], ids[1], ids[2]}, reversed(collect(back))); diff != "" {
		t.Errorf("ending_before (want, got): %s", diff)
	}
	if got := collect(&stripe.CheckoutSessionListParams{Status: stripe.String("complete")}); !cmp.Equal(got, ids[1:2]) {
		t.Errorf("complete: %v", got)
	}
	if got := collect(&stripe.CheckoutSessionListParams{CreatedRange: &stripe.RangeQueryParams{LesserThan: 1}}); got != nil {
		t.Errorf("created before 1970: %v", got)
	}

	it := e.sc.Events.List(&stripe.EventListParams{Types: stripe.StringSlice([]string{"checkout.session.completed"})})
	n := 0
	for it.Next() {
		n++
	}
	if it.Err() != nil || n != 1 {
		t.Errorf("%d events, %v", n, it.Err())
	}
	status, _, _ := e.call("GET", "/v1/checkout/sessions?limit=0", "")
	if status != 400 {
		t.Errorf("limit=0: %d", status)
	}
}

// reversed undoes stripe-go's reversal of pages that it reads with ending_before.
func reversed(in []string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[len(in)-1-i] = v
	}
	return out
}
