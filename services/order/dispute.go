package order

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// disputeRow is a dispute whose status staff have not been told.
type disputeRow struct {
	ID, PaymentIntent, Reason, Status, Currency string
	Amount                                      money.Cents
	Due                                         string // as a day and time in UTC; "" if it cannot be answered
	Order                                       string // identifier, or ""
	Old                                         bool   // decided before the shop kept disputes, or long ago
}

// bankDecided is who resolved an entry about a dispute that no longer needs staff.
const bankDecided = "the bank"

// noteDisputes keeps the entries for staff in step with disputes: staff must answer while the bank
// takes evidence, and must know of lost ones; otherwise there is no entry.
func noteDisputes(ctx context.Context, tx pgx.Tx, payments []string) error {
	list, err := claimDisputesToNote(ctx, tx, payments)
	if err != nil {
		return err
	}
	for _, d := range list {
		switch {
		case d.Status == stripe.DisputeNeedsResponse || d.Status == stripe.InquiryNeedsResponse:
			err = openIssue(ctx, tx, d.issue(disputed, d.asks()))
		case d.Status == stripe.DisputeLost && !d.Old:
			if err = openIssue(ctx, tx, d.issue(disputeLost, fmt.Sprintf(
				"The bank has decided for the buyer: %s is lost. There is nothing left to do in Stripe. Look into "+
					"what happened, then resolve this.", d.Amount))); err == nil {
				err = closeIssues(ctx, tx, d.ID, bankDecided, disputed)
			}
		default: // the bank has the evidence, or has decided for the shop
			err = closeIssues(ctx, tx, d.ID, bankDecided, disputed, disputeLost)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (d disputeRow) issue(reason, explanation string) issue {
	amount := d.Amount
	return issue{Reason: reason, SessionID: d.ID, PaymentIntent: d.PaymentIntent, Amount: &amount,
		Currency: d.Currency, Payload: json.RawMessage(`{}`), Explanation: explanation}
}

// asks says what staff have to do about a dispute.
func (d disputeRow) asks() string {
	of := "payment " + d.PaymentIntent
	if d.Order != "" {
		of = "order " + d.Order
	}
	took := fmt.Sprintf("The buyer of %s disputes %s (%s), and the bank has taken it.", of, d.Amount, d.Reason)
	if d.Status == stripe.InquiryNeedsResponse {
		took = fmt.Sprintf("The bank of the buyer of %s asks about %s (%s). It has taken nothing yet.", of, d.Amount,
			d.Reason)
	}
	until := "The bank takes no evidence: accept it in Stripe's dashboard."
	if d.Due != "" {
		until = "Submit evidence in Stripe's dashboard by " + d.Due + " UTC, or accept it there."
	}
	return took + " " + until
}
