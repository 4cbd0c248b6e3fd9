package user

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

var reasonColumns = []adminui.Column[reasonRow]{
	{Title: "When", Value: func(r reasonRow) any { return r.At }},
	{Title: "Customer", Value: func(r reasonRow) any { return adminui.Link{Text: r.Email, To: "/customers/" + r.Key} }},
	{Title: "Reasons", Value: func(r reasonRow) any { return r.Text }},
	{Title: "In own words", Value: func(r reasonRow) any { return r.Detail }},
}

// staffReasons lists why people unsubscribed, newest first.
func (s *server) staffReasons(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	list, err := listReasons(r.Context(), s.pool, after, listing.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "reasons", reasonColumns, list, func(r reasonRow) any { return r.ID })
	table.Empty = "No one has given a reason yet."
	if err := s.fileOf(r, listing, table, "reasons"); err != nil {
		return nil, err
	}
	return adminui.Page{
		Title: "Why people unsubscribed",
		Data: struct {
			Reasons []reasonRow `json:"reasons"`
			Next    string      `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
	}, nil
}
