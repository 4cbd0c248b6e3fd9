package webhook

import (
	"bytes"
	"net/http"
	"sync"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Bodies are most of what a busy webhook allocates, so their memory is reused (docs/adr/0019).
var (
	// buffers hold the body of one request.
	buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	// scratches hold the bodies of a group on their way to the database.
	scratches = sync.Pool{New: func() any { return new([]byte) }}
)

func readBody(buf *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return web.BodyError(err)
	}
	return nil
}
