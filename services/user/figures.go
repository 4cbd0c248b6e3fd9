package user

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// boughtRow is what an order adds to the figures of the customer who placed it; total is cents.
type boughtRow struct {
	Key    string    `json:"key"`
	Member int64     `json:"member"`
	Email  string    `json:"email"`
	Total  int64     `json:"total"`
	At     time.Time `json:"at"`
}

// readBought reads the orders of a group.
func readBought(group []*bus.Delivery) ([]boughtRow, error) {
	rows := []boughtRow{}
	for _, d := range group {
		if d.Subject != msg.OrderPlacedSubject {
			continue
		}
		o, err := bus.Decode[msg.OrderPlaced](d)
		if err != nil {
			return nil, err
		}
		rows = append(rows, boughtRow{Key: d.Key, Member: o.MemberID, Email: normalEmail(o.Email), Total: o.Total,
			At: o.PlacedAt})
	}
	return rows, nil
}

// onKnownOrder counts orders that tell nothing else: those of members, and of visitors who are known. A group with
// another message in it is for onOrder.
func (s *server) onKnownOrder(group []*bus.Delivery) (*bus.Effect, error) {
	for _, d := range group {
		if tellsOfVisitor(d) {
			return nil, nil
		}
	}
	rows, err := readBought(group)
	return countBought(rows), err
}
