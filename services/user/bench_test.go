package user

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// BenchmarkLogin is a login at full cost by eight callers at once, without the way through edge;
// compare "BenchmarkHash/default, two at once", the bare hash.
func BenchmarkLogin(b *testing.B) {
	cfg := testConfig()
	cfg.HashCost = DefaultCost
	pool := testenv.Pool(b, "user", Migrations()...)
	s := newServer(service.NewCore(testenv.Log(b), pool, nil), cfg)
	h := s.routes()
	ask := func(path string, fields []string) string {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(url.Values(values(fields)).Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if err := web.SignIdentity(r, s.identityKey, web.Identity{}); err != nil {
			b.Fatal(err)
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Body.String()
	}
	ask("/user/create-account", form("ann_lee", "ann@mail.example.com"))
	login := []string{"username", "ann_lee", "password", goodPassword, "remember_me", "true"}
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if body := ask("/user/login", login); !strings.Contains(body, `{"login":"true"`) {
				b.Error(body)
			}
		}
	})
}
