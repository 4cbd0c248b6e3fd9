//go:build upgrade

package e2e

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// An older version, whose programs are in the folder OLD_PROGRAMS, is upgraded to this one while
// shoppers buy and staff ship. The tables are migrated under the old processes, which are then
// replaced one by one, so each service runs in both versions for a while. One process of each
// service goes back, as in a rollback.
func TestUpgrade(t *testing.T) {
	old := os.Getenv("OLD_PROGRAMS")
	if old == "" {
		t.Fatal("OLD_PROGRAMS is not set: run make upgrade")
	}

	const shoppers = 6
	f := shoptest.StartFleet(t, shoptest.FleetOptions{Twice: shoptest.Services, Brokers: 1, Programs: old})
	c := newCrowd(t, f.Shop, shoppers)
	shipped := make(chan int, 1)
	var migrated atomic.Bool
	go func() { shipped <- c.ship(f, old, &migrated) }()

	// Migrate under the old processes.
	c.more(2 * shoppers)
	f.Migrate("")
	migrated.Store(true)
	c.more(2 * shoppers)

	// Replace one process after another.
	for _, p := range f.Of("shop") {
		p.Upgrade()
	}
	for i := range 2 {
		for _, service := range shoptest.Services {
			f.Of(service)[i].Upgrade()
			c.more(shoppers)
		}
	}

	// Go back for one process of each service.
	for _, service := range shoptest.Services {
		p := f.Of(service)[0]
		p.Stop()
		p.Use(old)
		p.Start()
		c.more(shoppers)
	}

	c.end()
	n := <-shipped
	reads, changes, _ := c.failures(0)
	if len(reads)+len(changes) > 0 {
		t.Errorf("clicks failed: %v %v", reads, changes)
	}
	f.Check(60 * time.Second)
	if orders := len(f.Orders()); int64(orders) != c.bought.Load() {
		t.Errorf("%d purchases are %d orders", c.bought.Load(), orders)
	}

	parcels := f.Count("order", `SELECT count(*) FROM shipment`)
	if n == 0 || parcels != n {
		t.Errorf("staff sent %d orders, and %d are on their way", n, parcels)
	}
	t.Logf("%d clicks, %d failed; %d purchases = orders = mails, %d shipped", c.clicks.Load(), len(reads)+len(changes), c.bought.Load(), n)
}

// ship sends orders as they come until the shoppers have gone: with the old program, and after the
// migration with both in turn. It returns how many were sent.
func (c *crowd) ship(f *shoptest.Fleet, old string, migrated *atomic.Bool) (n int) {
	done := map[string]bool{}
	for !c.over.Load() && wait.Sleep(c.t.Context(), 200*time.Millisecond) {
		for _, o := range f.Orders() {
			if done[o.Identifier] {
				continue
			}
			done[o.Identifier] = true
			program := old
			if n%2 == 1 && migrated.Load() {
				program = ""
			}
			if out, err := f.Order(program, "ship", "-order", o.Identifier, "-by", "Kim"); err != nil {
				c.t.Errorf("shipping %s: %v\n%s", o.Identifier, err, out)
				return n
			}
			n++
			break
		}
	}
	return n
}
