package stripestandin

import (
	"net/http"
	"time"
)

// States of a dispute. Those that begin with warning belong to an inquiry, for which the bank has
// taken no money yet.
const (
	disputeNeedsResponse = "needs_response"
	disputeUnderReview   = "under_review"
	disputeWon           = "won"
	disputeLost          = "lost"
	inquiryNeedsResponse = "warning_needs_response"
	inquiryUnderReview   = "warning_under_review"
	inquiryClosed        = "warning_closed"
)

// evidenceTime is how long a shop has to answer a dispute.
const evidenceTime = 7 * 24 * time.Hour

// disputeFee is the fee for a dispute, in cents.
const disputeFee = 1500

// openDispute disputes what is left of a charge, as a cardholder's bank does, and withdraws it. An
// inquiry withdraws nothing.
func (t *tx) openDispute(before *charge, reason string, inquiry bool) (*dispute, error) {
	amount := before.Amount - before.AmountRefunded
	if before.Status != "succeeded" || before.Disputed || amount == 0 {
		return nil, refuse("", "charge", "Charge %s is not paid, is refunded, or is already disputed.", before.ID)
	}
	ch := *before
	ch.Disputed = true
	put(t, kindCharge, &t.charges, ch.ID, &ch)
	d := &dispute{
		ID:                  newID("dp_1", 23),
		Object:              "dispute",
		Amount:              amount,
		BalanceTransactions: []balanceTransaction{},
		Charge:              ch.ID,
		Created:             t.now.Unix(),
		Currency:            ch.Currency,
		Evidence:            map[string]any{},
		EvidenceDetails:     evidenceDetails{DueBy: t.now.Add(evidenceTime).Unix()},
		Metadata:            map[string]string{},
		NetworkReasonCode:   "10.4",
		PaymentIntent:       ch.PaymentIntent.id,
		PaymentMethodDetails: map[string]any{"type": "card", "card": map[string]any{"brand": "visa",
			"case_type": "chargeback", "network_reason_code": "10.4"}},
		Reason: reason,
		Status: disputeNeedsResponse,
	}

	if inquiry {
		d.Status, d.IsChargeRefundable = inquiryNeedsResponse, true
	} else {
		d.BalanceTransactions = []balanceTransaction{d.moved(t.now, -amount)}
	}

	put(t, kindDispute, &t.disputes, d.ID, d)
	t.emit("charge.dispute.created", d, nil)
	if !inquiry {
		t.emit("charge.dispute.funds_withdrawn", d, nil)
	}
	return d, nil
}

// moved is a balance transaction of a dispute; a withdrawal also costs the fee.
func (d *dispute) moved(now time.Time, amount int64) balanceTransaction {
	b := balanceTransaction{
		ID:                newID("txn_1", 23),
		Object:            "balance_transaction",
		Amount:            amount,
		Created:           now.Unix(),
		Currency:          d.Currency,
		Net:               amount,
		ReportingCategory: "dispute_reversal",
		Source:            d.ID,
		Status:            "available",
		Type:              "adjustment",
	}
	if amount < 0 {
		b.ReportingCategory, b.Fee, b.Net = "dispute", disputeFee, amount-disputeFee
	}
	return b
}

// changeDispute moves the open dispute of a charge to its next state. Outcomes: evidence (the shop
// has answered), escalate (an inquiry becomes a dispute), won, lost.
func (t *tx) changeDispute(ch *charge, outcome string) (*dispute, error) {
	for _, before := range t.disputes.newest() {
		if before.Charge != ch.ID || !before.open() {
			continue
		}
		inquiry := len(before.BalanceTransactions) == 0
		left := ch.Amount - ch.AmountRefunded
		d := *before

		previous := map[string]any{"status": before.Status}
		switch {
		case outcome == "evidence" && before.Status == disputeNeedsResponse:
			d.answered(disputeUnderReview)
			previous["evidence_details"] = before.EvidenceDetails
		case outcome == "evidence" && before.Status == inquiryNeedsResponse:
			d.answered(inquiryUnderReview)
			previous["evidence_details"] = before.EvidenceDetails
		case outcome == "escalate" && inquiry && left > 0:
			d.Status, d.IsChargeRefundable, d.Amount = disputeNeedsResponse, false, left
			d.EvidenceDetails = evidenceDetails{DueBy: t.now.Add(evidenceTime).Unix()}
			d.BalanceTransactions = []balanceTransaction{d.moved(t.now, -left)}
		case outcome == "won" && inquiry:
			d.Status = inquiryClosed
		case outcome == "won":
			d.Status, d.IsChargeRefundable = disputeWon, true
			d.BalanceTransactions = append(d.BalanceTransactions[:1:1], d.moved(t.now, d.withdrawn()))
		case outcome == "lost" && !inquiry:
			d.Status = disputeLost
		default:
			return nil, refuse("", "outcome", "Dispute %s has the status %s and takes no %s.", d.ID, d.Status, outcome)
		}

		put(t, kindDispute, &t.disputes, d.ID, &d)
		t.tellDispute(&d, outcome, previous)
		return &d, nil
	}

	return nil, refuse("", "charge", "Charge %s has no open dispute.", ch.ID)
}

func (d *dispute) answered(status string) {
	d.Status, d.EvidenceDetails.HasEvidence, d.EvidenceDetails.SubmissionCount = status, true, 1
}

// tellDispute emits the events of a change.
func (t *tx) tellDispute(d *dispute, outcome string, previous map[string]any) {
	if d.open() {
		t.emit("charge.dispute.updated", d, previous)
		if outcome == "escalate" {
			t.emit("charge.dispute.funds_withdrawn", d, nil)
		}
		return
	}
	t.emit("charge.dispute.closed", d, previous)
	if d.Status == disputeWon {
		t.emit("charge.dispute.funds_reinstated", d, nil)
	}
}

func (t *tx) refundable(chargeID string) bool {
	for _, d := range t.disputes.rows {
		if d.Charge == chargeID && !d.IsChargeRefundable {
			return false
		}
	}
	return true
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

// GET /v1/disputes
func listDisputes(t *tx, _ *http.Request, p reader) (any, error) {
	pg := readPage(p)
	created := readRange(p, "created")
	intentID, chargeID := p.str("payment_intent", 200), p.str("charge", 200)
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	var found []*dispute
	for _, d := range t.disputes.newest() {
		if created.holds(d.Created) && (intentID == "" || d.PaymentIntent == intentID) &&
			(chargeID == "" || d.Charge == chargeID) {
			found = append(found, d)
		}
	}
	return paginate(pg, "/v1/disputes", "dispute", found, func(d *dispute) string { return d.ID })
}
