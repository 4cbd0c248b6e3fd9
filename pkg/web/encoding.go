package web

import (
	"net/http"
	"strings"
)

// AcceptsEncoding reports whether a client takes a content coding such as gzip (RFC 9110, 12.5.3);
// "gzip;q=0" is a refusal.
func AcceptsEncoding(r *http.Request, coding string) bool {
	for _, header := range r.Header["Accept-Encoding"] {
		for part := range strings.SplitSeq(header, ",") {
			name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
			if name != coding && name != "*" {
				continue
			}
			q, found := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			return !found || strings.Trim(q, "0.") != ""
		}
	}
	return false
}
