package order

import (
	"context"
	"fmt"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// work are the orders that wait for a person. Its lists are short, and are read together with the
// counts, since the end of a list tells what is counted.
func (s *server) work(ctx context.Context, _ int) ([]adminui.WorkKind, error) {
	payments, err := s.paymentWork(ctx)
	if err != nil {
		return nil, err
	}
	late, err := s.lateWork(ctx)
	if err != nil {
		return nil, err
	}
	held, err := s.heldWork(ctx)
	if err != nil {
		return nil, err
	}
	return append(payments, late, held), nil
}

// workReasons are the kinds of entries for staff: the name of each, and its reasons.
var workReasons = []struct {
	name, title, runbook string
	reasons              []string
}{
	{name: "disputes", title: "Disputes", runbook: "refunds", reasons: []string{disputed, disputeLost}},
	{name: "failed-refunds", title: "Failed refunds", runbook: "refunds", reasons: []string{refundLost}},
	{name: "payments", title: "Payments for staff", runbook: "payments-for-staff"}, // all other reasons
}

// paymentWork are the entries for staff by kind.
func (s *server) paymentWork(ctx context.Context) ([]adminui.WorkKind, error) {
	var named []string
	var kinds []adminui.WorkKind
	for _, w := range workReasons {
		named = append(named, w.reasons...)
	}
	for _, w := range workReasons {
		list, count, err := waitingPayments(ctx, s.pool, w.reasons, named, adminui.WorkShown,
			adminui.MaxCounted)
		if err != nil {
			return nil, err
		}
		k := adminui.WorkKind{Name: w.name, Title: w.title, Runbook: w.runbook, To: "/payments", Count: count}
		for i, p := range list {
			if i == 0 {
				k.Oldest = p.At
			}
			k.Items = append(k.Items, adminui.WorkItem{Key: web.ID(p.ID), Title: p.title(),
				Reason: p.Reason + ": " + p.Explanation, Since: p.At, To: p.path(),
				Commands: []adminui.Command{{Text: "Mark as seen to", To: p.path("resolve")}}})
		}
		kinds = append(kinds, k)
	}
	return kinds, nil
}

// lateWork are the orders that have waited to be sent for longer than ORDER_LATE_DAYS.
func (s *server) lateWork(ctx context.Context) (adminui.WorkKind, error) {
	k := adminui.WorkKind{Name: "late-orders", Title: fmt.Sprintf("Orders not sent after %d days", s.cfg.LateDays),
		Runbook: "staff", To: "/orders?only=" + onlyLate + "&sort=placed"}
	list, count, err := lateOrders(ctx, s.pool, s.cfg.LateDays, adminui.WorkShown, adminui.MaxCounted)
	k.Count = count
	for i, o := range list {
		if i == 0 {
			k.Oldest = o.PlacedAt
		}
		k.Items = append(k.Items, adminui.WorkItem{Key: o.Identifier, Title: o.Identifier, Reason: o.Status,
			Since: o.PlacedAt, To: "/orders/" + o.Identifier})
	}
	return k, err
}

// heldWork is the stock that unpaid pages hold. It is not a fault: pages end by themselves.
func (s *server) heldWork(ctx context.Context) (adminui.WorkKind, error) {
	k := adminui.WorkKind{Name: "held-stock", Title: "Stock that unpaid pages hold", Runbook: "held-stock", Calm: true}
	list, count, err := heldStock(ctx, s.pool, adminui.WorkShown)
	k.Count = count
	for i, h := range list {
		if i == 0 || h.Since.Before(k.Oldest) {
			k.Oldest = h.Since
		}
		k.Items = append(k.Items, adminui.WorkItem{Key: web.ID(h.SKU), Title: h.Title, Since: h.Since,
			Reason: fmt.Sprintf("%d of %d pieces, by %d pages of %d people", h.Held, h.Held+h.Free, h.Pages, h.People)})
	}
	return k, err
}
