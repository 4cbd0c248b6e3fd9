package mailinbox

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// relistenPause is how long a gate waits before it tries a taken port again.
const relistenPause = 100 * time.Millisecond

// gate is the listener of the SMTP server. Behind it the real listener can close and reopen on the
// same port, and all connections can be stalled.
type gate struct {
	log      *slog.Logger
	addr     string
	accepted chan net.Conn
	done     chan struct{}

	mu       sync.Mutex
	inner    net.Listener // nil while down
	conns    map[*wire]struct{}
	down     bool
	closed   bool
	stallEnd chan struct{} // closed when the stall is over; nil without one
}

func newGate(l net.Listener, log *slog.Logger) *gate {
	return &gate{
		log:      log,
		addr:     l.Addr().String(),
		accepted: make(chan net.Conn),
		done:     make(chan struct{}),
		inner:    l,
		conns:    map[*wire]struct{}{},
	}
}

// start begins to accept connections, unless the gate was switched off before.
func (g *gate) start() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inner != nil {
		go g.acceptFrom(g.inner)
	}
}

// acceptFrom accepts connections until l is closed.
func (g *gate) acceptFrom(l net.Listener) {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			g.log.Warn("mail inbox: accept", "error", err)
			select {
			case <-time.After(relistenPause):
				continue
			case <-g.done:
				return
			}
		}
		g.hand(conn)
	}
}

// hand wraps a connection and passes it to the SMTP server.
func (g *gate) hand(conn net.Conn) {
	w := &wire{Conn: conn, gate: g, free: make(chan struct{})}
	g.mu.Lock()
	refuse := g.down || g.closed
	if !refuse {
		g.conns[w] = struct{}{}
	}
	g.mu.Unlock()
	if refuse {
		w.hangUp()
		return
	}
	select {
	case g.accepted <- w:
	case <-g.done:
		w.hangUp()
	}
}

// Accept implements net.Listener.
func (g *gate) Accept() (net.Conn, error) {
	select {
	case c := <-g.accepted:
		return c, nil
	case <-g.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (g *gate) Addr() net.Addr {
	addr, err := net.ResolveTCPAddr("tcp", g.addr)
	if err != nil {
		return &net.TCPAddr{}
	}
	return addr
}

// Close implements net.Listener: it takes no new connections, and the open ones end after the mail
// that is being stored.
func (g *gate) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	close(g.done)
	g.leaveLocked()
	if g.inner == nil {
		return nil
	}
	return g.inner.Close()
}

// leaveLocked lets every connection end at its next read. The caller holds mu.
func (g *gate) leaveLocked() {
	for w := range g.conns {
		w.leave()
	}
}

// cutAll closes every connection at once.
func (g *gate) cutAll() {
	g.mu.Lock()
	conns := make([]*wire, 0, len(g.conns))
	for w := range g.conns {
		conns = append(conns, w)
	}
	g.mu.Unlock()
	for _, w := range conns {
		w.hangUp()
	}
}

// setDown closes the port, or opens it again. If another process has taken the port, the error says
// so and opening goes on in the background.
func (g *gate) setDown(down bool) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed || down == g.down {
		return nil
	}
	g.down = down
	if !down {
		err := g.openLocked()
		if err != nil {
			go g.reopen()
		}
		return err
	}
	g.leaveLocked()
	if g.inner == nil {
		return nil
	}
	err := g.inner.Close()
	g.inner = nil
	return err
}

// openLocked listens again at the old address. The caller holds mu.
func (g *gate) openLocked() error {
	l, err := net.Listen("tcp", g.addr)
	if err != nil {
		return err
	}
	g.inner = l
	go g.acceptFrom(l)
	return nil
}

// reopen tries until the port is free, the gate is closed or switched down again.
func (g *gate) reopen() {
	for {
		select {
		case <-g.done:
			return
		case <-time.After(relistenPause):
		}
		g.mu.Lock()
		over := g.closed || g.down || g.inner != nil || g.openLocked() == nil
		g.mu.Unlock()
		if over {
			return
		}
	}
}

// setStall begins a stall of the given length (0: until switched off), or ends it.
func (g *gate) setStall(on bool, length time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stallEnd != nil {
		close(g.stallEnd)
		g.stallEnd = nil
	}
	if !on {
		return
	}
	end := make(chan struct{})
	g.stallEnd = end
	if length > 0 {
		time.AfterFunc(length, func() { g.endStall(end) })
	}
}

// endStall ends the stall that end belongs to, unless that has ended already.
func (g *gate) endStall(end chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stallEnd == end {
		close(end)
		g.stallEnd = nil
	}
}

// stalled reports whether connections are stalled.
func (g *gate) stalled() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.stallEnd != nil
}

// waitStall holds the caller while there is a stall and reports whether there was one. It returns
// early when the connection is to end or the gate is closed.
func (g *gate) waitStall(free <-chan struct{}) bool {
	held := false
	for {
		g.mu.Lock()
		end := g.stallEnd
		g.mu.Unlock()
		if end == nil {
			return held
		}
		held = true
		select {
		case <-end:
		case <-free:
			return held
		case <-g.done:
			return held
		}
	}
}

// remove removes a closed connection from the list.
func (g *gate) remove(w *wire) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, w)
}
