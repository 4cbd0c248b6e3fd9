package order

import (
	"net/http"
	"testing"
)

func TestProducts(t *testing.T) {
	t.Parallel()
	p := newEnv(t).visitor()
	list := p.Get("/order/products")
	list.Want("3.50", "products_data", "bSusp6dBHm", "price_low")
	list.Want("3.99", "products_data", "ITHJW3mytn", "price_low")
	list.Want("5.99", "products_data", "ITHJW3mytn", "price_high")
	list.Want("14.99", "products_data", "v26ujdy3N1", "price_low")
	list.Want("/img/product/rubber_bands_2.jpg", "products_data", "v26ujdy3N1", "product_image_url")
}

func TestProductsComeInShopOrder(t *testing.T) {
	t.Parallel()
	list := newEnv(t).visitor().Get("/order/products").Body
	last := -1
	for _, identifier := range []string{"bSusp6dBHm", "ITHJW3mytn", "v26ujdy3N1"} {
		at := indexOf(list, `"`+identifier+`":{`)
		if at <= last {
			t.Errorf("%s is at %d, after %d", identifier, at, last)
		}
		last = at
	}
}

func TestProduct(t *testing.T) {
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
	for _, path := range []string{"/order/product/a-b", "/order/product/", "/order/products/", "/order/product/%00",
		"/order/product/%C3%A4"} {
		if a := p.Ask(http.MethodGet, path); a.Status != http.StatusNotFound {
			t.Errorf("%s, want 404", a)
		}
	}
	// None left is out of stock, whatever its state says.
	e.Exec(`UPDATE sku SET stock = 0 WHERE id = 6`)
	p.Get("/order/product/ITHJW3mytn").Want("out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'catalog.changed'`); n == 0 {
		t.Error("no one is told that the catalogue changed")
	}
}

func TestAProductWithoutSKUs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO product (identifier, title, title_url) VALUES ('New1', 'New', 'New')`)
	p := e.visitor()
	p.Get("/order/products").Want(nil, "products_data", "New1", "price_low")
	p.Get("/order/product/New1").Want("success", "product")
}

func indexOf(s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return i
		}
	}
	return -1
}
