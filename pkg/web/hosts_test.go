package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A page under a foreign name that resolves to this machine reaches nothing: its browser writes
// that name into Host.
func TestOnlyHosts(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(OnlyHosts("metrics.example:9090, edge", "inbox.lan", "0.0.0.0:8025", ":8025",
		"[::]:1")(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "inside") // the test reads it
	})))
	defer srv.Close()
	for host, want := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8025": 200, "127.8.9.1:1": 200, "localhost": 200, "LocalHost.:80": 200, "shop.localhost:8025": 200,
		"[::1]:8025": 200, "[::1]": 200, "[::ffff:127.0.0.1]:80": 200, "metrics.example": 200, "metrics.example:1": 200, "EDGE:9090": 200,
		"inbox.lan.": 200,

		"attacker.example": 403, "attacker.example:8025": 403, "127.0.0.1.attacker.example": 403, "localhost.attacker.example:8025": 403,
		"notlocalhost": 403, "192.0.2.7": 403, "10.0.0.1:9090": 403, "0.0.0.0:8025": 403, "[::]:8025": 403, "127.1": 403, "2130706433": 403,
		"0x7f.0.0.1":                       403,
		"metrics.example.attacker.example": 403, "edge.attacker.example": 403, "[fe80::1%25eth0]": 403, "localhost,attacker.example": 403,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(w.Body)
		if cerr := w.Body.Close(); err != nil || cerr != nil {
			t.Fatal(err, cerr)
		}
		if w.StatusCode != want || want != 200 && strings.Contains(string(body), "inside") {
			t.Errorf("Host %q: %d %s, want %d", host, w.StatusCode, body, want)
		}
	}
}
