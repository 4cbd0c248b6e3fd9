package order

import (
	"net/http"
	"testing"
)

func TestProducts(t *testing.T) {
	t.Parallel()
	p := newShop(t).visitor()
	list := p.get("/order/products")
	want(t, list, "3.50", "products_data", "bSusp6dBHm", "price_low")
	want(t, list, "3.99", "products_data", "ITHJW3mytn", "price_low")
	want(t, list, "5.99", "products_data", "ITHJW3mytn", "price_high")
	want(t, list, "14.99", "products_data", "v26ujdy3N1", "price_low")
	want(t, list, "/img/product/rubber_bands_2.jpg", "products_data", "v26ujdy3N1", "product_image_url")
}

func TestProductsComeInShopOrder(t *testing.T) {
	t.Parallel()
	_, raw := newShop(t).visitor().raw(http.MethodGet, "/order/products", nil)
	last := -1
	for _, identifier := range []string{"bSusp6dBHm", "ITHJW3mytn", "v26ujdy3N1"} {
		at := indexOf(string(raw), `"`+identifier+`":{`)
		if at <= last {
			t.Errorf("%s is at %d, after %d", identifier, at, last)
		}
		last = at
	}
}

func TestProduct(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.visitor()
	b := p.get("/order/product/ITHJW3mytn")
	want(t, b, "success", "product")
	want(t, b, "back-ordered", "product_data", "skus", "4", "inventory_status_identifier")
	want(t, b, "out-of-stock", "product_data", "skus", "5", "inventory_status_identifier")
	want(t, b, "3.99", "product_data", "skus", "6", "price")
	want(t, b, true, "product_data", "product_images", "2", "main")
	want(t, b, "https://player.vimeo.com/video/334006589", "product_data", "product_videos", "2", "video_url")
	want(t, p.get("/order/product/zzz"), "product-identifier-not-found", "errors", "error")
	for _, path := range []string{"/order/product/a-b", "/order/product/", "/order/products/", "/order/product/%00", "/order/product/%C3%A4"} {
		if status, _ := p.raw(http.MethodGet, path, nil); status != http.StatusNotFound {
			t.Errorf("%s answered %d, want 404", path, status)
		}
	}
	// None left is out of stock, whatever its state says.
	s.exec(`UPDATE sku SET stock = 0 WHERE id = 6`)
	want(t, p.get("/order/product/ITHJW3mytn"), "out-of-stock", "product_data", "skus", "6", "inventory_status_identifier")
	if n := s.number(`SELECT count(*) FROM outbox WHERE subject = 'catalog.changed'`); n == 0 {
		t.Error("no one is told that the catalogue changed")
	}
}

func TestAProductWithoutSKUs(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`INSERT INTO product (identifier, title, title_url) VALUES ('New1', 'New', 'New')`)
	p := s.visitor()
	want(t, p.get("/order/products"), nil, "products_data", "New1", "price_low")
	want(t, p.get("/order/product/New1"), "success", "product")
}

func indexOf(s, part string) int {
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i:i+len(part)] == part {
			return i
		}
	}
	return -1
}
