package testenv

import (
	"math/rand/v2"
	"net"
	"strconv"
	"testing"
)

// Reserved ports are below those that systems give to programs that ask for any port, and below
// those where pglocal looks.
const portFrom, portTo = 10000, 15000

// Port reserves an address of this machine for the length of a test. What the test starts there may
// stop, be killed and start again. No other test, in this process or another, is given the port in
// the meantime, as could happen with a port that merely was free.
func Port(tb testing.TB) (addr string) {
	tb.Helper()
	for range 1000 {
		addr := net.JoinHostPort("127.0.0.1",
			strconv.Itoa(portFrom+rand.IntN(portTo-portFrom))) //nolint:gosec // no secret
		// The same number of UDP, which no one uses, is the reservation.
		held, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		tcp, err := net.Listen("tcp", addr)
		if err == nil {
			err = tcp.Close()
		}
		if err != nil { // taken by a program that reserves nothing
			held.Close() //nolint:errcheck // nothing was reserved
			continue
		}
		tb.Cleanup(func() { held.Close() }) //nolint:errcheck // the test is over
		return addr
	}
	tb.Fatal("no free port")
	return ""
}
