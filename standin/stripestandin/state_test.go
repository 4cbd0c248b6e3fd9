package stripestandin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "stripe", "state")
	keep := func(c *Config) { c.StateFile = file }
	e := newEnv(t, keep)
	e.shop.answers(func(int) int { return 500 })
	e.switches(func(sw *Switches) { sw.WebhookTypes, sw.WebhookDrop = []string{"charge.refunded"}, 5 })
	if err := e.AdvanceClock(time.Minute); err != nil {
		t.Fatal(err)
	}
	_, _, made := e.call("POST", "/v1/checkout/sessions", formOf(), "Idempotency-Key", "k")
	paid := e.paid()
	if _, err := e.Refund(e.Sessions()[0].PaymentIntent, 100); err != nil {
		t.Fatal(err)
	}
	e.events(1, completed)
	before, switches := e.Sessions(), e.Switches()
	e.stop()

	again := newEnv(t, keep, func(c *Config) { c.PublicURL = e.publicURL })
	if diff := cmp.Diff(before, again.Sessions()); diff != "" {
		t.Errorf("sessions (before, after): %s", diff)
	}
	if diff := cmp.Diff(switches, again.Switches()); diff != "" || again.Switches().WebhookDrop != 4 {
		t.Errorf("switches (before, after): %s", diff)
	}
	// Events that were not accepted are still pending after a restart.
	if got := again.events(1, completed)[0]; !strings.Contains(string(got.body), paid) {
		t.Errorf("%s", got.body)
	}
	_, head, same := again.call("POST", "/v1/checkout/sessions", formOf(), "Idempotency-Key", "k")
	if head.Get("Idempotent-Replayed") != "true" || same["id"] != made["id"] {
		t.Error("the idempotency key was lost")
	}
	if re, err := again.sc.PaymentIntents.Get(before[0].PaymentIntent, nil); err != nil || re.Status != "succeeded" {
		t.Errorf("payment intent: %v", err)
	}
}

// Every prefix of the file that a crash may leave can be loaded, with each change completely or not
// at all.
func TestTornStateFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "state")
	e := newEnv(t, func(c *Config) { c.StateFile = file })
	e.paid()
	e.delivered()
	e.session()
	e.stop()
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	step := max(1, len(whole)/150)
	for n := 0; n <= len(whole); n += step {
		torn := filepath.Join(dir, fmt.Sprint("torn", n))
		if err := os.WriteFile(torn, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		st, j, err := loadState(torn)
		if err != nil {
			t.Fatalf("%d of %d bytes: %v", n, len(whole), err)
		}
		for id, rec := range st.sessions.rows {
			pi := rec.Session.PaymentIntent.id
			if in, ok := st.intents.get(pi); (rec.Session.Status == "complete") != ok || ok && in.Status != "succeeded" {
				t.Errorf("%d bytes: session %s is %s, its intent known: %v", n, id, rec.Session.Status, ok)
			}
		}
		if err := j.close(); err != nil {
			t.Error(err)
		}
	}
}

func TestDamagedStateFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	const good = `[{"k":"settings","id":"","v":{}}]` + "\n"
	if err := os.WriteFile(file, []byte(good+"rubbish\n"+good), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := New(Config{SecretKey: testKey, StateFile: file})
	if err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("damage in the middle: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != good+"rubbish\n"+good {
		t.Error("the damaged file was changed")
	}
}

func TestStateFileInUse(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	e := newEnv(t, func(c *Config) { c.StateFile = file })
	if _, err := New(Config{SecretKey: testKey, StateFile: file}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("second stand-in on one file: %v", err)
	}
	e.stop()
	newEnv(t, func(c *Config) { c.StateFile = file })
}

func TestUnwritableStateFileIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{SecretKey: testKey, StateFile: filepath.Join(dir, "a", "state")}); err == nil {
		t.Error("no error")
	}
}

// After a disk failure nothing is confirmed any more.
func TestDiskFailure(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.StateFile = filepath.Join(t.TempDir(), "state") })
	e.journal.file.Lock()
	e.journal.err = os.ErrPermission
	e.journal.file.Unlock()
	if status, _, body := e.call("POST", "/v1/checkout/sessions", formOf()); status != 500 ||
		body["error"].(map[string]any)["type"] != "api_error" {
		t.Errorf("%d %v", status, body)
	}
	e.journal.file.Lock()
	e.journal.err = nil
	e.journal.file.Unlock()
}

func TestTakenPortIsAnError(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	if _, err := New(Config{SecretKey: testKey, Addr: strings.TrimPrefix(e.URL(), "http://")}); err == nil ||
		!strings.Contains(err.Error(), "address already in use") {
		t.Errorf("taken port: %v", err)
	}
}
