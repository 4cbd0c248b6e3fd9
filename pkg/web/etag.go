package web

import (
	"net/http"
	"strings"
)

// NotModified answers 304 when a client has already what an ETag names (If-None-Match), and reports
// whether it did. The tag is quoted, and the header ETag is the caller's to set.
func NotModified(w http.ResponseWriter, r *http.Request, tag string) bool {
	for _, known := range r.Header["If-None-Match"] {
		if !matchesTag(known, tag) {
			continue
		}
		h := w.Header()
		delete(h, "Content-Encoding")
		delete(h, "Content-Length")
		delete(h, "Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	return false
}

// matchesTag compares weakly, as If-None-Match asks for.
func matchesTag(header, tag string) bool {
	if header == "*" {
		return true
	}
	for part := range strings.SplitSeq(header, ",") {
		if strings.TrimPrefix(strings.TrimSpace(part), "W/") == tag {
			return true
		}
	}
	return false
}
