package pg

import (
	"errors"
	"io"
	"net"
	"strings"
)

// isNetwork recognizes a connection that broke in the middle of a statement.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) {
		return true
	}
	// pgx has no exported error for a connection that it closed itself after a failure.
	return strings.Contains(err.Error(), "conn closed")
}
