package order

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// usage is the commands beside running the service. They work on the database alone; what others
// have to hear leaves with the outbox of the running service.
const usage = `order is the order service; without arguments it runs. Its commands for staff:

  order payments                                  payments that made no order, one JSON object a line
  order resolve -payment ID -by NAME              note that one was seen to; what was held for it goes back
                [-served]                         to the shelf, unless it was served by hand
  order packing [-order IDENTIFIER]               what to pack and where it goes, one JSON object an order
  order status -order IDENTIFIER -status STATUS   move an order on (accepted, manufacturing, packing, shipped);
               [-tracking NUMBER]                 with the carrier's tracking number

All take DATABASE_URL from the environment and are safe to repeat.
`

var commandNames = []string{"payments", "resolve", "packing", "status"}

// IsCommand says whether arguments name a command rather than a wish to run the service.
func IsCommand(args []string) bool { return len(args) > 0 && slices.Contains(commandNames, args[0]) }

var errUsage = errors.New("cannot work")

// Command runs a command for staff and returns the exit code: 0, 1 for a failure, 2 for arguments or
// settings that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	err := command(ctx, args, out)
	if err == nil {
		return 0
	}
	code := 1
	if errors.Is(err, errUsage) {
		fmt.Fprint(stderr, usage, "\n")
		code = 2
	}
	fmt.Fprintf(stderr, "order: %v\n", err)
	return code
}

func command(ctx context.Context, args []string, out io.Writer) error {
	var payment int64
	var by, identifier, status, tracking string
	var served bool
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	switch args[0] {
	case "resolve":
		f.Int64Var(&payment, "payment", 0, "")
		f.StringVar(&by, "by", "", "")
		f.BoolVar(&served, "served", false, "")
	case "packing":
		f.StringVar(&identifier, "order", "", "")
	case "status":
		f.StringVar(&identifier, "order", "", "")
		f.StringVar(&status, "status", "", "")
		f.StringVar(&tracking, "tracking", "", "")
	}
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 {
		return fmt.Errorf("%w: arguments of %s", errUsage, args[0])
	}
	cfg, err := boot.Load[Config]()
	if err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	db, err := pg.Open(ctx, cfg.DatabaseURL, "order")
	if err != nil {
		return err
	}
	defer db.Close()
	switch args[0] {
	case "resolve":
		return resolvePayment(ctx, db, payment, by, served)
	case "packing":
		return listPacking(ctx, db, identifier, out)
	case "status":
		return moveOrder(ctx, db, identifier, status, tracking)
	}
	return listPayments(ctx, db, out)
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
	Payload       json.RawMessage `json:"raw"`
}

func listPayments(ctx context.Context, db *pgxpool.Pool, out io.Writer) error {
	list, err := openPayments(ctx, db)
	if err != nil {
		return err
	}
	for _, p := range list {
		line, err := json.Marshal(p)
		if err != nil {
			return fmt.Errorf("print payment %d: %w", p.ID, err)
		}
		if _, err := out.Write(append(printout.JSON(line), '\n')); err != nil { // the buyer's own words are in it
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}

// moveOrder adds a status to an order, and the event that tells others, in one transaction.
func moveOrder(ctx context.Context, db *pgxpool.Pool, identifier, status, tracking string) error {
	if identifier == "" || status == "" {
		return fmt.Errorf("%w: status wants -order and -status", errUsage)
	}
	tracking = trackingNumber(tracking)
	if utf8.RuneCountInString(tracking) > maxTracking {
		return fmt.Errorf("%w: a tracking number has at most %d characters", errUsage, maxTracking)
	}
	return pg.Tx(ctx, db, func(tx pgx.Tx) error {
		o, found, err := setTracking(ctx, tx, identifier, tracking)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("there is no order %s", identifier)
		}
		added, err := addStatus(ctx, tx, o.ID, status)
		if err != nil {
			return err
		}
		if !added { // it has it already, or there is none of this name
			known, err := statusKnown(ctx, tx, status)
			if err == nil && !known {
				err = fmt.Errorf("there is no status %s", status)
			}
			return err
		}
		return bus.Enqueue(ctx, tx, msg.Message{
			Key: "order-status:" + identifier + ":" + status, Subject: msg.OrderStatusChangedSubject,
			Payload: msg.OrderStatusChanged{
				Identifier: identifier, Status: status, At: time.Now().UTC(), MemberID: o.MemberID, Email: o.Email,
			},
		})
	})
}

// maxTracking is the length of the longest tracking number, in characters.
const maxTracking = 100

// trackingNumber is what staff typed or pasted without blanks around it and what cannot be seen in it.
// Nothing may be left, which changes nothing.
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
