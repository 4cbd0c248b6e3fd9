package mailinbox

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// cut says what a wire does at its next write. A well-behaved SMTP library cannot lose a reply;
// the connection below it can.
type cut int

const (
	cutNever     cut = iota
	cutInstead       // close the connection instead of writing: the reply is lost
	cutAfterward     // write, then close the connection
)

// probeTimeout and probeBytes bound the check for a client that has left during a stall.
const (
	probeTimeout = 2 * time.Millisecond
	probeBytes   = 1 << 20
)

// wire is one client's connection, controlled by the switches.
type wire struct {
	net.Conn
	gate *gate
	once sync.Once
	// free is closed when stalls no longer hold the connection.
	free     chan struct{}
	freeOnce sync.Once

	// early holds what was read ahead after a stall. Only the reader touches it.
	early []byte

	mu       sync.Mutex
	next     cut
	leaving  bool // whether further commands are ignored
	ended    bool // whether a read returned EOF because of leaving: then nothing more is written
	deadline time.Time
}

// cutNext sets what happens at the next write.
func (w *wire) cutNext(c cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = c
}

// leave ends the connection at the server's next read: a mail that is being stored still gets its
// reply.
func (w *wire) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leaving = true
	w.freeOnce.Do(func() { close(w.free) })
	if err := w.Conn.SetReadDeadline(time.Now()); err != nil {
		return // the connection is closed already
	}
}

// SetReadDeadline implements net.Conn. After leave, the deadline that ends the connection stays.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	if w.leaving {
		return nil
	}
	return w.Conn.SetReadDeadline(t)
}

// Read implements net.Conn. It holds back what it has read during a stall, and drops it if the
// client has given up meanwhile: a mail that the client counts as unsent must not be taken after
// all.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(p, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	n, err := w.Conn.Read(p)
	if n > 0 && w.gate.waitStall(w.free) && w.clientLeft() {
		return 0, io.EOF
	}
	if err != nil && w.endIfLeaving() {
		return n, io.EOF
	}
	return n, err
}

// endIfLeaving notes that a leaving connection has been read to its end, and reports whether it is
// leaving.
func (w *wire) endIfLeaving() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leaving {
		w.ended = true
	}
	return w.leaving
}

// clientLeft reads ahead for a moment to see whether the client has closed the connection.
func (w *wire) clientLeft() bool {
	buf := make([]byte, 4096)
	for len(w.early) < probeBytes {
		if err := w.probeDeadline(); err != nil {
			return true
		}
		n, err := w.Conn.Read(buf)
		w.early = append(w.early, buf[:n]...)
		if err == nil {
			continue
		}
		if errors.Is(err, os.ErrDeadlineExceeded) && !w.endIfLeaving() {
			break
		}
		w.early = nil
		return true
	}
	return w.restoreDeadline() != nil
}

func (w *wire) probeDeadline() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Conn.SetReadDeadline(time.Now().Add(probeTimeout))
}

// restoreDeadline sets the deadline that the SMTP server asked for.
func (w *wire) restoreDeadline() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.leaving {
		return w.Conn.SetReadDeadline(time.Now())
	}
	return w.Conn.SetReadDeadline(w.deadline)
}

// Write implements net.Conn, and carries out the cut that was ordered.
func (w *wire) Write(p []byte) (int, error) {
	w.gate.waitStall(w.free)
	w.mu.Lock()
	next, ended := w.next, w.ended
	w.mu.Unlock()
	if next == cutInstead || ended {
		w.hangUp()
		return 0, net.ErrClosed
	}
	n, err := w.Conn.Write(p)
	if next == cutAfterward {
		w.hangUp()
	}
	return n, err
}

// Close implements net.Conn.
func (w *wire) Close() error {
	err := net.ErrClosed
	w.once.Do(func() {
		w.freeOnce.Do(func() { close(w.free) })
		w.gate.remove(w)
		err = w.Conn.Close()
	})
	return err
}

// hangUp closes the connection. An error is only logged, because no one is left to hear of it.
func (w *wire) hangUp() {
	if err := w.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		w.gate.log.Debug("mail inbox: hang up", "error", err)
	}
}
