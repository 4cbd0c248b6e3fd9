package order

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Usage describes the commands of order. They work on the database alone; their messages leave with
// the outbox of the running service.
const Usage = `Orders, parcels, refunds, payments:

  order payments [-raw]                           payments that made no order, refunds that failed and disputes,
                                                  one JSON object a line; -raw adds Stripe's objects, which name buyers
  order resolve -payment ID -by NAME              resolve one; what was held for it goes back to the shelf,
                [-served]                         unless it was served by hand
  order packing [-order IDENTIFIER]               what to pack and where it goes, one JSON object an order
  order status -order IDENTIFIER -status STATUS   move an order on (accepted, manufacturing, packing, shipped);
               [-tracking NUMBER] [-by NAME]      with the carrier's tracking number
  order ship -order IDENTIFIER -by NAME           send all that is left, or pieces of lines (counted from 0);
             [-method METHOD] [-tracking NUMBER]  the customer is mailed SHIPPING_MAIL_AFTER later
             [-line SEQ:QUANTITY]...
  order ship -list FILE -by NAME                  send many: identifier, tracking number, method; - is the input
  order unship -order IDENTIFIER -shipment ID     take a parcel back before the customer is mailed
               -by NAME
  order tracking -order IDENTIFIER -shipment ID   correct a tracking number; -mail tells a customer who was
                 -tracking NUMBER -by NAME        mailed the wrong one
                 [-method METHOD] [-mail]
  order address -order IDENTIFIER -by NAME        correct where an order goes before anything of it is sent: the
                -file FILE                        address as JSON, as packing prints it; - is the input
  order refund -order IDENTIFIER -by NAME         give money back: all that is left, pieces of lines, or an
               -all | -line SEQ:QUANTITY...       amount; -restock puts the pieces back on the shelf
               [-shipping] [-amount 12.34]
               [-restock] [-note TEXT] [-reason requested_by_customer|duplicate|fraudulent]
  order refund -payment ID -by NAME               give back a payment that made no order, and resolve it
  order cancel -order IDENTIFIER -by NAME         refund and restock all of an order that was not sent, and mail
               [-note TEXT] [-reason REASON]      the customer
  order money -order IDENTIFIER                   what was paid, refunded and disputed, and what is left, as JSON
  order help                                      this text

Listing, moving and resolving can be repeated; the others refuse to act twice.
`

// IsCommand reports whether order has a command of this name; without arguments the service is run.
func IsCommand(args []string) bool {
	if len(args) == 0 {
		return false
	}
	_, known := staffCommands[args[0]]
	return known || args[0] == helpCommand
}

// helpCommand prints the usage.
const helpCommand = "help"

// Command runs a command for staff and returns the exit code: 0, 1 for a failure, 2 for invalid
// arguments or settings.
func Command(args []string, out, stderr io.Writer) int {
	if args[0] == helpCommand {
		fmt.Fprint(out, Usage)
		return 0
	}
	return boot.Command("order", Usage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		return command(ctx, args, out)
	})
}

// staffFlags are the flags that all commands have.
type staffFlags struct {
	payment                              int64
	by, order, status, tracking, method  string
	shipment, list, file, reason, note   string
	amount                               string
	served, mail, all, shipping, restock bool
	raw                                  bool
	lines                                pieces
}

// staffCommand is a command for staff: its flags and its function.
type staffCommand struct {
	flags func(*flag.FlagSet, *staffFlags)
	run   func(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error
}

// staffCommands are all commands by their names.
var staffCommands = map[string]staffCommand{
	"payments": {
		func(s *flag.FlagSet, f *staffFlags) { s.BoolVar(&f.raw, "raw", false, "") },
		func(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
			return listPayments(ctx, d.pool, f.raw, out)
		},
	},
	"resolve": {
		func(s *flag.FlagSet, f *staffFlags) {
			s.Int64Var(&f.payment, "payment", 0, "")
			s.StringVar(&f.by, "by", "", "")
			s.BoolVar(&f.served, "served", false, "")
		},
		func(ctx context.Context, d *Desk, f staffFlags, _ io.Writer) error {
			if f.payment == 0 || f.by == "" {
				return fmt.Errorf("%w: resolve requires -payment and -by", boot.ErrUsage)
			}
			return d.Resolve(ctx, f.who(), f.payment, f.served)
		},
	},
	"packing": {
		func(s *flag.FlagSet, f *staffFlags) { s.StringVar(&f.order, "order", "", "") },
		func(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
			return listPacking(ctx, d.pool, f.order, out)
		},
	},
	"status":   {statusFlags, runStatus},
	"ship":     {shipFlags, runShip},
	"unship":   {shipmentFlags, runUnship},
	"tracking": {shipmentFlags, runTracking},
	"address":  {addressFlags, runAddress},
	"refund":   {refundFlags, runRefund},
	"cancel":   {refundFlags, runCancel},
	"money": {
		func(s *flag.FlagSet, f *staffFlags) { s.StringVar(&f.order, "order", "", "") },
		func(ctx context.Context, d *Desk, f staffFlags, out io.Writer) error {
			return showMoney(ctx, d.pool, f.order, out)
		},
	},
}

func command(ctx context.Context, args []string, out io.Writer) error {
	c, known := staffCommands[args[0]]
	if !known {
		return fmt.Errorf("%w: there is no command %s", boot.ErrUsage, args[0])
	}
	var given staffFlags
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	c.flags(f, &given)
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 {
		return fmt.Errorf("%w: invalid arguments of %s", boot.ErrUsage, args[0])
	}
	cfg, err := boot.Load[Config]()
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	pool, err := pg.Open(ctx, cfg.DatabaseURL, cfg.Shop(), "order")
	if err != nil {
		return err
	}
	defer pool.Close()
	return c.run(ctx, NewDesk(pool, cfg.ShippingMailAfter, nil), given, out)
}

// openPayment is a payment that waits for staff.
type openPayment struct {
	ID            int64           `json:"id"`
	At            time.Time       `json:"at"`
	Reason        string          `json:"reason"`
	Explanation   string          `json:"explanation"`
	SessionID     string          `json:"session"`
	PaymentIntent *string         `json:"payment_intent"`
	EventID       *string         `json:"event"`
	Amount        *int64          `json:"amount_cents"`
	Currency      *string         `json:"currency"`
	Payload       json.RawMessage `json:"raw,omitempty"`
}

// listPayments prints the payments without Stripe's objects, unless raw: these name buyers, and the
// output of commands may end up in logs elsewhere.
func listPayments(ctx context.Context, pool *pgxpool.Pool, raw bool, out io.Writer) error {
	list, err := openPayments(ctx, pool)
	if err != nil {
		return err
	}
	for _, p := range list {
		if !raw {
			p.Payload = nil
		}
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("print payment %d: %w", p.ID, err)
		}
		if _, err := out.Write(append(printout.JSON(line), '\n')); err != nil { // it contains the buyer's own words
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// maxTracking is the length of the longest tracking number, in characters.
const maxTracking = 100

// trackingNumber is the text that staff typed or pasted, without surrounding blanks and invisible
// characters. An empty result changes nothing.
func trackingNumber(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, text))
}
