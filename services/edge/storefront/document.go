package storefront

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// document is a finished answer body: its bytes, the same compressed, and its tag.
type document struct {
	body, zipped []byte
	tag          string // hash of the body, without quotes
	contentType  string
	cache        string // Cache-Control; empty where the caller sets its own
}

// newDocument hashes and, where it saves bytes, compresses a body.
func newDocument(body []byte, contentType, cache string) (*document, error) {
	sum := sha256.Sum256(body)
	d := &document{
		body:        body,
		tag:         base64.RawURLEncoding.EncodeToString(sum[:9]),
		contentType: contentType,
		cache:       cache,
	}
	if !compressible(contentType) {
		return d, nil
	}
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, fmt.Errorf("compress document: %w", err)
	}
	if _, err := zw.Write(body); err != nil {
		return nil, fmt.Errorf("compress document: %w", err)
	}
	if err := zw.Close(); err != nil {
		return nil, fmt.Errorf("compress document: %w", err)
	}
	if buf.Len() < len(body) {
		d.zipped = buf.Bytes()
	}
	return d, nil
}

func compressible(contentType string) bool {
	for _, part := range []string{"text/", "javascript", "json", "xml"} {
		if strings.Contains(contentType, part) {
			return true
		}
	}
	return false
}

// ServeHTTP answers with the whole document under its own caching rule.
func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", d.contentType)
	w.Header().Set("Cache-Control", d.cache)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	d.write(w, r, http.StatusOK)
}

// write sends the document in the encoding that the client takes, or 304 when it has it already.
// The compressed form has a tag of its own, because it is another sequence of bytes.
func (d *document) write(w http.ResponseWriter, r *http.Request, status int) {
	h := w.Header()
	body, tag := d.body, `"`+d.tag+`"`
	if d.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, tag = d.zipped, `"`+d.tag+`-gz"`
			h.Set("Content-Encoding", "gzip")
		}
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
	// A client that went away is no fault of ours and nothing can be told to it any more.
	_, _ = w.Write(body) //nolint:gosec // what pages show of others is escaped when they are rendered
}

// acceptsGzip reads an Accept-Encoding header; "gzip;q=0" is a refusal.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name != "gzip" && name != "*" {
			continue
		}
		q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		if !found {
			return true
		}
		return strings.Trim(q, "0.") != ""
	}
	return false
}
