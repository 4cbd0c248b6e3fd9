package user

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Usage describes the commands of user. They work on the database alone; their messages to other
// services leave with the outbox of the running service.
const Usage = `Members, terms of use, chat, prospects:

  user export -member ID | -email ADDRESS     everything that this service holds about a person, as JSON
  user erase  -member ID | -email ADDRESS     erase a person, here and by message in all services
  user terms publish -version N -note-file F  publish new terms of use; F holds an HTML fragment
  user chat [-limit N]                        the newest chat messages, 100 by default, as CSV
  user prospects export                       all prospects, as CSV
  user prospects import -file F               add the people of a CSV file with the columns email and, if it has them,
                                              first_name, last_name, phone, prospect_comment,
                                              unsubscribed (true unless FALSE),
                                              or report every wrong line and add none

All are safe to repeat.
`

// IsCommand reports whether user has a command of this name.
func IsCommand(args []string) bool {
	if len(args) == 0 {
		return false
	}
	switch args[0] {
	case "export", "erase", "terms", "staff", "chat", "prospects":
		return true
	}
	return false
}

// Command runs a command for staff and returns the exit code: 0, 1 for a failure, 2 for arguments
// or settings that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	return boot.Command("user", Usage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		cfg, err := boot.Load[Config]()
		if err != nil {
			return misused("%v", err)
		}
		return command(ctx, cfg, args, out)
	})
}

func misused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{boot.ErrUsage}, args...)...)
}

// task is a command with its arguments read.
type task func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error

func command(ctx context.Context, cfg Config, args []string, out io.Writer) error {
	run, err := readCommand(cfg, args)
	if err != nil {
		return err
	}
	pool, err := pg.Open(ctx, cfg.DatabaseURL, cfg.Shop(), "user")
	if err != nil {
		return err
	}
	defer pool.Close()
	return run(ctx, pool, out)
}

func readCommand(cfg Config, args []string) (task, error) {
	switch name, rest := args[0], args[1:]; name {
	case "export", "erase":
		p, err := ReadPerson(name, rest)
		run := printPerson
		if name == "erase" {
			run = Erase
		}
		return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error { return run(ctx, pool, p, out) }, err
	case "terms":
		return readPublishTerms(rest)
	case "staff":
		return nil, misused("staff: add people of the staff with admin person add")
	case "chat":
		return readListChat(rest)
	case "prospects":
		return readProspectsCommand(rest)
	}
	return nil, misused("unknown command %q", args[0])
}

// flags parses the flags of a command that takes no other arguments.
func flags(name string, args []string, define func(*flag.FlagSet)) error {
	set := flag.NewFlagSet(name, flag.ContinueOnError)
	set.SetOutput(io.Discard)
	define(set)
	if err := set.Parse(args); err != nil {
		return misused("%s: %v", name, err)
	}
	if set.NArg() > 0 {
		return misused("%s: unknown argument %q", name, set.Arg(0))
	}
	return nil
}

// ReadPerson reads the flags of a command about a person: -member or -email.
func ReadPerson(command string, args []string) (erasure.Person, error) {
	var member int64
	var address string
	err := flags(command, args, func(set *flag.FlagSet) {
		set.Int64Var(&member, "member", 0, "")
		set.StringVar(&address, "email", "", "")
	})
	address = normalEmail(strings.TrimSpace(address))
	switch {
	case err != nil:
		return erasure.Person{}, err
	case member < 0 || (member == 0) == (address == ""):
		return erasure.Person{}, misused("%s: name one person, by -member or by -email", command)
	case member > 0:
		return erasure.Person{MemberIDs: []int64{member}}, nil
	}
	// A single word would be found in texts about others. Otherwise our own rules for addresses do
	// not apply: this may be the address of a payment at Stripe.
	if name, host, _ := strings.Cut(address, "@"); name == "" || host == "" {
		return erasure.Person{}, misused("%s: -email is not an address", command)
	}
	return erasure.Person{Emails: []string{address}}, nil
}

func readPublishTerms(args []string) (task, error) {
	if len(args) == 0 || args[0] != "publish" {
		return nil, misused("terms: the command is terms publish")
	}

	var version, file string
	err := flags("terms publish", args[1:], func(set *flag.FlagSet) {
		set.StringVar(&version, "version", "", "")
		set.StringVar(&file, "note-file", "", "")
	})
	if err != nil {
		return nil, err
	}

	number, ok := web.Number(version, maxTerms)
	if !ok || number < 1 {
		return nil, misused("terms publish: -version %q is not a whole number above 0", version)
	}
	note, err := os.ReadFile(file) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, fmt.Errorf("read the note: %w", err)
	}

	return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
		fresh, err := PublishTerms(ctx, pool, int(number), string(note))
		if err != nil {
			return err
		}
		if fresh {
			return say(out, "Terms of use %d are in force; members are asked to agree at their next page.", number)
		}
		return say(out, "Terms of use %d were published before.", number)
	}, nil
}

func readListChat(args []string) (task, error) {
	limit := 100
	err := flags("chat", args, func(set *flag.FlagSet) { set.IntVar(&limit, "limit", limit, "") })
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, misused("chat: -limit is below 1")
	}
	return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
		return listChat(ctx, pool, limit, out)
	}, nil
}

func readProspectsCommand(args []string) (task, error) {
	switch {
	case len(args) == 1 && args[0] == "export":
		return exportProspects, nil
	case len(args) > 1 && args[0] == "import":
		var file string
		if err := flags("prospects import", args[1:],
			func(set *flag.FlagSet) { set.StringVar(&file, "file", "", "") }); err != nil {
			return nil, err
		}
		return func(ctx context.Context, pool *pgxpool.Pool, out io.Writer) error {
			return importProspects(ctx, pool, file, out)
		}, nil
	}
	return nil, misused("prospects: the commands are prospects export and prospects import -file F")
}

func say(out io.Writer, format string, args ...any) error {
	if _, err := fmt.Fprintf(out, format+"\n", args...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
