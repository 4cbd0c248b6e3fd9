package storefront

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// largeList is the contract's list of many products.
func largeList(n int) func() (*listing.List, error) {
	return sync.OnceValues(func() (*listing.List, error) {
		var body strings.Builder
		body.WriteString(`{"products_data":{`)
		for i := range n {
			if i > 0 {
				body.WriteString(",")
			}
			fmt.Fprintf(&body, `"p%d":{"title":"Thing %d","title_url":"t","identifier":"p%d","headline":"A thing.",
				"price_low":"%d.00","price_high":"%d.00","product_image_url":"/img/product/desk.jpg"}`, i, n-i, i, i%7+1, i%7+2)
		}
		body.WriteString(`}}`)
		return listOf(body.String())
	})
}

// newLargeFake is a shop with many products.
func newLargeFake(t testing.TB, n int) *httptest.Server {
	t.Helper()
	f, _, server := newFake(t)
	f.listed = largeList(n)
	return server
}

// follow pages through a list by the links to the next page, and returns the products in order.
func follow(t *testing.T, server *httptest.Server, path string) (products []string) {
	t.Helper()
	for pages := 0; path != ""; pages++ {
		if pages > 100 {
			t.Fatalf("no end: %s", path)
		}
		answer, body := fetch(t, server, path)
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: status %d", path, answer.StatusCode)
		}
		for _, problem := range checkHTML(body) {
			t.Errorf("%s: %s", path, problem)
		}
		path = ""
		for _, link := range linksOf(t, body) {
			if strings.HasPrefix(link, "/product/") {
				products = append(products, link)
			}
		}
		if _, rest, ok := strings.Cut(body, `<link rel="next" href="`); ok {
			next, _, _ := strings.Cut(rest, `"`)
			path = strings.ReplaceAll(next, "&amp;", "&")
		}
	}
	return products
}

// Every product is on one page of each order, and all can be reached by links alone.
func TestLinksLeadThroughAllPages(t *testing.T) {
	t.Parallel()
	const n = 5*listing.PageSize + 3
	server := newLargeFake(t, n)
	for _, path := range []string{"/products", "/products?sort=price", "/products?sort=price-desc", "/products?sort=name",
		"/products?sort=new", "/collections/desk", "/collections/desk?sort=price", "/search?q=thing"} {
		seen := map[string]bool{}
		products := follow(t, server, path)
		for _, link := range products {
			seen[link] = true
		}
		if len(seen) != n || len(products) != n {
			t.Errorf("%s leads to %d products, %d of them different", path, len(products), len(seen))
		}
	}
	newest, shelf := follow(t, server, "/products?sort=new"), follow(t, server, "/collections/desk")
	if last := fmt.Sprintf("/product/p%d", n-1); newest[0] != last || shelf[0] != last {
		t.Errorf("newest first: %s; the collection: %s", newest[0], shelf[0])
	}
}

// Lists tell search engines their canonical address and their neighbors, and hide other orders.
func TestListsForSearchEngines(t *testing.T) {
	t.Parallel()
	server := newLargeFake(t, 3*listing.PageSize)
	for path, want := range map[string][]string{
		"/products":        {`rel="canonical" href="{}/products"`, `<link rel="next" href="/products?page=2">`},
		"/products?page=1": {`rel="canonical" href="{}/products"`},
		"/products?page=2&x=1": {`rel="canonical" href="{}/products?page=2"`, `<link rel="prev" href="/products">`,
			`<link rel="next" href="/products?page=3">`, "<title>Products, page 2 "},
		"/products?page=3":            {`<link rel="prev" href="/products?page=2">`, `"position":49`},
		"/products?page=2&sort=name":  {`noindex`, `href="/products?page=3&amp;sort=name"`},
		"/products?sort=price":        {`noindex`},
		"/collections/desk":           {`rel="canonical" href="{}/collections/desk"`, "<title>On the desk "},
		"/collections/desk/?sort=%00": {`rel="canonical" href="{}/collections/desk"`},
		"/search":                     {`noindex`},
		"/search?q=thing&page=2":      {`noindex`, `<link rel="next" href="/search?page=3&amp;q=thing">`},
	} {
		answer, body := fetch(t, server, path)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: status %d", path, answer.StatusCode)
		}
		for _, part := range want {
			if part = strings.ReplaceAll(part, "{}", server.URL); !strings.Contains(body, part) {
				t.Errorf("%s lacks %s", path, part)
			}
		}
	}

	if answer, _ := fetch(t, server, "/collections"); answer.Request.URL.Path != "/products" {
		t.Errorf("/collections leads to %s", answer.Request.URL)
	}
}

// Any address answers with a page, or with 404.
func TestOddAddressesOfLists(t *testing.T) {
	t.Parallel()
	server := newLargeFake(t, 2*listing.PageSize)
	odd := []string{"", "0", "-1", "1e9", "2x", "\x00", "\xff\xfe", "é", "<b>", `"'`, strings.Repeat("9", 3000), strings.Repeat("ä ", 1500),
		"%", "\u202e"}

	for _, text := range odd {
		for _, path := range []string{"/products?page=", "/products?sort=", "/products?sort=price&at=", "/collections/desk?page=",
			"/search?page=", "/search?q=", "/search?q=thing&page="} {
			answer, body := fetch(t, server, path+url.QueryEscape(text))
			if want := http.StatusOK; answer.StatusCode != want && (answer.StatusCode != http.StatusNotFound ||
				!strings.Contains(path, "page=")) {
				t.Errorf("%s%q: status %d", path, text, answer.StatusCode)
			}
			if strings.Contains(body, "<b>") || strings.ContainsAny(body, "\x00\ufffd") {
				t.Errorf("%s%q: the page has it as it came", path, text)
			}
		}
	}

	for path, want := range map[string]int{
		"/products?page=2": 200, "/products?page=3": 404, "/products?page=99999999999999999999": 404, "/collections/nothing": 404,
		"/collections/desk?page=3": 404, "/collections/%00": 404, "/search?q=thing&page=3": 404,
		"/sitemap-products-2.xml": 404, "/sitemap-x.xml": 404,
	} {
		if answer, _ := fetch(t, server, path); answer.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, answer.StatusCode, want)
		}
	}
}

func TestSearchPage(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	for path, want := range map[string][]string{
		"/search":               {`role="search"`, "On the desk"},
		"/search?q=Clips":       {"Results for “Clips”", "2 products", `value="Clips"`, "/product/bSusp6dBHm"},
		"/search?q=rubber":      {"1 product"},
		"/search?q=papper":      {"“papper”", "“paper”", "/product/bSusp6dBHm"},
		"/search?q=zzz":         {"We found nothing", "On the desk"},
		"/search?q=%3Cb%3E%22'": {"&lt;b&gt;"},
	} {
		_, body := fetch(t, server, path)
		for _, part := range want {
			if !strings.Contains(body, part) {
				t.Errorf("%s lacks %s", path, part)
			}
		}
	}
}

// sitemapOf reads a part of the site map, or its list of parts.
func sitemapOf(t *testing.T, server *httptest.Server, path string) []string {
	t.Helper()
	answer, body := fetch(t, server, path)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", path, answer.StatusCode)
	}
	var content struct {
		Parts []string `xml:"sitemap>loc"`
		URLs  []string `xml:"url>loc"`
	}
	if err := xml.Unmarshal([]byte(body), &content); err != nil {
		t.Fatal(err)
	}
	return append(content.Parts, content.URLs...)
}

func TestSitemapNamesAllPages(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	total := 0
	for _, part := range sitemapOf(t, server, "/sitemap.xml") {
		for _, address := range sitemapOf(t, server, strings.TrimPrefix(part, server.URL)) {
			total++
			if answer, page := fetch(t, server, strings.TrimPrefix(address, server.URL)); answer.StatusCode != http.StatusOK ||
				strings.Contains(page, "noindex") {
				t.Errorf("sitemap names %s: status %d, or not for search engines", address, answer.StatusCode)
			}
		}
	}

	if total < 10 {
		t.Errorf("%d pages in the site map", total)
	}
	large := newLargeFake(t, 2*sitemapSize+1)
	parts := sitemapOf(t, large, "/sitemap.xml")
	seen := map[string]bool{}
	for _, part := range parts[1:] {
		for _, address := range sitemapOf(t, large, strings.TrimPrefix(part, large.URL)) {
			seen[address] = true
		}
	}

	if len(parts) != 4 || len(seen) != 2*sitemapSize+1 {
		t.Errorf("%d products in %d parts", len(seen), len(parts))
	}
}

func TestPagerLinksAndGaps(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		number, total int
		want          string
	}{
		{1, 1, ""},
		{1, 2, "[1] 2"},
		{2, 3, "1 [2] 3"},
		{1, 9, "[1] 2 … 9"},
		{4, 9, "1 2 3 [4] 5 … 9"},
		{5, 9, "1 … 4 [5] 6 … 9"},
		{9, 9, "1 … 8 [9]"},
	} {
		t.Run(fmt.Sprintf("page %d of %d", c.number, c.total), func(t *testing.T) {
			var got []string
			for _, l := range newPager(c.number, c.total, func(n int) string { return fmt.Sprint(n) }).Pages {
				switch {
				case l.Current:
					got = append(got, "["+l.Text+"]")
				case l.Href == "":
					got = append(got, "…")
				default:
					got = append(got, l.Text)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("page %d of %d: %v, want %s", c.number, c.total, got, c.want)
			}
		})
	}
}

// FuzzListAddress requests pages of lists under arbitrary addresses.
func FuzzListAddress(f *testing.F) {
	for _, text := range []string{"2", "\x00", "\xff", "price", "clips", strings.Repeat("x", 999)} {
		f.Add(text, text, text)
	}
	fake := &fakeAPI{listed: largeList(50)}
	pages, err := New(Config{PublicURL: "https://shop.example", Catalog: fake.catalog, Search: fake.search})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page, sort, q string) {
		for _, h := range []http.HandlerFunc{pages.servePage(pageTable[1]), pages.servePage(pageTable[2])} {
			w := httptest.NewRecorder()
			h(w, httptest.NewRequest(http.MethodGet, "/?"+url.Values{"page": {page}, "sort": {sort}, "at": {sort}, "q": {q}}.Encode(), nil))
			if w.Code != http.StatusOK && w.Code != http.StatusNotFound {
				t.Errorf("page %q, sort %q, q %q: status %d", page, sort, q, w.Code)
			}
		}
	})
}
