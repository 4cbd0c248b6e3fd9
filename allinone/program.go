package allinone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/startupwebapp/startupwebapp/deploy/aws"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/admin"
	"github.com/startupwebapp/startupwebapp/services/events"
	"github.com/startupwebapp/startupwebapp/services/mailer"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
)

// area is one part of the shop with its commands.
type area struct {
	name, usage string
	run         func(args []string, out, stderr io.Writer) int
}

// areas are all parts that have commands, in the order of the help. Each function is the one that
// the service's own program calls.
var areas = []area{
	{name: "order", usage: order.Usage, run: order.Command},
	{name: "customer", usage: customerUsage, run: customer},
	{name: "user", usage: user.Usage, run: user.Command},
	{name: "mailer", usage: mailer.Usage, run: mailer.Command},
	{name: "events", usage: events.Usage, run: events.Command},
	{name: "admin", usage: admin.Usage, run: admin.Command},
	{name: "parked", usage: admin.ParkedUsage, run: parked},
	{name: "aws", usage: aws.Usage, run: awsCommand},
}

// programUsage is the beginning of the help.
const programUsage = `shop <area> <verb>. All take their settings from the environment; DATABASE_URL and its like, where
they are not set, from the shop that runs with DATA_DIR (default .data).

  run                 the whole shop in one process; run -help lists its settings, run -health asks whether it is
                      ready
  create NAME         make a shop of its own on a PostgreSQL server (SHOPS_DATABASE_URL): database, roles, secrets,
                      ports; SHOP_NAME=NAME shop run opens it, and SHOP_NAME=NAME goes before all other commands
                      (with -from FOLDER out of a backup)
  list                the shops that create made, with their addresses, and what they hold at the server
  destroy NAME -yes NAME
                      delete a shop, its database and its folder forever
  broker              run the broker of the shops that create made with SHOPS_NATS_ADDR; all others bring their own
  migrate             make roles, schemas and tables, with NATS_URL streams and consumers, and end
  provision           keep streams and consumers, erase people from the streams
  keys                print each service's SHOP_KEYS, derived from SHOP_SECRET
  backup -to FOLDER   write one shop's database, as it is at this moment, with the sums of its tables, and its
                      pictures
  restore -from FOLDER
                      read a backup into an empty database, compare all sums, and bring it to this version
  vm NAME ...         write the user data with which a new machine installs and opens a shop (deploy/vm)
  help [AREA]         this text, or the part about an area
`

// Program runs the program shop with its arguments. It returns the exit code: 0, 1 for a failure, 2
// for invalid arguments or settings.
func Program(args []string, out, stderr io.Writer) int {
	if len(args) == 0 {
		return help(nil, stderr, 2)
	}
	name, rest := args[0], args[1:]
	if err := useNamed(name); err != nil {
		return boot.Report("shop", "", err, stderr)
	}

	switch name {
	case "run":
		return runProgram(rest, out)
	case "migrate":
		return boot.Run("migrate", rest, stderr, Prepare)
	case "provision":
		return boot.Run("provision", rest, stderr, KeepProvisioned)
	case "create", "list", "destroy":
		return shops(name, rest, out, stderr)
	case "broker":
		return shopsBroker(rest, stderr)
	case "vm":
		return vm(rest, out, stderr)
	case "restore": // must not use the settings that a running shop wrote down
		return backups(name, rest, out, stderr)
	case "backup":
		if err := useSettings(); err != nil {
			return boot.Report("shop", "", err, stderr)
		}
		return backups(name, rest, out, stderr)
	case "keys":
		return PrintKeys(out, stderr)
	case "-health", "--health": // checks whatever runs with these settings
		return boot.Run[boot.Common]("shop", args, stderr, nil)
	case "help", "-help", "--help", "-h":
		return help(rest, out, 0)
	}

	for _, a := range areas {
		switch {
		case a.name != name:
		case len(rest) == 0 || asksForHelp(rest[0]):
			return help(args[:1], out, 0)
		default:
			if err := useSettings(); err != nil {
				return boot.Report("shop", "", err, stderr)
			}
			return a.run(rest, out, stderr)
		}
	}

	code := help(nil, stderr, 2)
	fmt.Fprintf(stderr, "\nshop: there is no command %q\n", name)
	return code
}

func asksForHelp(arg string) bool {
	return slices.Contains([]string{"-help", "--help", "-h", "help"}, arg)
}

func runProgram(args []string, out io.Writer) int {
	if len(args) > 0 && asksForHelp(args[0]) {
		return printSettings(out)
	}
	return boot.Run("shop", args, os.Stderr, func(ctx context.Context, _ *slog.Logger, cfg Config) error {
		log := boot.NewLog(os.Stderr, cfg.LogLevel) // each service adds its own name to its lines
		if cfg.ShopName != "" {
			log = log.With("shop", cfg.ShopName)
		}
		return Run(ctx, log, cfg, out)
	})
}

// help prints the usage of all areas, or of the named one, and returns code.
func help(names []string, out io.Writer, code int) int {
	var text strings.Builder
	if len(names) == 0 {
		text.WriteString(programUsage)
	}
	for _, a := range areas {
		if len(names) == 0 || a.name == names[0] {
			text.WriteString("\n" + a.usage)
		}
	}
	if text.Len() == 0 {
		return help(nil, out, 2)
	}
	if _, err := io.WriteString(out, strings.TrimLeft(text.String(), "\n")); err != nil {
		return 1
	}
	return code
}

// printSettings lists every setting of the one process.
func printSettings(out io.Writer) int {
	tw := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprint(tw, "The shop takes its settings from the environment. Each has a working default.\n\n"+
		"name\tdefault\tmeaning\n")
	for _, s := range Settings() {
		if s.Default == "" {
			s.Default = "–"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Name, s.Default, s.Meaning)
	}
	if err := tw.Flush(); err != nil {
		return 1
	}
	return 0
}

// defaultFolder is the data folder of a shop without DATA_DIR.
const defaultFolder = ".data"

// useSettings sets the variables that are not set to what the shop wrote down in its data folder.
// If DATABASE_URL is set it may be another shop's, for which none of them would be right.
func useSettings() error {
	if os.Getenv("DATABASE_URL") != "" {
		return nil
	}
	return setFrom(filepath.Join(cmp.Or(os.Getenv("DATA_DIR"), defaultFolder), "settings"))
}

// useAddresses adds the addresses of the running shop's parts, if its data folder has the same
// DATABASE_URL.
func useAddresses() error {
	dir := cmp.Or(os.Getenv("DATA_DIR"), defaultFolder)
	values, err := readSettings(filepath.Join(dir, "settings"))
	if err == nil && values["DATABASE_URL"] == os.Getenv("DATABASE_URL") {
		err = setFrom(filepath.Join(dir, "settings"))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// awsCommand runs a command about shops at AWS, with the names of the settings that programs take.
func awsCommand(args []string, out, stderr io.Writer) int {
	return aws.Command(args, settingsOfProgram, out, stderr)
}

// parked runs a command about parked messages, which calls the running shop.
func parked(args []string, out, stderr io.Writer) int {
	if err := useAddresses(); err != nil {
		return boot.Report("shop", "", err, stderr)
	}
	return admin.ParkedCommand(args, out, stderr)
}

// ofNoShop are the commands that are not about the shop of SHOP_NAME.
var ofNoShop = []string{"create", "list", "destroy", "broker", "vm", "aws", "help", "-help", "--help", "-h"}

// useNamed sets the variables that are not set to what create wrote down for the shop of SHOP_NAME.
// With SHOPS_DIR it is an error if there is no such shop: a misspelled name would open a new shop,
// or read the one in the default folder.
func useNamed(command string) error {
	name := os.Getenv("SHOP_NAME")
	if boot.CheckShopName(name) != nil || os.Getenv("DATABASE_URL") != "" || slices.Contains(ofNoShop, command) {
		return nil //nolint:nilerr // the command itself reports an invalid name
	}
	file := settingsOf(shopsDir(), name)
	if os.Getenv("SHOPS_DIR") != "" && os.Getenv("DATA_DIR") == "" && missing(file) {
		return fmt.Errorf("%w: SHOPS_DIR has no shop %s (SHOP_NAME); shop list names those that there are, "+
			"shop create %s makes it", boot.ErrUsage, name, name)
	}
	return setFrom(file)
}

func missing(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// setFrom sets the variables that are not set to those of a file. Without the file, commands report
// which setting they lack.
func setFrom(file string) error {
	values, err := readSettings(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for name, value := range values {
		if os.Getenv(name) == "" {
			err = errors.Join(err, os.Setenv(name, value))
		}
	}
	if err != nil {
		return fmt.Errorf("use the settings in %s: %w", file, err)
	}
	return nil
}
