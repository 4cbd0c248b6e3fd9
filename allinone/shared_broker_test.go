package allinone

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Three shops are accounts of one broker, which adds and removes them while it runs. Each has its
// users and its streams, within its limits; a login is required, and a destroyed shop's streams are
// deleted.
func TestShopsShareABroker(t *testing.T) {
	t.Parallel()
	dir, addr := t.TempDir(), testenv.Port(t)
	b, err := openSharedBroker(dir, addr)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := openSharedBroker(dir, ""); err != nil || *again != *b {
		t.Fatalf("the second look finds %+v, %v", again, err)
	}
	if _, err := openSharedBroker(dir, "127.0.0.1:1"); err == nil {
		t.Error("the broker of shops moved")
	}

	testenv.Run(t, func(ctx context.Context) error { return b.run(ctx, slog.New(slog.DiscardHandler)) })
	testenv.Eventually(t, 30*time.Second, "the broker listens", func() bool {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})

	if nc, err := nats.Connect("nats://" + addr); err == nil {
		nc.Close()
		t.Error("a broker without shops lets in who has no login")
	}

	logins := map[string]BrokerLogins{"include": {NATSSecret: "s1"}, "two": {NATSSecret: "s2"}, "three": {NATSSecret: "s3"}}
	for name, l := range logins {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := writeSettings(settingsOf(dir, name), map[string]string{"NATS_SECRET": l.NATSSecret}); err != nil {
			t.Fatal(err)
		}
	}

	if err := b.write(); err != nil {
		t.Fatal(err)
	}
	for name, l := range logins {
		keepAStream(t, l.at("nats://"+addr, name, "staff"))
	}
	kept := filepath.Join(b.at("data"), "jetstream", "two")
	if _, err := os.Stat(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "two")); err != nil {
		t.Fatal(err)
	}

	if err := b.write(); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 30*time.Second, "the streams of a shop that went are gone", func() bool {
		_, err := os.Stat(kept)
		return os.IsNotExist(err)
	})
	if nc, err := nats.Connect(logins["two"].at("nats://"+addr, "two", "staff")); err == nil {
		nc.Close()
		t.Error("a shop that went gets in")
	}
	keepAStream(t, logins["include"].at("nats://"+addr, "include", "staff"))
}

// keepAStream makes a stream in an account that has none, or finds it there. It also checks that a
// stream beyond the account's limit is refused.
func keepAStream(t *testing.T, at string) {
	t.Helper()
	var nc *nats.Conn
	testenv.Eventually(t, 30*time.Second, "the shop's login is good", func() (good bool) {
		var err error
		nc, err = nats.Connect(at)
		return err == nil
	})
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	small := jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, MaxBytes: 1 << 30}
	if _, err := js.CreateOrUpdateStream(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	if info, err := js.AccountInfo(t.Context()); err != nil || info.Streams != 1 {
		t.Errorf("%+v, %v; want one stream", info, err)
	}
	big := jetstream.StreamConfig{Name: "BIG", Subjects: []string{"b.>"}, MaxBytes: 60 << 30}
	if _, err := js.CreateStream(t.Context(), big); err == nil {
		t.Error("a shop reserves more than its streams need")
	}
}
