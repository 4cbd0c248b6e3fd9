package testenv

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// Broker is a real NATS server with JetStream, synced like in production.
type Broker struct {
	tb   testing.TB
	addr string
	dir  string
	srv  *server.Server
	// of a cluster; empty for a single broker
	name, cluster string
	routes        []string
}

// NewBroker starts a broker on a port of its own, for the length of the test, with all streams and
// consumers.
func NewBroker(tb testing.TB) *Broker {
	tb.Helper()
	b := &Broker{tb: tb, addr: Port(tb), dir: tb.TempDir()}
	b.Start()
	b.Provision()
	tb.Cleanup(b.Stop)
	return b
}

// NoBroker is a service's connection to a broker that is never reached, for tests whose messages
// may stay in the outbox.
func NoBroker(tb testing.TB, service string) *bus.Bus {
	tb.Helper()
	b, err := bus.Connect(Log(tb), "nats://127.0.0.1:1", service)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// Cluster is three brokers that can keep copies of the same streams.
type Cluster [3]*Broker

// NewCluster starts a cluster for the length of the test, without streams.
func NewCluster(tb testing.TB) Cluster {
	tb.Helper()
	var c Cluster
	var routes []string
	for i := range c {
		c[i] = &Broker{
			tb:      tb,
			addr:    Port(tb),
			dir:     tb.TempDir(),
			name:    "broker-" + strconv.Itoa(i+1),
			cluster: Port(tb),
		}
		routes = append(routes, "nats://"+c[i].cluster)
	}
	for _, b := range c {
		b.routes = routes
		b.Start()
		tb.Cleanup(func() { b.Stop() })
	}
	return c
}

// URL has the addresses of all three, as NATS_URL holds them.
func (c Cluster) URL() string { return c[0].URL() + "," + c[1].URL() + "," + c[2].URL() }

// Start starts a stopped broker again, on the same port.
func (b *Broker) Start() {
	b.tb.Helper()
	host, text, err := net.SplitHostPort(b.addr)
	if err != nil {
		b.tb.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		b.tb.Fatal(err)
	}

	opts := &server.Options{
		Host:               host,
		Port:               port,
		ServerName:         b.name,
		JetStream:          true,
		StoreDir:           b.dir,
		SyncAlways:         true,
		JetStreamMaxStore:  200 << 30,
		JetStreamMaxMemory: 256 << 20,
		NoLog:              true,
		NoSigs:             true,
	}
	if b.cluster != "" {
		u := server.RoutesFromStr("nats://" + b.cluster)[0]
		opts.Cluster.Name, opts.Cluster.Host = "shop", u.Hostname()
		if opts.Cluster.Port, err = strconv.Atoi(u.Port()); err != nil {
			b.tb.Fatal(err)
		}
		opts.Routes = server.RoutesFromStr(strings.Join(b.routes, ","))
	}

	srv, err := server.NewServer(opts)
	if err != nil {
		b.tb.Fatalf("make a broker: %v", err)
	}
	srv.Start()
	if !srv.ReadyForConnections(20 * time.Second) {
		b.tb.Fatal("the broker does not start")
	}
	b.srv = srv
}

// Stop stops the broker; what it stored stays.
func (b *Broker) Stop() {
	b.srv.Shutdown()
	b.srv.WaitForShutdown()
}

// Wipe stops the broker and deletes what it stored.
func (b *Broker) Wipe() {
	b.Stop()
	b.dir = b.tb.TempDir()
}

// Provision makes the shop's streams and consumers.
func (b *Broker) Provision() {
	b.tb.Helper()
	conn := b.Connect("provision")
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var err error
	Eventually(b.tb, 20*time.Second, "streams and consumers provisioned", func() bool {
		err = conn.Provision(ctx, 1)
		return err == nil || ctx.Err() != nil
	})
	if err != nil {
		b.tb.Fatal(err)
	}
}

// URL is where the broker listens.
func (b *Broker) URL() string { return "nats://" + b.addr }

// Connect opens a bus for a service; the caller closes it.
func (b *Broker) Connect(service string) *bus.Bus {
	b.tb.Helper()
	conn, err := bus.Connect(Log(b.tb), b.URL(), service)
	if err != nil {
		b.tb.Fatal(err)
	}
	return conn
}

// Bus opens a bus for the length of the test.
func (b *Broker) Bus(service string) *bus.Bus {
	b.tb.Helper()
	conn := b.Connect(service)
	b.tb.Cleanup(conn.Close)
	return conn
}
