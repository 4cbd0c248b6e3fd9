package storefront

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/net/html"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// fetch gets a path without following redirects and returns the answer with its body.
func fetch(t *testing.T, server *httptest.Server, path string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	// Without a header of its own the client would decompress the answer silently.
	if r.Header.Get("Accept-Encoding") == "" {
		r.Header.Set("Accept-Encoding", "identity")
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// addresses are all pages of the shop, each once, with the status of its answer.
func addresses() map[string]int {
	all := map[string]int{"/collections/desk": 200, "/collections/empty": 200, "/search?q=nothing": 200, "/search?q=papper": 200,
		"/product/bSusp6dBHm": 200, "/product/ITHJW3mytn": 200, "/product/v26ujdy3N1": 200, "/no-such-page": 404}
	for _, pg := range pageTable {
		if pg.name != "product" {
			all[pg.path] = 200
		}
	}
	return all
}

func TestEveryPageIsValidAndCacheable(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	for path, status := range addresses() {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			answer, body := fetch(t, server, path)
			if answer.StatusCode != status {
				t.Fatalf("status %d, want %d", answer.StatusCode, status)
			}
			checkHeaders(t, answer.Header)
			for _, problem := range checkHTML(body) {
				t.Error(problem)
			}
			if status != http.StatusOK {
				return
			}
			again, body := fetch(t, server, path, "If-None-Match", answer.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || body != "" {
				t.Errorf("with its own tag: status %d and %d bytes, want 304 and none", again.StatusCode, len(body))
			}
		})
	}
}

func checkHeaders(t *testing.T, h http.Header) {
	t.Helper()
	want := map[string]string{
		"Content-Type":               "text/html; charset=utf-8",
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Cross-Origin-Opener-Policy": "same-origin",
	}

	for name, value := range want {
		if h.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, h.Get(name), value)
		}
	}

	policy := h.Get("Content-Security-Policy")
	for _, forbidden := range []string{"unsafe-inline", "unsafe-eval", "http:", " *"} {
		if strings.Contains(policy, forbidden) {
			t.Errorf("policy contains %q: %s", forbidden, policy)
		}
	}

	for _, needed := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		if !strings.Contains(policy, needed) {
			t.Errorf("policy lacks %q: %s", needed, policy)
		}
	}

	if h.Get("Referrer-Policy") == "" {
		t.Error("no Referrer-Policy")
	}
}

// Links in old mails end with a slash, with index, with index.html or with nothing.
func TestOldAddresses(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	for _, pg := range pageTable {
		for _, path := range pg.paths() {
			if pg.name == "product" {
				path += "?name=PaperClips&id=bSusp6dBHm&referrer=cart"
			}
			if answer, _ := fetch(t, server, path); answer.StatusCode != http.StatusOK {
				t.Errorf("%s: status %d", path, answer.StatusCode)
			}
		}
	}
	_, byName := fetch(t, server, "/product?name=BinderClips")
	if !strings.Contains(byName, "<h1>Binder Clips</h1>") {
		t.Error("a product is not found by its name alone")
	}
	for _, path := range []string{"/product", "/product?id=zzz", "/product?id=../x", "/product/zzz", "/product/%3Cb%3E",
		"/product?name=Nothing"} {
		if answer, _ := fetch(t, server, path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, answer.StatusCode)
		}
	}
}

// Pages whose address holds a token are not cached, and do not reveal it to other sites.
func TestSecretPagesAreNotCached(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	for _, path := range []string{"/set-new-password?password_reset_code=x", "/account/?email_verification_code=x",
		"/account/email-unsubscribe?token=x", "/checkout/success?session_id=x", "/account/order?identifier=x"} {
		answer, _ := fetch(t, server, path)
		if got := answer.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
		if got := answer.Header.Get("Referrer-Policy"); got != "no-referrer" {
			t.Errorf("%s: Referrer-Policy %q", path, got)
		}
	}
}

// Every link, picture, script and style of a page exists.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	seen := map[string]bool{}
	for path := range addresses() {
		_, body := fetch(t, server, path)
		for _, link := range linksOf(t, body) {
			link = strings.TrimPrefix(link, server.URL)
			if seen[link] || !strings.HasPrefix(link, "/") {
				continue
			}
			seen[link] = true
			if answer, _ := fetch(t, server, link); answer.StatusCode != http.StatusOK {
				t.Errorf("%s links to %s: status %d", path, link, answer.StatusCode)
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d links found; is the search broken?", len(seen))
	}
}

func linksOf(t *testing.T, body string) []string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for node := range root.Descendants() {
		for _, a := range node.Attr {
			switch a.Key {
			case "href", "src":
				links = append(links, a.Val)
			case "srcset":
				for part := range strings.SplitSeq(a.Val, ", ") {
					links = append(links, strings.Fields(part)[0])
				}
			}
		}
	}
	return links
}

func TestCompressedPageIsTheSame(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	plain, body := fetch(t, server, "/products")
	zipped, packed := fetch(t, server, "/products", "Accept-Encoding", "br, gzip")
	if zipped.Header.Get("Content-Encoding") != "gzip" || zipped.Header.Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", zipped.Header)
	}
	if plain.Header.Get("ETag") == zipped.Header.Get("ETag") {
		t.Error("both forms have the same tag")
	}
	zr, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	unpacked, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	if string(unpacked) != body {
		t.Error("the compressed page is another one")
	}
	refused, _ := fetch(t, server, "/products", "Accept-Encoding", "gzip;q=0")
	if refused.Header.Get("Content-Encoding") != "" {
		t.Error("gzip sent to one who refuses it")
	}
}

// A first visit costs at most 60 KB without pictures, whichever page it is to: a product with a
// reduced price, a list, a collection, the result of a search, or the cart.
func TestFirstVisitIsLight(t *testing.T) {
	t.Parallel()
	_, pages, server := newFake(t)
	for _, path := range []string{"/product/bSusp6dBHm", "/", "/products", "/collections/desk", "/search?q=Clips",
		"/search?q=papper", "/cart"} {
		_, body := fetch(t, server, path)
		total := 0
		add := func(path string) {
			answer, packed := fetch(t, server, path, "Accept-Encoding", "gzip")
			total += len(packed) + 300 // about the headers of the request and the answer
			if strings.HasPrefix(path, "/static/") && answer.Header.Get("Cache-Control") != immutable {
				t.Errorf("%s: Cache-Control %q", path, answer.Header.Get("Cache-Control"))
			}
		}
		add(path)
		for _, link := range linksOf(t, body) {
			if strings.HasPrefix(link, "/static/") && !strings.Contains(link, "icon-") {
				add(link)
			}
		}
		add(pages.assets.path("js/terms.js"))
		t.Logf("first visit to %s: %d bytes", path, total)
		if total > 60*1024 {
			t.Errorf("a first visit to %s costs %d bytes", path, total)
		}
	}
}

func TestCatalogIsKeptUntilItsSourceChanges(t *testing.T) {
	t.Parallel()
	var price, broken atomic.Int64
	var lists sync.Map // by price
	f := &fakeAPI{}
	pages, err := New(Config{
		PublicURL: "https://shop.example",
		Catalog: func(context.Context) (*listing.List, error) {
			if broken.Load() > 0 {
				return nil, errors.New("order is down")
			}
			now := price.Load()
			list, known := lists.Load(now)
			if !known {
				made, err := listOf(strings.ReplaceAll(fakeList, `"3.50"`, fmt.Sprintf(`"%d.00"`, now)))
				if err != nil {
					return nil, err
				}
				list, _ = lists.LoadOrStore(now, made)
			}
			return list.(*listing.List), nil
		},
		Product: func(ctx context.Context, identifier string) ([]byte, error) {
			if broken.Load() < 0 {
				return []byte("no JSON"), nil
			}
			return f.remembered(ctx, identifier)
		},
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}

	router := chi.NewRouter()
	pages.Mount(router)
	get := func(path string) (int, string) {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w.Code, w.Body.String()
	}
	broken.Store(1)
	if code, _ := get("/products"); code != http.StatusServiceUnavailable {
		t.Errorf("without a catalog: status %d", code)
	}

	broken.Store(0)
	price.Store(17)
	get("/products")
	kept := func() *document {
		page, _ := pages.catalog.kept.GetIfPresent("list   1")
		return page.doc
	}
	first := kept()
	for range 20 {
		get("/products")
	}
	if first == nil || kept() != first {
		t.Error("the page was rendered again though its source is the same")
	}

	price.Store(18)
	if _, body := get("/products"); !strings.Contains(body, "18.00") || strings.Contains(body, "17.00") {
		t.Error("after a change the page shows the earlier price")
	}
	get("/product/bSusp6dBHm")
	price.Store(19)

	for _, how := range []int64{1, -1} { // order is unavailable; its answer about a product makes no sense
		broken.Store(how)
		for path, want := range map[string]string{"/products": "18.00", "/product/bSusp6dBHm": "Paper Clips"} {
			if code, body := get(path); code != http.StatusOK || how > 0 && !strings.Contains(body, want) {
				t.Errorf("%s with order down after a first visit: status %d", path, code)
			}
		}
	}

	broken.Store(0)
	var visits sync.WaitGroup
	for i := range 50 {
		visits.Go(func() {
			price.Store(int64(i))
			get("/")
			get("/product/bSusp6dBHm")
		})
	}

	visits.Wait()
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	_, _, server := newFake(t)
	answer, err := server.Client().Head(server.URL + "/products")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || len(body) != 0 || answer.StatusCode != http.StatusOK || answer.ContentLength <= 0 {
		t.Errorf("HEAD: status %d, length %d, body %d bytes, error %v", answer.StatusCode, answer.ContentLength, len(body), err)
	}
}

// Text from the catalog stays text, whatever it looks like.
func TestCatalogTextIsEscaped(t *testing.T) {
	t.Parallel()
	evil := []byte(`{"product":"success","product_data":{"title":"<script>alert(1)</script>","identifier":"a1",` +
		`"headline":"</script><b>","description_part_1":"\u2028","description_part_2":"",` +
		`"product_images":{"1":{"image_url":"javascript:alert(1)","main":true,"caption":"\"><img src=x onerror=alert(1)>"}},` +
		`"product_videos":{},"skus":{}}}`)

	pages, err := New(Config{
		PublicURL: "https://shop.example",
		Catalog: func(context.Context) (*listing.List, error) {
			return listOf(`{"products_data":{"a1":{"title":"<script>alert(1)</script>","identifier":"a1"}}}`)
		},
		Product: func(context.Context, string) ([]byte, error) { return evil, nil },
	})
	if err != nil {
		t.Fatal(err)
	}

	router := chi.NewRouter()
	pages.Mount(router)
	w := httptest.NewRecorder()
	router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/product/a1", nil))
	list := httptest.NewRecorder()
	router.ServeHTTP(list, httptest.NewRequest(http.MethodGet, "/products", nil))
	w.Body.Write(list.Body.Bytes())

	for _, bad := range []string{"<script>alert", "<b>", `src="javascript:`, "<img src=x"} {
		if bytes.Contains(w.Body.Bytes(), []byte(bad)) {
			t.Errorf("the page contains %q", bad)
		}
	}

	for _, problem := range checkHTML(w.Body.String()) {
		if !strings.Contains(problem, "empty") {
			t.Error(problem)
		}
	}
}

// Texts are Markdown, pictures have alternative texts, former addresses redirect, and a draft is
// shown only to people with a link to it, in no cache and to no search engine.
func TestProductTextsAddressesAndPreviews(t *testing.T) {
	t.Parallel()
	body := []byte(`{"product":"success","product_data":{"title":"Oak Desk","identifier":"a1","headline":"",` +
		`"description_part_1":"**Solid** <b onclick=x>","description_part_2":"- [more](javascript:alert(1))",` +
		`"product_images":{"1":{"image_url":"/a.jpg","main":true,"caption":"In oak","alternative_text":"A desk seen from above"}},` +
		`"product_videos":{},"skus":{}}}`)

	pages, err := New(Config{
		PublicURL: "https://shop.example", Log: slog.New(slog.DiscardHandler),
		Catalog: func(context.Context) (*listing.List, error) {
			p := new(listing.Product)
			if err := json.Unmarshal([]byte(`{"id":1,"listed":{"title":"Oak Desk","title_url":"OakDesk","identifier":"a1"},
				"former":["Desk"]}`), p); err != nil {
				return nil, err
			}
			return listing.New(listing.Feed{Whole: true, Products: []*listing.Product{p}}, time.Now()), nil
		},
		Product: func(context.Context, string) ([]byte, error) { return body, nil },
		Preview: func(_ context.Context, identifier, token string) ([]byte, error) {
			if identifier+token != "draft1good" {
				return nil, nil
			}
			return body, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	router := chi.NewRouter()
	pages.Mount(router)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		router.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}

	for path, want := range map[string]string{"/product/OakDesk": "/product/a1", "/product/Desk": "/product/a1"} {
		if w := get(path); w.Code != http.StatusMovedPermanently || w.Header().Get("Location") != want {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}

	for path, code := range map[string]int{"/product?name=Desk": 200, "/product/Chair": 404, "/product/draft1": 404,
		"/product/draft1?preview=bad": 404, "/product/a1?preview=bad": 200} {
		if w := get(path); w.Code != code {
			t.Errorf("%s: %d", path, w.Code)
		}
	}

	page := get("/product/a1").Body.String()
	for _, want := range []string{"<strong>Solid</strong>", "<li>more</li>", `alt="A desk seen from above"`, "In oak"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}

	if strings.Contains(page, "onclick") || strings.Contains(page, "noindex") {
		t.Error(page)
	}
	w := get("/product/draft1?preview=good")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-store" || !strings.Contains(w.Body.String(), "noindex") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestNewRefusesABadAddress(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "shop.example", "/"} {
		if _, err := New(Config{PublicURL: address}); err == nil {
			t.Errorf("PublicURL %q passes", address)
		}
	}
}

func TestPageNamesAreUnique(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, pg := range pageTable {
		if names[pg.name] {
			t.Errorf("two pages are called %s", pg.name)
		}
		names[pg.name] = true
	}
	if !slices.Contains(slices.Collect(maps.Keys(names)), "home") {
		t.Error("no home page")
	}
}
