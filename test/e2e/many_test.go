//go:build many

package e2e

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Twenty shops (or MANY) share one server, made by shop create: half of them within 5 s each, or
// all if the machine does nothing else. Each sells, and at rest uses at most 60 MiB and 8
// connections to PostgreSQL, less than 6 on average. Connections are counted often: three services
// of each shop use one for some seconds of each minute, and now and then a worker uses another, so
// one count in a hundred may be above 8.
func TestManyShops(t *testing.T) {
	const (
		mib       = 1 << 20
		rest      = 45 * time.Second
		looks     = 60
		onAverage = 6
		atMost    = 8
	)

	many := 20
	if text := os.Getenv("MANY"); text != "" {
		var err error
		if many, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}

	// Make and open all shops.
	dir, mark := t.TempDir(), strings.ToLower(rand.Text()[:6])
	server := "SHOPS_DATABASE_URL=" + maker(t, "maker_"+mark)
	shops := make([]*neighbor, many)
	var made []time.Duration
	began := time.Now()
	for i := range shops {
		shops[i] = newNeighbor(t, dir, fmt.Sprintf("many%d_%s", i, mark), server)
		made = append(made, shops[i].made)
	}
	slices.Sort(made)
	t.Logf("%d shops made and opened, %.1f s each; create took %.1f s, %.1f at most", many,
		time.Since(began).Seconds()/float64(many), made[many/2].Seconds(), made[many-1].Seconds())
	if made[many/2] > 5*time.Second {
		t.Errorf("create took %s, want 5 s at most", made[many/2])
	}

	// Each sells.
	for _, shop := range shops {
		buyStepByStep(shop.Shop, "ann@mail.example.com")
	}
	for _, shop := range shops {
		shop.Quiet(time.Minute)
		if orders := shop.Count("order", `SELECT count(*) FROM orders`); orders != 1 {
			t.Errorf("%s: %d orders, want 1", shop.name, orders)
		}
	}

	// All rest.
	wait.Sleep(t.Context(), rest)
	var sum, most, seen, above int
	for range looks {
		for _, shop := range shops {
			n := connections(shop.Shop)
			sum, most, seen = sum+n, max(most, n), seen+1
			if n > atMost {
				above++
			}
		}
		wait.Sleep(t.Context(), time.Second)
	}

	var memory, largest int64
	for _, shop := range shops {
		memory, largest = memory+shop.PSS(), max(largest, shop.PSS())
	}

	mean := float64(sum) / float64(seen)
	t.Logf("connections of a shop: %.1f, at most %d, more than %d in %d of %d looks; memory of a shop: %d MiB, at most %d MiB",
		mean, most, atMost, above, seen, memory/int64(many)/mib, largest/mib)
	if mean > onAverage || above*100 > seen || largest > 60*mib {
		t.Errorf("a shop takes %.1f connections, %d at most, and %d MiB: want %d, %d and 60", mean, most, largest/mib, onAverage,
			atMost)
	}
}
