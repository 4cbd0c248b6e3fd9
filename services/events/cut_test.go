package events

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// cut is a way to the database that can be cut.
type cut struct {
	url   string
	to    string
	mu    sync.Mutex
	conns map[net.Conn]bool
	off   bool
}

func newCut(t *testing.T, database string) *cut {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cut{to: u.Host, conns: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	c.url = u.String()
	t.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go c.forward(in)
		}
	}()
	return c
}

func (c *cut) forward(in net.Conn) {
	out, err := net.Dial("tcp", c.to)
	if err != nil || !c.keep(in, out) {
		in.Close() //nolint:errcheck // cut off on purpose
		return
	}
	go io.Copy(out, in) //nolint:errcheck // ends with the connection
	io.Copy(in, out)    //nolint:errcheck // ends with the connection
	in.Close()          //nolint:errcheck // the other end left
	out.Close()         //nolint:errcheck // the other end left
}

func (c *cut) keep(conns ...net.Conn) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range conns {
		if c.off {
			conn.Close() //nolint:errcheck // cut off on purpose
		}
		c.conns[conn] = true
	}
	return !c.off
}

// set cuts every connection and refuses new ones, or lets them through again.
func (c *cut) set(off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
	for conn := range c.conns {
		if off {
			conn.Close() //nolint:errcheck // cut off on purpose
		}
	}
}
