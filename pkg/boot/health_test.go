package boot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
)

// -health succeeds while the process at METRICS_ADDR is ready, and otherwise says why not in one
// line.
func TestHealthAsksTheRunningProcess(t *testing.T) { // sets variables, so not in parallel
	never := func(context.Context, *slog.Logger, config) error { return errors.New("it ran") }
	ask := func(addr string) (int, string) {
		t.Setenv("METRICS_ADDR", addr)
		var out bytes.Buffer
		return Run("test", []string{"-health"}, &out, never), out.String()
	}
	defer obs.AddCheck("good", func(context.Context) error { return nil })()
	metrics := httptest.NewServer(obs.Handler())
	defer metrics.Close()
	_, port, err := net.SplitHostPort(metrics.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	for _, addr := range []string{"127.0.0.1:" + port, ":" + port, "0.0.0.0:" + port} {
		if code, out := ask(addr); code != 0 || out != "" {
			t.Errorf("ready at %s: %d %q", addr, code, out)
		}
	}

	remove := obs.AddCheck("test", func(context.Context) error { return errors.New("away") })
	if code, out := ask(":" + port); code != 1 || !strings.Contains(out, "not ready") {
		t.Errorf("not ready: %d %q", code, out)
	}
	remove()
	metrics.Close()

	for _, addr := range []string{":" + port, "", "nonsense"} {
		if code, out := ask(addr); code != 1 || strings.Count(out, "\n") != 1 {
			t.Errorf("no one there, METRICS_ADDR %q: %d %q", addr, code, out)
		}
	}
}
