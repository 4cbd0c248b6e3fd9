package mailer

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// asProcess runs a mailer in the test's own binary: only a real process can be killed.
const asProcess = "MAILER_TEST_AS_PROCESS"

func TestMain(m *testing.M) {
	settings := os.Getenv(asProcess)
	if settings == "" {
		os.Exit(m.Run())
	}
	var cfg Config
	err := json.Unmarshal([]byte(settings), &cfg)
	if err == nil {
		err = runWith(context.Background(), boot.NewLog(os.Stderr, "error"), cfg, quick)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKilledAgainAndAgain kills a mailer process with SIGKILL while 300 mails go out. With a mail
// system that can be asked, every mail arrives exactly once.
func TestKilledAgainAndAgain(t *testing.T) {
	t.Parallel()
	const mails, kills = 300, 8
	sink := newSink(t)
	e := newEnv(t, sink.port(), func(cfg *Config) { cfg.MailSeenURL, cfg.Addr = sink.ask.URL, "127.0.0.1:0" })

	var commands []msg.Message
	for i := range mails {
		m := welcome(fmt.Sprintf("a%d@x.example", i))
		m.CreatedAt, m.Deadline = time.Now(), time.Now().Add(time.Hour)
		commands = append(commands, msg.Message{Key: fmt.Sprint("welcome:", i), Subject: msg.MailSubject(m.Kind), Payload: m})
	}
	e.enqueue(commands...)
	settings, err := json.Marshal(e.cfg)
	if err != nil {
		t.Fatal(err)
	}

	for n := range kills + 1 {
		p := exec.CommandContext(t.Context(), os.Args[0])
		p.Env = append(os.Environ(), asProcess+"="+string(settings))
		p.Stderr = t.Output()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		limit := mails
		if n < kills {
			limit = min(sink.count()+10+rand.IntN(30), mails) //nolint:gosec // when to kill the process
		}
		e.eventually(fmt.Sprint(limit, " mails out"), func() bool { return sink.count() >= limit })
		if n == kills {
			e.awaitSent(mails)
		}
		if err := p.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		p.Wait() //nolint:errcheck // it was killed
	}

	ids := map[string]int{}
	for _, m := range sink.all() {
		ids[m.id]++
	}
	sink.mu.Lock()
	defer sink.mu.Unlock()
	if len(ids) != mails || len(sink.mails) != mails {
		t.Errorf("%d different mails, %d in all, want %d", len(ids), len(sink.mails), mails)
	}
	t.Logf("%d kills, %d questions", kills, sink.asked)
}
