package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"golang.org/x/crypto/argon2"

	"github.com/startupwebapp/startupwebapp/allinone"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/services/user"
	"github.com/startupwebapp/startupwebapp/services/webhook"
	"github.com/startupwebapp/startupwebapp/standin/mailinbox"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
)

// play runs one process of a run. It ends with its parent.
func play(role string) int {
	in := bufio.NewReader(os.Stdin)
	input, err := in.ReadString('\n')
	if err != nil {
		return 1
	}

	go func() {
		_, _ = io.Copy(io.Discard, in) // however it ends, our parent is gone
		os.Exit(1)
	}()

	switch role {
	case "shop":
		boot.Main(role, profiled(func(ctx context.Context, _ *slog.Logger, cfg allinone.Config) error {
			return allinone.Run(ctx, boot.NewLog(os.Stderr, cfg.LogLevel), cfg, os.Stdout)
		}))
	case "order":
		boot.Main(role, profiled(order.Run))
	case "webhook":
		boot.Main(role, profiled(webhook.Run))
	case "broker":
		boot.Main(role, runBroker)
	case "standin":
		boot.Main(role, runStandIn)
	case "inbox":
		boot.Main(role, runInbox)
	case "bare":
		boot.Main(role, func(ctx context.Context, _ *slog.Logger, _ struct{}) error { return runBare(ctx, input) })
	case "hash":
		boot.Main(role, func(ctx context.Context, _ *slog.Logger, _ struct{}) error { return runHash(ctx) })
	}
	return 2
}

// profiled writes a CPU profile of a whole run, if one is wanted, and a profile of what was live at
// the last garbage collection before its end: <name>.heap.
func profiled[C any](run func(context.Context, *slog.Logger, C) error) func(context.Context, *slog.Logger, C) error {
	name := os.Getenv(profileVariable)
	if name == "" {
		return run
	}
	return func(ctx context.Context, log *slog.Logger, cfg C) error {
		f, err := os.Create(name) //nolint:gosec // where our own process wants it
		if err != nil {
			return fmt.Errorf("make a profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("make a profile: %w", err)
		}
		written := make(chan error, 1)
		context.AfterFunc(ctx, func() { written <- writeHeap(name + ".heap") })
		err = run(ctx, log, cfg)
		pprof.StopCPUProfile()
		if ctx.Err() != nil {
			err = errors.Join(err, <-written)
		}
		return errors.Join(err, f.Close())
	}
}

func writeHeap(name string) error {
	f, err := os.Create(name) //nolint:gosec // where our own process wants it
	if err != nil {
		return fmt.Errorf("make a profile: %w", err)
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}

// brokerConfig says where the broker keeps its streams.
type brokerConfig struct {
	Dir string `envconfig:"SHOPBENCH_BROKER_DIR"`
}

// runBroker is NATS as the shop embeds it: every acknowledged message is on disk.
func runBroker(ctx context.Context, _ *slog.Logger, cfg brokerConfig) error {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: cfg.Dir, SyncAlways: true,
		JetStreamMaxStore: 200 << 30, JetStreamMaxMemory: 256 << 20, NoLog: true, NoSigs: true, MaxPayload: 8 << 20,
	})
	if err != nil {
		return fmt.Errorf("make a broker: %w", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		return errors.New("the broker does not start")
	}
	fmt.Println("ready", srv.ClientURL())
	<-ctx.Done()
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}

// Secret key of the stand-in for Stripe, and the secret that it signs with.
const (
	standinKey    = "sk_test_bench"
	standinSecret = "whsec_bench"
)

// folderConfig says where a stand-in keeps its data, and where the shop's webhook is.
type folderConfig struct {
	Folder  string `envconfig:"SHOPBENCH_FOLDER"`
	Webhook string `envconfig:"SHOPBENCH_WEBHOOK"`
}

// runStandIn is the stand-in for Stripe.
func runStandIn(ctx context.Context, log *slog.Logger, cfg folderConfig) error {
	if err := os.MkdirAll(cfg.Folder, 0o700); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	s, err := stripestandin.New(stripestandin.Config{Addr: "127.0.0.1:0", SecretKey: standinKey,
		WebhookSecret: standinSecret,
		WebhookURL:    cfg.Webhook, StateFile: filepath.Join(cfg.Folder, "stripe-standin.log"), Log: log})
	if err != nil {
		return err
	}
	fmt.Println("ready", s.URL())
	return s.Run(ctx)
}

// runInbox is the mail inbox.
func runInbox(ctx context.Context, log *slog.Logger, cfg folderConfig) error {
	s, err := mailinbox.New(mailinbox.Config{StateDir: filepath.Join(cfg.Folder, "mailinbox"), Log: log})
	if err != nil {
		return err
	}
	fmt.Println("ready", s.URL(), s.SMTPAddr())
	return s.Run(ctx)
}

// bareAnswer is the bare handler's answer under a path.
type bareAnswer struct {
	Header http.Header
	Body   []byte
}

// runBare is the limit of HTTP in Go: net/http and a handler that writes bytes from memory.
func runBare(ctx context.Context, input string) error {
	var answers map[string]bareAnswer
	if err := json.Unmarshal([]byte(input), &answers); err != nil {
		return fmt.Errorf("read the answers: %w", err)
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	srv := &http.Server{ReadHeaderTimeout: 5 * time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a := answers[r.URL.Path]
			h := w.Header()
			for name, values := range a.Header {
				h[name] = values
			}
			if _, err := w.Write(a.Body); err != nil {
				panic(http.ErrAbortHandler)
			}
		})}

	fmt.Println("ready", l.Addr())
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() }) // no one sends requests any longer
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

const (
	hashesAtOnce = 2 // as many as the shop computes at once
	hashTime     = 4 * time.Second
)

// runHash is the limit of logging in: the bare hash.
func runHash(context.Context) error {
	var n atomic.Int64
	var all sync.WaitGroup
	salt := []byte("0123456789abcdef")
	began := time.Now()
	for range hashesAtOnce {
		all.Go(func() {
			for time.Since(began) < hashTime {
				argon2.IDKey([]byte(password), salt, user.DefaultCost.Time, user.DefaultCost.Memory,
					user.DefaultCost.Threads, 32)
				n.Add(1)
			}
		})
	}
	all.Wait()
	fmt.Println("rate", strconv.FormatFloat(float64(n.Load())/time.Since(began).Seconds(), 'f', 3, 64))
	return nil
}
