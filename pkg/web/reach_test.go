package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestReachable(t *testing.T) {
	t.Parallel()
	for listens, want := range map[string]string{
		":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "127.0.0.2:80": "127.0.0.2:80",
		"[::1]:80": "[::1]:80", "shop.example.com:80": "shop.example.com:80", "no-port": "",
	} {
		if got, err := web.Reachable(listens); got != want || (err == nil) != (want != "") {
			t.Errorf("%s is reached at %q, %v: want %q", listens, got, err, want)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	h := web.LoopbackOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for from, want := range map[string]int{
		"127.0.0.1:5": 200, "[::1]:5": 200, "[::ffff:127.0.0.1]:5": 200, "192.0.2.1:5": 403, "[2001:db8::1]:5": 403, "127.0.0.1": 403,
		"": 403,
	} {
		r := httptest.NewRequest(http.MethodGet, "/staff", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("from %q: %d, want %d", from, w.Code, want)
		}
	}
}
