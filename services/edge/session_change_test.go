package edge

import (
	"io"
	"net/http"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// An answer with an unreadable or unknown session change is not passed on, as it may say "logged
// in".
func TestUnknownSessionChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, header := range []string{"x", `{}`, `{"action":"transfer","member":{"id":7}}`} {
		e.user.on("POST /user/login", func(rw http.ResponseWriter, _ seen) {
			rw.Header().Set(web.SessionHeader, header)
			io.WriteString(rw, `{"login":"true","user-api-version":"0.0.1"}`) //nolint:errcheck // a test's answer
		})
		b := e.browser()
		a := b.Post("/user/login", "username", "ann_lee", "password", "right")
		a.Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
		if len(a.Cookies()) != 0 || b.member() {
			t.Errorf("%s: %v", header, a.Header)
		}
	}
}
