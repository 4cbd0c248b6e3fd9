package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

var (
	productLink = regexp.MustCompile(`<a class="card__link" href="/product/([A-Za-z0-9]+)"`)
	nextLink    = regexp.MustCompile(`<link rel="next" href="([^"]+)">`)
)

// Shoppers see a catalog of several hundred products completely: every product is on one page of
// every list, while prices change from one page to the next. A new price is soon on all pages that
// show it, and mistyped words are found.
func TestALargeCatalog(t *testing.T) {
	t.Parallel()
	s := shoptest.Start(t, shoptest.Options{})
	b := s.Browser()

	// A catalog with a collection.
	const n = 150
	s.Exec("order", `INSERT INTO product (id, identifier, title, title_url, headline)
		SELECT 1000 + n, 'many' || n, 'Thing ' || n, 'Thing', 'Number ' || n FROM generate_series(1, $1) n`, n)
	s.Exec("order", `INSERT INTO sku (id, product_id, inventory_id) SELECT 1000 + n, 1000 + n, 1 FROM generate_series(1, $1) n`, n)
	s.Exec("order", `INSERT INTO sku_price (sku_id, price_cents) SELECT 1000 + n, 100 * (1 + n % 20) FROM generate_series(1, $1) n`, n)
	s.Exec("order", `INSERT INTO collection (id, address, title) VALUES (100, 'many', 'Many')`)
	s.Exec("order", `INSERT INTO product_collection (collection_id, product_id, position)
		SELECT 100, 1000 + n, -n FROM generate_series(1, $1) n`, n)
	s.Eventually(20*time.Second, "the collection is there", func() bool {
		return strings.Contains(string(b.Get("/collections/many").Body), "/product/many150")
	})

	// Each list has every product once, while prices change.
	changes := 0
	reprice := func() {
		changes++
		s.Exec("order", `INSERT INTO sku_price (sku_id, price_cents) SELECT 1000 + n, 100 * (1 + (n * $1::int) % 23)
			FROM generate_series(1, $2) n WHERE (n + $1::int) % 10 = 0`, changes, n)
	}

	// The first change after a collection's may fetch everything once more: the log begins again.
	reprice()
	s.Eventually(10*time.Second, "the first change is on its page", func() bool {
		return strings.Contains(string(b.Get("/product/many29").Body), "$7.00") // 10.00 before
	})

	for path, want := range map[string]int{
		"/products": n + 3, "/products?sort=price": n + 3, "/products?sort=price-desc": n + 3, "/products?sort=name": n + 3,
		"/products?sort=new": n + 3, "/collections/many": n, "/collections/many?sort=price": n, "/search?q=thing": n,
	} {
		seen := map[string]int{}
		for at := path; at != ""; reprice() {
			page := b.Get(at)
			if page.Status != http.StatusOK {
				t.Fatalf("%s: status %d", at, page.Status)
			}
			for _, m := range productLink.FindAllStringSubmatch(string(page.Body), -1) {
				seen[m[1]]++
			}
			at = ""
			if m := nextLink.FindStringSubmatch(string(page.Body)); m != nil {
				at = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) != want || slices.Max(slices.Collect(maps.Values(seen))) > 1 {
			t.Errorf("%s leads to %d products, want each of %d once: %v", path, len(seen), want, seen)
		}
	}

	// A new price is soon on all pages.
	s.Exec("order", `INSERT INTO sku_price (sku_id, price_cents) VALUES (1001, 123456)`)
	began := time.Now()
	for _, path := range []string{"/product/many1", "/products", "/collections/many?page=7", "/search?q=thing", "/products?sort=price-desc",
		"/order/products"} {
		s.Eventually(20*time.Second, "the new price on "+path, func() bool { return strings.Contains(string(b.Get(path).Body), "1234.56") })
	}
	t.Logf("a price is on all pages after %v", time.Since(began))

	// The search corrects words.
	for path, want := range map[string]string{
		"/search?q=papper": "we looked for “paper”", "/search?q=xylophone": "We found nothing",
		"/order/products?q=papper": `"meant":"paper"`,
		"/order/products?page=2":   fmt.Sprintf(`"count":%d`, n+3), "/order/products?collection=desk": `{"products_data":{"bSusp6dBHm":`,
	} {
		if a := b.Get(path); !strings.Contains(string(a.Body), want) {
			t.Errorf("%s lacks %s", path, want)
		}
	}
}
