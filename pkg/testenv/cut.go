package testenv

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Cut is a proxy to a server whose connections can be cut.
type Cut struct {
	// URL is the server's URL with the address of the proxy.
	URL   string
	to    string
	mu    sync.Mutex
	conns map[net.Conn]bool
	off   bool
}

// NewCut makes a proxy to the server of a URL, for the length of the test.
func NewCut(tb testing.TB, server string) *Cut {
	tb.Helper()
	u, err := url.Parse(server)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	c := &Cut{to: u.Host, conns: map[net.Conn]bool{}}
	u.Host = l.Addr().String()
	c.URL = u.String()
	tb.Cleanup(func() { l.Close() }) //nolint:errcheck // the test is over
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

func (c *Cut) forward(in net.Conn) {
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

func (c *Cut) keep(conns ...net.Conn) bool {
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

// Set cuts every connection and refuses new ones, or lets them through again.
func (c *Cut) Set(off bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.off = off
	for conn := range c.conns {
		if off {
			conn.Close() //nolint:errcheck // cut off on purpose
		}
	}
}
