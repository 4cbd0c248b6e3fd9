package order

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// bring uploads a file and returns the path of its page.
func bring(c *testenv.Client, content string) string {
	c.TB.Helper()
	a := sendFile(c, content)
	a.Has(http.StatusSeeOther)
	return "/staff" + a.Header.Get("Location")
}

// sendFile sends a file.
func sendFile(c *testenv.Client, content string) testenv.Answer {
	c.TB.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "goods.csv")
	if err != nil {
		c.TB.Fatal(err)
	}
	part.Write([]byte(content)) //nolint:errcheck // a buffer
	form.Close()                //nolint:errcheck // a buffer
	r := c.Body(http.MethodPost, "/staff/catalog/import/upload", body.String())
	r.Header.Set("Content-Type", form.FormDataContentType())
	return c.Do(r)
}

// goods are all products and SKUs, without the counts of edits.
func (e *env) goods() string {
	return e.Text(`SELECT coalesce(string_agg(concat_ws('|', p.identifier, p.title, p.title_url, p.headline, p.description_part_1,
		p.published,
		ARRAY(SELECT c.address FROM product_collection k JOIN collection c ON c.id = k.collection_id WHERE k.product_id = p.id ORDER BY 1),
		s.id, s.code, s.color, s.size, s.description, s.stock, s.back_order, s.inventory_id,
		(SELECT price_cents FROM sku_any a WHERE a.id = s.id)), E'\n' ORDER BY p.id, s.id), '')
		FROM product p LEFT JOIN sku s ON s.product_id = p.id`)
}

// A file is checked, applied completely, and taken back; an exported file can be imported.
func TestFilesOfProducts(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10, code = 'CLIP-L' WHERE id = 1`)
	e.Exec(`UPDATE product SET headline = '=SUM(A1)' WHERE id = 3`)
	owner := e.browser(adminui.Owner)
	before := e.goods()

	// An exported file changes nothing when it is imported.
	for _, kind := range productfile.Kinds { // exported and imported
		var head bytes.Buffer
		if err := productfile.Write(&head, kind, nil); err != nil {
			t.Fatal(err)
		}
		a := owner.Get("/staff/catalog/export/" + kind.Name + ".csv")
		a.Has(200, head.String())
		if page := owner.Get(bring(owner, a.Body)); page.Status != 200 || !strings.Contains(page.Body, "The shop already has all of this") {
			t.Errorf("%s: %s", kind.Name, page)
		}
		owner.Get("/staff/catalog/template/"+kind.Name+".csv").Has(200, head.String())
	}

	// Checking a file of new and changed products changes nothing yet.
	path := bring(owner, "\ufeffproduct;address;title;text;state;collections;sku;article_number;option_1;option_2;"+
		"price;pieces;back_orders\n"+
		";OakDesk;Oak, desk;**Solid**;published;desk filing;;OAK-1;Oak;L;249.00;3;no\n"+
		";OakDesk;;;;;;OAK-2;Oak;M;199.00;;yes\n"+
		"bSusp6dBHm;;Paper clip;;;;1;;Silver;Medium;3.75;15;\n"+
		";;;;;;6;BIND-S;;;;;\n")

	e.Exec(`UPDATE sku SET stock = 9 WHERE id = 1`) // one is sold in the meantime
	owner.Get(path).Has(200, "<dd>4</dd>", "Apply all of it")
	if e.goods() == before || strings.Contains(e.goods(), "OakDesk") {
		t.Error("checking changes something")
	}

	// Applying it does, once.
	before = e.goods()
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	for _, want := range []string{"Oak, desk|OakDesk|**Solid**|t|{desk,filing}|8|OAK-1|Oak|L|3|f|1|24900", "9|OAK-2|Oak|M|t|1|19900",
		"bSusp6dBHm|Paper clip|PaperClips", "CLIP-L|Silver|Medium|Opens to the left|15|f|1|375", "6|BIND-S|Black|Small"} {
		if !strings.Contains(e.goods(), want) {
			t.Errorf("%s is not in\n%s", want, e.goods())
		}
	}

	owner.Post(path + "/apply").Has(http.StatusSeeOther) // once
	e.Counts(2, `SELECT count(*) FROM stock_change WHERE reason = 'import'`)

	// Taking it back leaves later changes.
	e.Exec(`UPDATE product SET title = 'Later' WHERE id = 1`)
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	if got := strings.ReplaceAll(e.goods(), "bSusp6dBHm|Later", "bSusp6dBHm|Paper Clips"); got != before {
		t.Errorf("taken back:\n%s\nwas:\n%s", e.goods(), before)
	}

	owner.Get(path).Has(200, "taken back")
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	bring(owner, "address,title\nOakDesk,Again\n") // a file that was taken back can be imported again
	owner.Get(fmt.Sprintf("/staff/catalog/import/%d", e.Number(`SELECT max(id) FROM catalog_import`))).Has(200, "Apply all of it")
	e.Exec(`UPDATE catalog_import SET at = now() - interval '25 hours', applied_at = applied_at - interval '25 hours'`)
	if n, err := clearOldImports(t.Context(), e.pool); err != nil || n == 0 ||
		e.Number(`SELECT count(*) FROM catalog_import WHERE body IS NOT NULL`) != 0 {
		t.Errorf("%d emptied, %v", n, err)
	}
	e.browser(adminui.Marketing).Post(path + "/apply").Has(http.StatusForbidden)
}

// Sales and prices between export and import stay: a count changes by the difference, once.
func TestImportedCountsKeepSales(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id IN (1, 4, 5)`)
	out := owner.Get("/staff/catalog/export/skus.csv").Body
	e.Exec(`UPDATE sku SET stock = 8 WHERE id IN (1, 4, 5)`)
	e.Exec(`INSERT INTO sku_price (sku_id, price_cents, created_date_time, by_name) VALUES (1, 777, now(), 'Ada')`)
	if page := owner.Get(bring(owner, out)); !strings.Contains(page.Body, "The shop already has all of this") {
		t.Error(page)
	}

	file := "sku,price,price_was,pieces,pieces_was\n1,3.50,3.50,15,10\n4,,,0,10\n5,,,10,10\n"
	path := bring(owner, file)
	other := bring(owner, file)
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	owner.Post(other+"/apply").Has(http.StatusConflict, "already changed")

	owner.Get(bring(owner, file)).Has(200, "already changed")
	again := "\ufeffsku;price;price_was;pieces;pieces_was\r\n4;;;0;10\r\n1;3.5;3.5;15;10\r\n" // as a spreadsheet saves it
	owner.Get(bring(owner, again)).Has(200, "already changed", "10 to 15", "10 to 0")
	if got := e.Text(`SELECT string_agg(stock::text, ' ' ORDER BY id) FROM sku WHERE id IN (1, 4, 5)`); got != "13 0 8" {
		t.Errorf("counts %s", got)
	}
	if n := e.Number(`SELECT price_cents FROM sku_any WHERE id = 1`); n != 777 {
		t.Errorf("it costs %d", n)
	}

	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	if got := e.Text(`SELECT string_agg(stock::text, ' ' ORDER BY id) FROM sku WHERE id IN (1, 4, 5)`); got != "8 8 8" {
		t.Errorf("counts %s after it is taken back", got)
	}
	if page := owner.Get(bring(owner, again)); strings.Contains(page.Body, "already changed this") {
		t.Error(page)
	}

	owner.Post(bring(owner, "sku,pieces,pieces_was\n6,50,0\n") + "/apply").Has(http.StatusSeeOther)
	e.Exec(`UPDATE sku SET stock = 0 WHERE id = 6`)
	owner.Post(bring(owner, "sku,pieces,pieces_was\n6,50,0\n") + "/apply").Has(http.StatusSeeOther) // sold out, and there are 50 again
	e.Counts(50, `SELECT stock FROM sku WHERE id = 6`)
	owner.Get(bring(owner, "sku,pieces,pieces_was\n1,5,x\n4,1000000000,-1000000\n")).
		Has(200, "when the file was made", "The count would be out of range")
}

// Purchases go on while a file about the same SKUs is applied: they wait only for its last
// statement.
func TestPurchasesDuringAnImport(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 10 WHERE id IN (1, 6)`)
	owner := e.browser(adminui.Owner)
	path := bring(owner, "sku,price,pieces,pieces_was\n1,4.25,15,10\n6,5.25,,\n")

	p := e.visitor()
	p.add("1", "2")
	holding, err := e.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer holding.Rollback(t.Context()) //nolint:errcheck // ended before
	if _, err := holding.Exec(t.Context(), `SELECT FROM product FOR UPDATE`); err != nil {
		t.Fatal(err)
	}

	applied := make(chan int, 1)
	go func() { applied <- owner.Post(path + "/apply").Status }()
	e.Becomes(1, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	quote := p.quoted("ann@mail.example.com")

	if err := holding.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status := <-applied; status != http.StatusSeeOther {
		t.Errorf("applied: %d, want %d", status, http.StatusSeeOther)
	}
	if n := e.Number(`SELECT stock FROM sku WHERE id = 1`); n != 13 || quote.ItemSubtotal != 700 {
		t.Errorf("%d pieces, quoted %v", n, quote.ItemSubtotal)
	}
}

// Changes that were made since a file was applied do not keep the rest from being taken back.
func TestUndoImportKeepsLaterChanges(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	e.Exec(`UPDATE sku SET stock = -3, back_order = true WHERE id = 1; UPDATE sku SET code = 'X' WHERE id = 4;
		UPDATE sku SET stock = 4 WHERE id = 5`)
	path := bring(owner, "sku,article_number,pieces\n1,,10\n4,Y,\n5,,9\n")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	e.Exec(`UPDATE sku SET back_order = false WHERE id = 1; UPDATE sku SET code = 'X' WHERE id = 6`)
	owner.Post(path + "/undo").Has(http.StatusSeeOther)
	if got := e.Text(`SELECT string_agg(concat_ws(' ', id, code, stock), ', ' ORDER BY id) FROM sku
		WHERE id IN (1, 4, 5, 6)`); !strings.Contains(got,
		"4 Y") || !strings.Contains(got, "5 4") || !strings.Contains(got, "6 X") || e.Number(`SELECT stock FROM sku WHERE id = 1`) != 0 {
		t.Error(got)
	}
}

// A product that a file added and that was sold since, or is on a payment page, is retired when the
// file is taken back: its order links to a product that still has its SKU and article number, and
// pieces that a refund restocks are counted there.
func TestUndoImportAfterASale(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.browser(adminui.Owner)
	path := bring(owner, "address,product,title,state,article_number,option_1,price,pieces\nSold,,Sold,published,S-1,Red,5.00,3\n"+
		"Sold,,,,S-2,Blue,5.00,3\nHeld,,Held,published,H-1,,5.00,3\nIdle,,Idle,published,I-1,,5.00,3\n,bSusp6dBHm,,,B-9,Pink,5.00,3\n")
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	sku := func(code string) string { return e.Text(`SELECT id::text FROM sku WHERE code = $1`, code) }

	sold, held := e.visitor(), e.visitor()
	sold.add(sku("S-1"), "1")
	sold.add(sku("B-9"), "1")
	e.mustHandle(event("evt_1", completed, sold.quoted("ann@mail.example.com"), nil))
	held.add(sku("H-1"), "1")
	quote := held.quoted("bob@mail.example.com")
	owner.Get(path).Has(200, "are retired instead of deleted")
	a := owner.Post(path + "/undo")
	a.Has(http.StatusSeeOther)

	owner.Get(path).Has(200, "<dt>Products retired, not deleted</dt><dd>2</dd>", "<dt>SKUs retired, not deleted</dt><dd>1</dd>")
	if got := e.Text(`SELECT string_agg(concat_ws(' ', p.title_url, p.retired_at IS NOT NULL, s.code, s.stock), ', ' ORDER BY s.id)
		FROM product p LEFT JOIN sku s ON s.product_id = p.id WHERE p.title_url IN ('Sold', 'Held', 'Idle')`); got !=
		"Sold t S-1 2, Held t H-1 2" {
		t.Error(got)
	}
	if n := e.Number(`SELECT count(*) FROM sku WHERE retired_at IS NOT NULL AND product_id IS NULL`); n != 1 {
		t.Errorf("%d SKUs are retired, want 1", n)
	}

	owner.Get("/staff/catalog/products/"+e.Text(`SELECT identifier FROM product WHERE title_url = 'Sold'`)).
		Has(200, "Retired", "Bring back")
	e.mustHandle(event("evt_2", completed, quote, nil)) // the payment page gets what it holds
	e.Counts(2, `SELECT count(*) FROM orders`)
}

// Every error is reported with line and column, and a file with an error changes nothing.
func TestImportErrors(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.staff(adminui.Owner)
	owner.Header = http.Header{"Accept": {"text/html"}}
	reader := e.staff(adminui.Owner)
	before := e.goods()
	faults := func(content string) string {
		path := bring(owner, content)
		var got []string
		a := reader.Get(path).OK()
		for i := 0; ; i++ {
			n := web.ID(int64(i))
			if a.At("summary", "errors", n) == nil {
				break
			}
			got = append(got, fmt.Sprint(a.At("summary", "errors", n, "line"), a.Text("summary", "errors", n, "column")))
		}
		owner.Post(path + "/apply")
		return strings.Join(got, " ")
	}

	for content, want := range map[string]string{
		"a,b\n1,2\n":           "1",
		"product,product\n":    "1product",
		"product,title\n\x00,": "2product", "product\n\xff": "2product", "product\xff,title\n1,2\n": "1", "product\r\xff": "2product",
		"sep=;\nproduct;title\nx;\"a;\nb\";c\nITHJW3mytn;B\xfcro\n":                "5title",
		"address,title,option_1,price\nNew,One,a,1.00\nNew,Two,b,1.00\n":           "3title",
		"address,title,option_1,price\nNew,One,a,1.00\nNew,,b,1.00\nNew,One,c,x\n": "4price",
		"product,state,address\nbSusp6dBHm,Draft,A\nbSusp6dBHm,draft,B\n":          "3address",
		"product,title\n\"x":                                                      "2",
		"product,title\nnone,x\n":                                                 "2product",
		"address,title\nNew,\nA b,Thing\n":                                        "2 3address",
		"sku,price\n1,3.999\n99,1.00\nx,1\n":                                      "2price 3sku 4sku",
		"sku,pieces\n1,-1\n2,1.5\n1,3\n":                                          "2pieces 3pieces 4",
		"product,address\nbSusp6dBHm,BinderClips\n":                               "2address",
		"product,collections\nbSusp6dBHm,desk none\n":                             "2collections",
		"product,state\nbSusp6dBHm,gone\n":                                        "2state",
		"product,title\nbSusp6dBHm," + strings.Repeat("a", 201) + "\n":            "2title",
		"sku,stock_state,back_orders\n1,none,perhaps\n":                           "2stock_state 2back_orders",
		"product,option_1\nbSusp6dBHm,Gold\n":                                     "2price",
		"product,sku,option_1\nITHJW3mytn,1,x\n":                                  "2article_number",
		"sku,article_number\n1,A\n2,A\n":                                          "3article_number",
		"product,title\nbSusp6dBHm,x,y\n":                                         "2",
		"product,title\nbSusp6dBHm,x,y,z,w\n":                                     "2",
		"product" + strings.Repeat(",", 200) + "\n":                               "1",
		"product,title\nbSusp6dBHm,\"x\n\"\nb" + strings.Repeat(",x", 200) + "\n": "4",
		"address,title,product\nNew,New,\nNew,,bSusp6dBHm\n":                      "3address",
		"address,title,product\nNew,,bSusp6dBHm\nNew,New,\n":                      "3address",
		"Handle,Title,Variant Price,Image Src\nnew,New,x,javascript:alert(1)\n":   "2Image Src 2Variant Price",
		"product,picture\nbSusp6dBHm,//evil.example/a.jpg\n":                      "2picture",
		"sku;grams\n1;heavy\n4;1,500\n5;10001 kg\n":                               "2grams 3grams 4grams",
		"sku;grams\n1;10000 kg\n4;999999999 kg\n":                                 "3grams",
		"sku,grams,grams_was\n1,5,x\n":                                            "2grams_was",
		"sep=;\nsku;price\n1;1,234\n":                                             "3price",
		"sep=;\na;b\n":                                                            "2",
		"sku,article_number\n1,1.23457E+12\n4,\"5,4E+11\"\n":                      "2article_number 3article_number",
		"\xff\xfes": "1",
		"Handle,Title,Option1 Value,Variant SKU,Variant Price\nNew,New,a,A,1.00\nNew,,b,A,x\n": "3Variant SKU 3Variant Price",
	} {
		if got := faults(content); got != want {
			t.Errorf("%.60q: %s, want %s", content, got, want)
		}
	}

	sendFile(owner, strings.Repeat("x", productfile.MaxBytes+1)).
		Has(http.StatusUnprocessableEntity, "goods.csv has 24.1 MB; the limit is 24 MB.")
	path := bring(owner, "product,"+strings.Repeat("n", 5000)+"\n"+
		strings.Repeat(strings.Repeat("x", 1000)+",\n", productfile.MaxFaults+7))
	a := reader.Get(path).OK()
	if more := fmt.Sprint(a.At("summary", "more_errors")); more != "7" || len(a.Body) > 200*productfile.MaxFaults {
		t.Errorf("%s more errors, %d bytes tell of them", more, len(a.Body))
	}

	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject LIKE 'staff.acted.%'
		AND convert_from(payload, 'UTF8')::jsonb ->> 'text' = 'Checked the file goods.csv'`); n !=
		e.Number(`SELECT count(*) FROM catalog_import`) {
		t.Errorf("%d checks are recorded", n)
	}
	if e.goods() != before {
		t.Error("a file with errors changes something")
	}
}

// A large file takes few statements: 10,000 products (make goods) are checked in less than five
// seconds.
func TestLargeImport(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var file strings.Builder
	file.WriteString("address,title,state,text,article_number,option_1,price,pieces\n")

	rows := 1000
	if many, err := strconv.Atoi(os.Getenv("GOODS")); err == nil {
		rows = many
	}
	for n := range rows {
		fmt.Fprintf(&file, "Thing%d,Thing %d,published,%s,T-%d,Red,%d.50,7\n", n, n, strings.Repeat("word ", 40), n, 1+n%900)
	}
	owner := e.browser(adminui.Owner)
	start := time.Now()

	path := bring(owner, file.String())
	checked := time.Since(start)
	start = time.Now()
	owner.Post(path + "/apply").Has(http.StatusSeeOther)
	t.Logf("checked in %v, applied in %v", checked, time.Since(start))
	if n := e.Number(`SELECT count(*) FROM sku_any WHERE price_cents IS NOT NULL AND product_title_url LIKE 'Thing%'`); n != rows ||
		checked > 5*time.Second {
		t.Errorf("%d products, checked in %v", n, checked)
	}

	// A file about all SKUs, while one after the other is bought.
	file.Reset()
	file.WriteString("article_number,title,price,pieces,pieces_was\n")
	for n := range rows {
		fmt.Fprintf(&file, "T-%d,Item %d,%d.75,9,7\n", n, n, 1+n%900)
	}

	path = bring(owner, file.String())
	start = time.Now()
	var longest time.Duration
	bought, applied := 0, make(chan time.Duration, 1)
	go func() {
		owner.Post(path + "/apply").Has(http.StatusSeeOther)
		applied <- time.Since(start)
	}()

	skus := e.Text(`SELECT string_agg(id::text, ' ' ORDER BY id)
		FROM (SELECT id FROM sku WHERE code LIKE 'T-%' ORDER BY id LIMIT 200) AS s`)
	for took := time.Duration(0); took == 0; bought++ {
		p := e.visitor()
		p.add(strings.Fields(skus)[bought%200], "1")
		began := time.Now()
		p.quoted("ann@mail.example.com")
		longest = max(longest, time.Since(began))
		select {
		case took = <-applied:
			t.Logf("applied to %d SKUs in %v; %d quotes meanwhile, the longest %v", rows, took, bought+1, longest)
		default:
		}
	}
	if n := e.Number(`SELECT sum(stock) FROM sku WHERE code LIKE 'T-%'`); n != 9*rows-bought || longest > 20*time.Second {
		t.Errorf("%d pieces after %d purchases, the longest waited %v", n, bought, longest)
	}
}
