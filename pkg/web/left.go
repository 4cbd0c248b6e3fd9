package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// StatusClientLeft is how a request is logged and counted whose client went away before there was
// an answer: nothing was wrong here, so it is not a server error, whatever the handler made of the
// broken connection.
const StatusClientLeft = 499

// Left reports whether the client of a request went away. A time limit of ours that ran out is not
// that.
func Left(r *http.Request) bool { return errors.Is(r.Context().Err(), context.Canceled) }

func clientLeft(err error) *Error {
	return &Error{Status: StatusClientLeft, Code: "client-left", Err: err}
}

// BodyError is the answer to a body that could not be read: too large, cut off by a client that
// left, or malformed.
func BodyError(err error) error {
	err = fmt.Errorf("read a body: %w", err)
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &Error{Status: http.StatusRequestEntityTooLarge, Code: "body-too-large", Err: err}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, context.Canceled) {
		return clientLeft(err)
	}
	return &Error{Status: http.StatusBadRequest, Code: "bad-request", Err: err}
}
