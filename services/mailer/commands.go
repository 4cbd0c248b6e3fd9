package mailer

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"regexp"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Usage describes the commands of mailer. They work on the database alone; the running service
// sends the mails that they make due.
const Usage = `Mails:

  mailer parked         mails that wait for a person, newest first, one JSON object a line
  mailer suppressed     the same for mails that the ceiling held back
  mailer retry -mail ID send a parked or suppressed mail again, with a fresh deadline
`

// IsCommand reports whether mailer has a command of this name.
func IsCommand(args []string) bool {
	return len(args) > 0 && (args[0] == stateParked || args[0] == stateSuppressed || args[0] == "retry")
}

// Command runs a command for staff and returns the exit code: 0, 1 for a failure, 2 for arguments
// or settings that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	return boot.Command("mailer", Usage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		return command(ctx, args, out)
	})
}

func command(ctx context.Context, args []string, out io.Writer) error {
	if !IsCommand(args) {
		return fmt.Errorf("%w: the commands are parked, suppressed and retry", boot.ErrUsage)
	}
	var mail int64
	f := flag.NewFlagSet(args[0], flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.Int64Var(&mail, "mail", 0, "")
	if err := f.Parse(args[1:]); err != nil || f.NArg() > 0 || (mail > 0) != (args[0] == "retry") {
		return fmt.Errorf("%w: arguments of %s", boot.ErrUsage, args[0])
	}

	cfg, err := boot.Load[boot.Common]()
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	pool, err := pg.Open(ctx, cfg.DatabaseURL, cfg.Shop(), "mailer")
	if err != nil {
		return err
	}
	defer pool.Close()
	if args[0] != "retry" {
		return printMails(ctx, pool, args[0], out)
	}

	found, err := requeue(ctx, pool, mail)
	if err == nil && !found {
		err = fmt.Errorf("mail %d is neither parked nor suppressed", mail)
	}
	return err
}

// codes match the beginning of a server's answer. The text after them may name the receiver.
var codes = regexp.MustCompile(`^[2-5][0-9][0-9]( [245]\.[0-9]{1,3}\.[0-9]{1,3})?\b`)

// printMails prints the mails in a final state. Receivers, content and the server's text are left
// out, because others may log what a command prints.
func printMails(ctx context.Context, pool *pgxpool.Pool, state string, out io.Writer) error {
	mails, err := listMails(ctx, pool, state)
	if err != nil {
		return err
	}
	for _, m := range mails {
		if m.Reply != nil && codes.MatchString(*m.Reply) { // any other text is our own
			*m.Reply = codes.FindString(*m.Reply)
		}
		line, err := json.Marshal(m)
		if err != nil {
			return fmt.Errorf("print mail %d: %w", m.ID, err)
		}
		if _, err := out.Write(append(printout.JSON(line), '\n')); err != nil {
			return fmt.Errorf("print: %w", err)
		}
	}
	return nil
}
