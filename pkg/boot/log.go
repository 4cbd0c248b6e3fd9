package boot

import (
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// NewLog writes one JSON object a line, with times in UTC; on a terminal, lines for people. An
// empty level is info, on a terminal warn: a person who starts the shop there wants to see what
// matters, not every request.
func NewLog(w io.Writer, level string) *slog.Logger {
	terminal := isTerminal(w)
	var l slog.LevelVar
	if terminal && level == "" {
		l.Set(slog.LevelWarn)
	} else if err := l.UnmarshalText([]byte(level)); err != nil {
		l.Set(slog.LevelInfo)
	}
	if terminal {
		return slog.New(forEyes(w, &l, os.Getenv("NO_COLOR") != ""))
	}
	return slog.New(slog.NewJSONHandler(w,
		&slog.HandlerOptions{Level: &l, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				a.Value = slog.TimeValue(a.Value.Time().UTC())
			}
			return a
		}}))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // file descriptors are small numbers
}

// machineFields are for searching collected logs; a line for people leaves them out.
var machineFields = []string{"trace", "bytes", "queries", "message_id"}

// forEyes writes lines for people: time, level, message and a few fields. NO_COLOR is the
// convention of no-color.org.
func forEyes(w io.Writer, level slog.Leveler, plain bool) slog.Handler {
	return tint.NewTextHandler(w, &tint.Options{
		Level:      level,
		TimeFormat: time.TimeOnly,
		NoColor:    plain,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && slices.Contains(machineFields, a.Key) {
				return slog.Attr{}
			}
			return a
		},
	})
}
