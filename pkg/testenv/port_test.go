package testenv_test

import (
	"net"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A reserved port is free for its holder, as often as they like, and no one else gets it.
func TestPort(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 50 {
		addr := testenv.Port(t)
		if seen[addr] {
			t.Errorf("%s twice", addr)
		}
		seen[addr] = true
		for range 2 {
			l, err := net.Listen("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
