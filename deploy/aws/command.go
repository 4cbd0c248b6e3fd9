package aws

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Usage describes the commands about shops at AWS.
const Usage = `Shops at AWS (region and credentials as for AWS's own tools):

  aws plan NAME [-tag TAG] [-layout one|seven]    what create would change; changes nothing
           [-bastion] [-set PARAMETER=VALUE]...
  aws create NAME [-tag TAG]                      make a shop, or change one: Host and AdminHost are its names,
           [-layout one|seven] [-bastion]         AlarmMail gets alarms; the first time Stripe's keys and the
           [-set PARAMETER=VALUE]...              mail server are taken from the environment
  aws status NAME                                 its stacks, and which images run
  aws resources NAME                              everything that AWS made for it
  aws outputs NAME                                where its parts are, as lines of KEY=VALUE
  aws cost [-layout one|seven] [-bastion]         what it costs a month
           [-set Nat=yes]
  aws set NAME SERVICE SETTING                    set one setting of a service, read from standard input
  aws deploy NAME [-tag TAG]                      bring services to an image; without one, to changed settings
  aws history NAME                                what was deployed, newest first, with numbers for rollback
  aws rollback NAME -back N -confirm TEXT         deploy what ran N deployments ago; TEXT is "roll back NAME by N"
  aws run NAME [-tag TAG] COMMAND...              run a command as a task, such as migrate or order payments
  aws destroy NAME -confirm NAME                  take it away, pictures too; a snapshot of the database stays
`

// commandTimeout bounds a command: creating a shop at AWS takes half an hour.
const commandTimeout = 2 * time.Hour

// Command runs a command about a shop at AWS and returns the exit code: 0, 1 for a failure, 2 for
// invalid arguments. known returns the settings of a service.
func Command(args []string, known func(service string) []boot.Setting, out, stderr io.Writer) int {
	return boot.Command("aws", Usage, commandTimeout, stderr, func(ctx context.Context) error {
		return command(ctx, args, known, out)
	})
}

// request holds a command's parsed arguments.
type request struct {
	shopRequest
	verb, shop, confirm string
	back                int
	rest                []string
}

func command(
	ctx context.Context, args []string, known func(service string) []boot.Setting, out io.Writer,
) error {
	r, err := read(args)
	if err != nil {
		return err
	}
	named := func(s boot.Setting) bool { return s.Name == r.rest[1] }
	if r.verb == "set" && !slices.ContainsFunc(known(r.rest[0]), named) {
		return fmt.Errorf("%w: %s takes no setting %s: shop run -help lists them", boot.ErrUsage, r.rest[0], r.rest[1])
	}
	if r.verb == "cost" {
		return (&cloud{out: out}).cost(r.shopRequest)
	}

	c, err := open(ctx, r.shop, out)
	if err != nil {
		return err
	}
	if r.verb == "plan" || r.verb == "create" {
		if r.layout, err = c.chosenLayout(ctx, r.layout); err != nil {
			return err
		}
	}

	switch r.verb {
	case "plan":
		return c.plan(ctx, r.shopRequest)
	case "create":
		return c.create(ctx, r.shopRequest)
	case "status":
		return c.status(ctx)
	case "resources":
		return c.resources(ctx)
	case "outputs":
		return c.outputs(ctx)
	case "set":
		return c.setOne(ctx, r.rest[0], r.rest[1], os.Stdin)
	case "deploy":
		return c.deploy(ctx, r.tag)
	case "history":
		return c.tellHistory(ctx)
	case "rollback":
		return c.rollback(ctx, r.back)
	case "run":
		return c.run(ctx, r.tag, r.rest)
	}

	return c.destroy(ctx)
}

// further says how many arguments a verb requires after its flags, and whether it takes more.
var further = map[string]struct {
	least int
	more  bool
}{
	"plan": {}, "create": {}, "status": {}, "resources": {}, "outputs": {}, "cost": {}, "deploy": {}, "history": {},
	"rollback": {}, "destroy": {}, "set": {least: 2}, "run": {least: 1, more: true},
}

func read(args []string) (request, error) {
	r := request{verb: args[0], shopRequest: shopRequest{set: map[string]string{}}}
	wants, known := further[r.verb]
	if !known {
		return r, fmt.Errorf("%w: there is no command %s", boot.ErrUsage, r.verb)
	}

	args = args[1:]
	if r.verb != "cost" {
		if len(args) == 0 {
			return r, fmt.Errorf("%w: name the shop", boot.ErrUsage)
		}
		r.shop, args = args[0], args[1:]
		if err := checkShop(r.shop); err != nil {
			return r, fmt.Errorf("%w: %w", boot.ErrUsage, err)
		}
	}

	f := flag.NewFlagSet(r.verb, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&r.layout, "layout", "", "")
	f.StringVar(&r.tag, "tag", "", "")
	f.StringVar(&r.confirm, "confirm", "", "")
	f.IntVar(&r.back, "back", 0, "")
	f.BoolVar(&r.bastion, "bastion", false, "")
	f.Func("set", "", func(text string) error {
		name, value, found := strings.Cut(text, "=")
		if !found {
			return fmt.Errorf("%q is not PARAMETER=VALUE", text)
		}
		if !isParameter(name) {
			return fmt.Errorf("no template takes a parameter %s", name)
		}
		r.set[name] = value
		return nil
	})

	if err := f.Parse(args); err != nil {
		return r, fmt.Errorf("%w: %w", boot.ErrUsage, err)
	}
	if r.rest = f.Args(); len(r.rest) < wants.least || len(r.rest) > wants.least && !wants.more {
		return r, fmt.Errorf("%w: wrong arguments for %s", boot.ErrUsage, r.verb)
	}
	return r, r.check()
}

// people are the commands whose output names shoppers or customers.
var people = []string{"order packing", "customer export", "user export", "user chat", "user prospects export",
	"parked show", "admin parked show"}

func namesPeople(command []string) bool {
	line := strings.Join(command, " ") + " "
	return slices.ContainsFunc(people, func(p string) bool { return strings.HasPrefix(line, p+" ") }) ||
		strings.HasPrefix(line, "order payments ") && strings.Contains(line, "raw")
}

// check validates a request. The confirmation names the shop, so that it must be typed and is not
// copied out of habit.
func (r request) check() error {
	switch want := fmt.Sprintf("roll back %s by %d", r.shop, r.back); {
	case r.layout != "" && r.layout != layoutOne && r.layout != layoutSeven:
		return fmt.Errorf("%w: -layout is %q: want one or seven", boot.ErrUsage, r.layout)
	case r.verb == "set" && !isService(r.rest[0]):
		return fmt.Errorf("%w: %q is not a service", boot.ErrUsage, r.rest[0])
	case r.verb == "run" && namesPeople(r.rest):
		return fmt.Errorf("%w: the output of %q names people, and logs keep that of tasks for 90 days: use the "+
			"back office", boot.ErrUsage, strings.Join(r.rest, " "))
	case r.verb == "rollback" && r.confirm != want:
		return fmt.Errorf("%w: -confirm is %q: want %q", boot.ErrUsage, r.confirm, want)
	case r.verb == "destroy" && r.confirm != r.shop:
		return fmt.Errorf("%w: -confirm is %q: want the shop's name", boot.ErrUsage, r.confirm)
	}
	return nil
}
