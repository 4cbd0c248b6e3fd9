package order

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// A product's way through the editor: made as a draft, previewed, published, changed by two people
// at once, moved to another address, planned, retired and brought back. Shoppers see it exactly
// when they should.
func TestStaffEditAProduct(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor, reader := e.browser(adminui.Marketing), e.browser(adminui.ReadOnly)
	made := editor.Post("/staff/catalog/new", "title", "Wide Oak <b>Desk")
	path := made.Header.Get("Location")
	id, ok := strings.CutPrefix(path, "/catalog/products/")
	if !ok || made.Status != http.StatusSeeOther {
		t.Fatal(made)
	}

	// Shoppers do not see the draft, but a link shows it, for a day.
	path = "/staff" + path
	page := editor.Get(path)
	page.Has(200, "Wide Oak &lt;b&gt;Desk", `value="WideOakDesk"`, "Draft")
	if strings.Contains(e.visitor().Get("/internal/catalog").Body, id) {
		t.Error("shoppers see a draft")
	}

	e.visitor().Get("/order/product/"+id).Want("product-identifier-not-found", "errors", "error")

	_, query, _ := strings.Cut(page.Body, `preview=`)
	token, _, _ := strings.Cut(query, `"`)
	token, _ = url.QueryUnescape(token)
	e.visitor().Get("/internal/product-preview/"+id+"?token="+token).Want("Wide Oak <b>Desk", "product_data", "title")

	for _, bad := range []string{"", "9", token[1:], token + "x", "\x00"} {
		if a := e.visitor().Ask(http.MethodGet, "/internal/product-preview/"+id+"?token="+url.QueryEscape(bad)); a.Status != 404 {
			t.Errorf("%q: %s", bad, a)
		}
	}
	if e.server.validPreview(id, token, time.Now().Add(25*time.Hour)) {
		t.Error("a link is good forever")
	}

	// It is published, while another person with an older version is refused.
	fields := func(version string, more ...string) []string {
		return append([]string{"version", version, "title", "Oak Desk", "title_url", "OakDesk", "headline", "Wide",
			"description_part_1", "**Solid**\r\n", "state", "published", "on_sale_from", "", "on_sale_until", "",
			"collections", "", "collections", "desk"}, more...)
	}
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id) SELECT 98, id, 1 FROM product WHERE identifier = $1`, id)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents) VALUES (98, 24900)`)
	since := e.feed("").Position
	editor.Post(path, fields("1", "preview", "1")...).Has(200, "<strong>Solid</strong>", "Draft") // shown, not stored

	if a := editor.Post(path, fields("1")...); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	if got := e.news(since); !slices.Contains(got, id) {
		t.Errorf("the feed tells %v", got)
	}
	e.visitor().Get("/order/product/"+id).Want("**Solid**", "product_data", "description_part_1")
	late := editor.Post(path, fields("1", "description_part_2", "mine <i>")...)
	late.Has(409, "mine &lt;i&gt;", "Ada changed this at", `name="version" value="2"`)

	// A client that sends one field changes one.
	if a := editor.Post(path, "version", "2", "headline", "Broad"); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	p := e.staff(adminui.ReadOnly).Get(path).OK()
	for _, want := range [][]string{{"Oak Desk", "title"}, {"Broad", "headline"}, {"**Solid**", "description_part_1"},
		{"desk", "collections", "0"}, {"on-sale", "state"}} {
		p.Want(want[0], append([]string{"product"}, want[1:]...)...)
	}

	// It moves to another address, and no other product can have one of its addresses.
	editor.Post(path, "version", "3", "title_url", "PaperClips").Has(422, "Another product has or had this address")
	editor.Post(path, "version", "3", "title_url", "a b").Has(422, "Letters, digits")
	editor.Post(path, "version", "3", "title_url", "Desk").Has(http.StatusSeeOther)
	editor.Post("/staff/catalog/new", "title", "x", "title_url", "OakDesk").Has(422, "has or had this address")
	if got := e.Text(`SELECT string_agg(address, ' ' ORDER BY address)
		FROM product_address a JOIN product p ON p.id = a.product_id WHERE identifier = $1`, id); got != "Desk OakDesk WideOakDesk" {
		t.Errorf("addresses %s", got)
	}

	// Readers see the values without a form.
	reader.Get(path).Has(200, "Oak Desk")
	if a := reader.Get(path); strings.Contains(a.Body, `name="title"`) {
		t.Error("a person without the right to edit is shown a form")
	}
	reader.Post(path, "version", "4", "title", "x").Has(http.StatusForbidden)

	// It is retired, and brought back as a draft.
	editor.Get(path).Has(200, ">Take off the shop</button>", "you can bring it back")
	editor.Post(path + "/retire").Has(http.StatusSeeOther)
	editor.Get(path).Has(200, "Retired", ">Bring back</button>")

	e.visitor().Get("/order/product/"+id).Want("product-identifier-not-found", "errors", "error")
	editor.Post(path, "version", "5", "title", "x").Has(422, "Retired: shoppers do not see it")
	editor.Post(path + "/restore").Has(http.StatusSeeOther)
	e.staff(adminui.Owner).Get(path).Want("draft", "product", "state")
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.order'
	  AND convert_from(payload, 'UTF8') LIKE '%' || $1 || '%'`,
		id); n != 6 {
		t.Errorf("%d entries in the log, want 6", n)
	}
}

// An address keeps the letters of its title, without their accents, and does not take markup for
// words.
func TestAddressesOfTitles(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{"Paper Clips": "PaperClips", "Ünïque <b>Mug</b>": "UniqueMug", "Löffel": "Loffel",
		"Große Straße": "GrosseStrasse", "Café ½ Crème": "Cafe12Creme", "Smørrebrød, Łódź": "SmorrebrodLodz", "ﬁne №5": "fineNo5",
		"a < b > c": "abc", "茶": "id", "": "id", "<b>": "id", strings.Repeat("ä", 150): strings.Repeat("a", 100)} {
		t.Run(title, func(t *testing.T) {
			if got := addressOf(title, "id"); got != want || !titleURLPattern.MatchString(got) {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}

// Characters that reverse the direction of text are removed from names where they are entered, in
// forms and in files.
func TestNamesAreEnteredWithoutTurns(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	owner.Post("/staff/catalog/new", "title", "Blue\u202e gnp").Has(http.StatusSeeOther)
	owner.Post("/staff/discounts", with(tenOff, "code", "T\u202eEN", "description", "Ten\u2066 off")...).Has(http.StatusSeeOther)
	owner.Post(bring(owner, "product,title,more_text\n"+
		"bSusp6dBHm,Clips\u2066 here\u202c,\"a\n\u2067b\u2069\"\n") + "/apply").Has(http.StatusSeeOther)
	if got := e.Text(`SELECT (SELECT title FROM product WHERE title LIKE 'Blue%') || ', '
		|| (SELECT code || ', ' || description FROM discount_code WHERE code LIKE 'T%N') || ', '
		|| (SELECT title || ', ' || description_part_2 FROM product WHERE id = 1)`); got !=
		"Blue gnp, TEN, Ten off, Clips here, a\nb" {
		t.Errorf("%q", got)
	}
}

// Invalid input is refused with a reason and changes nothing.
func TestEditorRefusesInvalidInput(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Owner)
	const path = "/staff/catalog/products/bSusp6dBHm"
	before := e.Text(`SELECT string_agg(p::text, '') FROM product p`)
	for _, form := range [][]string{
		{"title", "x"}, {"version", "x"}, {"version", "99999999999999999999"}, {"version", "1", "title", "\x00"},
		{"version", "1", "title", "\xff"}, {"version", "1", "title", " "}, {"version", "1", "title", strings.Repeat("a", 201)},
		{"version", "1", "on_sale_from", "soon"}, {"version", "1", "on_sale_from", "99999-01-01T00:00"},
		{"version", "1", "on_sale_from", "2026-02-01T00:00", "on_sale_until", "2026-02-01T00:00"},
		{"version", "1", "state", "x"}, {"version", "1", "collections", "nowhere"}, {"version", "7", "title", "Old"},
	} {
		if a := editor.Post(path, form...); a.Status < 400 || a.Status > 422 {
			t.Errorf("%q: %s", form, a)
		}
	}

	for _, bad := range []string{"?after=x", "?sort=price", "?q=%ff", "?state=x", "?stock=x", "?q=%00"} {
		if a := editor.Get("/staff/catalog" + bad); a.Status != 400 {
			t.Errorf("%s: %s", bad, a)
		}
	}

	for _, bad := range [][]string{{"picture-url", "javascript:alert(1)"}, {"picture-url", "//evil.example/x.jpg"},
		{"picture-url", "/a.jpg", "picture-sku", "7"}, {"video-url", "https://player.example/1"},
		{"picture-url", "/a b.jpg"}, {"picture-url", "/" + strings.Repeat("a", 500)}} {
		editor.Post(path+"/media", append([]string{"version", "1"}, bad...)...).Has(422)
	}
	if after := e.Text(`SELECT string_agg(p::text, '') FROM product p`); after != before {
		t.Errorf("changed: %s", after)
	}
}

// Pictures are kept in the order of their places; the first one is the product's main picture, and
// clients that sort by ids see the same order.
func TestStaffOrderPictures(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Marketing)
	const path = "/staff/catalog/products/bSusp6dBHm/media"
	form := func(version string) []string {
		return []string{"version", version,
			"picture-url", "/img/product/a.jpg", "picture-place", "2", "picture-caption", "A", "picture-alt", "", "picture-sku", "",
			"picture-url", "https://cdn.example/b.jpg", "picture-place", "1.5", "picture-caption", "", "picture-alt", "Two <clips>",
			"picture-sku", "", "picture-url", "/img/product/left.jpg", "picture-place", "9", "picture-caption", "", "picture-alt", "",
			"picture-sku", "1", "picture-url", "", "picture-place", "", "picture-caption", "", "picture-alt", "", "picture-sku", "",
			"video-url", "https://player.vimeo.com/video/1", "video-place", "1", "video-thumbnail", "/img/v.jpg", "video-caption", "V"}
	}

	editor.Post(path, form("1")...).Has(http.StatusSeeOther)
	a := e.visitor().Get("/order/product/bSusp6dBHm")
	images, _ := a.At("product_data", "product_images").(map[string]any)
	ids := make([]string, 0, len(images))
	for id := range images {
		ids = append(ids, id)
	}
	if slices.Sort(ids); len(ids) != 2 {
		t.Fatal(a)
	}

	a.Want("https://cdn.example/b.jpg", "product_data", "product_images", ids[0], "image_url")
	a.Want(true, "product_data", "product_images", ids[0], "main")
	a.Want("Two <clips>", "product_data", "product_images", ids[0], "alternative_text")
	a.Want("A", "product_data", "product_images", ids[1], "caption")
	if got := e.Text(`SELECT string_agg(sku_id || image_url || main_image, ' ') FROM sku_image
	  WHERE sku_id IN (1, 2)`); got != "1/img/product/left.jpgtrue" {
		t.Errorf("pictures of SKUs: %s", got)
	}

	editor.Post(path, form("1")...).Has(409, "Another person changed", "Two &lt;clips&gt;")
	if a := e.staff(adminui.Owner).Post(path, form("1")...); a.Status != 409 || !strings.Contains(a.Body, "it was changed meanwhile") {
		t.Error(a) // the text is not about an order
	}
	if a := editor.Post(path, form("2")...); a.Status != http.StatusSeeOther ||
		e.Number(`SELECT media_version FROM product WHERE id = 1`) != 2 {
		t.Error("saving the form unchanged changes something")
	}
	editor.Post("/staff/catalog/products/bSusp6dBHm", "version", "1", "headline", "Other").Has(http.StatusSeeOther) // versions of their own
}

// Collections are made, ordered and removed; the shop's own pages follow.
func TestStaffEditCollections(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	editor := e.browser(adminui.Marketing)
	form := func(version, address string, more ...string) []string {
		return append([]string{"version", version, "title", "Gifts & more", "address", address, "text", "", "position", "9"}, more...)
	}
	editor.Post("/staff/catalog/collections/new", form("", "gifts")...).Has(http.StatusSeeOther)
	editor.Post("/staff/catalog/collections/new", form("", "gifts")...).Has(422, "Another collection has this address")
	editor.Post("/staff/catalog/collections/new", form("", "A b")...).Has(422, "Lowercase letters")
	editor.Get("/staff/catalog/collections").Has(200, "Gifts &amp; more")
	editor.Post("/staff/catalog/collections/desk", form("1", "table", "position-v26ujdy3N1", "0")...).Has(http.StatusSeeOther)
	if f := e.feed(""); f.Products[2].Collections["table"] != 0 || f.Products[0].Collections["table"] != 1 {
		t.Errorf("%+v", f.Products)
	}
	editor.Post("/staff/catalog/collections/table", form("1", "table", "title", "Mine")...).Has(409, "changed this")
	editor.Post("/staff/catalog/collections/table", form("2", "table", "position-v26ujdy3N1", "many")...).Has(422, "Enter a whole number")
	editor.Post("/staff/catalog/collections/table/drop").Has(http.StatusSeeOther)
	if a := editor.Get("/staff/catalog/collections/table"); a.Status != 404 {
		t.Error(a)
	}
}

// Every product is listed once, however the pages are cut, and is found by each of its properties.
func TestStaffListProducts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO product (identifier, title, title_url, published, on_sale_from, on_sale_until, retired_at)
		SELECT 'p' || n, CASE WHEN n = 60 THEN '=cmd|100%_' ELSE 'Thing ' || n % 50 END, 'T' || n, n % 5 <> 0,
		  CASE WHEN n = 61 THEN now() + interval '1 day' END,
		  CASE WHEN n = 62 THEN now() - interval '1 day' END,
		  CASE WHEN n = 63 THEN now() END
		FROM generate_series(1, 120) n`)

	e.Exec(`UPDATE sku SET stock = 3 WHERE id = 6`)
	staff := e.staff(adminui.ReadOnly)
	list := func(query string) (ids []string) {
		for next := "/staff/catalog?" + query; next != "" && len(ids) < 200; {
			a := staff.Get(next).OK()
			rows, _ := a.At("products").([]any)
			for i := range rows {
				ids = append(ids, a.Text("products", web.ID(int64(i)), "identifier"))
			}
			if next = a.Text("next"); next != "" {
				next = "/staff" + next
			}
		}
		return ids
	}

	for _, query := range []string{"", "sort=title", "sort=-title", "sort=new"} {
		all := list(query)
		if slices.Sort(all); len(slices.Compact(all)) != 123 {
			t.Errorf("%q lists %d products", query, len(all))
		}
	}

	for query, want := range map[string]string{"q=100%25_": "p60", "q=bSusp6dBHm": "bSusp6dBHm", "q=T77": "p77", "state=planned": "p61",
		"state=ended": "p62", "state=retired": "p63", "collection=colour": "v26ujdy3N1", "stock=low": "ITHJW3mytn",
		"collection=desk&stock=available": "v26ujdy3N1", "q=paper": "bSusp6dBHm"} {
		if got := strings.Join(list(query), " "); got != want {
			t.Errorf("%s lists %s", query, got)
		}
	}

	for query, want := range map[string]string{"q=T77": "Not for sale: no SKU", "q=bSusp6dBHm": "On sale", "q=T5": "Draft"} {
		if a := staff.Get("/staff/catalog.csv?" + query); !strings.Contains(a.Body, ","+want) {
			t.Errorf("%s: %s", query, a)
		}
	}

	reader := e.browser(adminui.ReadOnly)
	reader.Get("/staff/catalog/products/p77").Has(200, "Not for sale: no SKU", "the shop does not show it", "preview=",
		"Preview in the shop")
	if a := staff.Get("/staff/catalog.csv?state=draft"); !strings.Contains(a.Body, "'=cmd|100%_,Draft") {
		t.Error(a)
	}
}

// Scheduled changes of products on sale are reported, once.
func TestScheduledProductsAreReported(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE product SET on_sale_from = now() + interval '1 hour' WHERE id = 1`)
	e.Exec(`UPDATE product SET on_sale_until = now() + interval '1 hour' WHERE id = 2`)
	e.Exec(`DELETE FROM catalog_change`)
	if pause, err := e.server.enqueueDueChanges(t.Context()); err != nil || pause != clockEvery {
		t.Fatal(pause, err)
	}
	e.Exec(`UPDATE catalog_clock SET told_to = now() - interval '2 hours'`)
	e.Exec(`UPDATE product SET on_sale_from = on_sale_from - interval '61 minutes', on_sale_until = on_sale_until - interval '61 minutes'`)
	e.Exec(`DELETE FROM catalog_change`)
	for range 2 {
		if pause, err := e.server.enqueueDueChanges(t.Context()); err != nil {
			t.Fatal(pause, err)
		}
		if got := e.news("1"); !slices.Equal(got, []string{"bSusp6dBHm", "-ITHJW3mytn"}) {
			t.Errorf("told %v", got)
		}
	}
	e.Counts(1, `SELECT count(*) FROM outbox WHERE key LIKE 'catalog:clock:%'`)
}
