package allinone

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// broker is the embedded NATS server. It listens like any other, so the services connect as they do
// in production and the nats tool can attach.
type broker struct {
	srv *server.Server
}

// startBroker starts NATS with JetStream under dir. Every acknowledged message is on disk
// (sync_interval: always).
func startBroker(log *slog.Logger, dir string, client, monitor string) (*broker, error) {
	opts := &server.Options{
		ServerName: "startupwebapp", JetStream: true, StoreDir: dir, SyncAlways: true,
		// Far above what the streams' own limits allow, so that those decide.
		JetStreamMaxStore: 200 << 30, JetStreamMaxMemory: 256 << 20,
		NoSigs: true, MaxPayload: 8 << 20,
	}
	var err error
	if opts.Host, opts.Port, err = hostPort(client); err != nil {
		return nil, fmt.Errorf("NATS_ADDR: %w", err)
	}
	if opts.HTTPHost, opts.HTTPPort, err = hostPort(monitor); err != nil {
		return nil, fmt.Errorf("NATS_MONITOR_ADDR: %w", err)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("make the broker: %w", err)
	}
	fatal := make(chan string, 1)
	srv.SetLoggerV2(brokerLog{log, fatal}, false, false, false)
	srv.Start()
	ready := make(chan bool, 1)
	go func() { ready <- srv.ReadyForConnections(30 * time.Second) }()
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
	return &broker{srv}, nil
}

func (b *broker) url() string { return b.srv.ClientURL() }

func (b *broker) monitor() string { return "http://" + b.srv.MonitorAddr().String() }

func (b *broker) stop() {
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
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

// brokerLog puts the broker's lines into our log, and hands on what it cannot live with.
type brokerLog struct {
	log   *slog.Logger
	fatal chan<- string
}

func (l brokerLog) Noticef(format string, v ...any) { l.log.Debug(fmt.Sprintf(format, v...)) }
func (l brokerLog) Warnf(format string, v ...any)   { l.log.Warn(fmt.Sprintf(format, v...)) }
func (l brokerLog) Errorf(format string, v ...any)  { l.log.Error(fmt.Sprintf(format, v...)) }
func (l brokerLog) Debugf(format string, v ...any)  {}
func (l brokerLog) Tracef(format string, v ...any)  {}

func (l brokerLog) Fatalf(format string, v ...any) {
	reason := fmt.Sprintf(format, v...)
	l.log.Error(reason)
	select {
	case l.fatal <- reason:
	default: // one reason is enough, and later on nobody asks
	}
}
