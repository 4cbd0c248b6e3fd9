package edge

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestRefusalsAreLoggedWithTheNetwork(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := &server{log: slog.New(slog.NewJSONHandler(&log, nil))}
	e.settings.proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		status  int
		network any
	}{{http.StatusForbidden, "198.51.100.0/24"}, {http.StatusTooManyRequests, "198.51.100.0/24"}, {http.StatusOK, nil},
		{http.StatusNotFound, nil}} {
		t.Run(http.StatusText(c.status), func(t *testing.T) {
			log.Reset()
			h := web.Router("edge", e.log)
			h.Use(e.noteRefusals)
			h.HandleFunc("/user/login", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(c.status) })
			r := httptest.NewRequest(http.MethodPost, "/user/login", nil)
			r.RemoteAddr = "127.0.0.1:1"
			r.Header.Set("X-Forwarded-For", "198.51.100.77")
			h.ServeHTTP(httptest.NewRecorder(), r)
			var line map[string]any
			if err := json.Unmarshal(log.Bytes(), &line); err != nil || line["network"] != c.network ||
				strings.Contains(log.String(), "198.51.100.77") {
				t.Errorf("%d is logged as %s, %v", c.status, log.String(), err)
			}
		})
	}
}
