package e2e

import (
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// One of several shops is destroyed and created again from its backup. Orders, pictures and prices
// are as before, its roles have the passwords of the new settings, and it sells. No second shop can
// be created from that backup.
func TestAShopIsCreatedFromABackup(t *testing.T) {
	t.Parallel()
	mark := strings.ToLower(rand.Text()[:8]) // roles belong to the whole server
	dir, server, backups := t.TempDir(), "SHOPS_DATABASE_URL="+maker(t, "maker_"+mark), t.TempDir()
	name, other := "acme_"+mark, "bolt_"+mark
	old := newNeighbor(t, dir, name, server)
	buyStepByStep(old.Shop, "before@mail.example.com")
	old.Eventually(30*time.Second, "the payment is an order", func() bool {
		return ask(t, old, `SELECT count(*)::text FROM "order".orders`) == "1"
	})
	staff := (&testenv.Client{TB: t, URL: old.Listener("ORDER_ADDR")}).AsStaff("order", adminui.Owner)
	staff.Staff.Key = boot.Keys{ShopSecret: old.settings["SHOP_SECRET"]}.StaffSigner()
	picture := uploadedTo(t, old.Shop, staff)
	code, out, stderr := shoptest.Command(t, append(old.env, "SHOP_NAME="+name, "DATA_DIR="+old.DataDir), "backup", "-to", backups)
	if code != 0 || !strings.Contains(out, " rows, 4 pictures, in ") {
		t.Fatalf("backup: %d %s%s", code, out, stderr)
	}
	from := only(t, filepath.Join(backups, name+"-*Z"))
	if dump, err := os.Stat(filepath.Join(from, "database.dump")); err != nil || dump.Mode().Perm() != 0o600 {
		t.Errorf("the dump is for others, too: %v, %v", dump, err)
	}
	old.Stop()

	create := func(name string, env ...string) (int, string, string) {
		return shoptest.Command(t, append(env, old.env...), "create", name, "-from", from)
	}
	if code, out, stderr := create(name); code != 1 || !strings.Contains(stderr, "shop destroy") {
		t.Errorf("into a shop that is there: %d %s%s", code, out, stderr)
	}
	if code, out, stderr := create(other); code != 1 || !strings.Contains(stderr, "is one of "+name+", not of "+other) {
		t.Errorf("another shop out of it: %d %s%s", code, out, stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, other)); err == nil {
		t.Error("a shop that was refused has a folder")
	}
	settings, err := os.ReadFile(filepath.Join(dir, name, "shop.env")) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	destroy := func() {
		t.Helper()
		if code, out, stderr := shoptest.Command(t, old.env, "destroy", name, "-yes", name); code != 0 {
			t.Fatalf("destroy: %d %s%s", code, out, stderr)
		}
	}
	destroy()
	file := filepath.Join(from, "media", picture[:2], picture)
	body, err := os.ReadFile(file) //nolint:gosec // of this test
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{file, filepath.Join(from, "database.dump")} {
		damagedLeavesNothing(t, part, filepath.Join(dir, name), func() (int, string, string) { return create(name) })
	}
	kept := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(kept, 0o700), os.WriteFile(filepath.Join(kept, "shop.env"), settings, 0o600)); err != nil {
		t.Fatal(err)
	}
	if code, out, stderr := create(name); code != 0 || ask(t, old, `SELECT count(*)::text FROM "order".orders`) != "1" {
		t.Errorf("create -from with the old settings: %d %s%s", code, out, stderr)
	}
	destroy()
	if code, out, stderr := create(name); code != 0 || !strings.Contains(out, "all as they were") {
		t.Fatalf("create -from: %d %s%s", code, out, stderr)
	}
	back, err := os.ReadFile(filepath.Join(dir, name, "data", "media", picture[:2], picture))
	if err != nil || string(back) != string(body) {
		t.Errorf("the picture is not what it was: %v", err)
	}

	again := newNeighbor(t, dir, name, server) // create, twice more, and run with the new settings
	if again.settings["ORDER_DB_PASSWORD"] == old.settings["ORDER_DB_PASSWORD"] {
		t.Error("the passwords are the old ones")
	}
	if n := ask(t, again, `SELECT count(*)::text FROM "order".orders`); n != "1" {
		t.Errorf("%s orders", n)
	}
	if guarded := ask(t, again, `SELECT name FROM shop.guard`); guarded != name {
		t.Errorf("the database is the one of %q", guarded)
	}
	buyStepByStep(again.Shop, "again@mail.example.com")
	again.Eventually(30*time.Second, "the payment is an order", func() bool { return len(again.Orders()) == 2 })
}

// damagedLeavesNothing asserts that create makes no shop from a backup with a truncated file.
func damagedLeavesNothing(t *testing.T, file, folder string, create func() (int, string, string)) {
	t.Helper()
	whole, err := os.ReadFile(file) //nolint:gosec // of this test
	if err == nil {
		err = os.WriteFile(file, whole[:len(whole)-1000], 0o600) //nolint:gosec // of this test
	}
	if err != nil {
		t.Fatal(err)
	}
	code, out, stderr := create()
	if code != 1 {
		t.Errorf("out of a damaged %s: %d %s%s", filepath.Base(file), code, out, stderr)
	}
	if _, err := os.Stat(folder); err == nil {
		t.Errorf("a damaged %s left a shop behind: %s", filepath.Base(file), stderr)
	}
	if err := os.WriteFile(file, whole, 0o600); err != nil {
		t.Fatal(err)
	}
}

// ask runs a query in a shop's database as its owner, and leaves no connection behind.
func ask(t *testing.T, shop *neighbor, sql string) (answer string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), shop.settings["DATABASE_URL"])
	if err == nil {
		err = errors.Join(conn.QueryRow(t.Context(), sql).Scan(&answer), conn.Close(t.Context()))
	}
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// uploadedTo gives a product a picture, and returns the name of one of the picture's files.
func uploadedTo(t *testing.T, shop *shoptest.Shop, staff *testenv.Client) string {
	t.Helper()
	staff.Header = http.Header{"Accept": {"application/json"}}
	upload(staff, "/staff/catalog/products/v26ujdy3N1/media/upload")
	var files []string
	shop.Eventually(30*time.Second, "the picture is there, and its WebP", func() bool {
		var err error
		files, err = filepath.Glob(filepath.Join(shop.DataDir, "media", "*", "[0-9a-f]*.*"))
		return err == nil && len(files) == 4
	})
	return filepath.Base(files[0])
}

// only is the single file or folder that matches a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return found[0]
}
