package allinone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// broker is the embedded NATS server. It listens on a port as any other, so the services connect as
// they do in production and the nats tool can attach, each as a user of nats.conf.
type broker struct {
	log       *slog.Logger
	opts      *server.Options // with the port that it got
	clientURL string
	passwords passwords
	srv       atomic.Pointer[server.Server]
}

// startBroker starts NATS with JetStream under dir. Every acknowledged message is on disk
// (sync_interval: always). Only users of nats.conf can connect, with the rights they have there.
func startBroker(log *slog.Logger, dir, client string, secrets passwords) (*broker, error) {
	opts := &server.Options{}
	if err := letIn(opts, secrets); err != nil {
		return nil, err
	}
	var err error
	if opts.Host, opts.Port, err = hostPort(client); err != nil {
		return nil, fmt.Errorf("NATS_ADDR: %w", err)
	}
	opts.StoreDir, opts.NoSigs = dir, true
	opts.HTTPHost, opts.HTTPPort = "", 0 // see monitoring
	b := &broker{log: log, passwords: secrets, opts: opts.Clone()}
	srv, err := runBroker(log, opts)
	if err != nil {
		return nil, err
	}
	b.srv.Store(srv)
	b.clientURL = srv.ClientURL()
	if addr, ok := srv.Addr().(*net.TCPAddr); ok {
		b.opts.Port = addr.Port
	}
	return b, nil
}

// runBroker starts a server and waits until it accepts connections.
func runBroker(log *slog.Logger, opts *server.Options) (*server.Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("make the broker: %w", err)
	}
	fatal := make(chan string, 1)
	srv.SetLoggerV2(brokerLog{log, fatal}, false, false, false)
	srv.Start()
	ready := make(chan bool, 1)
	go func() { ready <- srv.ReadyForConnections(brokerTimeout) }()
	select {
	case reason := <-fatal:
		srv.Shutdown()
		return nil, fmt.Errorf("the broker does not start: %s", reason)
	case ok := <-ready:
		if !ok {
			srv.Shutdown()
			return nil, errors.New("the broker does not start; the log says why")
		}
	}
	return srv, nil
}

// url is where the broker listens.
func (b *broker) url() string { return b.clientURL }

// urlFor is the broker's address with the login of a user of nats.conf.
func (b *broker) urlFor(user string) string {
	u := url.URL{
		Scheme: "nats",
		User:   url.UserPassword(user, b.passwords.of(user)),
		Host:   strings.TrimPrefix(b.clientURL, "nats://"),
	}
	return u.String()
}

// tendEvery is how often the broker's store is checked.
const tendEvery = time.Second

// tend restarts the broker when someone has deleted its store while it runs, until ctx ends: a
// server without its files takes no messages. The lost streams are then made again, and the
// outboxes fill them.
func (b *broker) tend(ctx context.Context) error {
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	looks := 0 // one look is not enough: a stream that is being made or deleted may seem lost
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}

		lost := b.lost()
		if len(lost) == 0 {
			looks = 0
			continue
		}
		if looks++; looks < 2 {
			continue
		}

		b.log.Error("the store of streams was deleted, the broker starts again", "folders", lost)
		b.stop()
		for _, folder := range lost { // the server may have written files there since
			if err := os.RemoveAll(folder); err != nil {
				return fmt.Errorf("remove what is left of a stream: %w", err)
			}
		}

		srv, err := runBroker(b.log, b.opts.Clone())
		if err != nil {
			return err
		}
		b.srv.Store(srv)
		looks = 0
	}
}

// lost lists the folders of streams that the server has and that are missing on disk.
func (b *broker) lost() (folders []string) {
	state, err := b.srv.Load().Jsz(&server.JSzOptions{Accounts: true, Streams: true, Config: true})
	if err != nil {
		return nil // the server is only just starting
	}
	for _, account := range state.AccountDetails {
		for _, stream := range account.Streams {
			folder := filepath.Join(b.opts.StoreDir, "jetstream", account.Name, "streams", stream.Name)
			_, err := os.Stat(filepath.Join(folder, server.JetStreamMetaFile))
			if errors.Is(err, fs.ErrNotExist) && stream.Config.Storage == server.FileStorage {
				folders = append(folders, folder)
			}
		}
	}
	return folders
}

func (b *broker) stop() {
	srv := b.srv.Load()
	srv.Shutdown()
	srv.WaitForShutdown()
}

func hostPort(addr string) (string, int, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, err
	}
	n, err := strconv.Atoi(port)
	if n == 0 {
		n = server.RANDOM_PORT
	}
	return host, n, err
}

// brokerLog writes the broker's lines to our log, and sends fatal ones to the channel.
type brokerLog struct {
	log   *slog.Logger
	fatal chan<- string
}

// Noticef implements server.Logger.
func (l brokerLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }

// Warnf implements server.Logger.
func (l brokerLog) Warnf(format string, v ...any) {
	if strings.HasPrefix(format, "Plaintext passwords") {
		return // the passwords are in this process's memory only
	}
	l.log.Warn(fmt.Sprintf(format, v...))
}

// Errorf implements server.Logger.
func (l brokerLog) Errorf(format string, v ...any) { l.log.Error(fmt.Sprintf(format, v...)) }

// Debugf implements server.Logger.
func (l brokerLog) Debugf(format string, v ...any) {}

// Tracef implements server.Logger.
func (l brokerLog) Tracef(format string, v ...any) {}

// Fatalf implements server.Logger.
func (l brokerLog) Fatalf(format string, v ...any) {
	reason := fmt.Sprintf(format, v...)
	l.log.Error(reason)
	select {
	case l.fatal <- reason:
	default: // runBroker reads one reason, and only while the broker starts
	}
}
