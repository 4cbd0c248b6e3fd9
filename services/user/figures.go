package user

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// boughtRow is what an order adds to the figures of the customer who placed it; amounts are cents.
type boughtRow struct {
	Key        string    `json:"key"` // key of the message
	Identifier string    `json:"identifier"`
	Member     int64     `json:"member"`
	Email      string    `json:"email"`
	Name       string    `json:"name"` // a visitor's
	Total      int64     `json:"total"`
	Returned   int64     `json:"returned"`
	Version    int64     `json:"version"` // version of Returned
	At         time.Time `json:"at"`
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
		rows = append(rows, boughtRow{
			Key:        d.Key,
			Identifier: o.Identifier,
			Member:     o.MemberID,
			Email:      normalEmail(o.Email),
			Name:       buyerName(o.CustomerName),
			Total:      o.Total,
			At:         o.PlacedAt,
		})
	}
	return rows, nil
}

// onKnownOrder counts orders that tell nothing else: those of members, and of visitors who are
// known. A group with another message in it is left to onOrder.
func (s *server) onKnownOrder(group []*bus.Delivery) (*bus.Effect, error) {
	for _, d := range group {
		if tellsOfVisitor(d) {
			return nil, nil
		}
	}
	rows, err := readBought(group)
	return countBought(rows), err
}

// onMoney takes over what orders came to: what was given back, and existing orders that were not
// counted when they were placed. It locks the customers and sums their figures up again.
func onMoney(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	rows := make([]boughtRow, 0, len(group))
	for _, d := range group {
		o, err := bus.Decode[msg.OrderMoney](d)
		if err != nil {
			return err
		}
		rows = append(rows, boughtRow{
			Key:        d.Key,
			Identifier: o.Identifier,
			Member:     o.MemberID,
			Email:      normalEmail(o.Email),
			Name:       buyerName(o.CustomerName),
			Total:      o.Total,
			Returned:   o.Returned,
			Version:    o.Version,
			At:         o.PlacedAt,
		})
	}

	before, err := buyersOf(ctx, tx, rows)
	if err != nil {
		return err
	}
	if err := lockBuyers(ctx, tx, before); err != nil {
		return err
	}

	now, err := buyersOf(ctx, tx, rows)
	if err != nil {
		return err
	}
	if !slices.Equal(before, now) {
		return errors.New("the customer of an order has just changed, will try again")
	}

	if err := upsertBought(ctx, tx, rows, now); err != nil {
		return err
	}
	if err := sumUp(ctx, tx, now); err != nil {
		return err
	}
	return nameVisitors(ctx, tx, rows, now)
}

// buyerName is the name on an order, as user stores it.
func buyerName(text string) string {
	return pg.StorableText(strings.Join(strings.Fields(text), " "), maxBuyerName)
}

// maxBuyerName is the length of the longest name that is stored of an order, in characters.
const maxBuyerName = 200
