package order

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// pieces is the flag -line, which may be given several times: 0:2 is two pieces of the first line.
type pieces []Pieces

// String implements flag.Value.
func (p *pieces) String() string { return "" }

// Set implements flag.Value.
func (p *pieces) Set(text string) error {
	seq, quantity, ok := strings.Cut(text, ":")
	s, serr := strconv.Atoi(seq)
	q, qerr := strconv.Atoi(quantity)
	if !ok || serr != nil || qerr != nil {
		return errors.New("must be SEQ:QUANTITY")
	}
	*p = append(*p, Pieces{s, q})
	return nil
}

func statusFlags(s *flag.FlagSet, f *staffFlags) {
	s.StringVar(&f.order, "order", "", "")
	s.StringVar(&f.status, "status", "", "")
	s.StringVar(&f.tracking, "tracking", "", "")
	s.StringVar(&f.by, "by", "a command", "")
}

func shipFlags(s *flag.FlagSet, f *staffFlags) {
	s.StringVar(&f.order, "order", "", "")
	s.StringVar(&f.method, "method", "", "")
	s.StringVar(&f.tracking, "tracking", "", "")
	s.StringVar(&f.list, "list", "", "")
	s.StringVar(&f.by, "by", "", "")
	s.Var(&f.lines, "line", "")
}

func shipmentFlags(s *flag.FlagSet, f *staffFlags) {
	s.StringVar(&f.order, "order", "", "")
	s.StringVar(&f.shipment, "shipment", "", "")
	s.StringVar(&f.method, "method", "", "")
	s.StringVar(&f.tracking, "tracking", "", "")
	s.BoolVar(&f.mail, "mail", false, "")
	s.StringVar(&f.by, "by", "", "")
}

func addressFlags(s *flag.FlagSet, f *staffFlags) {
	s.StringVar(&f.order, "order", "", "")
	s.StringVar(&f.file, "file", "", "")
	s.StringVar(&f.by, "by", "", "")
}

func refundFlags(s *flag.FlagSet, f *staffFlags) {
	s.StringVar(&f.order, "order", "", "")
	s.Int64Var(&f.payment, "payment", 0, "")
	s.BoolVar(&f.all, "all", false, "")
	s.Var(&f.lines, "line", "")
	s.BoolVar(&f.shipping, "shipping", false, "")
	s.StringVar(&f.amount, "amount", "", "")
	s.StringVar(&f.reason, "reason", "", "")
	s.StringVar(&f.note, "note", "", "")
	s.BoolVar(&f.restock, "restock", false, "")
	s.StringVar(&f.by, "by", "", "")
}

// on is the order that a command is about, in any version.
func (f staffFlags) on() Order { return Order{Identifier: f.order} }

// who is the actor under the name that the command was given: log and timeline distinguish it from
// a person who signed in.
func (f staffFlags) who() Actor { return Actor{Name: f.by + " (command)"} }

// needs refuses a command without one of its flags.
func needs(command string, flags ...string) error {
	for i := 0; i+1 < len(flags); i += 2 {
		if flags[i+1] == "" {
			return fmt.Errorf("%w: %s requires -%s", boot.ErrUsage, command, flags[i])
		}
	}
	return nil
}

func runStatus(ctx context.Context, d *Desk, f staffFlags, _ io.Writer) error {
	if err := needs("status", "order", f.order, "status", f.status); err != nil {
		return err
	}
	if utf8.RuneCountInString(trackingNumber(f.tracking)) > maxTracking {
		return fmt.Errorf("%w: a tracking number has at most %d characters", boot.ErrUsage, maxTracking)
	}
	return d.Move(ctx, f.who(), f.on(), f.status, f.tracking)
}

func runShip(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
	if f.list == "" {
		if err := needs("ship", "order", f.order, "by", f.by); err != nil {
			return err
		}
		id, err := d.Ship(ctx, f.who(), Parcel{Order: f.on(), Method: f.method, Tracking: f.tracking, Lines: f.lines})
		if err == nil {
			fmt.Fprintf(out, "parcel %s\n", id)
		}
		return err
	}
	if err := needs("ship", "by", f.by); err != nil {
		return err
	}
	text, err := readInput(f.list)
	if err != nil {
		return err
	}

	parcels, _, refused := PastedParcels(string(text))
	for _, s := range d.ShipAll(ctx, f.who(), parcels) {
		if s.Err != nil {
			refused = append(refused, fmt.Errorf("order %s: %w", s.Identifier, s.Err))
			continue
		}
		fmt.Fprintf(out, "%s parcel %s\n", s.Identifier, s.ID)
	}
	return errors.Join(refused...)
}

// readInput reads a file, or the standard input for "-".
func readInput(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}

func runUnship(ctx context.Context, d *Desk, f staffFlags, _ io.Writer) error {
	if err := needs("unship", "order", f.order, "shipment", f.shipment, "by", f.by); err != nil {
		return err
	}
	return d.Undo(ctx, f.who(), f.on(), f.shipment)
}

func runTracking(ctx context.Context, d *Desk, f staffFlags, _ io.Writer) error {
	if err := needs("tracking", "order", f.order, "shipment", f.shipment, "by", f.by); err != nil {
		return err
	}
	return d.Correct(ctx, f.who(), Correction{Order: f.on(), Shipment: f.shipment, Method: f.method,
		Tracking: f.tracking, Mail: f.mail})
}

func runAddress(ctx context.Context, d *Desk, f staffFlags, _ io.Writer) error {
	if err := needs("address", "order", f.order, "file", f.file, "by", f.by); err != nil {
		return err
	}
	raw, err := readInput(f.file)
	if err != nil {
		return err
	}
	var address msg.Address
	if err := json.Unmarshal(raw, &address); err != nil {
		return fmt.Errorf("%w: the address is not a JSON object of texts", boot.ErrUsage)
	}
	return d.Readdress(ctx, f.who(), Readdress{Order: f.on(), Address: address})
}

func runRefund(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
	if err := needs("refund", "by", f.by); err != nil {
		return err
	}
	var id string
	var err error
	switch {
	case f.payment != 0 && (f.order != "" || f.all || len(f.lines) > 0 || f.amount != "" || f.shipping):
		return fmt.Errorf("%w: refund -payment gives the whole payment back and takes none of -order, -all, -line, "+
			"-shipping, -amount", boot.ErrUsage)
	case f.payment != 0:
		id, err = d.RefundPayment(ctx, f.who(), f.payment, f.note)
	case f.order == "" || !f.all && len(f.lines) == 0 && f.amount == "" && !f.shipping:
		return fmt.Errorf("%w: refund requires -order and one of -all, -line, -shipping, -amount", boot.ErrUsage)
	default:
		w := Refund{Order: f.on(), All: f.all, Lines: f.lines, Shipping: f.shipping, Reason: f.reason, Note: f.note,
			Restock: f.restock}
		if f.amount != "" {
			if w.Amount, err = money.Parse(f.amount); err != nil || w.Amount <= 0 {
				return fmt.Errorf("%w: %s is not an amount", boot.ErrUsage, f.amount)
			}
		}
		id, err = d.Refund(ctx, f.who(), w)
	}

	if err == nil {
		fmt.Fprintf(out, "refund %s\n", id)
	}
	return err
}

func runCancel(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
	if err := needs("cancel", "order", f.order, "by", f.by); err != nil {
		return err
	}
	id, err := d.Cancel(ctx, f.who(), f.on(), f.reason, f.note)
	if err == nil && id != "" {
		fmt.Fprintf(out, "refund %s\n", id)
	}
	return err
}

// orderMoney is the money of an order as the command prints it.
type orderMoney struct {
	Order      string          `json:"order"`
	Captured   money.Cents     `json:"captured"`
	Requested  money.Cents     `json:"requested"`
	Refunded   money.Cents     `json:"refunded"`
	Disputed   money.Cents     `json:"disputed"`
	Left       money.Cents     `json:"left"`
	Refunds    json.RawMessage `json:"refunds"`
	Disputes   json.RawMessage `json:"disputes"`
	Shipments  json.RawMessage `json:"shipments"`
	CanceledAt json.RawMessage `json:"canceled_at"`
}

// showMoney prints the money of an order with its refunds, disputes and parcels.
func showMoney(ctx context.Context, pool *pgxpool.Pool, identifier string, out io.Writer) error {
	if err := needs("money", "order", identifier); err != nil {
		return err
	}
	o, found, err := moneyOfOrder(ctx, pool, identifier)
	if err != nil {
		return err
	}
	if !found {
		return ErrUnknownOrder
	}

	shown := orderMoney{Order: identifier, Refunds: o.Refunds, Disputes: o.Disputes, Shipments: o.Shipments,
		CanceledAt: o.CanceledAt}
	if o.PaymentIntent != "" {
		l, err := LedgerOf(ctx, pool, o.PaymentIntent)
		if err != nil {
			return err
		}
		shown.Captured, shown.Requested, shown.Refunded = l.Captured, l.Requested, l.Refunded
		shown.Disputed, shown.Left = l.Disputed, l.Left()
	}

	line, err := json.Marshal(shown)
	if err == nil {
		_, err = fmt.Fprintf(out, "%s\n", printout.JSON(line))
	}
	if err != nil {
		return errors.Join(errors.New("print the money of an order"), err)
	}
	return nil
}
