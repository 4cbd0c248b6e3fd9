package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// TestTheShopShowsWhatStaffChange changes a product in the back office in every possible way, and
// measures how long shoppers see the old state. The log has the times, which are below a second on
// a quiet machine; the limit is for a busy one.
func TestTheShopShowsWhatStaffChange(t *testing.T) {
	t.Parallel()
	s := shoptest.Start(t, shoptest.Options{})
	staff, shopper := s.Staff("order"), s.Browser()
	staff.Header = http.Header{"Accept": {"application/json"}}

	const bands = "/staff/catalog/products/v26ujdy3N1"
	sku := fmt.Sprint(staff.Get(bands+"/skus").OK().At("skus", "0", "id"))
	change := func(page, version string, pairs ...string) {
		t.Helper()
		at := fmt.Sprint(staff.Get(bands).OK().At("product", version))
		staff.Post(bands+page, append([]string{"version", at}, pairs...)...).OK()
	}

	begins := time.Now()
	for _, c := range []struct {
		what, path, shows string // "!" before a text that must be gone
		change            func()
	}{
		{what: "a price", path: "/product/v26ujdy3N1", shows: "$15.49", change: func() {
			change("/skus", "sku_version", "k"+sku+"-price-was", "14.99", "k"+sku+"-price", "15.49")
		}},
		{what: "a price in the list", path: "/products", shows: "$15.79", change: func() {
			change("/skus", "sku_version", "k"+sku+"-price-was", "15.49", "k"+sku+"-price", "15.79")
		}},
		{what: "a text", path: "/product/v26ujdy3N1", shows: "Hold on <strong>tight</strong>", change: func() {
			change("", "version", "description_part_1", "Hold on **tight**.")
		}},
		{what: "a picture", path: "/product/v26ujdy3N1", shows: "/media/", change: func() { upload(staff, bands+"/media/upload") }},
		{what: "a price that was planned", path: "/product/v26ujdy3N1", shows: "$7.25", change: func() {
			begins = time.Now().UTC().Add(3 * time.Second).Truncate(time.Second)
			change("/prices", "sku_version", "sku", sku, "kind", "price", "amount", "7.25", "from",
				begins.Format("2006-01-02T15:04:05"), "until", "")
		}},
		{what: "a sale", path: "/product/v26ujdy3N1", shows: "$5.00", change: func() {
			change("/prices", "sku_version", "sku", sku, "kind", "sale", "amount", "5.00", "from", "", "until", "")
		}},
		{what: "a count", path: "/product/v26ujdy3N1", shows: "Out of Stock", change: func() {
			change("/skus", "sku_version", "k"+sku+"-stock-was", "", "k"+sku+"-stock", "0")
		}},
		{what: "a collection", path: "/collections/filing", shows: "/product/v26ujdy3N1", change: func() {
			change("", "version", "collections", "filing")
		}},
		{what: "a draft", path: "/products", shows: "!/product/v26ujdy3N1", change: func() { change("", "version", "state", "draft") }},
	} {
		want, gone := strings.CutPrefix(c.shows, "!")
		shown := func() bool {
			page := shopper.Get(c.path)
			return page.Status == http.StatusOK && strings.Contains(string(page.Body), want) != gone
		}
		if shown() {
			t.Fatalf("%s: %s says %s before", c.what, c.path, c.shows)
		}

		c.change()
		changed := time.Now()
		s.Eventually(30*time.Second, c.what+" is in the shop", shown)
		if begins.After(changed) {
			changed = begins
		}
		t.Logf("%s: after %v", c.what, time.Since(changed).Round(time.Millisecond))
	}

	if page := shopper.Get("/product/v26ujdy3N1"); page.Status != http.StatusNotFound {
		t.Errorf("a draft: status %d", page.Status)
	}
}

// upload sends a picture.
func upload(c *testenv.Client, path string) {
	c.TB.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("files", "front.png")
	if err == nil {
		err = png.Encode(part, image.NewPaletted(image.Rect(0, 0, 500, 500), color.Palette{color.White}))
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		c.TB.Fatal(err)
	}
	r := c.Body(http.MethodPost, path, body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	c.Do(r).OK()
}
