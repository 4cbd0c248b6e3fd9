package order

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// homeCounts are what waits for the staff, each counted to adminui.MaxCounted.
type homeCounts struct {
	ToShip   int64
	Day      int64 // placed within 24 hours
	Issues   int64
	Disputes int64
	Refunds  int64
}

// staffHome is order's part of the home page.
func (s *server) staffHome(r *http.Request) ([]adminui.Tile, error) {
	if !adminui.Who(r).May(adminui.OrdersView) {
		return nil, nil
	}
	n, err := countForHome(r.Context(), s.pool, adminui.MaxCounted)
	return []adminui.Tile{
		{Title: "Orders to ship", Count: n.ToShip, To: "/orders/ship", Nav: "/orders"},
		{Title: "Orders in 24 hours", Count: n.Day, To: "/orders"},
		{Title: "Payments for staff", Count: n.Issues, To: "/payments", Tone: "bad"},
		{Title: "Open disputes", Count: n.Disputes, To: "/payments?reason=dispute", Tone: "warn"},
		{Title: "Refunds under way", Count: n.Refunds, To: "/orders?only=" + onlyRefunds},
	}, err
}
