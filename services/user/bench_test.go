package user

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// BenchmarkLogin measures a login at full cost by eight callers at once, without edge; compare
// "BenchmarkHash/default, two at once", the bare hash.
func BenchmarkLogin(b *testing.B) {
	cfg := testConfig()
	cfg.HashCost = DefaultCost
	pool := testenv.Pool(b, "user", Migrations()...)
	s := newServer(service.NewCore(testenv.Log(b), pool, nil), cfg)
	c := &testenv.Client{TB: b, Handler: s.routes(), Key: s.identityKey}
	c.Post("/user/create-account", form("ann_lee", "ann@mail.example.com")...).OK()
	login := []string{"username", "ann_lee", "password", goodPassword, "remember_me", "true"}
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c.Post("/user/login", login...).Want("true", "login")
		}
	})
}
