package shoptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Mail is one mail of the inbox.
type Mail struct {
	ID        string   `json:"id"`
	MessageID string   `json:"message_id"`
	To        []string `json:"to"`
	Subject   string   `json:"subject"`
	Text      string   `json:"text"`
	HTML      string   `json:"html"`
}

// Mails are the mails to an address, newest first.
func (s *Shop) Mails(to string) []Mail {
	s.tb.Helper()
	var list struct{ Mails []Mail }
	s.ask(http.MethodGet, s.Inbox+"/api/mails?limit=1000&to="+url.QueryEscape(to), nil, &list)
	return list.Mails
}

// WaitMails waits until an address has n mails.
func (s *Shop) WaitMails(to string, n int, limit time.Duration) []Mail {
	s.tb.Helper()
	var got []Mail
	s.Eventually(limit, fmt.Sprintf("%d mails for %s", n, to), func() bool { got = s.Mails(to); return len(got) >= n })
	return got
}

// InboxSwitches sets how the mail server behaves; {} is healthy.
func (s *Shop) InboxSwitches(switches string) {
	s.tb.Helper()
	s.ask(http.MethodPost, s.Inbox+"/api/switches", []byte(switches), nil)
}

// StripeSwitches sets how Stripe behaves.
func (s *Shop) StripeSwitches(switches string) {
	s.tb.Helper()
	s.ask(http.MethodPost, s.StandIn+"/_/switches", []byte(switches), nil)
}

// Pay pays a session at Stripe without its page. options may be nil.
func (s *Shop) Pay(session string, options []byte) {
	s.tb.Helper()
	s.ask(http.MethodPost, s.StandIn+"/_/sessions/"+session+"/pay", options, nil)
}

// TryPay is Pay while the shop, and Stripe with it, may be down. It accepts a session that is paid
// already.
func (s *Shop) TryPay(session string, options []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.StandIn+"/_/sessions/"+session+"/pay",
		bytes.NewReader(options))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode == http.StatusOK || bytes.Contains(raw, []byte("complete")) {
		return err
	}
	return fmt.Errorf("paying session %s: %d %s", session, w.StatusCode, raw)
}

// TryStripe is StripeDo while Stripe may refuse, or be down with the shop.
func (s *Shop) TryStripe(path, body string) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.StandIn+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	_, err = io.Copy(io.Discard, w.Body)
	return w.StatusCode, err
}

// StripeDo calls another control of the stand-in, such as /_/sessions/ID/expire.
func (s *Shop) StripeDo(path, body string) {
	s.tb.Helper()
	s.ask(http.MethodPost, s.StandIn+path, []byte(body), nil)
}

func (s *Shop) ask(method, address string, body []byte, into any) {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	raw, err := io.ReadAll(w.Body)
	if err != nil || w.StatusCode >= 400 {
		s.tb.Fatalf("%s %s answered %d %s %v", method, address, w.StatusCode, raw, err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			s.tb.Fatalf("%s %s answered %s: %v", method, address, raw, err)
		}
	}
}

// Count runs a query that returns one number, in a service's schema, as the owner of the database.
func (s *Shop) Count(service, sql string, args ...any) (n int) {
	s.tb.Helper()
	if err := s.Database(service).QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		s.tb.Fatalf("%s: %v", sql, err)
	}
	return n
}

// Exec changes a service's rows as staff may do in psql.
func (s *Shop) Exec(service, sql string, args ...any) {
	s.tb.Helper()
	err := pg.Again(context.Background(), func() error { // the running shop may lock the same rows in another order
		_, err := s.Database(service).Exec(context.Background(), sql, args...)
		return err
	})
	if err != nil {
		s.tb.Fatalf("%s: %v", sql, err)
	}
}

// Eventually waits until a condition holds.
func (s *Shop) Eventually(limit time.Duration, what string, condition func() bool) {
	s.tb.Helper()
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Now().After(deadline) {
			s.tb.Fatalf("after %s still not: %s", limit, what)
		}
		<-tick.C
	}
}

// Background runs a command of the shop's program until the test ends.
func Background(tb testing.TB, env []string, args ...string) {
	tb.Helper()
	binary, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	var output logs
	cmd := exec.Command(binary, args...) //nolint:gosec // our own
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			tb.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			tb.Errorf("%s: %v\n%s", args, err, output.tail(30))
		}
	})
}

// Command runs a command of the shop's binary as staff would. The command finds the shop by its
// data folder.
func (s *Shop) Command(args ...string) (code int, stdout, stderr string) {
	s.tb.Helper()
	return Command(s.tb, []string{"DATA_DIR=" + s.DataDir}, args...)
}

// Command runs a command of the shop's binary with these settings.
func Command(tb testing.TB, env []string, args ...string) (code int, stdout, stderr string) {
	tb.Helper()
	binary, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	var out, failed bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	cmd.Stdout, cmd.Stderr = &out, &failed
	if err := cmd.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			tb.Fatal(err)
		}
	}
	return cmd.ProcessState.ExitCode(), out.String(), failed.String()
}
