package order

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// orderFigure are the amounts of an order for figures of customers, in cents.
type orderFigure struct {
	ID              int64
	Identifier      string
	MemberID        int64
	Email           string
	CustomerName    string // of a visitor
	Total           int64
	Returned        int64
	ReturnedVersion int64
	PlacedAt        time.Time
}

// message publishes the figures; how ends its key, so that figures of another kind are another
// message.
func (o orderFigure) message(how string) msg.Message {
	return msg.Message{Key: fmt.Sprintf("%s:%s:%d%s", msg.OrderMoneySubject, o.Identifier, o.ReturnedVersion, how),
		Subject: msg.OrderMoneySubject, Payload: msg.OrderMoney{
			Identifier:   o.Identifier,
			MemberID:     o.MemberID,
			Email:        o.Email,
			CustomerName: o.CustomerName,
			Total:        o.Total,
			Returned:     o.Returned,
			Version:      o.ReturnedVersion,
			PlacedAt:     o.PlacedAt,
		}}
}

const orderFigureColumnsSQL = `o.id, o.identifier, coalesce(o.member_id, 0) AS member_id,
	coalesce(o.email, '') AS email,
	CASE WHEN o.member_id IS NULL THEN coalesce(o.customer_name, '') ELSE '' END AS customer_name,
	o.total, o.returned, o.returned_version, o.placed_at`

// noteReturned stores what refunds and disputes took back of the orders of payments, and lists the
// orders of which that changed.
func noteReturned(ctx context.Context, tx pgx.Tx, payments []string) ([]orderFigure, error) {
	return pg.List[orderFigure](ctx, tx, "note what was given back", `
		UPDATE orders o SET returned = m.returned, returned_version = o.returned_version + 1
		FROM (
		  SELECT p AS payment_intent,
		    coalesce((SELECT sum(amount) FROM refund r
		      WHERE r.payment_intent = p AND r.state IN ('pending', 'succeeded')), 0)::bigint
		    + coalesce((SELECT sum(withdrawn) FROM dispute d WHERE d.payment_intent = p), 0)::bigint AS returned
		  FROM unnest($1::text[]) AS p) AS m
		WHERE o.payment_intent = m.payment_intent AND o.returned <> m.returned
		RETURNING `+orderFigureColumnsSQL, payments)
}

// history is how far the existing orders have been enqueued.
type history struct {
	LastID int64
	Until  time.Time
}

// lockHistory locks the history until tx ends; found is false if another process has it, or all
// orders have been enqueued.
func lockHistory(ctx context.Context, tx pgx.Tx) (h history, found bool, err error) {
	return pg.One[history](ctx, tx, "lock the history of orders", `
		SELECT last_id, until FROM history_told FOR UPDATE SKIP LOCKED`)
}

// historyOf lists the orders to enqueue next. Those of erased people have no names: they are
// enqueued only for reports.
func historyOf(ctx context.Context, tx pgx.Tx, h history, rows int) ([]orderFigure, error) {
	return pg.List[orderFigure](ctx, tx, "list orders to tell", `
		SELECT `+orderFigureColumnsSQL+` FROM orders o
		WHERE o.id > $1 AND o.placed_at < $2
		ORDER BY o.id LIMIT $3`, h.LastID, h.Until, rows)
}

func moveHistory(ctx context.Context, tx pgx.Tx, lastID int64) error {
	return pg.Exec(ctx, tx, "note how far the orders are told", `UPDATE history_told SET last_id = $1`, lastID)
}

func endHistory(ctx context.Context, tx pgx.Tx) error {
	return pg.Exec(ctx, tx, "note that all orders are told", `DELETE FROM history_told`)
}
