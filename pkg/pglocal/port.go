package pglocal

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports are chosen below the ranges that systems use for outgoing connections, so that the one
// remembered is mostly still free at the next start.
const portFrom, portTo = 15000, 32000

// choosePort takes the port asked for, otherwise the one used last, otherwise any that is free.
func (c *Cluster) choosePort() error {
	if c.opts.Port != 0 {
		c.port = c.opts.Port
		if err := portFree(c.port); err != nil {
			return fmt.Errorf("port %d for PostgreSQL is taken: %w", c.port, err)
		}
		return nil
	}
	if c.port == 0 {
		// An unreadable or invalid file counts as none.
		c.port, _ = strconv.Atoi(readLine(c.folder.portFile()))
	}
	for range 1000 {
		if c.port > 0 && c.port < 1<<16 && portFree(c.port) == nil {
			return nil
		}
		c.port = portFrom + rand.IntN(portTo-portFrom)
	}
	return fmt.Errorf("no free port for PostgreSQL between %d and %d", portFrom, portTo)
}

func portFree(port int) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return listener.Close()
}
