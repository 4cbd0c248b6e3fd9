package e2e

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// proxy stands between the shop and its database. It can be cut or stop responding.
type proxy struct {
	target string
	l      net.Listener

	mu    sync.Mutex
	cut   bool
	held  chan struct{} // closed while bytes pass
	conns map[net.Conn]bool
	wg    sync.WaitGroup
}

// newProxy leads to the host of a URL, and returns that URL with the proxy's address.
func newProxy(t *testing.T, address string) (*proxy, string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{target: u.Host, l: l, held: make(chan struct{}), conns: map[net.Conn]bool{}}
	close(p.held)
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		p.Cut()
		p.Mend()
		p.wg.Wait()
	})
	u.Host = l.Addr().String()
	return p, u.String()
}

func (p *proxy) accept() {
	for {
		in, err := p.l.Accept()
		if err != nil {
			return
		}
		if !p.keep(in) {
			continue
		}
		p.wg.Go(func() { p.forward(in) })
	}
}

// keep stores a connection, or closes it while the proxy is cut.
func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cut {
		_ = c.Close() // that is the point
		return false
	}
	p.conns[c] = true
	return true
}

func (p *proxy) forward(in net.Conn) {
	out, err := net.Dial("tcp", p.target)
	if err != nil || !p.keep(out) {
		_ = in.Close() // the client sees a lost connection
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], patient{p, way[1]}) // either end may go at any time
			_ = way[0].Close()                         // and closes the other end
		})
	}
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, in)
	delete(p.conns, out)
}

// Cut ends all connections and refuses new ones.
func (p *proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.conns {
		_ = c.Close() // that is the point
	}
}

// Hold stops all bytes in both directions while connections stay open, like a host that is gone, or
// a firewall that drops packets.
func (p *proxy) Hold() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held = make(chan struct{})
}

// Mend lets connections and bytes pass again.
func (p *proxy) Mend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = false
	select {
	case <-p.held:
	default:
		close(p.held)
	}
}

// patient reads, but waits while the proxy holds bytes back.
type patient struct {
	*proxy
	from net.Conn
}

func (r patient) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	r.mu.Lock()
	held := r.held
	r.mu.Unlock()
	<-held
	return n, err
}
