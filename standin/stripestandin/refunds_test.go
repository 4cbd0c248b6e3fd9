package stripestandin

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// sold returns the payment intent of a paid session.
func (e *env) sold() (pi string) {
	e.t.Helper()
	e.paid()
	return e.Sessions()[0].PaymentIntent
}

func (e *env) ledgerIs(refunded, disputed int64) {
	e.t.Helper()
	if l := e.Sessions()[0]; l.AmountRefunded != refunded || l.AmountDisputed != disputed {
		e.t.Errorf("refunded %d and disputed %d, want %d and %d", l.AmountRefunded, l.AmountDisputed, refunded, disputed)
	}
}

func (e *env) refund(pi string, cents int64, key string) (*stripe.Refund, error) {
	p := &stripe.RefundParams{PaymentIntent: stripe.String(pi), Amount: stripe.Int64(cents), Metadata: map[string]string{"refund": key}}
	p.SetIdempotencyKey(key)
	return e.sc.Refunds.New(p)
}

// last decodes the object of the newest event of a type with stripe-go.
func last[T any](e *env, n int, eventType string) (object T, previous map[string]any) {
	e.t.Helper()
	arrived := e.events(n, eventType)
	var ids []string // webhooks are sent in parallel, so their order of arrival is not that of the events
	for _, d := range e.Deliveries() {
		if d.Type == eventType {
			ids = append([]string{d.EventID}, ids...)
		}
	}
	got := arrived[slices.IndexFunc(arrived, func(r received) bool { return r.event.ID == ids[n-1] })].event
	if err := json.Unmarshal(got.Data.Raw, &object); err != nil {
		e.t.Fatal(err)
	}
	return object, got.Data.PreviousAttributes
}

func TestRefundsPendFailAndCancel(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pi := e.sold()
	e.switches(func(sw *Switches) { sw.RefundPending = 2 })
	first, err := e.refund(pi, 1000, "first")
	if err != nil || first.Status != stripe.RefundStatusPending || first.Metadata["refund"] != "first" {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := e.refund(pi, 1000, "first"); err != nil || again.ID != first.ID {
		t.Errorf("a repetition: %+v, %v", again, err)
	}

	e.ledgerIs(1000, 0)
	if made, _ := last[stripe.Refund](e, 1, "refund.created"); made.ID != first.ID || made.Status != stripe.RefundStatusPending {
		t.Errorf("refund.created: %+v", made)
	}
	if err := e.SettleRefund(first.ID, "succeed"); err != nil {
		t.Fatal(err)
	}
	if now, before := last[stripe.Refund](e, 1, "charge.refund.updated"); now.Status != stripe.RefundStatusSucceeded ||
		before["status"] != "pending" {
		t.Errorf("after success: %+v, before %v", now, before)
	}
	if err := e.SettleRefund(first.ID, "fail"); err != nil { // the bank returns it
		t.Fatal(err)
	}

	if now, before := last[stripe.Refund](e, 1, "refund.failed"); now.FailureReason != "expired_or_canceled_card" ||
		now.Status != stripe.RefundStatusFailed || before["status"] != "succeeded" {
		t.Errorf("after the failure: %+v, before %v", now, before)
	}
	e.ledgerIs(0, 0)
	second, err := e.refund(pi, 500, "second")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SettleRefund(second.ID, "cancel"); err != nil {
		t.Fatal(err)
	}

	e.ledgerIs(0, 0)
	for _, outcome := range []string{"succeed", "fail", "cancel", "", "x"} {
		if e.SettleRefund(second.ID, outcome) == nil {
			t.Errorf("a canceled refund can %q", outcome)
		}
	}

	whole := e.Sessions()[0].AmountTotal
	if _, err := e.refund(pi, whole+1, "more"); err == nil {
		t.Error("more than was paid was refunded")
	}
	if re, err := e.refund(pi, whole, "all"); err != nil || re.Status != stripe.RefundStatusSucceeded {
		t.Errorf("%+v, %v", re, err)
	}
	if ch, before := last[stripe.Charge](e, 3, "charge.refunded"); !ch.Refunded || before["refunded"] != false {
		t.Errorf("%+v", ch)
	}
	if l := e.Sessions()[0].Refunds; len(l) != 3 || l[0].Metadata["refund"] != "all" || l[2].Status != "failed" {
		t.Errorf("%+v", l)
	}
}

func TestDisputesMoveMoney(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pi := e.sold()
	if _, err := e.refund(pi, 1000, "first"); err != nil {
		t.Fatal(err)
	}
	left := e.Sessions()[0].AmountTotal - 1000
	step := func(outcome string) {
		t.Helper()
		if _, err := e.ChangeDispute(pi, outcome); err != nil {
			t.Fatalf("%s: %v", outcome, err)
		}
	}
	if _, err := e.Dispute(pi, true); err != nil {
		t.Fatal(err)
	}
	if d, _ := last[stripe.Dispute](e, 1, "charge.dispute.created"); d.Status != stripe.DisputeStatusWarningNeedsResponse ||
		d.EvidenceDetails.DueBy == 0 || len(d.BalanceTransactions) != 0 {
		t.Errorf("inquiry: %+v", d)
	}
	e.ledgerIs(1000, 0)
	step("escalate")
	d, _ := last[stripe.Dispute](e, 1, "charge.dispute.funds_withdrawn")
	if d.Amount != left || len(d.BalanceTransactions) != 1 || d.BalanceTransactions[0].Amount != -left || d.IsChargeRefundable {
		t.Errorf("dispute: %+v", d)
	}
	e.ledgerIs(1000, left)
	if _, err := e.refund(pi, 1, "disputed"); err == nil {
		t.Error("a disputed charge was refunded")
	}
	step("evidence")
	if d, _ := last[stripe.Dispute](e, 2, "charge.dispute.updated"); d.Status != stripe.DisputeStatusUnderReview ||
		d.EvidenceDetails.SubmissionCount != 1 {
		t.Errorf("evidence: %+v", d)
	}
	step("won")
	if d, _ := last[stripe.Dispute](e, 1, "charge.dispute.funds_reinstated"); d.Status != stripe.DisputeStatusWon ||
		len(d.BalanceTransactions) != 2 {
		t.Errorf("won: %+v", d)
	}
	e.ledgerIs(1000, 0)
	if _, err := e.ChangeDispute(pi, "lost"); err == nil {
		t.Error("a dispute that was won was lost")
	}
	listed := 0
	for i := e.sc.Disputes.List(&stripe.DisputeListParams{PaymentIntent: stripe.String(pi)}); i.Next(); {
		listed++
	}
	if listed != 1 {
		t.Errorf("%d disputes listed", listed)
	}

	lost := e.sold()
	if _, err := e.Dispute(lost, false); err != nil {
		t.Fatal(err)
	}
	if _, err := e.ChangeDispute(lost, "lost"); err != nil {
		t.Fatal(err)
	}
	e.ledgerIs(0, e.Sessions()[0].AmountTotal)
	if d, _ := last[stripe.Dispute](e, 2, "charge.dispute.closed"); d.Status != stripe.DisputeStatusLost {
		t.Errorf("lost: %+v", d)
	}
}
