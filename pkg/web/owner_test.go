package web

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// process is one of several that answer for an owner: with the status 200 and its address.
type process struct {
	t     *testing.T
	addr  string
	heard *sync.Map // bodies of POSTs, and how often they came to any of the processes
	l     *mortalListener
	stop  context.CancelFunc
	ended chan error
}

// mortalListener can break all connections at once, as the kernel does when a process is killed.
type mortalListener struct {
	net.Listener
	mu    sync.Mutex
	conns []*net.TCPConn
}

func (l *mortalListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conns = append(l.conns, tcp)
	}
	return c, err
}

func newProcess(t *testing.T, addr string, heard *sync.Map) *process {
	t.Helper()
	p := &process{t: t, addr: addr, heard: heard}
	p.start()
	t.Cleanup(func() { p.stop() })
	return p
}

func (p *process) start() {
	p.t.Helper()
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.addr, p.l, p.ended = l.Addr().String(), &mortalListener{Listener: l}, make(chan error, 1)
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	go func() {
		p.ended <- Serve(ctx, p.l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // cut
			}
			if len(body) > 0 {
				times, _ := p.heard.LoadOrStore(string(body), new(atomic.Int64))
				times.(*atomic.Int64).Add(1) //nolint:forcetypeassert // of the line above
			}
			wait.Sleep(ctx, time.Millisecond) // so that some are under way whenever a process ends
			fmt.Fprint(w, p.addr)
		}))
	}()
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.l.Close() //nolint:errcheck,gosec // gone already, as the connections below may be
	p.l.mu.Lock()
	for _, c := range p.l.conns {
		c.SetLinger(0) //nolint:errcheck,gosec // a connection that is gone already
		c.Close()      //nolint:errcheck,gosec // the same
	}
	p.l.mu.Unlock()
	p.stop()
	<-p.ended
}

func ownerOf(t *testing.T, secure *tls.Config, at string) *Owner {
	t.Helper()
	addresses, err := ParseAddresses("ORDER_URL", at)
	if err != nil {
		t.Fatal(err)
	}
	o := NewOwner(slog.New(slog.DiscardHandler), "order", addresses, secure, 10*time.Second)
	t.Cleanup(o.CloseIdle)
	return o
}

// askOwner sends a request; the answer is its body.
func askOwner(o *Owner, method, body string) (string, error) {
	return askIn(context.Background(), o, method, body)
}

func askIn(ctx context.Context, o *Owner, method, body string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, method, "/order/cart", nil)
	if err != nil {
		return "", err
	}
	if body != "" {
		SetBody(r, []byte(body))
	}
	w, err := o.RoundTrip(r)
	if err != nil {
		return "", err
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	answer, err := io.ReadAll(w.Body)
	return string(answer), err
}

// One of two processes is stopped, or killed, again and again, while shoppers click. No click
// fails, except those that change something, may not be repeated, and were under way in a process
// when it was killed: what became of them is unknown, and they are not sent again.
func TestNoClickFailsWhenOneOfTwoGoes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(p *process)
		cut  int64 // POSTs that may fail with each end
		most int64 // times that one may be received
		ctx  context.Context
	}{
		{name: "stopped", end: func(p *process) { p.stop(); <-p.ended }, most: 1, ctx: t.Context()},
		{name: "killed", end: (*process).kill, cut: shoppers / 2, most: 1, ctx: t.Context()},
		{name: "killed with repeatable clicks", end: (*process).kill, most: 2, ctx: Repeatable(t.Context())},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var heard sync.Map
			two := []*process{newProcess(t, "127.0.0.1:0", &heard), newProcess(t, "127.0.0.1:0", &heard)}
			o := ownerOf(t, nil, "http://"+two[0].addr+", http://"+two[1].addr)
			clicks := startClicks(c.ctx, t, o)

			const ends = 4
			for i := range ends {
				p := two[i%2]
				clicks.more(150)
				c.end(p)
				clicks.more(150)
				p.start()
				clicks.until("the process is asked again", func() bool {
					answer, err := askOwner(o, http.MethodGet, "")
					return err == nil && answer == p.addr
				})
			}

			clicks.end()
			if n := clicks.lost.Load(); n > ends*c.cut {
				t.Errorf("%d of %d POSTs failed", n, clicks.n.Load())
			}
			heard.Range(func(body, times any) bool {
				if n := times.(*atomic.Int64).Load(); n > c.most { //nolint:forcetypeassert // newProcess put it there
					t.Errorf("%v was received %d times", body, n)
				}
				return true
			})
			t.Logf("%d clicks, %d of them under way in a process that was killed", clicks.n.Load(), clicks.lost.Load())
		})
	}
}

const shoppers = 8

// clicks are requests of shoppers at once, every other one a POST.
type clicks struct {
	t       *testing.T
	n, lost atomic.Int64
	over    atomic.Bool
	all     sync.WaitGroup
}

func startClicks(ctx context.Context, t *testing.T, o *Owner) *clicks {
	t.Helper()
	c := &clicks{t: t}
	for shopper := range shoppers {
		c.all.Go(func() {
			for i := 0; !c.over.Load(); i++ {
				if _, err := askOwner(o, http.MethodGet, ""); err != nil {
					t.Errorf("a GET failed: %v", err)
				}
				if _, err := askIn(ctx, o, http.MethodPost, fmt.Sprintf("%d-%d", shopper, i)); err != nil {
					c.lost.Add(1)
				}
				c.n.Add(2)
				wait.Sleep(t.Context(), 2*time.Millisecond)
			}
		})
	}
	t.Cleanup(c.end)
	return c
}

// more waits for further clicks.
func (c *clicks) more(n int64) {
	c.t.Helper()
	enough := c.n.Load() + n
	c.until("some more clicks", func() bool { return c.n.Load() >= enough })
}

func (c *clicks) until(what string, condition func() bool) {
	c.t.Helper()
	for limit := time.Now().Add(30 * time.Second); !condition(); {
		if time.Now().After(limit) {
			c.t.Fatalf("still not: %s", what)
		}
		wait.Sleep(c.t.Context(), time.Millisecond)
	}
}

func (c *clicks) end() { c.over.Store(true); c.all.Wait() }

// A request that was received and not answered goes to the next address only if it asks for no
// change, or may be repeated.
func TestOnlySomeRequestsAreRepeated(t *testing.T) {
	t.Parallel()
	var received atomic.Int64
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		received.Add(1)
		panic(http.ErrAbortHandler)
	}))
	defer mute.Close()
	var heard sync.Map
	good := newProcess(t, "127.0.0.1:0", &heard)
	o := ownerOf(t, nil, mute.URL+",http://"+good.addr)

	failed := 0
	for i := range 10 {
		if answer, err := askOwner(o, http.MethodGet, ""); err != nil || answer != good.addr {
			t.Errorf("a GET is answered with %q %v", answer, err)
		}
		if answer, err := askIn(Repeatable(t.Context()), o, http.MethodPost, fmt.Sprint("again", i)); err != nil || answer != good.addr {
			t.Errorf("a POST that may be repeated is answered with %q %v", answer, err)
		}
		if _, err := askOwner(o, http.MethodPost, fmt.Sprint(i)); err != nil {
			failed++
		}
	}

	n := 0
	heard.Range(func(any, any) bool { n++; return true })
	if failed == 0 || n+failed != 20 {
		t.Errorf("of 20 POSTs %d failed and %d were heard by the other process", failed, n)
	}
	if cut, err := askIn(Repeatable(t.Context()), ownerOf(t, nil, mute.URL), http.MethodPost, "x"); err == nil {
		t.Errorf("the only process is dead, and the answer is %q", cut)
	}

	received.Store(0)
	two := ownerOf(t, nil, mute.URL+","+mute.URL)
	if cut, err := askIn(Repeatable(t.Context()), two, http.MethodPost, "x"); err == nil || received.Load() != 2 {
		t.Errorf("%d processes received it, and the answer is %q", received.Load(), cut)
	}
}

// Calls between services may all be repeated, so each goes to the next process when the one that
// has it is killed.
func TestCallsAreRepeated(t *testing.T) {
	t.Parallel()
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "{}") //nolint:errcheck // a test's answer
	}))
	defer well.Close()
	dies := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer dies.Close()
	o := ownerOf(t, nil, dies.URL+","+well.URL)
	for range 4 { // the two take turns
		var out struct{}
		if err := o.Call(t.Context(), Call{Method: http.MethodPost, Path: "/internal/x", Key: make([]byte, 32)}, &out); err != nil {
			t.Error(err)
		}
	}
}

// The second process that gets a request learns that it is the second, and gets the body. A request
// that no process received is not marked.
func TestARepeatedRequestSaysSo(t *testing.T) {
	t.Parallel()
	breaks := make(chan bool, 1)
	told := make(chan string, 2)
	two := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			told <- fmt.Sprint(SentAgain(r), " ", string(body), " ", err)
			select {
			case <-breaks:
				panic(http.ErrAbortHandler)
			default:
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}

	at := two() + "," + two()
	breaks <- true
	if _, err := askIn(Repeatable(t.Context()), ownerOf(t, nil, at), http.MethodPost, "x"); err != nil {
		t.Error(err)
	}
	if first, second := <-told, <-told; first != "false x <nil>" || second != "true x <nil>" {
		t.Errorf("the processes got %q and %q", first, second)
	}

	away := ownerOf(t, nil, "http://127.0.0.1:1,"+two())
	for range 2 {
		if _, err := askIn(Repeatable(t.Context()), away, http.MethodPost, "x"); err != nil {
			t.Error(err)
		}
		if got := <-told; got != "false x <nil>" {
			t.Errorf("the only one that received it got %q", got)
		}
	}
}

// A request is not sent again because its process is late: it may still be at work.
func TestALateProcessIsLeftAlone(t *testing.T) {
	t.Parallel()
	var received atomic.Int64
	over := make(chan struct{})
	late := func() string {
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			received.Add(1)
			<-over
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	addresses, err := ParseAddresses("ORDER_URL", late()+","+late())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(over) })
	o := NewOwner(slog.New(slog.DiscardHandler), "order", addresses, nil, 50*time.Millisecond)
	if _, err := askIn(Repeatable(t.Context()), o, http.MethodPost, "x"); err == nil || received.Load() != 1 {
		t.Errorf("%d processes received it: %v", received.Load(), err)
	}
}

// No part of a request is sent to a server with another certificate than the one that is wanted.
func TestNextAddressWhenTLSFails(t *testing.T) {
	t.Parallel()
	var heard, stranger atomic.Int64
	count := func(n *atomic.Int64) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { n.Add(1) })
	}
	good := httptest.NewTLSServer(count(&heard))
	defer good.Close()
	bad := httptest.NewUnstartedServer(count(&stranger))
	bad.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}} //nolint:gosec // refused
	bad.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	bad.StartTLS()
	defer bad.Close()
	secure := good.Client().Transport.(*http.Transport).TLSClientConfig //nolint:forcetypeassert // httptest's own
	o := ownerOf(t, secure, bad.URL+","+good.URL)
	for i := range 4 {
		if _, err := askOwner(o, http.MethodPost, fmt.Sprint(i)); err != nil {
			t.Error(err)
		}
	}
	if heard.Load() != 4 || stranger.Load() != 0 {
		t.Errorf("%d and %d requests", heard.Load(), stranger.Load())
	}
}

// A name with several addresses is several processes.
func TestNameResolvesToSeveralProcesses(t *testing.T) {
	t.Parallel()
	var heard sync.Map
	first := newProcess(t, "127.0.0.1:0", &heard)
	_, port, err := net.SplitHostPort(first.addr)
	if err != nil {
		t.Fatal(err)
	}

	second := newProcess(t, "127.0.0.2:"+port, &heard)
	o := ownerOf(t, nil, "http://order.shop.internal:"+port)
	var gone atomic.Bool
	o.lookUp = func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if host != "order.shop.internal" {
			t.Errorf("%s is looked up", host)
		}
		all := []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.2"), netip.MustParseAddr("127.0.0.3")}
		if gone.Load() {
			return all[1:2], nil
		}
		return all, nil
	}

	o.resolve(o.known.Load())
	seen := map[string]int{}
	for range 40 {
		answer, err := askOwner(o, http.MethodPost, "x")
		if err != nil {
			t.Fatal(err)
		}
		seen[answer]++
	}

	if seen[first.addr] < 10 || seen[second.addr] < 10 {
		t.Errorf("requests went to %v", seen)
	}
	first.kill()

	for range 10 {
		if answer, err := askOwner(o, http.MethodPost, "x"); err != nil || answer != second.addr {
			t.Errorf("with one process gone: %q %v", answer, err)
		}
	}

	gone.Store(true)
	if o.resolve(o.known.Load()); len(o.known.Load().endpoints) != 1 || o.known.Load().endpoints[0] != o.named[0] {
		t.Error("a name of one machine is not left to the dialer")
	}
}

func TestParseAddresses(t *testing.T) {
	t.Parallel()
	at, err := ParseAddresses("ORDER_URL", "http://order-1:8083/, https://[::1]")
	if err != nil || len(at) != 2 || at[0].String() != "http://order-1:8083" || at[1].String() != "https://[::1]" {
		t.Errorf("%v %v", at, err)
	}
	for _, bad := range []string{"", "http://a,", ",", "http://a;http://b", "a:80", "http://a/x", "http://a,ftp://b"} {
		if _, err := ParseAddresses("ORDER_URL", bad); err == nil || !strings.Contains(err.Error(), "ORDER_URL") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// A server that is told to stop does not close a kept connection at once, where a POST may be on
// its way: it answers, and says that the connection ends.
func TestServeTellsCallersThatItStops(t *testing.T) {
	t.Parallel()
	for try := range 5 { // a busy machine may be slower than leavePause
		p := newProcess(t, "127.0.0.1:0", new(sync.Map))
		o := ownerOf(t, nil, "http://"+p.addr)
		if _, err := askOwner(o, http.MethodPost, "before"); err != nil {
			t.Fatal(err)
		}

		began := time.Now()
		p.stop()
		r, err := http.NewRequest(http.MethodPost, "/order/cart", strings.NewReader("after"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := o.RoundTrip(r)
		if err == nil {
			w.Body.Close() //nolint:errcheck,gosec // a short text
		}

		switch took := time.Since(began); {
		case err == nil && w.Close:
			return
		case took < leavePause/2:
			t.Fatalf("after %s: %v %v", took, w, err)
		}
		t.Logf("try %d was too slow: %v", try, err)
	}
	t.Error("no answer while it stops")
}
