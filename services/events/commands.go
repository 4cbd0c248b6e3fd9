package events

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Usage describes the commands of events.
const Usage = `What visitors did:

  events summary [-days N]      visits and orders by day, pages most seen, calls that failed, what mails and ads
                                brought, in the last 30 days unless told otherwise, as JSON
  events table NAME [-days N]   pageview, ajax_error, button_click or link_event of the last 366 days, as CSV
`

// How many days the commands' report and tables cover by default, and at most.
const (
	summaryDays, maxSummaryDays = 30, 366
	tableDays, maxDays          = 366, 3660
)

// IsCommand reports whether events has a command of this name.
func IsCommand(args []string) bool {
	return len(args) > 0 && (args[0] == "summary" || args[0] == "table")
}

// Command runs a command for staff and returns the exit code: 0, 1 for a failure, 2 for arguments
// or settings that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	return boot.Command("events", Usage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		return command(ctx, args, out)
	})
}

func command(ctx context.Context, args []string, out io.Writer) error {
	run, err := readCommand(args)
	if err != nil {
		return err
	}
	cfg, err := boot.Load[boot.Common]()
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	pool, err := pg.Open(ctx, cfg.DatabaseURL, cfg.Shop(), "events")
	if err != nil {
		return err
	}
	defer pool.Close()
	return run(ctx, pool, out)
}

// task is a command with its arguments read.
type task func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error

func readCommand(args []string) (task, error) {
	switch {
	case len(args) > 0 && args[0] == "summary":
		days, err := readDays(args[1:], summaryDays, maxSummaryDays)
		return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
			return printSummary(ctx, pool, days, out)
		}, err
	case len(args) > 1 && args[0] == "table":
		t, known := exportTables[args[1]]
		if !known {
			return nil, fmt.Errorf("%w: there is no table %q to list", boot.ErrUsage, args[1])
		}
		days, err := readDays(args[2:], tableDays, maxDays)
		return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
			return t.write(ctx, pool, days, printout.NewList(out))
		}, err
	}
	return nil, fmt.Errorf("%w: the commands are summary and table NAME", boot.ErrUsage)
}

func readDays(args []string, byDefault, limit int) (int, error) {
	days := byDefault
	f := flag.NewFlagSet("events", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.IntVar(&days, "days", byDefault, "")
	if err := f.Parse(args); err != nil || f.NArg() > 0 || days < 1 || days > limit {
		return 0, fmt.Errorf("%w: -days must be from 1 to %d", boot.ErrUsage, limit)
	}
	return days, nil
}

func printSummary(ctx context.Context, pool *pgxpool.Pool, days int, out io.Writer) error {
	report, err := readSummary(ctx, pool, days)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("marshal a report: %w", err)
	}
	if _, err := out.Write(append(printout.JSON(raw), '\n')); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
