package order

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// Shopify's product export is imported as it is: several rows for a product, HTML, options,
// pictures.
func TestShopifysExport(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	path := bring(owner, "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"+
		"Variant SKU,Variant Grams,Variant Inventory Qty,Variant Inventory Policy,Variant Price,"+
		"Image Src,Image Position,Image Alt Text,Status\n"+
		"wool-hat,Wool hat,\"<p>Warm &amp; <strong>soft</strong>.</p>"+
		"<ul><li>Wool</li><li>Felt</li></ul><script>alert(1)</script>\",Us,Hats,winter,TRUE,"+
		"Color,Red,Size,S,HAT-R-S,100,5,deny,19.00,https://cdn.example/hat.jpg,1,A red hat,active\n"+
		"wool-hat,,,,,,,,Red,,M,HAT-R-M,100,0,continue,19.50,https://cdn.example/hat2.jpg,2,,\n"+
		"wool-hat,,,,,,,,,,,,,,,,https://cdn.example/hat3.jpg,3,,\n"+
		"gift-card,Gift card,,Us,,,FALSE,Title,Default Title,,,GIFT,0,,deny,25.00,,,,draft\n")

	owner.Get(path).Has(200, "product export of Shopify", "vendor, type, tags, image position", "Apply all of it")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	identifier := e.Text(`SELECT identifier FROM product WHERE title_url = 'wool-hat'`)
	a := e.visitor().Get("/order/product/" + identifier)
	a.Want("Warm & soft.\n\n- Wool\n- Felt", "product_data", "description_part_1")
	a.Want("Color", "product_data", "option_names", "color")

	skus := e.Text(`SELECT string_agg(concat_ws('|', code, color, size, stock, back_order, weight_grams), ' ' ORDER BY s.id) FROM sku s
		JOIN product p 		ON p.id = s.product_id WHERE title_url IN ('wool-hat', 'gift-card')`)
	if skus != "HAT-R-S|Red|S|5|f|100 HAT-R-M|Red|M|0|t|100 GIFT|f" {
		t.Errorf("SKUs: %s", skus)
	}
	if got := e.Text(`SELECT string_agg(image_url || main_image, ' ' ORDER BY i.id) FROM product_image i
		JOIN product p ON p.id = i.product_id WHERE title_url = 'wool-hat'`); got !=
		"https://cdn.example/hat.jpgtrue https://cdn.example/hat2.jpgfalse https://cdn.example/hat3.jpgfalse" {
		t.Errorf("pictures: %s", got)
	}
	if n := e.Number(`SELECT count(*) FROM product WHERE title_url = 'gift-card' AND NOT published`); n != 1 {
		t.Error("the draft is published")
	}
}

// Exports of real shops: empty options and values, pictures in rows of their own, variants that are
// not counted or sold beyond their count, numbers with an apostrophe, weights in each unit,
// products that are active but not shown, and the newer names of columns.
func TestShopifysExportOfARealShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	path := bring(owner, "\ufeffHandle,Title,Body (HTML),Published,Option1 Name,Option1 Value,Option1 Linked To,"+
		"Option2 Name,Option2 Value,"+
		"Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"+
		"Variant Price,Variant Compare At Price,Image Src,Image Position,Image Alt Text,Gift Card,"+
		"Variant Image,Variant Weight Unit,Status\r\n"+
		"tea,Tea,\"<p>Green.\r\n</p>\",true,Size,,,,,,,'00471,226.79618500000002,shopify,-4,deny,8.00,,"+
		"https://cdn.example/a.jpg?v=1,1,,false,,oz,active\r\n"+
		"tea,,,,,Large,,,,,,'00472,453.59237,shopify,7,continue,15.00,20.00,https://cdn.example/b.jpg?v=1,2,,,,lb,\r\n"+
		"tea,,,,,XL,,,,,,,1500.0,,0,deny,20.00,,https://cdn.example/c.jpg?v=1,3,Leaves,,https://cdn.example/c.jpg?v=1,kg,\r\n"+
		"tea,,,,,,,,,,,,,,,,,,https://cdn.example/d.jpg?v=1,4,,,,,\r\n"+
		"tea,,,,,,,,,,,,,,,,,,https://cdn.example/d.jpg?v=1,5,,,,,\r\n"+
		"mug,Mug,,false,Title,Default Title,,,,,,MUG,0.0,shopify,3,deny,9.00,,,,,false,,kg,active\r\n"+
		"jar,Jar,,true,Title,Default Title,,,,,,JAR,40,shopify,3,deny,9.00,,,,,false,,g,archived\r\n")

	owner.Get(path).Has(200, "Apply all of it", "image position", "<dt>Weights</dt><dd>4</dd>",
		"<dt>Sale prices, without end</dt><dd>1</dd>")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	got := e.Text(`SELECT string_agg(concat_ws('|', title_url, published, s.code, s.color, s.stock, s.back_order, s.weight_grams), ' '
		ORDER BY s.id) FROM sku s JOIN product p ON p.id = s.product_id WHERE title_url IN ('tea', 'mug', 'jar')`)
	want := "tea|t|00471|0|f|227 tea|t|00472|Large|7|t|454 tea|t|XL|f|1500 mug|f|MUG|3|f jar|f|JAR|3|f|40"
	if got != want {
		t.Errorf("SKUs:\n%s, want\n%s", got, want)
	}
	e.Counts(4, `SELECT count(*) FROM product_image i JOIN product p ON p.id = i.product_id WHERE title_url = 'tea'`)

	owner.Post(bring(owner, "URL handle,Title,Published on online store,Status,SKU,Option1 value,Weight value (grams),"+
		"Weight unit for display,"+
		"Inventory tracker,Inventory quantity,Price\n"+
		"pot,Pot,TRUE,Active,POT,Blue,900,g,shopify,2,30.00\npan,Pan,FALSE,Active,PAN,,0,kg,,0,25.00\n") + "/apply").
		Has(http.StatusSeeOther)
	owner.Post(bring(owner, "Handle,Title,Variant SKU,Variant Weight,Variant Weight Unit,Variant Price\n"+
		"lid,Lid,LID,1.5,lb,4.00\n") + "/apply").Has(http.StatusSeeOther)

	got = e.Text(`SELECT string_agg(concat_ws('|', title_url, published, s.stock, s.weight_grams), ' ' ORDER BY s.id)
		FROM sku s JOIN product p ON p.id = s.product_id WHERE s.code IN ('POT', 'PAN', 'LID')`)
	if want := "pot|t|2|900 pan|f lid|f|680"; got != want {
		t.Errorf("SKUs: %s, want %s", got, want)
	}
	if strings.Contains(owner.Get(bring(owner, "Handle,Title,,\nlid,Lid,,\n")).Body, "left out") {
		t.Error("columns without a name are told")
	}
}

// A price that Shopify compares with a higher one is a sale without an end, and the higher one is
// the regular price. A file sets them once; taking it back ends the sale, and restores the earlier
// price.
func TestShopifysSales(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	const head = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Compare At Price\n"
	prices := func(want string) {
		t.Helper()
		if got := e.Text(`SELECT string_agg(concat_ws('|', k.code, a.price_cents, a.regular_cents), ' ' ORDER BY k.id) FROM sku k
			JOIN sku_any a ON a.id = k.id WHERE a.product_title_url = 'tea'`); got != want {
			t.Errorf("prices %s, want %s", got, want)
		}
	}
	owner.Get(bring(owner, head+"tea,Tea,Size,S,TEA-S,8.00,lots\n")).Has(200, "Variant Compare At Price", "An amount such as 12.50")
	owner.Post(bring(owner, head+"tea,Tea,Size,S,TEA-S,8.00,\ntea,,,M,TEA-M,9.00,9.00\ntea,,,L,TEA-L,7.00,11.00\n") + "/apply").
		Has(http.StatusSeeOther)
	prices("TEA-S|800 TEA-M|900 TEA-L|700|1100")
	sales := head + "tea,Tea,Size,S,TEA-S,8.00,10.00\ntea,,,M,TEA-M,9.00,8.00\ntea,,,L,TEA-L,6.50,11.00\n"
	path := bring(owner, sales)
	owner.Get(path).Has(200, "<dt>Prices</dt><dd>1</dd>", "<dt>Sale prices, without end</dt><dd>2</dd>")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	prices("TEA-S|800|1000 TEA-M|900 TEA-L|650|1100")
	owner.Get(bring(owner, sales)).Has(200, "The shop already has all of this")
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	prices("TEA-S|800 TEA-M|900 TEA-L|700|1100")
}

// A file that sets a weight counts as another person's change: someone with an earlier form is
// told, weights that were set since the export stay, and taking the file back leaves later weights.
func TestImportedWeights(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner, staff := e.browser(adminui.Owner), e.staff(adminui.Manager)
	e.Exec(`UPDATE sku SET weight_grams = 100 WHERE id IN (1, 4, 5)`)
	out := owner.Get("/staff/catalog/export/skus.csv").Body
	shown := e.weightsVersion()
	staff.Post("/staff/settings/weights", "weights", "1 150", "version", shown).OK()
	if page := owner.Get(bring(owner, out)); !strings.Contains(page.Body, "The shop already has all of this") {
		t.Error(page)
	}

	path := bring(owner, "sku,grams,grams_was\n1,100,100\n4,0.2 kg,100\n5,300,100\n6,5,\n")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	weights := func() string {
		return e.Text(`SELECT string_agg(concat(id, ':', weight_grams), ' ' ORDER BY id) FROM sku WHERE id IN (1, 4, 5, 6)`)
	}
	if got := weights(); got != "1:150 4:200 5:300 6:5" {
		t.Errorf("weights %s", got)
	}

	e.browser(adminui.Owner).Post("/staff/settings/weights", "weights", "4 900", "version", shown).Has(409, "4 200", "4 900")
	staff.Post("/staff/settings/weights", "weights", "5 350", "version", e.weightsVersion()).OK()
	shown = e.weightsVersion()
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	if got := weights(); got != "1:150 4:100 5:350 6:" {
		t.Errorf("weights %s", got)
	}
	e.browser(adminui.Owner).Post("/staff/settings/weights", "weights", "4 900", "version", shown).Has(409, "4 100")
}
