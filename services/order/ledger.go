package order

import "github.com/startupwebapp/startupwebapp/pkg/money"

// Ledger is the money of one payment, in cents: what came in and what went out.
type Ledger struct {
	Captured  money.Cents
	Requested money.Cents // refunds that Stripe has not answered yet
	Refunded  money.Cents // refunds that Stripe makes or made
	Disputed  money.Cents // what disputes took and have not given back
}

// Left is what can still be given back. If Stripe's dashboard gave back what was requested here as
// well, it is below zero until Stripe has refused the later of the two.
func (l Ledger) Left() money.Cents { return l.AtStripe() - l.Requested }

// AtStripe is what is left by Stripe's own count.
func (l Ledger) AtStripe() money.Cents { return l.Captured - l.Refunded - l.Disputed }
