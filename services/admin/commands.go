package admin

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// usage is the commands beside running the service.
const usage = `admin is the back office; without arguments it runs. Its command:

  admin link    make the first person of the staff, an owner, and print a link that signs them in once

It takes DATABASE_URL and ADMIN_URL from the environment and is safe to repeat.
`

// commandLimit bounds a command.
const commandLimit = time.Minute

// IsCommand says whether arguments name a command rather than a wish to run the service.
func IsCommand(args []string) bool { return len(args) > 0 && args[0] == "link" }

// Command runs a command and returns the exit code: 0, 1 for a failure, 2 for arguments or settings
// that cannot work.
func Command(args []string, out, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	cfg, err := boot.Load[Config]()
	if err != nil || len(args) != 1 {
		fmt.Fprint(stderr, usage)
		if err != nil {
			fmt.Fprintf(stderr, "\nadmin: %v\n", err)
		}
		return 2
	}
	link, err := FirstLink(ctx, cfg.DatabaseURL, cfg.URL)
	if err == nil && link == "" {
		err = fmt.Errorf("there are people already: an owner invites others")
	}
	if err != nil {
		fmt.Fprintf(stderr, "admin: %s\n", strings.Join(strings.Fields(err.Error()), " ")) // one line
		return 1
	}
	fmt.Fprintln(out, link)
	return 0
}
