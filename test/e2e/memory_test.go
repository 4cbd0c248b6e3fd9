package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// What a storm of logins took, of memory and of PostgreSQL's connections, the one process gives back when it
// rests: less than 100 MiB 30 seconds later, which is twice as much on a machine that runs other tests, and
// 12 connections. It keeps 249 MiB for minutes and 25 connections for good without what gives them back.
func TestRestsAfterAStorm(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	shop := shoptest.Start(t, shoptest.Options{})
	var storm sync.WaitGroup
	for n := range 60 {
		b := shop.Browser()
		storm.Go(func() {
			for i := range 2 {
				a := b.Post("/user/login", "username", fmt.Sprintf("stranger_%d_%d", n, i), "password", password,
					"remember_me", "false")
				if a.Text("login") != "false" {
					t.Errorf("login %d of stranger %d: %d %s", i, n, a.Status, a.Body)
				}
			}
		})
	}
	storm.Wait()
	after := shop.RSS()
	shop.Eventually(60*time.Second, "below 100 MiB", func() bool { return shop.RSS() < 100*mib })
	t.Logf("%d MiB after the storm, then %d MiB", after/mib, shop.RSS()/mib)
	shop.Eventually(90*time.Second, "12 connections to PostgreSQL", func() bool {
		return shop.Count("user", `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
			AND application_name IN ('edge', 'user', 'order', 'webhook', 'mailer', 'events')`) <= 12
	})
}
