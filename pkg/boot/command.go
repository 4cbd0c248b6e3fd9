package boot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// ErrUsage says that arguments or settings of a command are invalid: its message follows the usage.
var ErrUsage = errors.New("cannot work")

// CommandTimeout bounds a command of one service: the rows that it touches are few.
const CommandTimeout = time.Minute

// Command runs a command that ends by itself, within a limit and until SIGINT or SIGTERM, and
// returns the exit code as Report does.
func Command(name, usage string, limit time.Duration, stderr io.Writer, run func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return Report(name, usage, run(ctx), stderr)
}

// Report says on one line what went wrong and returns the exit code: 0, 1 for a failure, 2 for
// ErrUsage, for which it prints the usage first.
func Report(name, usage string, err error, stderr io.Writer) int {
	code := 1
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrUsage):
		fmt.Fprint(stderr, usage, "\n")
		code = 2
	}
	fmt.Fprintf(stderr, "%s: %s\n", name, strings.Join(strings.Fields(err.Error()), " "))
	return code
}
