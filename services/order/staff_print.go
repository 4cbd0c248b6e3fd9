package order

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffSlip is the slip in a parcel: what was ordered and where it goes, without prices, since a
// parcel may be a gift.
type staffSlip struct {
	Identifier string       `json:"identifier"`
	PlacedAt   time.Time    `json:"placed_at"`
	Method     string       `json:"shipping_method"`
	Address    *msg.Address `json:"shipping_address"`
	Lines      []slipLine   `json:"lines"`
}

// slipLine are pieces that are left to send.
type slipLine struct {
	Quantity int    `json:"quantity"`
	SKU      int64  `json:"sku"`
	Product  string `json:"product"`
	Variant  string `json:"variant"`
}

// ShipTo is the address in lines.
func (s staffSlip) ShipTo() []string { return addressLines(s.Address) }

// staffSlipsPage is the slips of some orders.
type staffSlipsPage struct {
	Slips   []staffSlip `json:"slips"`
	From    []string    `json:"from"` // the shop's address, in lines
	Label   bool        `json:"-"`    // for a label printer, 100 by 150 mm; otherwise A4
	A4      string      `json:"-"`
	Labels  string      `json:"-"`
	OnePage bool        `json:"-"`
}

// staffSlips prints packing slips for the orders that the address names.
func (s *server) staffSlips(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	ids := q.Values["id"]
	if len(ids) > maxOrdersPerForm {
		return nil, web.BadRequest("id")
	}
	page := staffSlipsPage{Label: q.Get("size") == "label"}
	if page.Slips, err = slipsOf(r.Context(), s.pool, ids); err != nil {
		return nil, err
	}
	if page.From, err = s.shopAddress(r.Context()); err != nil {
		return nil, err
	}
	q.Del("size")
	page.A4 = "/orders/slips?" + q.Encode()
	q.Set("size", "label")
	page.Labels = "/orders/slips?" + q.Encode()
	return adminui.Page{Title: "Packing slips", Template: "slips.html", Data: page}, nil
}

// staffPick is a SKU to be taken from the shelf.
type staffPick struct {
	SKU     int64    `json:"sku"`
	Product string   `json:"product"`
	Variant string   `json:"variant"`
	Pieces  int      `json:"pieces"`
	Orders  []string `json:"orders"`
}

var staffPickColumns = []adminui.Column[staffPick]{
	{Title: "SKU", Value: func(p staffPick) any { return p.SKU }},
	{Title: "Product", Value: func(p staffPick) any { return p.Product }},
	{Title: "Variant", Value: func(p staffPick) any { return p.Variant }},
	{Title: "Pieces", Value: func(p staffPick) any { return p.Pieces }},
	{Title: "Orders", Value: func(p staffPick) any { return strings.Join(p.Orders, ", ") }},
}

// staffPickList is what to take from the shelf for the orders that the address names.
func (s *server) staffPickList(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	ids := q.Values["id"]
	if len(ids) > maxOrdersPerForm {
		return nil, web.BadRequest("id")
	}
	picks, err := picksOf(r.Context(), s.pool, ids)
	if err != nil {
		return nil, err
	}
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	listing.Rows = len(picks)
	table := adminui.NewTable(listing, "pick-list", staffPickColumns, picks, func(p staffPick) any { return p.SKU })
	table.Empty = "These orders have nothing left to send."
	return adminui.Page{Title: "Pick list", Data: struct {
		Picks []staffPick `json:"picks"`
	}{picks}, Table: table}, nil
}

// shopAddress is the shop's name with its postal address, in lines; empty until staff set it.
func (s *server) shopAddress(ctx context.Context) ([]string, error) {
	all, err := settings(ctx, s.pool, settingShopName, settingShopAddress)
	if err != nil {
		return nil, err
	}
	lines := append([]string{}, shopLines(pg.Text(all[settingShopAddress]))...)
	if name := pg.Text(all[settingShopName]); name != "" && !slices.Contains(lines, name) {
		lines = append([]string{name}, lines...)
	}
	return lines, nil
}
