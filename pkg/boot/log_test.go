package boot

import (
	"bytes"
	"log/slog"
	"regexp"
	"testing"
)

// A line for people holds the level, the service, the message and few fields; one for machines
// holds all.
func TestLogLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		log  func(w *bytes.Buffer) *slog.Logger
		want string
	}{
		{
			name: "for eyes",
			log:  func(w *bytes.Buffer) *slog.Logger { return slog.New(forEyes(w, slog.LevelInfo, true)) },
			want: `^\d\d:\d\d:\d\d INF request service=edge route=/cart\n$`,
		},
		{
			name: "for machines",
			log:  func(w *bytes.Buffer) *slog.Logger { return NewLog(w, "") },
			want: `^{"time":"[^"]+Z","level":"INFO","msg":"request","service":"edge","route":"/cart","trace":"abc"}\n$`,
		},
	} {
		var out bytes.Buffer
		c.log(&out).With("service", "edge").Info("request", "route", "/cart", "trace", "abc")
		if !regexp.MustCompile(c.want).MatchString(out.String()) {
			t.Errorf("%s: %q", c.name, out.String())
		}
	}
}
