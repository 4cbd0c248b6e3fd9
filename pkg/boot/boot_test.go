package boot

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

type config struct {
	Common
	Port  int    `envconfig:"TEST_BOOT_PORT" default:"587" desc:"a port"`
	Other int    `envconfig:"TEST_BOOT_OTHER" default:"1" desc:"another"`
	Name  string `envconfig:"TEST_BOOT_NAME" default:"x" desc:"a name"`
}

// An empty variable counts as not set, and a default is used.
func TestLoad(t *testing.T) {
	t.Setenv("TEST_BOOT_NAME", "")
	t.Setenv("TEST_BOOT_PORT", "25")
	got, err := Load[config]()
	if err != nil || got.Port != 25 || got.Name != "x" || got.ShopEnv != "development" {
		t.Fatalf("Load = %+v, %v", got, err)
	}
}

func TestLoadReportsEveryMistakeAtOnce(t *testing.T) {
	t.Setenv("TEST_BOOT_PORT", "many")
	t.Setenv("TEST_BOOT_OTHER", "few")
	t.Setenv("SHOP_ENV", "prod")
	_, err := Load[config]()
	for _, name := range []string{"TEST_BOOT_PORT", "TEST_BOOT_OTHER", "SHOP_ENV"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v does not name %s", err, name)
		}
	}
	if err != nil && strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}

func TestBrokerAddresses(t *testing.T) {
	for _, good := range []string{"", "nats://127.0.0.1:4222", "127.0.0.1:4222",
		"nats://edge:secret@nats-1:4222,nats://edge:secret@nats-2:4222", "tls://nats.example, nats-2:4222", "wss://nats.example:443/"} {
		t.Setenv("NATS_URL", good)
		if _, err := Load[Common](); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{"http://127.0.0.1:4222", "nats://", "nats://a:secret@b c", "nats://a,", "postgres://a:secret@b/c", "%zz"} {
		t.Setenv("NATS_URL", bad)
		if _, err := Load[Common](); err == nil || !strings.Contains(err.Error(), "NATS_URL") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestShopNames(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"a", "acme", "a_1", "public", "pga", strings.Repeat("a", 30)} {
		if err := CheckShopName(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	// PostgreSQL refuses roles of the names pg_order and pg_acme_order.
	for _, bad := range []string{"", "Acme", "1a", "a-b", "../a", "acmé", "pg", "pg_", "pg_acme", strings.Repeat("a", 31)} {
		if CheckShopName(bad) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A run ends with 0, 1 for an error, or 2 for arguments that are unknown.
func TestExitCodes(t *testing.T) {
	run := func(err error) func(context.Context, *slog.Logger, config) error {
		return func(context.Context, *slog.Logger, config) error { return err }
	}
	for _, c := range []struct {
		args []string
		err  error
		code int
		out  string
	}{
		{},
		{err: context.Canceled},
		{err: errors.New("no luck"), code: 1, out: "test: no luck\n"},
		{args: []string{"-help"}, out: "TEST_BOOT_PORT"},
		{args: []string{"now"}, code: 2, out: "unknown argument"},
	} {
		var out bytes.Buffer
		if code := Run("test", c.args, &out, run(c.err)); code != c.code || !strings.Contains(out.String(), c.out) {
			t.Errorf("Run(%v) with %v = %d %q", c.args, c.err, code, out.String())
		}
	}
}

// A secret store provides one text, which holds any number of settings; a variable that is set by
// itself wins.
func TestSettingsFromOneVariable(t *testing.T) { // sets variables, so not in parallel
	t.Setenv("SETTINGS", `{"LOG_LEVEL": "debug", "SHOP_ENV": "production", "METRICS_ADDR": "127.0.0.1:1"}`)
	t.Setenv("SHOP_ENV", "development")
	t.Setenv("LOG_LEVEL", "")
	t.Setenv("METRICS_ADDR", "")
	cfg, err := Load[Common]()
	if err != nil || cfg.LogLevel != "debug" || cfg.ShopEnv != "development" || cfg.MetricsAddr != "127.0.0.1:1" {
		t.Errorf("%+v, %v", cfg, err)
	}
	for _, text := range []string{"{", "[]", `{"LOG_LEVEL": 1}`, `{"": "x"}`} {
		t.Setenv("SETTINGS", text)
		if _, err := Load[Common](); err == nil || strings.Contains(err.Error(), "LOG_LEVEL") {
			t.Errorf("SETTINGS=%s: %v", text, err)
		}
	}
}
