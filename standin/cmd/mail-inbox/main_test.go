package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestSettingsHaveDefaults(t *testing.T) {
	t.Parallel()
	got := read(func(string) string { return "" })
	want := settings{smtpAddr: "127.0.0.1:1025", httpAddr: "127.0.0.1:8025", dataDir: ".data", shopEnv: "development"}
	if got != want {
		t.Errorf("%+v", got)
	}
}

func TestRefusesProduction(t *testing.T) {
	t.Parallel()
	err := serve(t.Context(), settings{shopEnv: "production", dataDir: t.TempDir()}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "production") {
		t.Errorf("error: %v", err)
	}
}

// A taken port is reported; otherwise the inbox serves until its context ends.
func TestServesUntilStopped(t *testing.T) {
	t.Parallel()
	free, err := net.Listen("tcp", testenv.Port(t))
	if err != nil {
		t.Fatal(err)
	}
	set := settings{smtpAddr: "127.0.0.1:0", httpAddr: free.Addr().String(), dataDir: t.TempDir()}
	if err := serve(t.Context(), set, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("taken port: %v", err)
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve(ctx, set, &bytes.Buffer{}) }()
	deadline := time.Now().Add(30 * time.Second)
	for err = probe(t.Context(), set, nil); err != nil && time.Now().Before(deadline); {
		err = probe(t.Context(), set, nil)
	}
	if err != nil {
		t.Error(err)
	}

	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if err := probe(t.Context(), set, nil); err == nil {
		t.Error("a stopped inbox is well")
	}
}

// An unknown flag is an error.
func TestHelpListsSettings(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if code := run([]string{"-help"}, &out); code != 0 || !strings.Contains(out.String(), "MAIL_INBOX_SMTP_ADDR") {
		t.Errorf("code %d: %s", code, out.String())
	}
	if code := run([]string{"-nonsense"}, &out); code == 0 {
		t.Error("unknown flag accepted")
	}
}
