// Package bus is the shop's only user of nats.go: connecting, provisioning, the outbox that sends,
// the consumers that receive, and counters. State and message are written in one transaction; every
// consumer may be called twice; so a crash between any two steps repeats work and never loses or
// doubles an effect.
package bus

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables is the migration set of outbox, inbox and parked messages, and of the hashes of erased
// people (pkg/erasure), which every service with a schema has.
func Tables() pg.Set { return pg.Migrations("messages", migrations) }

// apiTimeout bounds every request to JetStream: a cluster without a leader never answers one.
const apiTimeout = 3 * time.Second

// closeTimeout is how long Close, and a Publisher that stops, wait for what is in flight.
const closeTimeout = 2 * time.Second

const (
	// reconnectWait is the pause before a lost connection is tried again, with up to
	// reconnectJitter on top of it, or secureJitter where it is encrypted.
	reconnectWait, reconnectJitter, secureJitter = 250 * time.Millisecond, 250 * time.Millisecond, time.Second
	// pingEvery is how often a connection is checked; two pings without an answer end it.
	pingEvery = 10 * time.Second
	// publishTimeout is how long a publication waits for the broker's acknowledgement.
	publishTimeout = 5 * time.Second
	// flushTimeout is how long Listen waits for the broker to know the subscription.
	flushTimeout = 2 * time.Second
)

// Headers of the shop's messages.
const (
	headerKey    = "Shop-Key"    // the business key; Nats-Msg-Id has row and attempt behind it
	headerSender = "Shop-Sender" // the service whose outbox waits for the confirmation
	// headerSubject is what the sender published under. Messages of older senders lack it.
	headerSubject = "Shop-Subject"
)

// Bus is a connection to the broker. It reconnects forever; while the broker is away publishing
// fails at once and everything waits in outboxes.
type Bus struct {
	nc      *nats.Conn
	js      jetstream.JetStream
	service string
	log     *slog.Logger
	back    *signals
	ready   func()
}

// Connect returns at once, also when the broker cannot be reached yet. With files, or an address
// that begins with tls://, the connection is encrypted and the broker's certificate checked.
func Connect(log *slog.Logger, url, service string, files ...certs.Files) (*Bus, error) {
	secure, err := secured(files)
	if err != nil {
		return nil, err
	}
	b := &Bus{service: service, log: log, back: newSignals()}
	up := obs.BrokerUp.WithLabelValues(service)
	connected := func(*nats.Conn) { up.Set(1); b.back.send() }
	nc, err := nats.Connect(url, secure,
		nats.Name(service), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait), nats.ReconnectJitter(reconnectJitter, secureJitter),
		nats.ReconnectBufSize(-1), // a publish while disconnected fails instead of waiting unacknowledged
		nats.CustomInboxPrefix("_INBOX_"+service), nats.Timeout(apiTimeout),
		nats.PingInterval(pingEvery), nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(connected), nats.ReconnectHandler(connected),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			up.Set(0)
			if err != nil {
				log.Warn("broker connection lost", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("broker", "error", err) }),
	)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}

	b.nc = nc
	b.js, err = jetstream.New(nc, jetstream.WithDefaultTimeout(apiTimeout),
		jetstream.WithPublishAsyncTimeout(publishTimeout), jetstream.WithPublishAsyncMaxPending(8192))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}

	b.ready = obs.AddCheck(service+".broker", func(context.Context) error {
		if !nc.IsConnected() {
			return errors.New("not connected")
		}
		return nil
	})

	return b, nil
}

// secured makes the option of an encrypted connection; without files the address decides.
func secured(files []certs.Files) (nats.Option, error) {
	for _, f := range files {
		if !f.Given() {
			continue
		}
		cfg, err := f.Client()
		if err != nil {
			return nil, fmt.Errorf("NATS_CA, NATS_CERT, NATS_KEY: %w", err)
		}
		return nats.Secure(cfg), nil
	}
	return func(*nats.Options) error { return nil }, nil
}

// Connected reports whether the broker can be reached now. The bus may be nil, in tests of one
// service.
func (b *Bus) Connected() bool { return b != nil && b.nc.IsConnected() }

// Close drains what is in flight, for at most closeTimeout, and disconnects.
func (b *Bus) Close() {
	b.ready()
	if !b.nc.IsConnected() {
		b.nc.Close()
		return
	}
	closed := make(chan struct{})
	b.nc.SetClosedHandler(func(*nats.Conn) { close(closed) })
	if err := b.nc.Drain(); err != nil {
		b.nc.Close()
		return
	}
	select {
	case <-closed:
	case <-time.After(closeTimeout):
		b.nc.Close()
	}
}

// Listen calls fn for every message of a subject that passes while the connection stands, for
// signals that may be missed: a cache is dropped, a limit is reset. OnConnect makes up for the
// missed ones.
func (b *Bus) Listen(subject string, fn func(subject string, data []byte)) error {
	if _, err := b.nc.Subscribe(subject, func(m *nats.Msg) { fn(m.Subject, m.Data) }); err != nil {
		return fmt.Errorf("listen to %s: %w", subject, err)
	}
	if b.Connected() {
		if err := b.nc.FlushTimeout(flushTimeout); err != nil {
			b.log.Debug("listen", "subject", subject, "error", err) // the client subscribes again when it is back
		}
	}
	return nil
}

// OnConnect calls fn after every connect and reconnect until ctx ends.
func (b *Bus) OnConnect(ctx context.Context, fn func()) {
	c, stop := b.back.subscribe()
	go func() {
		defer stop()
		for {
			select {
			case <-c:
				fn()
			case <-ctx.Done():
				return
			}
		}
	}()
}

// Signal publishes a message that no one has to receive.
func (b *Bus) Signal(subject string, data []byte) error { return b.nc.Publish(subject, data) }
