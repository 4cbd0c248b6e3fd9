package events

import (
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// onOrder stores orders and their states for reports, without names and addresses.
func (s *server) onOrder(group []*bus.Delivery) (*bus.Effect, error) {
	placed, changed := []placedRow{}, []statusRow{}
	for _, d := range group {
		if d.Subject == msg.OrderStatusChangedSubject {
			c, err := bus.Decode[msg.OrderStatusChanged](d)
			if err != nil {
				return nil, err
			}
			changed = append(changed, statusRow{d.Key, c.Identifier, c.Status, c.At.UTC()})
			continue
		}

		o, err := bus.Decode[msg.OrderPlaced](d)
		if err != nil {
			return nil, err
		}
		row := placedRow{
			Key:        d.Key,
			Identifier: o.Identifier,
			Member:     o.MemberID,
			Currency:   o.Currency,
			Total:      o.Total,
			At:         o.PlacedAt.UTC(),
			Items:      []itemRow{},
			Codes:      []codeRow{},
		}
		row.fill(o)
		if o.MemberID == 0 {
			row.Code, row.CodeHash = pg.Clip(o.ProspectCode, maxCode), erasure.Hash(o.ProspectCode)
		}
		placed = append(placed, row)
	}

	return ordersEffect(placed, changed), nil
}

// fill adds what reports show of an order: its items, codes, country and discount.
func (r *placedRow) fill(o msg.OrderPlaced) {
	r.Country, r.Discount = pg.Clip(strings.ToUpper(o.Country), 2), o.ItemDiscount+o.ShippingDiscount
	r.Tax = o.SalesTax + o.TaxIncluded
	for i, l := range o.Lines {
		r.Pieces += l.Quantity
		item := itemRow{
			Seq:         i,
			Product:     pg.Clip(l.ProductIdentifier, maxTitle),
			Title:       pg.Clip(l.Product, maxTitle),
			Collections: []msg.OrderCollection{},
			Pieces:      l.Quantity,
			Sales:       l.PriceEach * int64(l.Quantity),
		}
		if item.Product == "" {
			item.Product = item.Title
		}
		for _, c := range l.Collections {
			item.Collections = append(item.Collections, msg.OrderCollection{Address: pg.Clip(c.Address, maxTitle),
				Title: pg.Clip(c.Title, maxTitle)})
		}
		r.Items = append(r.Items, item)
	}

	for _, c := range o.Codes {
		if c.Applied {
			r.Codes = append(r.Codes, codeRow{Code: pg.Clip(c.Code, maxText), Title: pg.Clip(c.Description, maxTitle)})
		}
	}
}

// onGivenBack stores what was given back of orders, by day, and the taxes of orders whose own
// messages did not carry them yet.
func (s *server) onGivenBack(group []*bus.Delivery) (*bus.Effect, error) {
	rows := []returnedRow{}
	for _, d := range group {
		o, err := bus.Decode[msg.OrderGivenBack](d)
		if err != nil {
			return nil, err
		}
		row := returnedRow{
			Key:        d.Key,
			Identifier: o.Identifier,
			Tax:        o.Tax,
			Version:    o.Version,
			Returns:    o.Returns,
			Days:       []string{},
		}
		if row.Returns == nil {
			row.Returns = []msg.GivenBack{}
		}
		for _, g := range o.Returns {
			row.Days = append(row.Days, g.At.UTC().Format(time.DateOnly))
		}
		slices.Sort(row.Days)
		row.Days = slices.Compact(row.Days)
		rows = append(rows, row)
	}
	return returnedEffect(rows), nil
}

// onMail stores who was sent which template when. A mail without a template is left out: no link
// leads back to it.
func (s *server) onMail(group []*bus.Delivery) (*bus.Effect, error) {
	rows := []sentRow{}
	for _, d := range group {
		m, err := bus.Decode[msg.MailDone](d)
		if err != nil {
			return nil, err
		}
		if m.EmailCode == "" {
			continue
		}
		rows = append(rows, sentRow{
			Key:      d.Key,
			Mail:     m.Key,
			Template: pg.Clip(m.EmailCode, maxCode),
			Campaign: m.Campaign,
			Title:    pg.Clip(m.CampaignName, maxTitle),
			Member:   m.MemberID,
			Code:     pg.Clip(m.ProspectCode, maxCode),
			CodeHash: erasure.Hash(m.ProspectCode),
			At:       m.At.UTC(),
		})
	}
	return sentEffect(rows), nil
}
