package storefront

import (
	"strings"
	"testing"
)

// The page of a sold-out product offers a mail when it can be bought again, without scripts; other
// pages do not.
func TestBackInStockForm(t *testing.T) {
	t.Parallel()
	_, pages, server := newFake(t)
	for path, want := range map[string][]string{
		"/product/bSusp6dBHm": {`action="/order/back-in-stock"`, `<input type="hidden" name="sku_id"`, `type="email"`},
		"/product/ITHJW3mytn": {`action="/order/back-in-stock"`, `<select id="tell-sku" name="sku_id">`},
	} {
		_, body := fetch(t, server, path)
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s does not hold %s", path, part)
			}
		}
	}

	if _, body := fetch(t, server, "/product/v26ujdy3N1"); strings.Contains(body, "back-in-stock") {
		t.Error("a product of which nothing is sold out offers a mail")
	}
	pages.cfg.Shop.BackInStock = false
	found, err := readProduct([]byte(`{"product":"success","product_data":{"title":"A","identifier":"a","product_images":{},
		"product_videos":{},"skus":{"1":{"price":"1.00","inventory_status_identifier":"out-of-stock","sku_images":{}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if doc, err := pages.renderProduct(found, false); err != nil || strings.Contains(string(doc.body), "back-in-stock") {
		t.Errorf("the switch is off: %v", err)
	}
}
