package order

import (
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// staffOrder is an order in the list for staff.
type staffOrder struct {
	ID         int64       `json:"-"`
	Identifier string      `json:"identifier"`
	PlacedAt   time.Time   `json:"placed_at"`
	Customer   string      `json:"customer"`
	Email      string      `json:"email"`
	Status     string      `json:"status"`
	Total      money.Cents `json:"total"`
}

// orderPlace is an order's place in the list.
type orderPlace struct {
	At time.Time
	ID int64
}

// staffOrderColumns are the columns of the list, on the page and in the file.
var staffOrderColumns = []adminui.Column[staffOrder]{
	{Title: "Order", Value: func(o staffOrder) any { return adminui.Link{Text: o.Identifier, To: "/orders/" + o.Identifier} }},
	{Title: "Placed", Value: func(o staffOrder) any { return o.PlacedAt }},
	{Title: "Customer", Value: func(o staffOrder) any { return o.Customer }},
	{Title: "E-mail", Minor: true, Value: func(o staffOrder) any { return o.Email }},
	{Title: "Status", Value: func(o staffOrder) any { return adminui.Badge{Text: o.Status} }},
	{Title: "Total", Value: func(o staffOrder) any { return o.Total }},
}

// staffOrders lists orders, the newest first.
func (s *server) staffOrders(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.Listing{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[orderPlace](ask)
	if err != nil {
		return nil, err
	}
	orders, err := listStaffOrders(r.Context(), s.db, ask.Search, after, ask.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(ask, "orders", staffOrderColumns, orders,
		func(o staffOrder) any { return orderPlace{o.PlacedAt, o.ID} })
	table.WithSearch(ask, "Order or e-mail address")
	table.Empty = "No orders."
	return adminui.Page{Title: "Orders", Template: "orders.html", Data: struct {
		Orders []staffOrder `json:"orders"`
		Next   string       `json:"next,omitempty"` // address of the page that follows
	}{orders[:len(table.Rows)], table.Next}, Table: table, Live: "order"}, nil
}
