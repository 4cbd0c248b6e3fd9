package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

const (
	// sweepListEvery is how often Stripe's own list is read, for sessions that we do not know.
	sweepListEvery = 10 * time.Minute
	// sweepOverlap is how far each reading overlaps the last one: longer than a payment page lives,
	// so that a session is seen again after it could be paid.
	sweepOverlap = 26 * time.Hour
	// sweepLease is for how many sweeps one process keeps others from sweeping; it releases the
	// lease when it is done.
	sweepLease = 4
	// sweepFailures is how many failures in a row end a sweep.
	sweepFailures = 3
	// sweepPause spares Stripe's rate limit (25 calls a second in test mode).
	sweepPause = 50 * time.Millisecond
)

var sweepLag = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_sweep_lag_seconds",
	Help: "Time since the sweep over Stripe's sessions last finished."})
var listLag = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_sweep_list_lag_seconds",
	Help: "Time up to which Stripe's list of sessions was last read to its end, as an age."})
var unsettledAge = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_paid_unsettled_seconds",
	Help: "Age of the oldest session that is paid at Stripe and neither an order nor an entry for staff here; 0 " +
		"without one."})
var archiveFailing = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_archive_failing_seconds",
	Help: "For how long PostgreSQL has failed to archive its log; 0 while it succeeds, or archives nothing."})
var openIssues = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_payment_issues_open",
	Help: "Payments that made no order and wait for staff."})

// sweep repairs the effects of lost webhooks, until ctx ends: it asks Stripe about our open
// checkouts one by one, and from time to time lists Stripe's recent sessions. It runs the same
// function as the webhook's event, so it never makes a second order.
func (s *server) sweep(ctx context.Context) error {
	if !s.stripe.HasKey() {
		s.log.Warn("STRIPE_SECRET_KEY is not set: no payments, no sweep")
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("the sweep failed", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *server) sweepOnce(ctx context.Context) error {
	mine, lag, listedTo, err := leaseSweep(ctx, s.pool, sweepLease*s.cfg.SweepEvery)
	if err != nil {
		return err
	}
	sweepLag.Set(lag.Seconds())
	s.measureHolds(ctx)
	listLag.Set(time.Since(listedTo).Seconds())
	defer s.measure(ctx)
	if !mine {
		return nil
	}

	if err := s.sweepEnded(ctx); err != nil {
		s.log.Warn("closing the pages of ended carts failed", "error", err)
	}
	if err := s.sweepMoney(ctx); err != nil {
		s.log.Warn("sweeping refunds and disputes failed", "error", err)
	}
	failed := s.sweepOpen(ctx)

	if time.Since(listedTo) > sweepListEvery {
		began := time.Now()
		// If Stripe refuses to list (with a restricted key), our own checkouts must be swept all
		// the same.
		err := s.sweepUnsettled(ctx)
		if err == nil {
			err = s.stripe.Sessions(ctx, listedTo.Add(-sweepOverlap),
				func(p stripe.Session) error { return s.sweepListed(ctx, p) })
		}
		if err != nil {
			s.log.Warn("sweeping Stripe's list failed", "error", err)
		} else {
			listedTo = began
		}
	}
	if failed != nil {
		return errors.Join(failed, releaseSweep(context.WithoutCancel(ctx), s.pool, listedTo))
	}
	return finishSweep(ctx, s.pool, listedTo)
}

// measure sets the metrics of waiting work, also in processes that do not sweep.
func (s *server) measure(ctx context.Context) {
	if n, err := countIssues(ctx, s.pool); err == nil {
		openIssues.Set(float64(n))
	}
	if age, err := oldestUnsettled(ctx, s.pool); err == nil {
		unsettledAge.Set(age.Seconds())
	}
	if age, err := oldestRefund(ctx, s.pool); err == nil {
		refundsWaiting.Set(age.Seconds())
	}
	if age, err := archiveFails(ctx, s.pool); err == nil { // of the whole database server, so one service is enough
		archiveFailing.Set(age.Seconds())
	}
}

// sweepOpen asks Stripe about checkouts that have been open for a while, each once. A checkout that
// cannot be settled must not keep the others waiting; failures in a row mean that Stripe or the
// database is down, and the rest has to wait for the next sweep.
func (s *server) sweepOpen(ctx context.Context) error {
	began, failures := time.Now(), 0
	for {
		list, err := checkoutsToSweep(ctx, s.pool, s.cfg.SweepAfter+time.Since(began))
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			if err := s.sweepCheckout(ctx, c); err != nil {
				if failures++; failures == sweepFailures {
					return err
				}
				s.log.Warn("sweeping a checkout failed", "checkout", c.ID, "error", err)
			} else {
				failures = 0
			}
			select {
			case <-time.After(sweepPause):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (s *server) sweepCheckout(ctx context.Context, c openCheckout) error {
	if c.SessionID == nil {
		// Stripe's answer never came. No one saw the page; it may still turn up in the list.
		if time.Since(c.ExpiresAt) > 0 {
			return endCheckout(ctx, s.pool, c.ID, stateExpired)
		}
		return nil
	}

	now, err := s.stripe.Session(ctx, *c.SessionID)
	switch {
	case errors.Is(err, stripe.ErrNoSession):
		if time.Since(c.ExpiresAt) > 0 {
			return endCheckout(ctx, s.pool, c.ID, stateExpired)
		}
		return nil
	case err != nil:
		return err
	case now.Paid():
		return s.sweepPaid(ctx, now)
	case now.Status == stripe.SessionExpired:
		return endCheckout(ctx, s.pool, c.ID, stateExpired)
	case now.Status == stripe.SessionComplete && c.State != statePending:
		return s.markPending(ctx, now)
	case now.Status == stripe.SessionComplete:
		// The session of a delayed payment does not show whether it has failed in the meantime.
		if failed, err := s.stripe.IntentFailed(ctx, now.PaymentIntent); err != nil || !failed {
			return err
		}
		return s.refuseDebit(ctx, now)
	}
	return nil
}

func (s *server) sweepListed(ctx context.Context, p stripe.Session) error {
	if s.otherShops(p) || !p.Paid() || (p.Status != stripe.SessionComplete && p.Odd == nil) {
		return nil
	}
	if _, found, err := orderOfSession(ctx, s.pool, p.ID); err != nil || found {
		return err
	}
	return s.sweepPaid(ctx, p)
}

// sweepPaid settles a paid session. If it cannot be settled that is noted, and the sweep goes on;
// it stops only if the note fails too, because then the database is down.
func (s *server) sweepPaid(ctx context.Context, p stripe.Session) error {
	fault.Point("order", "sweep-found")
	r, err := s.settle(ctx, p, "")
	if err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("settle session %s: %w", p.ID, err)
		}
		s.log.Warn("settling a paid session failed, the sweep will retry", "session", p.ID, "error", err)
		return noteUnsettled(ctx, s.pool, p, err)
	}
	fault.Point("order", "sweep-settled")
	s.log.Info("sweep settled a paid session", "session", p.ID, "order", r.identifier != "", "reason", r.reason)
	return nil
}

// sweepUnsettled tries the paid sessions again that could not be settled. Stripe's list may no
// longer reach back to them.
func (s *server) sweepUnsettled(ctx context.Context) error {
	if err := deleteSettled(ctx, s.pool); err != nil {
		return err
	}
	list, err := listUnsettled(ctx, s.pool)
	if err != nil {
		return err
	}
	for _, id := range list {
		now, err := s.stripe.Session(ctx, id)
		switch {
		case errors.Is(err, stripe.ErrNoSession), err == nil && !now.Paid():
			err = deleteUnsettled(ctx, s.pool, id)
		case err == nil:
			err = s.sweepPaid(ctx, now)
		default:
			s.log.Warn("sweeping a session failed", "session", id, "error", err)
			err = nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
