package order

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/pkg/money"
)

const clips = "/staff/catalog/products/bSusp6dBHm" // SKUs 1, in stock, and 2, back ordered

// The table of SKUs is saved in one form: texts, prices, states, counts, new rows and retired ones.
// Pieces that were sold since it was opened stay sold, and an existing quote keeps its price.
func TestStaffEditSKUs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id = 1`)
	manager := e.browser(adminui.Manager)
	manager.Get(clips+"/skus").Has(200, `name="k1-stock-was" value="10"`, `name="k1-price" value="3.50"`, `name="n1-color"`)
	p := e.visitor()
	p.add("1", "4")
	c := p.quoted("pat@mail.example.com") // 6 left

	// One form changes prices, counts, states and names, and adds a SKU. The sold pieces stay sold.
	form := func(version string, more ...string) []string {
		return append([]string{"version", version, "reason", "received", "note", "From Oslo <b>"}, more...)
	}
	first := form("1", "k1-price-was", "3.50", "k1-price", "4.25", "k1-stock-was", "10", "k1-stock", "30", "k1-code", "PC-L",
		"k2-state", "in-stock", "k2-back_order", "yes", "k2-stock", "0", "color_name", "Finish", "size_name", "Bend",
		"n1-color", "Brass", "n1-size", "Large", "n1-description", "", "n1-code", "PC-B", "n1-price", "9.00", "n1-state", "in-stock",
		"n1-stock", "", "n1-back_order", "no", "n2-color", "", "n2-price", "")
	manager.Post(clips+"/skus", first...).Has(http.StatusSeeOther)
	if got := e.Text(`SELECT string_agg(concat_ws(' ', id, coalesce(stock, -1), back_order, code, color), '; ' ORDER BY id)
		FROM sku WHERE product_id = 1`); got != "1 26 f PC-L Silver; 2 0 t Silver; 8 -1 f PC-B Brass" {
		t.Errorf("SKUs: %s", got)
	}

	// Shoppers see the changes; the quote keeps its price.
	a := e.visitor().Get("/order/product/bSusp6dBHm")
	a.Want("4.25", "product_data", "skus", "1", "price")
	a.Want("9.00", "product_data", "skus", "8", "price")
	a.Want("in-stock", "product_data", "skus", "2", "inventory_status_identifier")
	a.Want("On back order", "product_data", "skus", "2", "inventory_status_title")
	a.Want("Finish", "product_data", "option_names", "color")
	e.mustHandle(event("evt_1", completed, c, nil))
	if cents := e.Number(`SELECT price_cents FROM order_line WHERE sku_id = 1`); cents != 350 {
		t.Errorf("a quote of 3.50 became an order for %d cents", cents)
	}

	// The changes of counts are on record.
	manager.Get(clips+"/stock").Has(200, "&#43;20 → 26", "counted from now on: 0", "Goods received · From Oslo &lt;b&gt;", "Ada",
		`href="`+strings.TrimPrefix(clips, "/staff")+`/stock.csv"`)
	manager.Get(clips+"/stock.csv").Has(200, "When,SKU,Name,Change,Stock,Why,Note,By\n", ",20,26,Goods received,From Oslo <b>,Ada")

	// A form of an older version, and invalid values, are refused.
	manager.Post(clips+"/skus", first...).Has(409, "changed the SKUs meanwhile", `value="30"`, `value="Brass"`)
	for _, bad := range [][]string{{"k1-price", "x"}, {"k1-price", "0"}, {"k1-price", "1000000.00"}, {"k1-stock", "1.5"},
		{"k1-stock", "99999999999"}, {"k1-stock-was", "26", "k1-stock", "-1"}, {"k1-state", "none"}, {"k1-back_order", "maybe"},
		{"k1-color", strings.Repeat("a", 501)}, {"k1-code", "PC-B"}, {"n1-color", "Red"}, {"color_name", strings.Repeat("a", 41)},
		{"k2-back_order", "no", "k2-stock-was", "0", "k2-stock", "-2"}, {"reason", "because"}} {
		if a := manager.Post(clips+"/skus", append(bad, form("2")...)...); a.Status != 422 {
			t.Errorf("%q: %s", bad, a)
		}
	}

	// Prices need another right than the rest.
	e.browser(adminui.Marketing).Post(clips+"/skus", form("2", "k1-price", "1.00")...).Has(http.StatusForbidden)
	e.browser(adminui.Marketing).Post(clips+"/skus", form("2", "k1-color", "Steel")...).Has(http.StatusSeeOther)
	manager.Post(clips+"/skus", form("3", "k8-retire", "on")...).Has(http.StatusSeeOther)
	if n := e.Number(`SELECT count(*) FROM sku WHERE id = 8 AND product_id IS NULL AND retired_at IS NOT NULL`); n != 1 {
		t.Error("the SKU is not retired")
	}

	// Combinations that do not exist yet are added.
	manager.Post(clips+"/skus/add", "version", "4", "colors", "Gold, Steel", "sizes", "Medium, Large", "price", "5.00").
		Has(http.StatusSeeOther)
	e.Counts(5, `SELECT count(*) FROM sku WHERE product_id = 1`) // the combination steel, medium exists already
}

// A SKU that is sold beyond its count goes below zero, is shown as such to the shopper, and comes
// back with new goods.
func TestBackOrders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 1, back_order = true WHERE id = 6`)
	p := e.visitor()
	p.add("6", "3")
	c := p.quoted("pat@mail.example.com")
	e.mustHandle(event("evt_1", completed, c, nil))
	e.Counts(-2, `SELECT stock FROM sku WHERE id = 6`)

	p = e.visitor()
	p.add("6", "1")
	p.Get("/order/cart-items").Want("in-stock", "item_data", "product_sku_data", "0", "sku_inventory__identifier")
	p.quoted("kim@mail.example.com")
	if share, err := mostHeld(t.Context(), e.pool); err != nil || share != 0 {
		t.Errorf("held %v, %v", share, err)
	}

	e.Exec(`DELETE FROM catalog_change`)
	stock := []string{"version", "1", "sku", "6", "change", "+10", "reason", "received", "note", ""}
	clerk := e.browser(adminui.Marketing)
	clerk.Post("/staff/catalog/products/ITHJW3mytn/stock", stock...).Has(http.StatusSeeOther)
	clerk.Post("/staff/catalog/products/ITHJW3mytn/stock", stock...).Has(409, "changed this at") // sent twice, counted once
	if got := e.news("1"); e.Number(`SELECT stock FROM sku WHERE id = 6`) != 7 || !slices.Equal(got, []string{"ITHJW3mytn"}) {
		t.Errorf("told %v", got)
	}

	e.Exec(`UPDATE sku SET stock = 0, back_order = id = 5 WHERE id IN (4, 5)`)
	for _, bad := range [][]string{{"change", "0"}, {"change", "many"}, {"change", "-2147483648"}, {"change", "2147483647"},
		{"change", "-1000001"}, {"sku", "4", "change", "-99"}, {"reason", "x"}} {
		form := with([]string{"version", "2", "sku", "5", "change", "1", "reason", "received"}, bad...)
		if a := clerk.Post("/staff/catalog/products/ITHJW3mytn/stock", form...); a.Status != 422 {
			t.Errorf("%q: %s", bad, a)
		}
	}
}

// The table of SKUs shows each state and counts of five digits completely, and its first column
// stays while the others are scrolled, on a phone.
func TestTheTableOfSKUsIsWideEnough(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 12345 WHERE id = 1; UPDATE sku_inventory SET title = 'Out of stock now' WHERE identifier = 'in-stock'`)
	office := e.office(adminui.Owner)
	for look, as := range map[string]browsertest.Look{"desk": {Width: 1280, Scheme: "light"}, "phone-dark": browsertest.PhoneDark} {
		tab := browsertest.Open(t, office.URL, as)
		shows(t, tab, as.Width, look, strings.TrimPrefix(clips, "/staff")+"/skus", "product-skus-of-many-pieces")
		tab.Until("states and counts are shown whole", `(() => {
			const pen = document.createElement("canvas").getContext("2d")
			return [...document.querySelectorAll(".grid td > select, .grid td > input.short")].every(field => {
				const style = getComputedStyle(field)
				pen.font = style.font
				const text = field.selectedOptions ? field.selectedOptions[0].text : field.value
				const arrow = field.selectedOptions ? 20 : 0
				const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight)
				return pen.measureText(text).width + arrow <= field.clientWidth - padding
			})
		})()`)
		if as.Width < 720 {
			tab.Until("the first column stays", `(() => {
				const table = document.querySelector(".grid"), first = table.querySelector("td > input")
				table.scrollLeft = 400
				const at = first.getBoundingClientRect()
				return table.scrollLeft > 300 && at.left >= 0 && document.elementFromPoint(at.left + 9, at.top + 9) === first
			})()`)
		}
	}
}

// A planned price begins by itself, a sale begins and ends by itself, and both are in the history
// afterwards.
func TestPlannedPrices(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	manager := e.browser(adminui.Owner)
	set := func(version string, more ...string) []string {
		return append([]string{"version", version, "sku", "6", "sku", "4"}, more...)
	}
	const path = "/staff/catalog/products/ITHJW3mytn/prices"
	later := time.Now().Add(time.Hour).UTC()
	manager.Post(path, set("1", "kind", "price", "amount", "8.00", "from", later.Format(timeLayout), "until", "")...).Has(303)

	manager.Post(path, set("2", "kind", "sale", "amount", "25%", "from", "", "until", later.Format(timeLayout))...).Has(303)
	price := func(sku, name string) string {
		return e.visitor().Get("/order/product/ITHJW3mytn").Text("product_data", "skus", sku, name)
	}
	if price("6", "price") != "2.99" || price("6", "regular_price") != "3.99" || price("4", "price") != "4.49" ||
		price("5", "regular_price") != "" {
		t.Error(e.visitor().Get("/order/product/ITHJW3mytn"))
	}
	if low := e.feed("").Products[1].Listed["price_low"]; low != "2.99" {
		t.Errorf("listed at %v", low)
	}
	manager.Get(path).Has(200, "planned", "Take back", "End now", `<span class="hint">sale</span> 2.99`, `/prices.csv"`)
	manager.Get(path+".csv").Has(200, "SKU,Name,Kind,Price,When,From,Until,By,Noted\n", ",price,8.00,planned,", ",sale,2.99,now,")

	// The button that ends a sale is visible on a small desktop screen, and has the name of its
	// action.
	office := e.office(adminui.Owner)
	for look, as := range map[string]browsertest.Look{"desk": {Width: 1280, Scheme: "light"}, "phone-dark": browsertest.PhoneDark} {
		tab := browsertest.Open(t, office.URL, as)
		shows(t, tab, as.Width, look, strings.TrimPrefix(path, "/staff"), "product-prices-of-a-sale")
		tab.Until("the table shows all its columns",
			"[...document.querySelectorAll('main .table')].every(t => t.scrollWidth <= t.clientWidth)")
	}

	for _, bad := range [][]string{{"kind", "sale", "amount", "9.99"}, {"kind", "sale", "amount", "100%"},
		{"kind", "price", "amount", "5%"},
		{"kind", "x", "amount", "1.00"}, {"kind", "price", "amount", "1.00", "from", "2020-01-01T00:00"},
		{"kind", "price", "amount", "1.00", "from", "9999-12-31T00:00"},
		{"kind", "price", "amount", "1.00", "until", "2099-01-01T00:00"}, {"kind", "sale", "amount", "1.00", "until", "2020-01-01T00:00"},
		{"kind", "sale", "amount", "1.00", "sku", "1"}, {"kind", "sale", "amount", "1.00", "sku", "x"}} {
		if a := manager.Post(path, set("3", bad...)...); a.Status != 422 {
			t.Errorf("%q: %s", bad, a)
		}
	}

	// An hour later the sale is over, and the price is the planned one; the clock reports it once.
	if _, err := e.server.enqueueDueChanges(t.Context()); err != nil {
		t.Fatal(err)
	}

	e.Exec(`UPDATE sku_price SET created_date_time = created_date_time - interval '61 minutes',
	  noted_at = noted_at - interval '61 minutes'`)
	e.Exec(`UPDATE sku_sale SET starts_at = starts_at - interval '61 minutes', ends_at = ends_at - interval '61 minutes'`)
	e.Exec(`UPDATE catalog_clock SET told_to = now() - interval '5 minutes'`)
	e.Exec(`DELETE FROM catalog_change`)
	for range 2 {
		if _, err := e.server.enqueueDueChanges(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	if got := e.news("1"); !slices.Equal(got, []string{"ITHJW3mytn"}) || e.Number(`SELECT count(*) FROM catalog_change`) != 1 {
		t.Errorf("told %v", got)
	}
	if price("6", "price") != "8.00" || price("6", "regular_price") != "" {
		t.Error(e.visitor().Get("/order/product/ITHJW3mytn"))
	}

	// A price that begins in this minute follows those that were set within it.
	e.Exec(`UPDATE sku_price SET created_date_time = now() - interval '1 second' WHERE sku_id = 6
		AND id = (SELECT max(id) FROM sku_price WHERE sku_id = 6)`)
	manager.Post(path, "version", "3", "sku", "6", "kind", "price", "amount", "8.50", "from",
		time.Now().Add(-30*time.Second).UTC().Format("2006-01-02T15:04:05")).Has(303)
	if price("6", "price") != "8.50" {
		t.Error("a price of this minute is hidden by an earlier one")
	}
	e.Exec(`DELETE FROM sku_price WHERE price_cents = 850`)
	e.Exec(`UPDATE product SET sku_version = 3 WHERE identifier = 'ITHJW3mytn'`)

	// A planned price can be taken back and a sale ended, but a price that applies cannot be
	// undone.
	manager.Post(path, set("3", "kind", "price", "amount", "1.00", "from", later.Format(timeLayout))...).Has(303)
	manager.Post(path, set("4", "kind", "sale", "amount", "7.00")...).Has(303)
	for kind, sql := range map[string]string{"price": `SELECT max(id) FROM sku_price WHERE sku_id = 6`, "sale": `SELECT max(id) FROM sku_sale WHERE sku_id = 6`} {
		manager.Post(path+"/end", "kind", kind, "id", fmt.Sprint(e.Number(sql))).Has(303)
	}
	if price("6", "price") != "8.00" || price("4", "price") != "7.00" ||
		e.Number(`SELECT count(*) FROM sku_price WHERE price_cents = 100`) != 1 {
		t.Error(e.visitor().Get("/order/product/ITHJW3mytn"))
	}

	manager.Post(path+"/end", "kind", "price", "id", fmt.Sprint(e.Number(`SELECT max(id) FROM sku_price WHERE sku_id = 6`))).Has(303)
	if price("6", "price") != "8.00" {
		t.Error("a price that holds is taken back")
	}
	e.browser(adminui.Marketing).Post(path, set("5", "kind", "price", "amount", "1.00")...).Has(http.StatusForbidden)
}

// Staff change the texts of stock states, which shoppers then see.
func TestStaffEditStockStates(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Marketing)
	editor.Get("/staff/catalog/states").Has(200, "In Stock", "back-ordered")
	editor.Post("/staff/catalog/states/in-stock", "version", "1", "title", "Here <now>", "description", "").Has(303)
	e.visitor().Get("/order/product/bSusp6dBHm").Want("Here <now>", "product_data", "skus", "1", "inventory_status_title")
	editor.Post("/staff/catalog/states/in-stock", "version", "1", "title", "Other", "description", "").Has(409, "Here &lt;now&gt;")
	editor.Post("/staff/catalog/states/in-stock", "version", "2", "title", "").Has(422, "1 to 100")
	editor.Get("/staff/catalog/states/none").Has(404)
}

// A table of hundreds of SKUs is one form, which is not too large and is stored quickly.
func TestManySKUs(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id, color, size, description, stock)
		SELECT 1000 + n, 1, 1, 'Colour ' || n, 'Size', repeat('x', 100), 5 FROM generate_series(1, 400) n`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) SELECT id, 100 FROM sku WHERE id > 1000`)
	form := []string{"version", "1", "reason", "counted"}
	for id := 1001; id <= 1400; id++ {
		key := fmt.Sprintf("k%d-", id)
		form = append(form, key+"color", "Red", key+"size", "Size", key+"description", strings.Repeat("x", 100), key+"code",
			fmt.Sprint("C", id),
			key+"price-was", "1.00", key+"price", money.Cents(id).String(), key+"stock-was", "5", key+"stock", "6", key+"state", "in-stock",
			key+"back_order", "no")
	}
	if a := e.browser(adminui.Owner).Post(clips+"/skus", form...); a.Status != 303 ||
		e.Number(`SELECT count(*) FROM sku WHERE stock = 6 AND color = 'Red' AND code IS NOT NULL`) != 400 {
		t.Error(a)
	}
}
