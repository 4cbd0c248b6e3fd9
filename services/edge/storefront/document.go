package storefront

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// document is a finished answer body: its bytes, the compressed form, and its tag.
type document struct {
	body, zipped []byte
	tag          string // hash of the body, without quotes
	contentType  string
	cache        string // Cache-Control; "" if the caller sets its own
}

func describe(body []byte, contentType, cache string) *document {
	sum := sha256.Sum256(body)
	return &document{
		body:        body,
		tag:         base64.RawURLEncoding.EncodeToString(sum[:9]),
		contentType: contentType,
		cache:       cache,
	}
}

// newDocument hashes a body, and compresses it if that saves bytes.
func newDocument(body []byte, contentType, cache string) (*document, error) {
	d := describe(body, contentType, cache)
	if !compressible(contentType) {
		return d, nil
	}
	return d, d.zip(bestZip)
}

// newLiveDocument is newDocument for a page that is rendered while a shopper waits, one of ten
// thousand: it is compressed faster, and kept only in that form, which nearly all clients accept.
func newLiveDocument(body []byte, contentType string) (*document, error) {
	d := describe(body, contentType, "")
	if err := d.zip(quickZip); err != nil {
		return nil, err
	}
	if d.zipped != nil {
		d.body = nil
	}
	return d, nil
}

// zip keeps the compressed body if it saves bytes.
func (d *document) zip(writers *sync.Pool) error {
	var buf bytes.Buffer
	zw := writers.Get().(*gzip.Writer) //nolint:forcetypeassert // the pool's own
	defer writers.Put(zw)
	zw.Reset(&buf)
	if _, err := zw.Write(d.body); err != nil {
		return fmt.Errorf("compress document: %w", err)
	}
	if err := zw.Close(); err != nil {
		return fmt.Errorf("compress document: %w", err)
	}
	if buf.Len() < len(d.body) {
		d.zipped = bytes.Clone(buf.Bytes())
	}
	return nil
}

// A writer takes up to a megabyte.
var bestZip, quickZip = zipWriters(gzip.BestCompression), zipWriters(gzip.DefaultCompression)

func zipWriters(level int) *sync.Pool {
	return &sync.Pool{New: func() any {
		zw, err := gzip.NewWriterLevel(io.Discard, level)
		if err != nil {
			panic(err) // the levels are the package's
		}
		return zw
	}}
}

// plain is the uncompressed body.
func (d *document) plain() ([]byte, error) {
	if d.body != nil || d.zipped == nil {
		return d.body, nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(d.zipped))
	if err != nil {
		return nil, fmt.Errorf("unpack document: %w", err)
	}
	body, err := io.ReadAll(zr)
	if err != nil {
		return nil, fmt.Errorf("unpack document: %w", err)
	}
	return body, nil
}

// size is the memory that the document takes.
func (d *document) size() uint32 { return uint32(512 + len(d.body) + len(d.zipped)) } //nolint:gosec // some kB

func compressible(contentType string) bool {
	for _, part := range []string{"text/", "javascript", "json", "xml"} {
		if strings.Contains(contentType, part) {
			return true
		}
	}
	return false
}

// ServeHTTP answers with the whole document under its own Cache-Control.
func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", d.contentType)
	w.Header().Set("Cache-Control", d.cache)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	d.write(w, r, http.StatusOK)
}

// write sends the document in the encoding that the client accepts, or 304 if the client has it
// already. The compressed form has a tag of its own, because its bytes are others.
func (d *document) write(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	body, tag := d.zipped, `"`+d.tag+`-gz"`
	if d.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
	}

	if d.zipped != nil && web.AcceptsEncoding(r, "gzip") {
		h.Set("Content-Encoding", "gzip")
	} else {
		var err error
		if body, err = d.plain(); err != nil {
			web.Fail(w, r, err)
			return
		}
		tag = `"` + d.tag + `"`
	}

	if status == http.StatusOK {
		h.Set("ETag", tag)
		if web.NotModified(w, r, tag) {
			return
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}

	// A client that went away is not a fault of ours, and cannot be told anything.
	_, _ = w.Write(body) //nolint:gosec // templates escape foreign text when pages are rendered
}
