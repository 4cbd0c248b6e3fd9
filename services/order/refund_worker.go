package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// deskEvery is how often the workers look for work that commands, another process or a crashed one
// left; acts of this process wake them.
const deskEvery = time.Second

var refundsWaiting = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_refund_waiting_seconds",
	Help: "Age of the oldest refund that staff want and Stripe has not answered; 0 without one."})

// followUp enqueues the mails that acts of staff and events require, until ctx ends. It can be
// killed at any moment: rows note what is done.
func (s *server) followUp(ctx context.Context) error {
	return wait.Loop(ctx, s.log, "follow up on acts of staff", deskEvery, s.deskWork,
		func(ctx context.Context) (more bool, err error) { return false, s.followUpOnce(ctx) })
}

// makeRefunds asks Stripe for the refunds that staff want, until ctx ends. It is a worker of its
// own: Stripe may be slow, and mails about parcels must not wait for it.
func (s *server) makeRefunds(ctx context.Context) error {
	return wait.Loop(ctx, s.log, "make refunds", deskEvery, s.refundWork, s.makeRefund)
}

func (s *server) followUpOnce(ctx context.Context) error {
	work, err := readDeskWork(ctx, s.pool)
	if err != nil {
		return err
	}
	for work.Shipments {
		n, err := s.mailDueShipments(ctx)
		if err != nil {
			return err
		}
		work.Shipments = n > 0
	}

	if !work.Payments {
		return nil
	}
	payments, err := paymentsToSettle(ctx, s.pool)
	if err != nil || len(payments) == 0 {
		return err
	}

	return s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		if err := lockPayments(ctx, tx, payments); err != nil {
			return err
		}
		return settleMoney(ctx, tx, payments)
	})
}

// makeRefund asks Stripe for the next refund that is due; made is false if there is none.
func (s *server) makeRefund(ctx context.Context) (made bool, err error) {
	r, found, err := claimRefund(ctx, s.pool)
	if err != nil || !found {
		return false, err
	}

	fault.Point("order", "refund-claimed")
	answer, err := s.askForRefund(ctx, r)
	fault.Point("order", "refund-asked")
	code, refused := stripe.Refused(err)
	switch {
	case err == nil:
		err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
			return storeMoney(ctx, tx, moneyReport{refunds: []stripe.Refund{answer}})
		})
		fault.Point("order", "refund-noted")
		return true, err
	case refused:
		s.log.Warn("Stripe refuses a refund", "refund", r.ID, "error", err)
		return true, s.outbox.Tx(ctx, func(tx pgx.Tx) error {
			if err := lockPayments(ctx, tx, []string{r.PaymentIntent}); err != nil {
				return err
			}
			if err := refuseRefund(ctx, tx, r.ID, code); err != nil {
				return err
			}
			return settleMoney(ctx, tx, []string{r.PaymentIntent})
		})
	case ctx.Err() != nil:
		return false, err
	}
	s.log.Warn("asking Stripe for a refund failed, will retry", "refund", r.ID, "attempt", r.Attempts, "error", err)
	return true, noteTrouble(ctx, s.pool, r.ID, pg.StorableText(err.Error(), stripe.MaxText))
}

// askForRefund has Stripe make a refund, once: a repetition has the same idempotency key, and a
// refund that an earlier call made is found by the id that it carries, for as long as Stripe keeps
// refunds. A refusal counts only if no earlier call succeeded.
func (s *server) askForRefund(ctx context.Context, r dueRefund) (stripe.Refund, error) {
	if r.Attempts > 1 {
		if made, found, err := s.findRefund(ctx, r); err != nil || found {
			return made, err
		}
	}
	made, err := s.stripe.Refund(ctx, stripe.RefundOrder{ID: r.ID, PaymentIntent: r.PaymentIntent, Amount: r.Amount,
		Reason: r.Reason})
	if _, refused := stripe.Refused(err); refused {
		earlier, found, ferr := s.findRefund(ctx, r)
		if ferr != nil || found {
			return earlier, ferr
		}
	}
	return made, err
}

func (s *server) findRefund(ctx context.Context, r dueRefund) (stripe.Refund, bool, error) {
	list, err := s.stripe.RefundsOf(ctx, r.PaymentIntent)
	if _, refused := stripe.Refused(err); refused { // a payment that Stripe does not know has none
		return stripe.Refund{}, false, nil
	}
	for _, made := range list {
		if made.RefundID == r.ID {
			return made, true, nil
		}
	}
	return stripe.Refund{}, false, err
}
