package events

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// onErased takes erased people out, after the rest of the group is stored.
func (s *server) onErased(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	return erasure.ReceiveAmong(ctx, tx, group, s.onUser, erasePerson)
}

// erasePerson takes a person out of everything, and keeps what the person did as numbers. Visits of
// the same browser before the login lose their mark, too, and addresses lose their parameters,
// which may hold codes.
func erasePerson(ctx context.Context, tx pgx.Tx, p erasure.Person) error {
	orders, err := ordersOf(ctx, tx, p)
	if err != nil {
		return err
	}
	browsers, err := browsersOf(ctx, tx, p, orders)
	if err != nil {
		return err
	}
	if err := eraseVisits(ctx, tx, p, browsers, orders); err != nil {
		return err
	}
	return eraseFunnel(ctx, tx, p, orders)
}

// searchTermsOf are the texts, in lower case, that page addresses may hold of a person: addresses,
// codes, and the identifiers of orders.
func searchTermsOf(p erasure.Person, orders []string) []string {
	needles := p.SearchTerms()
	for _, identifier := range orders {
		needles = append(needles, strings.ToLower(identifier))
	}
	return needles
}

// orderMarks are the marks that page views keep in place of the identifiers of orders.
func orderMarks(orders []string) []string {
	marks := make([]string, len(orders))
	for i, identifier := range orders {
		marks[i] = msg.OrderMark(identifier)
	}
	return marks
}
