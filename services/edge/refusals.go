package edge

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// noteRefusals adds the client's network to the log line of a request that was refused for security
// (a forged or foreign POST, a limit).
func (s *server) noteRefusals(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &statusRecorder{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		if rec.status == http.StatusForbidden || rec.status == http.StatusTooManyRequests {
			web.Note(r, "network", web.LogNetwork(s.clientAddr(r).String()))
		}
	})
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the real writer.
func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
