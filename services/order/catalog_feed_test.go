package order

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// feed reads the catalog's feed.
func (e *env) feed(since string) (f struct {
	Position string
	Whole    bool
	Products []struct {
		ID          int64
		Changed     string
		Listed      map[string]any
		Collections map[string]int
	}
	Gone        []string
	Collections []struct{ Address, Title, Text string }
}) {
	e.t.Helper()
	if err := json.Unmarshal([]byte(e.visitor().Get("/internal/catalog?since="+since).Body), &f); err != nil {
		e.t.Fatal(err)
	}
	return f
}

// news are the changes since a position: identifiers of products, with a minus for products that
// are gone.
func (e *env) news(since string) (list []string) {
	e.t.Helper()
	fed := e.feed(since)
	if fed.Whole {
		return []string{"all"}
	}
	for _, p := range fed.Products {
		if p.Changed == "" {
			e.t.Errorf("%v has no mark", p.Listed)
		}
		list = append(list, p.Listed["identifier"].(string))
	}
	for _, id := range fed.Gone {
		list = append(list, "-"+id)
	}
	return list
}

// The feed has all products on sale in shop order, and collections with their products.
func TestCatalogFeed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	f := e.feed("")
	if !f.Whole || len(f.Products) != 3 || len(f.Collections) != 3 || f.Collections[0].Address != "desk" {
		t.Fatalf("%+v", f)
	}

	want := []map[string]any{
		{"identifier": "bSusp6dBHm", "price_low": "3.50", "price_high": "3.50"},
		{"identifier": "ITHJW3mytn", "price_low": "3.99", "price_high": "5.99"},
		{"identifier": "v26ujdy3N1", "price_low": "14.99", "product_image_url": "/img/product/rubber_bands_2.jpg"},
	}
	for i, p := range f.Products { // in shop order
		for name, value := range want[i] {
			if p.Listed[name] != value {
				t.Errorf("%s is %v, want %v", name, p.Listed[name], value)
			}
		}
	}

	if got := f.Products[0].Collections; got["desk"] != 1 || got["filing"] != 2 || len(got) != 2 {
		t.Errorf("collections of paper clips: %v", got)
	}
	if a := e.visitor().Ask(http.MethodGet, "/internal/catalog?since=-1"); a.Status != http.StatusBadRequest {
		t.Error(a)
	}
	if far := e.feed("18446744073709551615"); !far.Whole {
		t.Error("a position of another database is believed")
	}
}

// Every change of what a listing shows of a product is in the feed, however it is made, and nothing
// else is.
func TestCatalogFeedHasEachChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{`INSERT INTO sku_price (sku_id, price_cents) VALUES (1, 400)`, []string{"bSusp6dBHm"}},
		{`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 500 FROM sku`, []string{"bSusp6dBHm", "ITHJW3mytn", "v26ujdy3N1"}},
		{`UPDATE product SET headline = 'New' WHERE id = 3`, []string{"v26ujdy3N1"}},
		{`UPDATE product SET identifier = 'Renamed1' WHERE id = 3`, []string{"Renamed1", "-v26ujdy3N1"}},
		{`UPDATE product_image SET product_id = 1, main_image = false WHERE id = 2`, []string{"bSusp6dBHm", "ITHJW3mytn"}},
		{`DELETE FROM product_video WHERE id = 2`, []string{"ITHJW3mytn"}},
		{`UPDATE sku_image SET caption = 'x' WHERE id = 1`, []string{"bSusp6dBHm"}},
		{`UPDATE sku SET stock = 5 WHERE id = 1`, []string{"bSusp6dBHm"}}, // counted from now on
		{`UPDATE sku SET stock = 4 WHERE id = 1`, nil},
		{`UPDATE sku SET stock = 0 WHERE id = 1`, []string{"bSusp6dBHm"}},
		{`UPDATE sku SET product_id = 2 WHERE id = 1`, []string{"bSusp6dBHm", "ITHJW3mytn"}},
		{`INSERT INTO product_collection (collection_id, product_id) SELECT id, 2 FROM collection WHERE address = 'desk'`,
			[]string{"ITHJW3mytn"}},
		{`INSERT INTO product (identifier, title, title_url) VALUES ('New1', 'New', 'New')`, []string{"-New1"}}, // nothing to sell yet
		{`INSERT INTO sku (id, product_id, inventory_id) SELECT 99, id, 1 FROM product WHERE identifier = 'New1'`, []string{"-New1"}},
		{`INSERT INTO sku_price (sku_id, price_cents) VALUES (99, 100)`, []string{"New1"}},
		{`DELETE FROM sku WHERE id = 99`, []string{"-New1"}},
		{`DELETE FROM product WHERE identifier = 'New1'`, []string{"-New1"}},
		{`UPDATE product SET title = title WHERE id = 99`, nil},
		{`UPDATE shipping_method SET carrier = 'x'`, nil},
		{`UPDATE collection SET text = 'x' WHERE address = 'desk'`, []string{"all"}},
		{`UPDATE sku_inventory SET title = 'x' WHERE id = 1`, []string{"all"}},
	} {
		e.Exec(`DELETE FROM catalog_change`)
		e.Exec(c.sql)
		if got := e.news("1"); !slices.Equal(got, c.want) {
			t.Errorf("after %s the feed tells %v, want %v", c.sql, got, c.want)
		}
	}
}

// A transaction that begins before a feed and ends after it is in the next one.
func TestCatalogFeedMissesNoSlowChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	slow, err := testenv.OpenOwner(t, e.databaseURL, "order").Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Rollback(context.WithoutCancel(t.Context())) //nolint:errcheck // committed by then
	if _, err := slow.Exec(t.Context(), `UPDATE product SET headline = 'Slow' WHERE id = 1`); err != nil {
		t.Fatal(err)
	}
	e.Exec(`UPDATE product SET headline = 'Quick' WHERE id = 2`)
	since := e.feed("").Position
	if err := slow.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := e.news(since); !slices.Contains(got, "bSusp6dBHm") {
		t.Errorf("the feed tells %v", got)
	}
}

// Changes are kept for a day, and deleted in groups.
func TestOldCatalogChangesAreDeleted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`DELETE FROM catalog_change`)
	e.Exec(`INSERT INTO catalog_change (product, at) SELECT 'old' || n, now() - interval '25 hours' FROM generate_series(1, 5100) n
		UNION ALL SELECT 'young', now() - interval '23 hours'`)
	if n, err := deleteOldCatalogChanges(t.Context(), e.pool); err != nil || n != 5100 ||
		e.Number(`SELECT count(*) FROM catalog_change`) != 1 {
		t.Errorf("%d deleted, %v", n, err)
	}
}
