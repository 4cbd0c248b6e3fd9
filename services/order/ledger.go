package order

import "github.com/startupwebapp/startupwebapp/pkg/money"

// Ledger is the money of one payment, in cents: what came in, and what went where.
type Ledger struct {
	Captured  money.Cents
	Requested money.Cents // refunds that Stripe was not heard about yet
	Refunded  money.Cents // those that Stripe makes or made
	Disputed  money.Cents // that disputes took and have not given back
}

// Left is what can still be given back. Stripe's dashboard may have given back what was requested here as
// well; then it is below zero until Stripe has refused the one that came second.
func (l Ledger) Left() money.Cents { return l.AtStripe() - l.Requested }

// AtStripe is what is left by Stripe's own count.
func (l Ledger) AtStripe() money.Cents { return l.Captured - l.Refunded - l.Disputed }
