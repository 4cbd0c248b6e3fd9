package stripestandin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// childState is the variable with the state file. If it is set the test binary runs a stand-in
// instead of its tests.
const childState = "STRIPESTANDIN_TEST_STATE"

func TestMain(m *testing.M) {
	if file := os.Getenv(childState); file != "" {
		runChild(file)
	}
	os.Exit(m.Run())
}

// runChild serves until the process is killed.
func runChild(file string) {
	s, err := New(Config{SecretKey: testKey, WebhookSecret: testSecret, StateFile: file})
	if err == nil {
		fmt.Println(s.URL())
		err = s.Run(context.Background())
	}
	fmt.Println("ended:", err)
	os.Exit(1)
}

// child starts a stand-in as a process of its own.
func child(t *testing.T, file string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childState+"="+file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "http") {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd, strings.TrimSpace(line)
}

// confirmed is what the API confirmed to callers.
type confirmed struct {
	mu   sync.Mutex
	paid map[string]bool // by session id
}

func (c *confirmed) note(id string, paid bool) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paid[id] = paid
	return len(c.paid)
}

// shopUntilKilled creates and pays sessions until the stand-in no longer answers.
func (c *confirmed) shopUntilKilled(t *testing.T, base string, onCount func(int)) {
	for n := 0; ; n++ {
		var made struct{ ID string }
		if !post(t, base+"/v1/checkout/sessions", formOf(), &made) {
			return
		}
		onCount(c.note(made.ID, false))
		if n%2 == 0 {
			var paid struct{ Event string }
			if !post(t, base+"/_/sessions/"+made.ID+"/pay", "", &paid) {
				return
			}
			onCount(c.note(made.ID, true))
		}
	}
}

func post(t *testing.T, address, form string, into any) bool {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form))
	if err != nil {
		t.Error(err)
		return false
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK && json.NewDecoder(resp.Body).Decode(into) == nil
}

// Changes confirmed before a kill -9 are there after it.
func TestKill9(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	all := &confirmed{paid: map[string]bool{}}
	for round := 1; round <= 5; round++ {
		cmd, base := child(t, file)
		kill := sync.OnceFunc(func() {
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				all.shopUntilKilled(t, base, func(n int) {
					if n >= round*100 {
						kill()
					}
				})
			})
		}
		wg.Wait()
		kill()
		_ = cmd.Wait() // it returns "signal: killed"
	}

	st, j, err := loadState(file)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()

	for id, paid := range all.paid {
		rec, ok := st.sessions.get(id)
		if !ok || paid && rec.Session.PaymentStatus != "paid" {
			t.Errorf("session %s (confirmed as paid: %v) is lost", id, paid)
		}
	}

	events := 0
	for _, e := range st.events.rows {
		if e.Type == completed {
			events++
		}
	}

	complete := 0
	for _, rec := range st.sessions.rows {
		if rec.Session.Status == "complete" {
			complete++
		}
	}

	if len(all.paid) < 500 || events != complete {
		t.Errorf("%d sessions confirmed, %d complete, %d events", len(all.paid), complete, events)
	}
}

// BenchmarkCheckout creates and pays sessions from several callers, with a state file.
func BenchmarkCheckout(b *testing.B) {
	s, err := New(Config{SecretKey: testKey, WebhookSecret: testSecret, StateFile: filepath.Join(b.TempDir(), "state")})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		for pb.Next() {
			req, err := http.NewRequest(http.MethodPost, s.URL()+"/v1/checkout/sessions", strings.NewReader(formOf()))
			if err != nil {
				b.Error(err)
				return
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.SetBasicAuth(testKey, "")
			resp, err := client.Do(req)
			if err != nil {
				b.Error(err)
				return
			}
			var made struct{ ID string }
			if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
				b.Error(err)
			}
			if err := resp.Body.Close(); err != nil {
				b.Error(err)
			}
			if _, err := s.Pay(made.ID, PayOptions{}); err != nil {
				b.Error(err)
			}
		}
	})

	b.StopTimer()
	cancel()
	if err := <-ended; err != nil {
		b.Error(err)
	}
}
