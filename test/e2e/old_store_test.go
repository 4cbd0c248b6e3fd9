package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// A machine dies while payments are in flight, and its broker comes back with a store that is
// ORDERS orders old, then with an empty one. Outboxes and the sweep repair both: each payment is
// one order and one mail, and no message of the old store takes effect twice. The log says how long
// it takes.
func TestBrokersStoreIsOld(t *testing.T) {
	t.Parallel()
	orders := number(t, "ORDERS", 4)
	shop := shoptest.Start(t, shoptest.Options{Env: quickSweep})
	store, old := filepath.Join(shop.DataDir, "nats"), filepath.Join(t.TempDir(), "old")

	buyPromptly(t, shop, "first@mail.example.com")
	shop.Quiet(time.Minute)
	shop.Stop()
	if err := os.CopyFS(old, os.DirFS(store)); err != nil {
		t.Fatal(err)
	}
	shop.Again()

	for _, c := range []struct {
		name    string
		replace func() error
	}{
		{"an hour old", func() error { return os.CopyFS(store, os.DirFS(old)) }},
		{"empty", func() error { return nil }},
	} {
		for n := range orders {
			buyPromptly(t, shop, fmt.Sprintf("%c%d@mail.example.com", c.name[0], n))
		}
		for n := range 3 { // no one opens the success page of these
			session := shop.Browser().Checkout("7", "1", fmt.Sprintf("%c-untold%d@mail.example.com", c.name[0], n))
			shop.Pay(session, nil)
		}

		// The machine dies, and the store is replaced.
		shop.Kill()
		waiting := 0
		for _, service := range []string{"order", "webhook", "user", "mailer"} {
			waiting += shop.Count(service, `SELECT count(*) FROM outbox`)
		}
		if err := os.RemoveAll(store); err != nil {
			t.Fatal(err)
		}
		if err := c.replace(); err != nil {
			t.Fatal(err)
		}

		began := time.Now()
		shop.Again()
		opened := time.Since(began)
		shop.Check(2 * time.Minute)
		t.Logf("store %s, %d orders lost from it, %d messages waited in outboxes: open after %s, all as paid after %s", c.name, orders+3,
			waiting, opened.Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))
	}
}
