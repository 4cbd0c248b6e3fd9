package stripestandin

import (
	"net/http"
)

// POST /v1/refunds
func createRefund(t *tx, _ *http.Request, p reader) (any, error) {
	intentID, chargeID := p.str("payment_intent", 200), p.str("charge", 200)
	amount, given := p.integer("amount", 1, maxAmount)
	reason := p.enum("reason", "duplicate", "fraudulent", "requested_by_customer")
	metadata := p.metadata("metadata")
	p.str("instructions_email", 800)
	p.strings("expand", 20, 200)
	p.unsupported("refund_application_fee", "reverse_transfer", "customer", "origin", "currency")
	if intentID == "" && chargeID == "" {
		p.fail(refuse("parameter_missing", "payment_intent",
			"One of the following params should be provided for this request: payment_intent or charge."))
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	ch, err := t.chargeOf(intentID, chargeID)
	if err != nil {
		return nil, err
	}
	if !given {
		amount = ch.Amount - ch.AmountRefunded
	}
	return t.refund(ch, amount, reason, metadata)
}

// chargeOf finds the charge of a payment.
func (t *tx) chargeOf(intentID, chargeID string) (*charge, error) {
	if intentID != "" {
		in, ok := t.intents.get(intentID)
		if !ok {
			return nil, noSuch(http.StatusNotFound, "payment_intent", "payment_intent", intentID)
		}
		if chargeID != "" && chargeID != in.LatestCharge.id {
			return nil, refuse("", "charge", "The charge does not belong to the payment intent.")
		}
		chargeID = in.LatestCharge.id
	}
	ch, ok := t.charges.get(chargeID)
	if !ok {
		return nil, noSuch(http.StatusNotFound, "charge", "charge", chargeID)
	}
	return ch, nil
}

// refund gives an amount of a charge back.
func (t *tx) refund(before *charge, amount int64, reason string, metadata map[string]string) (*refund, error) {
	left := before.Amount - before.AmountRefunded
	switch {
	case before.Status != "succeeded":
		return nil, refuse("", "payment_intent", "This PaymentIntent (%s) does not have a successful charge to refund.",
			before.PaymentIntent.id)
	case left == 0:
		return nil, refuse("charge_already_refunded", "", "Charge %s has already been refunded.", before.ID)
	case before.Disputed && !t.refundable(before.ID):
		return nil, refuse("charge_disputed", "", "Charge %s has been charged back; cannot issue a refund.", before.ID)
	case amount > left:
		return nil, refuse("", "amount", "Refund amount (%s) is greater than unrefunded amount on charge (%s)",
			money(amount, before.Currency), money(left, before.Currency))
	}
	ch := *before
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	put(t, kindCharge, &t.charges, ch.ID, &ch)
	if metadata == nil {
		metadata = map[string]string{}
	}
	re := &refund{
		ID: newID("re_3", 23), Object: "refund", Amount: amount, BalanceTransaction: text(newID("txn_3", 23)),
		Charge: ref{id: ch.ID}, Created: t.now.Unix(), Currency: ch.Currency, Metadata: metadata,
		PaymentIntent: ch.PaymentIntent, Reason: text(reason), Status: "succeeded",
	}
	put(t, kindRefund, &t.refunds, re.ID, re)
	previous := map[string]any{"amount_refunded": before.AmountRefunded}
	if ch.Refunded {
		previous["refunded"] = false
	}
	t.emit("charge.refunded", &ch, previous)
	t.emit("refund.updated", re, map[string]any{"status": "pending"})
	return re, nil
}

func (t *tx) refundable(chargeID string) bool {
	for _, d := range t.disputes.rows {
		if d.Charge == chargeID && !d.IsChargeRefundable {
			return false
		}
	}
	return true
}

// GET /v1/refunds/{id}
func retrieveRefund(t *tx, r *http.Request, p reader) (any, error) {
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	re, ok := t.refunds.get(r.PathValue("id"))
	if !ok {
		return nil, noSuch(http.StatusNotFound, "refund", "refund", r.PathValue("id"))
	}
	return re, nil
}

// GET /v1/refunds
func listRefunds(t *tx, _ *http.Request, p reader) (any, error) {
	pg := readPage(p)
	created := readRange(p, "created")
	intentID, chargeID := p.str("payment_intent", 200), p.str("charge", 200)
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	var found []*refund
	for _, re := range t.refunds.newest() {
		if created.holds(re.Created) && (intentID == "" || re.PaymentIntent.id == intentID) &&
			(chargeID == "" || re.Charge.id == chargeID) {
			found = append(found, re)
		}
	}
	return paginate(pg, "/v1/refunds", "refund", found, func(re *refund) string { return re.ID })
}

// openDispute contests the whole charge, as a cardholder's bank does.
func (t *tx) openDispute(before *charge, reason string) (*dispute, error) {
	if before.Status != "succeeded" || before.Disputed {
		return nil, refuse("", "charge", "Charge %s is not paid or already disputed.", before.ID)
	}
	ch := *before
	ch.Disputed = true
	put(t, kindCharge, &t.charges, ch.ID, &ch)
	d := &dispute{
		ID: newID("dp_1", 23), Object: "dispute", Amount: ch.Amount, Charge: ch.ID, Created: t.now.Unix(),
		Currency: ch.Currency,
		Metadata: map[string]string{}, PaymentIntent: ch.PaymentIntent.id, Reason: reason, Status: "needs_response",
	}
	put(t, kindDispute, &t.disputes, d.ID, d)
	t.emit("charge.dispute.created", d, nil)
	return d, nil
}

// closeDispute ends the open dispute of a charge.
func (t *tx) closeDispute(ch *charge, won bool) (*dispute, error) {
	for _, before := range t.disputes.newest() {
		if before.Charge != ch.ID || before.Status != "needs_response" {
			continue
		}
		d := *before
		d.Status = "lost"
		if won {
			d.Status, d.IsChargeRefundable = "won", true
		}
		put(t, kindDispute, &t.disputes, d.ID, &d)
		t.emit("charge.dispute.closed", &d, map[string]any{"status": before.Status})
		return &d, nil
	}
	return nil, refuse("", "charge", "Charge %s has no open dispute.", ch.ID)
}

// GET /v1/disputes/{id}
func retrieveDispute(t *tx, r *http.Request, p reader) (any, error) {
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	d, ok := t.disputes.get(r.PathValue("id"))
	if !ok {
		return nil, noSuch(http.StatusNotFound, "dispute", "dispute", r.PathValue("id"))
	}
	return d, nil
}
