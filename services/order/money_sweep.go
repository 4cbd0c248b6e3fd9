package order

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

const (
	// moneyCheckPause is how long a refund or a dispute stays undecided before Stripe is asked
	// about it.
	moneyCheckPause = time.Hour
	// moneyBatchSize bounds how much of Stripe's lists one transaction stores.
	moneyBatchSize = 100
)

// sweepMoney repairs the effects of lost events about refunds and disputes: from time to time it
// reads Stripe's lists of both, and asks about those that are undecided.
func (s *server) sweepMoney(ctx context.Context) error {
	if err := s.sweepUndecided(ctx); err != nil {
		return err
	}
	listedTo, err := moneyListedTo(ctx, s.pool)
	if err != nil || time.Since(listedTo) < sweepListEvery {
		return err
	}

	began, since := time.Now(), listedTo.Add(-sweepOverlap)
	var reported moneyReport
	take := func(full bool) error {
		if n := len(reported.refunds) + len(reported.disputes); n == 0 || !full && n < moneyBatchSize {
			return nil
		}
		group := reported
		reported = moneyReport{}
		return s.outbox.Tx(ctx, func(tx pgx.Tx) error { return storeMoney(ctx, tx, group) })
	}

	err = s.stripe.Refunds(ctx, since, func(r stripe.Refund) error {
		if r.PaymentIntent != "" {
			reported.refunds = append(reported.refunds, r)
		}
		return take(false)
	})

	if err == nil {
		err = s.stripe.Disputes(ctx, since, func(d stripe.Dispute) error {
			if d.PaymentIntent != "" {
				reported.disputes = append(reported.disputes, d)
			}
			return take(false)
		})
	}
	if err = errors.Join(err, take(true)); err != nil {
		return err
	}
	return setMoneyListedTo(ctx, s.pool, began)
}

// sweepUndecided asks Stripe about refunds and disputes that no event has mentioned for a while.
func (s *server) sweepUndecided(ctx context.Context) error {
	payments, err := refundsToCheck(ctx, s.pool, moneyCheckPause)
	if err != nil {
		return err
	}

	var reported moneyReport
	for _, p := range payments {
		refunds, err := s.stripe.RefundsOf(ctx, p)
		if err != nil {
			return err
		}
		reported.refunds = append(reported.refunds, refunds...)
	}

	disputes, err := disputesToCheck(ctx, s.pool, moneyCheckPause)
	if err != nil {
		return err
	}
	for _, id := range disputes {
		d, err := s.stripe.Dispute(ctx, id)
		if err != nil {
			return err
		}
		reported.disputes = append(reported.disputes, d)
	}

	if len(reported.refunds)+len(reported.disputes) == 0 {
		return nil
	}
	return s.outbox.Tx(ctx, func(tx pgx.Tx) error { return storeMoney(ctx, tx, reported) })
}
