package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
)

const (
	// sweepList is how often Stripe's own list is read, for sessions that we do not know.
	sweepList = 10 * time.Minute
	// sweepOverlap is how far each reading reaches back behind the last one: longer than a payment
	// page lives, so that a session is seen again after it could be paid.
	sweepOverlap = 26 * time.Hour
	// sweepLease is for how many sweeps one process keeps others from it; it gives the lease back
	// when it is done.
	sweepLease = 4
	// sweepFailures in a row end a sweep.
	sweepFailures = 3
	// sweepPace spares Stripe's rate limit (25 calls a second in test mode).
	sweepPace = 50 * time.Millisecond
)

var sweepLag = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_sweep_lag_seconds", Help: "Time since the sweep over Stripe's sessions last finished."})
var openIssues = promauto.NewGauge(prometheus.GaugeOpts{Name: "shop_payment_issues_open", Help: "Payments that made no order and wait for staff."})

// sweep repairs what lost webhooks left, until ctx ends: it asks Stripe about our open checkouts
// one by one, and now and then lists Stripe's recent sessions. It runs the same function as the
// webhook's event, so it never makes a second order.
func (s *service) sweep(ctx context.Context) error {
	if s.stripe.noKey {
		s.log.Warn("STRIPE_SECRET_KEY is not set: no payments, no sweep")
		<-ctx.Done()
		return nil
	}
	tick := time.NewTicker(s.cfg.SweepEvery)
	defer tick.Stop()
	for {
		if err := s.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("sweep", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *service) sweepOnce(ctx context.Context) error {
	mine, lag, listedTo, err := leaseSweep(ctx, s.db, sweepLease*s.cfg.SweepEvery)
	if err != nil {
		return err
	}
	sweepLag.Set(lag.Seconds())
	if n, err := countIssues(ctx, s.db); err == nil {
		openIssues.Set(float64(n))
	}
	s.measureHolds(ctx)
	if !mine {
		return nil
	}
	if err := s.sweepEnded(ctx); err != nil {
		s.log.Warn("sweep: the pages of ended carts", "error", err)
	}
	if err := s.sweepOpen(ctx); err != nil {
		return errors.Join(err, releaseSweep(context.WithoutCancel(ctx), s.db))
	}
	if time.Since(listedTo) > sweepList {
		began := time.Now()
		// A Stripe that cannot list (a restricted key) must not stop the sweep of our own checkouts.
		if err := s.stripe.listSessions(ctx, listedTo.Add(-sweepOverlap), func(p session) error { return s.sweepListed(ctx, p) }); err != nil {
			s.log.Warn("sweep: Stripe's list", "error", err)
		} else {
			listedTo = began
		}
	}
	return finishSweep(ctx, s.db, listedTo)
}

// sweepOpen asks Stripe about our checkouts that are open for a while, each once. A checkout that
// cannot be settled must not keep the others waiting; failures in a row mean that Stripe or the
// database is away, and what is left has to wait for the next sweep.
func (s *service) sweepOpen(ctx context.Context) error {
	began, failures := time.Now(), 0
	for {
		list, err := checkoutsToSweep(ctx, s.db, s.cfg.SweepAfter+time.Since(began))
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			if err := s.sweepCheckout(ctx, c); err != nil {
				if failures++; failures == sweepFailures {
					return err
				}
				s.log.Warn("sweep", "checkout", c.ID, "error", err)
			} else {
				failures = 0
			}
			select {
			case <-time.After(sweepPace):
			case <-ctx.Done():
				return nil
			}
		}
	}
}

func (s *service) sweepCheckout(ctx context.Context, c checkout) error {
	if c.SessionID == nil {
		// Stripe's answer never came. Nobody saw the page; give it time to turn up in the list.
		if time.Since(c.ExpiresAt) > 0 {
			return endCheckout(ctx, s.db, c.ID, "expired")
		}
		return nil
	}
	now, err := s.stripe.session(ctx, *c.SessionID)
	switch {
	case errors.Is(err, errNoSession):
		if time.Since(c.ExpiresAt) > 0 {
			return endCheckout(ctx, s.db, c.ID, "expired")
		}
		return nil
	case err != nil:
		return err
	case now.paid():
		return s.sweepPaid(ctx, now)
	case now.Status == "expired":
		return endCheckout(ctx, s.db, c.ID, "expired")
	case now.Status == "complete" && c.State != "pending":
		return s.hold(ctx, now)
	case now.Status == "complete":
		// A delayed payment: whether it failed meanwhile does not show in the session.
		if failed, err := s.stripe.intentFailed(ctx, now.PaymentIntent); err != nil || !failed {
			return err
		}
		return s.refuseDebit(ctx, now)
	}
	return nil
}

func (s *service) sweepListed(ctx context.Context, p session) error {
	if !p.paid() || p.Status != "complete" {
		return nil
	}
	if _, found, err := orderOfSession(ctx, s.db, p.ID); err != nil || found {
		return err
	}
	return s.sweepPaid(ctx, p)
}

func (s *service) sweepPaid(ctx context.Context, p session) error {
	fault.Point("order", "sweep-found")
	r, err := s.settle(ctx, p, "")
	if err != nil {
		return fmt.Errorf("settle session %s: %w", p.ID, err)
	}
	fault.Point("order", "sweep-settled")
	s.log.Info("sweep settled a paid session", "session", p.ID, "order", r.identifier != "", "reason", r.reason)
	return nil
}

// leaseSweep makes one process of several the one that sweeps.
func leaseSweep(ctx context.Context, db querier, lease time.Duration) (mine bool, lag time.Duration, listedTo time.Time, err error) {
	var finished time.Time
	err = db.QueryRow(ctx, `
		WITH l AS (UPDATE sweep SET lease_until = now() + $1::interval WHERE lease_until < now() RETURNING id)
		SELECT EXISTS (SELECT FROM l), finished_at, listed_to FROM sweep`, lease).Scan(&mine, &finished, &listedTo)
	if err != nil {
		return false, 0, time.Time{}, fmt.Errorf("lease the sweep: %w", err)
	}
	return mine, time.Since(finished), listedTo, nil
}

func releaseSweep(ctx context.Context, db querier) error {
	if _, err := db.Exec(ctx, `UPDATE sweep SET lease_until = '-infinity'`); err != nil {
		return fmt.Errorf("give the sweep back: %w", err)
	}
	return nil
}

func finishSweep(ctx context.Context, db querier, listedTo time.Time) error {
	if _, err := db.Exec(ctx, `UPDATE sweep SET lease_until = '-infinity', finished_at = now(), listed_to = greatest(listed_to, $1)`, listedTo); err != nil {
		return fmt.Errorf("finish the sweep: %w", err)
	}
	return nil
}

func countIssues(ctx context.Context, db querier) (n int, err error) {
	if err := db.QueryRow(ctx, `SELECT count(*) FROM payment_issue WHERE resolved_at IS NULL`).Scan(&n); err != nil {
		return 0, fmt.Errorf("count payments for staff: %w", err)
	}
	return n, nil
}

// checkoutsToSweep takes the next checkouts that nobody has asked Stripe about for a while.
func checkoutsToSweep(ctx context.Context, db querier, after time.Duration) ([]checkout, error) {
	return collect[checkout](ctx, db, "checkouts to sweep", `
		UPDATE checkout SET checked_at = now()
		WHERE id IN (SELECT id FROM checkout WHERE state IN ('creating', 'open', 'pending') AND checked_at < now() - $1::interval ORDER BY checked_at LIMIT 100 FOR UPDATE SKIP LOCKED)
		RETURNING `+checkoutColumns, after)
}
