package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Desk performs the acts of staff on orders. Each of its methods is one act: it locks the order,
// refuses one that was changed since the person saw it, has its whole effect in one transaction,
// and reports who did it.
type Desk struct {
	pool      *pgxpool.Pool
	mailAfter time.Duration // how long a parcel can be undone, before the customer is mailed
	committed func()        // is called after each act
}

// NewDesk makes a desk on a database. The running service finishes what its acts leave to do;
// committed, which may be nil, wakes the service if it runs in this process. mailAfter is how long
// a parcel can be undone.
func NewDesk(pool *pgxpool.Pool, mailAfter time.Duration, committed func()) *Desk {
	if committed == nil {
		committed = func() {}
	}
	return &Desk{pool: pool, mailAfter: mailAfter, committed: committed}
}

// Actor is the person who acts: from a request to a staff route (adminui.Who), or from a command,
// with a name alone.
type Actor = adminui.Identity

// Order names an order, and the version of it that the person saw. Version 0 matches any.
type Order struct {
	Identifier string
	Version    int
}

// The errors for which an act may be refused, beside adminui.ErrStale and the reasons of a Refusal.
var (
	ErrUnknownOrder = errors.New("there is no such order")
	// ErrNoVersion rejects a version that the order never had; it is not a conflict.
	ErrNoVersion = errors.New("unknown version of the order: reload it")
)

// textStale is adminui.ErrStale in words for the person who acts on an order.
const textStale = "the order was changed meanwhile: look at it again"

// Refusal says why an act is not done, in words for the person who wants it. Nothing has changed
// then.
type Refusal struct {
	Field string // the form field to correct: amount, lines, tracking, …; may be empty
	Text  string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Text }

// refuseAct refuses an act.
func refuseAct(field, format string, args ...any) error {
	return &Refusal{Field: field, Text: fmt.Sprintf(format, args...)}
}

// act runs an act on an order: fn gets the locked order and returns the report. If there is no
// report nothing had to be done, and the order stays as it is.
func (d *Desk) act(ctx context.Context, who Actor, on Order, fn func(tx pgx.Tx, o deskOrder) (*report, error)) error {
	err := pg.Tx(ctx, d.pool, func(tx pgx.Tx) error {
		o, found, err := lockOrder(ctx, tx, on.Identifier)
		switch {
		case err != nil:
			return err
		case !found:
			return ErrUnknownOrder
		case on.Version > o.Version:
			return ErrNoVersion
		case on.Version != 0 && on.Version != o.Version:
			return adminui.ErrStale
		}

		done, err := fn(tx, o)
		if err != nil || done == nil {
			return err
		}
		version, err := nextVersion(ctx, tx, o.ID, who, done.text)
		if err != nil {
			return err
		}

		done.kind, done.key = "order", o.Identifier
		err = acted(ctx, tx, who, fmt.Sprintf("%s:%d", o.Identifier, version), *done)
		fault.Point("order", "act-made")
		return err
	})

	if err == nil {
		fault.Point("order", "act-committed")
		d.committed()
	}
	return err
}

// report is an entry for the log of acts. If it contains anything about a customer it names them by
// address or code, as whose does: otherwise an erasure would not find it.
type report struct {
	action        adminui.Action // the right that the act requires
	kind, key     string         // the thing that was changed
	text          string
	before, after any
	whose         []string
}

// acted reports an act of staff. The id identifies the act, so that it is reported once.
func acted(ctx context.Context, tx pgx.Tx, who Actor, id string, r report) error {
	who.Service, who.Request = "order", id
	return adminui.RecordAs(ctx, tx, who, adminui.Act{Action: r.action, Kind: r.kind, Key: r.key, Text: r.text,
		Before: r.before, After: r.after, Whose: r.whose})
}

// deskOrder is an order as acts need it.
type deskOrder struct {
	ID            int64
	Identifier    string
	Version       int
	PaymentIntent *string
	MemberID      *int64
	ProspectCode  *string
	Email         *string
	CustomerName  *string
	Currency      string
	msg.OrderAmounts
	ShippingMethod  *shippingMethod
	ShippingAddress *msg.Address
	PlacedAt        time.Time
	CanceledAt      *time.Time
	CurrentStatus   string
}

// deskLine is a line of an order with the fate of its pieces.
type deskLine struct {
	Seq, Quantity     int
	SKUID             int64 `db:"sku_id"`
	PriceCents        int64
	Product, Text     string
	Color, Size       string
	Shipped, Refunded int
	FullPrice         bool // the discount on items was for other lines
}

// toShip is how many pieces still have to be sent.
func (l deskLine) toShip() int { return max(l.Quantity-l.Shipped-l.Refunded, 0) }

// Pieces are some pieces of a line of an order. Seq counts the lines from 0, in the order's
// sequence.
type Pieces struct {
	Seq      int `json:"line"`
	Quantity int `json:"quantity"`
}

func lineAt(lines []deskLine, seq int) (deskLine, bool) {
	for _, l := range lines {
		if l.Seq == seq {
			return l, true
		}
	}
	return deskLine{}, false
}
