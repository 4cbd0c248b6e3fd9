// Command allinone is the whole shop in one process: `make run`. With the argument migrate it makes
// roles, schemas, tables, streams and consumers and ends; with provision it makes streams and
// consumers and stays, to make them again for a broker that lost its store, and to erase people from
// the streams; with keys it prints what each service is given of SHOP_SECRET; with export or erase it does what a
// person may ask for.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"text/tabwriter"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

func main() {
	switch {
	case slices.ContainsFunc(os.Args[1:], asksForHelp):
		usage()
	case slices.Equal(os.Args[1:], []string{"migrate"}):
		os.Args = os.Args[:1]
		boot.Main("migrate", allinone.Prepare)
	case len(os.Args) > 1 && os.Args[1] == "provision":
		os.Args = append(os.Args[:1], os.Args[2:]...)
		boot.Main("provision", allinone.KeepProvisioned)
	case slices.Equal(os.Args[1:], []string{"keys"}):
		os.Exit(allinone.PrintKeys(os.Stdout, os.Stderr))
	case len(os.Args) > 1 && (os.Args[1] == "export" || os.Args[1] == "erase"):
		os.Exit(people())
	default:
		boot.Main("allinone", func(ctx context.Context, _ *slog.Logger, cfg allinone.Config) error {
			// Each service adds its own name to the lines of this log.
			return allinone.Run(ctx, boot.NewLog(os.Stderr, cfg.LogLevel), cfg, os.Stdout)
		})
	}
}

func asksForHelp(arg string) bool {
	return slices.Contains([]string{"-help", "--help", "-h", "help"}, arg)
}

func people() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return allinone.People(ctx, os.Args[1:], os.Stdout, os.Stderr)
}

func usage() {
	tw := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprint(tw, "Without arguments it runs the shop. Other ways:\n\n  allinone migrate      make roles, tables, "+
		"streams, and end\n  allinone provision    keep streams, erase people from them\n  allinone keys         "+
		"print each service's SHOP_KEYS, derived from SHOP_SECRET\n"+allinone.PeopleUsage+"\n")
	fmt.Fprint(tw, "The shop takes its settings from the environment. Each has a working "+
		"default.\n\nname\tdefault\tmeaning\n")
	for _, s := range allinone.Settings() {
		if s.Default == "" {
			s.Default = "–"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\n", s.Name, s.Default, s.Meaning)
	}
	if err := tw.Flush(); err != nil {
		os.Exit(1)
	}
}
