package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
)

// The health check succeeds while the stand-in serves, and fails after it has stopped.
func TestHealthWhileServing(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := serve(ctx, func(name string) string {
			return map[string]string{"STANDIN_ADDR": "127.0.0.1:0"}[name]
		}, w)
		ended <- err
		w.CloseWithError(io.EOF) // ends the reader below, also when serve fails early
	}()

	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatalf("no log line: %v", err)
	}
	go io.Copy(io.Discard, r) // later lines; ends with the pipe
	var ready struct{ URL string }
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatal(err)
	}
	env := func(string) string { return strings.TrimPrefix(ready.URL, "http://") }
	if err := ask(t.Context(), env, io.Discard); err != nil {
		t.Errorf("ask: %v", err)
	}

	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
	if err := ask(t.Context(), env, io.Discard); err == nil {
		t.Error("it still answers")
	}
}

func TestRefusesProductionAndLiveKeys(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"SHOP_ENV": "production", "STRIPE_SECRET_KEY": "sk_live_1"} {
		err := serve(t.Context(), func(n string) string {
			return map[string]string{name: value, "STANDIN_ADDR": "127.0.0.1:0"}[n]
		}, io.Discard)
		if err == nil {
			t.Errorf("%s=%s: it ran", name, value)
		}
	}
}
