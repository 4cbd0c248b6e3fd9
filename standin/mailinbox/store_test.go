package mailinbox

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRestartKeepsMails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := start(t, Config{StateDir: dir})
	for i := range 3 {
		if err := sendRaw(s, note(fmt.Sprintf("k%d@shop", i), "Keep", "this"), "ada@example.com"); err != nil {
			t.Fatal(err)
		}
	}
	before := s.Mails()
	stop()
	again, _ := start(t, Config{StateDir: dir})
	if diff := cmp.Diff(before, again.Mails()); diff != "" {
		t.Error(diff)
	}
	if n := again.Seen("k1@shop"); n != 1 {
		t.Errorf("seen %d times", n)
	}
	if err := sendRaw(again, note("k3@shop", "Keep", "")); err != nil {
		t.Fatal(err)
	}
	if m := await(t, again, withID("k3@shop")); m.ID <= before[2].ID {
		t.Errorf("id %s after %s", m.ID, before[2].ID)
	}
}

// TestMain lets the test binary run as the inbox that TestKillLosesNoAcknowledgedMail kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("MAIL_INBOX_TEST_DIR"); dir != "" {
		s, err := New(Config{StateDir: dir, Log: slog.New(slog.DiscardHandler)})
		if err == nil {
			fmt.Println(s.SMTPAddr())
			err = s.Run(context.Background())
		}
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// TestKillLosesNoAcknowledgedMail kills the inbox while mails come in: each mail that was answered
// 250 is there afterwards.
func TestKillLosesNoAcknowledgedMail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	accepted := map[string]int{}
	for round := range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "MAIL_INBOX_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		addr, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}

		victim := &Server{gate: &gate{addr: strings.TrimSpace(addr)}}
		for i := 0; ; i++ {
			id := fmt.Sprintf("kill.%d.%d@shop", round, i)
			if err := sendRaw(victim, note(id, "Kill", strings.Repeat("text ", 500))); err != nil {
				break
			}
			accepted[id]++
			if i == 20 {
				time.AfterFunc(time.Millisecond, func() { _ = cmd.Process.Kill() }) // while further mails are being sent
			}
		}

		if err := cmd.Wait(); err == nil {
			t.Fatal("the inbox ended by itself")
		}
	}

	s, _ := start(t, Config{StateDir: dir})
	for id, n := range accepted {
		if got := s.Seen(id); got != n {
			t.Errorf("%s: accepted %d times, kept %d times", id, n, got)
		}
	}

	if len(accepted) < 60 {
		t.Errorf("only %d mails accepted", len(accepted))
	}
	for _, m := range s.Mails() {
		if len(m.Text) != 2502 {
			t.Errorf("%s: text of %d bytes", m.MessageID, len(m.Text))
		}
	}

	if left, err := filepath.Glob(filepath.Join(dir, "*"+tempSuffix)); err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestOldMailsGoButAreNotForgotten(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"", t.TempDir()} {
		s, stop := start(t, Config{StateDir: dir, Keep: 10})
		for i := range 35 {
			if err := sendRaw(s, note(fmt.Sprintf("o%d@shop", i), "Old", "")); err != nil {
				t.Fatal(err)
			}
		}

		check := func(s *Server) {
			t.Helper()
			mails := s.Mails()
			if len(mails) < 10 || len(mails) > 11 || mails[len(mails)-1].MessageID != "o34@shop" {
				t.Errorf("%d mails kept", len(mails))
			}
			for i := range 35 {
				if n := s.Seen(fmt.Sprintf("o%d@shop", i)); n != 1 {
					t.Errorf("o%d seen %d times", i, n)
				}
			}
		}

		check(s)
		if dir == "" {
			continue
		}
		if files, err := filepath.Glob(filepath.Join(dir, "*"+mailSuffix)); err != nil || len(files) > 11 {
			t.Errorf("%d files, %v", len(files), err)
		}

		stop()
		again, _ := start(t, Config{StateDir: dir, Keep: 10})
		check(again)
	}
}

func TestMailsOlderThanAMonthGo(t *testing.T) {
	t.Parallel()
	st, err := openStore(t.TempDir(), 10, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for i, age := range []time.Duration{mailTTL + time.Hour, mailTTL - time.Hour, 0} {
		raw := []byte(note(fmt.Sprintf("m%d@shop", i), "Month", ""))
		m := readMail(raw)
		m.ReceivedAt = time.Now().Add(-age)
		if _, err := st.add(m, raw); err != nil {
			t.Fatal(err)
		}
	}
	if heads := st.heads(); len(heads) != 2 || heads[0].MessageID != "m1@shop" {
		t.Errorf("kept %d", len(heads))
	}
}

func TestMemoryIsLimited(t *testing.T) {
	t.Parallel()
	st, err := openStore("", 100, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	raw := append([]byte(note("big@shop", "Big", "")), make([]byte, 9<<20)...)
	for range 10 {
		if _, err := st.add(Mail{MessageID: "big@shop", Size: len(raw), ReceivedAt: time.Now()}, raw); err != nil {
			t.Fatal(err)
		}
	}
	if st.bytes > maxMemoryBytes || st.count("big@shop") != 10 {
		t.Errorf("%d bytes, %d counted", st.bytes, st.count("big@shop"))
	}
}

// Damaged mails are skipped, the list of past mails is repaired, and files of others stay.
func TestDamagedFilesAreSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := start(t, Config{StateDir: dir})
	if err := sendRaw(s, note("good@shop", "Good", "")); err != nil {
		t.Fatal(err)
	}

	id := await(t, s, withID("good@shop")).ID
	stop()
	for name, content := range map[string]string{
		"0000000000000001.mail": "not JSON\nand more",
		"0000000000000002.mail": "",
		"nonsense.mail":         "{}\n",
		"half.tmp":              "half a mail",
		"readme.txt":            "somebody's note",
		// The first line's mail is still there, as after a kill in mid-pruning; the last line is
		// torn.
		"past.jsonl": `{"id":"` + id + `","message_id":"good@shop"}` + "\n" + `{"id":"0000000000000003","message_id":"past@shop"}` + "\n" +
			`{"id":"00`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}

	again, stop := start(t, Config{StateDir: dir})
	if n := len(again.Mails()); n != 1 {
		t.Errorf("%d mails", n)
	}
	if good, past := again.Seen("good@shop"), again.Seen("past@shop"); good != 1 || past != 1 {
		t.Errorf("counted %d and %d", good, past)
	}

	stop()
	list, err := os.ReadFile(filepath.Join(dir, pastName))
	if err != nil || bytes.Count(list, []byte("\n")) != 1 {
		t.Errorf("list of past mails not repaired: %q %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "half.tmp")); !os.IsNotExist(err) {
		t.Errorf("half-written file: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "readme.txt")); err != nil {
		t.Errorf("someone's file: %v", err)
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{StateDir: file}); err == nil || !strings.Contains(err.Error(), "folder") {
		t.Errorf("error: %v", err)
	}
}

// Clear also forgets the Message-IDs of older mails, and later ids are still greater.
func TestClearForgetsMessageIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := start(t, Config{StateDir: dir, Keep: 2})
	for i := range 5 {
		if err := sendRaw(s, note(fmt.Sprintf("c%d@shop", i), "C", "")); err != nil {
			t.Fatal(err)
		}
	}
	last := s.Mails()[len(s.Mails())-1].ID
	if err := s.Clear(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Mails()); n != 0 || s.Seen("c0@shop") != 0 || s.Seen("c4@shop") != 0 {
		t.Errorf("%d mails left", n)
	}
	stop()
	again, _ := start(t, Config{StateDir: dir})
	if err := sendRaw(again, note("new@shop", "N", "")); err != nil {
		t.Fatal(err)
	}
	mails := again.Mails()
	if len(mails) != 1 || mails[0].ID <= last || again.Seen("c0@shop") != 0 {
		t.Errorf("after a restart: %d mails, id %s after %s", len(mails), mails[0].ID, last)
	}
}

func TestFullDiskRefusesForNow(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "mails")
	s, _ := start(t, Config{StateDir: dir})
	if err := os.Rename(dir, dir+"-away"); err != nil { // makes writing fail, even for root
		t.Fatal(err)
	}
	if err := sendRaw(s, note("full@shop", "F", "")); replyCode(err) != 452 {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Rename(dir+"-away", dir); err != nil {
		t.Fatal(err)
	}
	if err := sendRaw(s, note("full@shop", "F", "")); err != nil || s.Seen("full@shop") != 1 {
		t.Errorf("with its folder again: %v", err)
	}
}
