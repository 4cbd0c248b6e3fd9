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

// States of a refund.
const (
	refundPending   = "pending"
	refundSucceeded = "succeeded"
	refundFailed    = "failed"
	refundCanceled  = "canceled"
)

// refund refunds an amount of a charge. Refunds to cards succeed at once, unless the switch
// refund_pending acts.
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

	if metadata == nil {
		metadata = map[string]string{}
	}
	re := &refund{
		ID:                 newID("re_3", 23),
		Object:             "refund",
		Amount:             amount,
		BalanceTransaction: text(newID("txn_3", 23)),
		Charge:             ref{id: before.ID},
		Created:            t.now.Unix(),
		Currency:           before.Currency,
		Metadata:           metadata,
		PaymentIntent:      before.PaymentIntent,
		Reason:             text(reason),
		Status:             refundSucceeded,
	}

	if t.settings.Switches.RefundPending.take() {
		t.putSettings()
		re.Status = refundPending
	}
	if before.PaymentMethodDetails.Card != nil {
		card := &cardRefund{ReferenceStatus: "pending", ReferenceType: "acquirer_reference_number", Type: "refund"}
		re.DestinationDetails = &destination{Type: "card", Card: card}
	}
	put(t, kindRefund, &t.refunds, re.ID, re)
	ch, previous := t.refunded(before, amount)
	t.emit("refund.created", re, nil)
	t.emit("charge.refunded", ch, previous)

	if re.Status == refundSucceeded && re.DestinationDetails != nil {
		// The bank's reference follows in events of its own.
		known, card := *re, *re.DestinationDetails.Card
		card.Reference, card.ReferenceStatus = newID("", 17), "available"
		known.DestinationDetails = &destination{Type: "card", Card: &card}
		t.updateRefund(&known, map[string]any{"destination_details": re.DestinationDetails})
	}

	return re, nil
}

// refunded adds an amount, which may be negative, to the refunded amount of a charge.
func (t *tx) refunded(before *charge, amount int64) (after *charge, previous map[string]any) {
	ch := *before
	ch.AmountRefunded += amount
	ch.Refunded = ch.AmountRefunded == ch.Amount
	put(t, kindCharge, &t.charges, ch.ID, &ch)
	previous = map[string]any{"amount_refunded": before.AmountRefunded}
	if ch.Refunded != before.Refunded {
		previous["refunded"] = before.Refunded
	}
	return &ch, previous
}

func (t *tx) updateRefund(re *refund, previous map[string]any) {
	put(t, kindRefund, &t.refunds, re.ID, re)
	t.emit("refund.updated", re, previous)
	t.emit("charge.refund.updated", re, previous)
}

// settleRefund ends a refund: a pending one succeeds, fails or is canceled, and one that succeeded
// may fail later, when the bank sends the money back. The amount of a failed or canceled one can be
// refunded again.
func (t *tx) settleRefund(id, outcome string) error {
	before, ok := t.refunds.get(id)
	if !ok {
		return noSuch(http.StatusNotFound, "refund", "refund", id)
	}
	re := *before

	previous := map[string]any{"status": before.Status}
	switch {
	case outcome == "succeed" && before.Status == refundPending:
		re.Status = refundSucceeded
	case outcome == "cancel" && before.Status == refundPending:
		re.Status = refundCanceled
	case outcome == "fail" && (before.Status == refundPending || before.Status == refundSucceeded):
		re.Status, re.FailureReason = refundFailed, "expired_or_canceled_card"
		previous["failure_reason"] = nil
	default:
		return refuse("", "outcome", "Refund %s has the status %s and cannot %s.", id, before.Status, outcome)
	}

	if re.Status != refundSucceeded {
		ch, ok := t.charges.get(before.Charge.id)
		if !ok {
			return noSuch(http.StatusNotFound, "charge", "charge", before.Charge.id)
		}
		re.FailureBalanceTransaction = newID("txn_3", 23)
		previous["failure_balance_transaction"] = nil
		t.refunded(ch, -before.Amount)
	}

	t.updateRefund(&re, previous)
	if re.Status == refundFailed {
		t.emit("refund.failed", &re, previous)
	}
	return nil
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
