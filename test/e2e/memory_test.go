package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// The process gives back the memory of a burst of logins: less than 60 MiB of its own and 8
// connections to PostgreSQL remain. Otherwise it would keep 249 MiB for minutes and 25 connections
// permanently. `make many` tests the tighter limits of an idle machine, where 4 or 5 connections
// remain.
func TestMemoryIsGivenBackAfterLogins(t *testing.T) {
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
	after := shop.OwnMemory()
	shop.Eventually(2*time.Minute, "below 60 MiB", func() bool { return shop.OwnMemory() < 60*mib })
	t.Logf("%d MiB after the storm, then %d MiB", after/mib, shop.OwnMemory()/mib)
	shop.Eventually(3*time.Minute, "8 connections to PostgreSQL", func() bool { return connections(shop) <= 8 })
	t.Logf("%d connections", connections(shop))
}

// connections is how many connections a shop has to its database.
func connections(shop *shoptest.Shop) int {
	return shop.Count("user", `
		SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		  AND application_name IN ('edge', 'user', 'order', 'webhook', 'mailer', 'events', 'admin')`)
}
