package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// ParkedUsage describes the commands about parked messages. They call the running services, as the
// back office does: a message is handled by the service that parked it, with its own connections.
const ParkedUsage = `Parked messages, at the running services:

  parked list [-service NAME] [-seen]       those waiting, or those dealt with, oldest first, one JSON
                                            object a line
  parked show -service NAME -message ID     one, whole: why it could not succeed, and what it says, as JSON
  parked replay -service NAME -message ID   have it handled again; if it fails again it stays, with the new reason
                -by NAME
  parked replay -service NAME -by NAME      have all of a kind handled again
                -consumer NAME -subject SUBJECT
  parked drop -service NAME -message ID     note that nothing has to be done about it, and why
              -by NAME -note TEXT

All are safe to repeat: nothing is done twice. ADMIN_URL, ORDER_URL and so on say where the services are.
`

// ParkedCommand runs a command about parked messages and returns the exit code.
func ParkedCommand(args []string, out, stderr io.Writer) int {
	return boot.Command("parked", ParkedUsage, boot.CommandTimeout, stderr, func(ctx context.Context) error {
		return parkedCommand(ctx, args, out)
	})
}

// parkedFlags are the flags of the commands.
type parkedFlags struct {
	service, consumer, subject, by, note string
	message                              int64
	seen                                 bool
}

// parkedVerbs are the commands by name, with the flags that each accepts.
var parkedVerbs = map[string]struct {
	flags string
	run   func(context.Context, *server, parkedFlags, io.Writer) error
}{
	"list":   {"service seen", listParked},
	"show":   {"service message", showParked},
	"replay": {"service message consumer subject by", replayParked},
	"drop":   {"service message by note", dropParked},
}

// errParkedArguments says that a command lacks a flag or has one too many.
var errParkedArguments = fmt.Errorf("%w: see the help for what each command takes", boot.ErrUsage)

func parkedCommand(ctx context.Context, args []string, out io.Writer) error {
	var f parkedFlags
	verb, known := parkedVerbs[strings.Join(args[:min(1, len(args))], "")]
	if !known {
		return fmt.Errorf("%w: the commands are list, show, replay and drop", boot.ErrUsage)
	}

	set := flag.NewFlagSet(args[0], flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for name, text := range map[string]*string{"service": &f.service, "consumer": &f.consumer, "subject": &f.subject,
		"by": &f.by, "note": &f.note} {
		set.StringVar(text, name, "", "")
	}
	set.Int64Var(&f.message, "message", 0, "")
	set.BoolVar(&f.seen, "seen", false, "")
	if err := set.Parse(args[1:]); err != nil || set.NArg() > 0 {
		return errParkedArguments
	}
	strange := false
	set.Visit(func(given *flag.Flag) {
		strange = strange || !slices.Contains(strings.Fields(verb.flags), given.Name)
	})
	if strange {
		return errParkedArguments
	}

	cfg, err := boot.Load[Config]()
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	s := &server{cfg: cfg, log: slog.New(slog.DiscardHandler), signer: cfg.StaffSigner()}
	if s.addresses, err = cfg.parse(); err == nil {
		s.owners, err = s.findOwners(cfg.InsideFiles())
	}
	if err != nil {
		return fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	if f.service != "" && s.owners[f.service] == nil {
		return fmt.Errorf("%w: the services are %s", boot.ErrUsage,
			strings.Join(slices.Sorted(maps.Keys(s.owners)), ", "))
	}

	return verb.run(ctx, s, f, out)
}

// commander is the person that a command names, with the rights that it needs: the log tells them
// from a person who signed in.
func commander(by string) adminui.Identity {
	return adminui.Identity{Name: by + " (command)", Roles: []adminui.Role{adminui.Manager}}
}

// path is the path of a page about parked messages.
func (f parkedFlags) path(parts ...string) string {
	return "/parked/" + strings.Join(append([]string{f.service}, parts...), "/")
}

// one is the path of the message's page.
func (f parkedFlags) one(parts ...string) string {
	return f.path(append([]string{web.ID(f.message)}, parts...)...)
}

func (f parkedFlags) unknown() error {
	return fmt.Errorf("%s has parked no message %d", f.service, f.message)
}

// listParked prints the messages of one service or of all. Services that do not answer are reported
// at the end.
func listParked(ctx context.Context, s *server, f parkedFlags, out io.Writer) error {
	services := slices.Sorted(maps.Keys(s.owners))
	if f.service != "" {
		services = []string{f.service}
	}
	var errs []error
	for _, f.service = range services {
		errs = append(errs, s.printParked(ctx, f, out))
	}
	return errors.Join(errs...)
}

func (s *server) printParked(ctx context.Context, f parkedFlags, out io.Writer) error {
	query := ""
	if f.seen {
		query = "seen-to=yes"
	}

	for {
		var page struct {
			Messages []json.RawMessage `json:"messages"`
			Next     string            `json:"next"`
		}
		if err := s.ask(ctx, f.service, f.path(), query, commander(""), &page); err != nil {
			return err
		}
		for _, m := range page.Messages {
			line, err := printout.With(m, "service", []byte(strconv.Quote(f.service)))
			if err != nil {
				return fmt.Errorf("print a message of %s: %w", f.service, err)
			}
			if _, err := out.Write(append(printout.JSON(line), '\n')); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
		if page.Next == "" {
			return nil
		}
		_, query, _ = strings.Cut(page.Next, "?")
	}
}

func showParked(ctx context.Context, s *server, f parkedFlags, out io.Writer) error {
	if f.service == "" || f.message <= 0 {
		return errParkedArguments
	}
	var page json.RawMessage
	if err := s.ask(ctx, f.service, f.one(), "", commander(""), &page); err != nil {
		if e, ok := errors.AsType[*web.Error](err); ok && e.Status == http.StatusNotFound {
			return f.unknown()
		}
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, page, "", "  "); err != nil {
		return fmt.Errorf("indent a message: %w", err)
	}
	if _, err := out.Write(append(printout.JSON(pretty.Bytes()), '\n')); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func replayParked(ctx context.Context, s *server, f parkedFlags, out io.Writer) error {
	one, kind := f.message > 0, f.consumer != "" && f.subject != ""
	switch {
	case f.service == "" || f.by == "" || one == kind || one && f.consumer+f.subject != "":
		return errParkedArguments
	case one:
		return s.command(ctx, f, f.one("replay"), nil, out)
	}
	return s.command(ctx, f, f.path("replay"), url.Values{"consumer": {f.consumer}, "subject": {f.subject}}, out)
}

func dropParked(ctx context.Context, s *server, f parkedFlags, out io.Writer) error {
	n := utf8.RuneCountInString(strings.TrimSpace(f.note))
	if f.service == "" || f.by == "" || f.message <= 0 || n == 0 {
		return errParkedArguments
	}
	if n > adminui.MaxNote {
		return fmt.Errorf("%w: a note has at most %d characters", boot.ErrUsage, adminui.MaxNote)
	}
	return s.command(ctx, f, f.one("drop"), url.Values{"note": {f.note}}, out)
}

// command posts a form to a service on behalf of the person that the command names, and prints the
// result.
func (s *server) command(ctx context.Context, f parkedFlags, path string, form url.Values, out io.Writer) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "", nil)
	if err != nil {
		return fmt.Errorf("make a request to %s: %w", f.service, err)
	}
	s.toOwner(r, path, "")
	body := []byte(form.Encode())
	web.SetBody(r, body)
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if err := adminui.Sign(r, s.signer, f.service, body, commander(f.by)); err != nil {
		return err
	}

	res, err := s.owners[f.service].RoundTrip(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", f.service, err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var said struct {
		Done, Problem, Text string
		Message             struct{ Reason string }
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(&said); err != nil {
		return fmt.Errorf("read the answer of %s: %w", f.service, err)
	}

	switch {
	case res.StatusCode == http.StatusOK:
		_, err = fmt.Fprintln(out, said.Done)
		return err
	case res.StatusCode == http.StatusNotFound:
		return f.unknown()
	case said.Problem != "":
		return fmt.Errorf("%s %s", said.Problem, printout.Plain(said.Message.Reason))
	case said.Text != "":
		return errors.New(said.Text)
	}

	return fmt.Errorf("%s answered %d", f.service, res.StatusCode)
}
