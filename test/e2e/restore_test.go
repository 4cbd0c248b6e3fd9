package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// The restore drill: a shop is backed up while it sells, and its database, broker and pictures are
// lost. The backup is restored into an empty database with equal checksums, payments after the
// backup become entries for staff, since Stripe knows them, and the shop sells again. The log
// states recovery time and point.
func TestRestoreDrill(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{OwnDatabase: true, Env: []string{"SWEEP_EVERY=1s", "SWEEP_AFTER=1s"}})
	const before = 5
	for n := range before {
		buyPromptly(t, shop, fmt.Sprintf("before%d@mail.example.com", n))
	}
	picture := uploadedTo(t, shop, shop.Staff("order"))
	backups := t.TempDir()
	code, out, stderr := shop.Command("backup", "-to", backups)
	if code != 0 {
		t.Fatalf("backup: %d %s%s", code, out, stderr)
	}
	folder := only(t, filepath.Join(backups, "shop-*Z"))
	backedUp := time.Now()
	if code, out, stderr := shop.Command("restore", "-from", folder); code != 1 || !strings.Contains(stderr, "wants an empty one") &&
		!strings.Contains(stderr, "in use") {
		t.Errorf("restore over a running shop: %d %s%s", code, out, stderr)
	}
	buyPromptly(t, shop, "after@mail.example.com")
	sent := shop.Ledger()

	shop.Kill()
	loss := time.Now()
	for _, part := range []string{"postgres", "nats", "settings", "media"} {
		if err := os.RemoveAll(filepath.Join(shop.DataDir, part)); err != nil {
			t.Fatal(err)
		}
	}
	damaged(t, shop, folder)
	began := time.Now()
	if code, out, stderr = shop.Command("restore", "-from", folder); code != 0 || !strings.Contains(out, "all as they were") {
		t.Fatalf("restore: %d %s%s", code, out, stderr)
	}
	restored := time.Now()
	shop.Again()
	selling := time.Now()
	if page := shop.Browser().Get("/media/" + picture); page.Status != http.StatusOK {
		t.Errorf("the picture %s: status %d", picture, page.Status)
	}
	order := testenv.OpenOwner(t, shop.Setting("DATABASE_URL"), "order")
	count := func(sql string) (n int) {
		if err := order.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := count(`SELECT count(*) FROM orders`); n < before {
		t.Errorf("%d orders of %d", n, before)
	}
	shop.Eventually(30*time.Second, "what was paid after the backup is told to the staff, or an order", func() bool {
		return count(`SELECT (SELECT count(*) FROM orders) + (SELECT count(*) FROM payment_issue)`) == before+1
	})
	known := time.Now()
	buyPromptly(t, shop, "again@mail.example.com")
	if n := count(`SELECT count(*) FROM orders`) + count(`SELECT count(*) FROM payment_issue`); n != len(sent)+1 {
		t.Errorf("%d orders and entries for %d payments", n, len(sent)+1)
	}
	t.Logf("recovery time: restored in %s, selling after %s, all payments known after %s; recovery point: %s before the loss",
		restored.Sub(began), selling.Sub(began), known.Sub(began), loss.Sub(backedUp))
}

// damaged asserts that a backup whose dump does not match its checksum is not restored.
func damaged(t *testing.T, shop *shoptest.Shop, folder string) {
	t.Helper()
	about, err := os.ReadFile(filepath.Join(folder, "about.json"))
	if err != nil {
		t.Fatal(err)
	}

	var all struct {
		Shop   string                    `json:"shop"`
		At     time.Time                 `json:"at"`
		Server int                       `json:"server"`
		Tables map[string]map[string]any `json:"tables"`
		Media  map[string]any            `json:"pictures"`
	}
	if err := json.Unmarshal(about, &all); err != nil || all.Tables["order.orders"]["rows"] != 5.0 {
		t.Fatalf("about.json: %v %v", err, all.Tables["order.orders"])
	}

	// A backup with a wrong checksum.
	all.Tables["order.orders"]["sum"] = "1"
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "about.json"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(folder, "database.dump"), filepath.Join(other, "database.dump")); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(other, "media"), os.DirFS(filepath.Join(folder, "media"))); err != nil {
		t.Fatal(err)
	}

	code, out, stderr := shop.Command("restore", "-from", other)
	if code != 1 || out != "" || !strings.Contains(stderr, "order.orders") {
		t.Errorf("restore of a damaged backup: %d %s%s", code, out, stderr)
	}
	if err := os.RemoveAll(filepath.Join(shop.DataDir, "postgres")); err != nil {
		t.Fatal(err)
	}
}
