package order

import (
	"net/http"
	"strings"
	"testing"
)

// An edge older than the feed requests the list, and gets the products of the feed.
func TestProductListEqualsTheFeed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	list := e.visitor().Get("/order/products")
	list.Want("3.99", "products_data", "ITHJW3mytn", "price_low")
	list.Want("5.99", "products_data", "ITHJW3mytn", "price_high")
	last := -1
	for _, p := range e.feed("").Products {
		at := strings.Index(list.Body, `"`+p.Listed["identifier"].(string)+`":{`)
		if at <= last {
			t.Errorf("%s is at %d, after %d", p.Listed["identifier"], at, last)
		}
		last = at
	}
}

// A product has its SKUs, pictures and videos; unknown identifiers are refused.
func TestProductPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	b := p.Get("/order/product/ITHJW3mytn")
	b.Want("success", "product")
	b.Want("back-ordered", "product_data", "skus", "4", "inventory_status_identifier")
	b.Want("out-of-stock", "product_data", "skus", "5", "inventory_status_identifier")
	b.Want("3.99", "product_data", "skus", "6", "price")
	b.Want(true, "product_data", "product_images", "2", "main")
	b.Want("https://player.vimeo.com/video/334006589", "product_data", "product_videos", "2", "video_url")
	p.Get("/order/product/zzz").Want("product-identifier-not-found", "errors", "error")
	for _, path := range []string{"/order/product/a-b", "/order/product/", "/order/product/%00",
		"/order/product/%C3%A4"} {
		if a := p.Ask(http.MethodGet, path); a.Status != http.StatusNotFound {
			t.Errorf("%s, want 404", a)
		}
	}
	// A SKU without stock is out of stock, whatever its state says.
	e.Exec(`UPDATE sku SET stock = 0 WHERE id = 6`)
	p.Get("/order/product/ITHJW3mytn").Want("out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'catalog.changed'`); n == 0 {
		t.Error("no one is told that the catalog changed")
	}
}

// A product without SKUs can be shown.
func TestAProductWithoutSKUs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO product (identifier, title, title_url) VALUES ('New1', 'New', 'New')`)
	p := e.visitor()
	p.Get("/order/product/New1").Want("success", "product")
}
