package events

import (
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// onOrder notes orders and their states for reports, without the person.
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
		row := placedRow{Key: d.Key, Identifier: o.Identifier, Member: o.MemberID, Currency: o.Currency, Total: o.Total,
			At: o.PlacedAt.UTC()}
		for _, l := range o.Lines {
			row.Pieces += l.Quantity
		}
		if o.MemberID == 0 {
			row.Code, row.CodeHash = pg.Clip(o.ProspectCode, maxCode), erasure.Hash(o.ProspectCode)
		}
		placed = append(placed, row)
	}
	return storeOrders(placed, changed), nil
}

// onMail notes who got which template when. A mail without a template is none that a link leads back to.
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
		rows = append(rows, sentRow{Key: d.Key, Mail: m.Key, Template: pg.Clip(m.EmailCode, maxCode),
			Member: m.MemberID,
			Code:   pg.Clip(m.ProspectCode, maxCode), CodeHash: erasure.Hash(m.ProspectCode), At: m.At.UTC()})
	}
	return storeSent(rows), nil
}
