package edge

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// listedAs is a product in order's feed, under a mark that differs for each change.
func listedAs(id int, mark, title, price string) string {
	return fmt.Sprintf(`{"id":%d,"changed":%q,"listed":{"title":%q,"title_url":"t","identifier":"abc%d","headline":"Made to last.",
		"description_part_1":"a","description_part_2":"b","price_low":%q,"price_high":%q,"product_image_url":null},
		"collections":{"desk":%d}}`, id, mark, title, id, price, price, -id)
}

// fed is a feed of order.
func fed(position int, whole bool, products ...string) string {
	return fmt.Sprintf(`{"position":"%d","whole":%v,"products":[%s],"gone":[],"collections":[{"address":"desk","title":"Desk","text":"x"}]}`,
		position, whole, strings.Join(products, ","))
}

func readFeed(body string) (f listing.Feed) {
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		panic(err)
	}
	return f
}

// sells makes order list n products, abc1 and so on.
func (e *env) sells(n int) {
	var products []string
	for id := 1; id <= n; id++ {
		products = append(products, listedAs(id, "", fmt.Sprint("Thing ", id), fmt.Sprintf("%d.00", id)))
		e.order.says(fmt.Sprintf("GET /order/product/abc%d", id), fmt.Sprintf(`{"product":"abc%d"}`, id))
	}
	e.order.on("GET /internal/catalog", func(rw http.ResponseWriter, r seen) {
		body := fed(1, true, products...)
		if r.URL.Query().Has("since") {
			body = fed(1, false)
		}
		io.WriteString(rw, body) //nolint:errcheck // a test's answer
	})
}

// reprices makes order answer with a product's new price from now on, and signals it.
func (e *env) reprices(id int, price string) {
	e.t.Helper()
	e.order.says("GET /internal/catalog", fed(2, false, listedAs(id, price, fmt.Sprint("Thing ", id), price)))
	before := e.server.catalog.generation.Load()
	if err := e.server.bus.Signal(msg.CatalogChanged, nil); err != nil {
		e.t.Fatal(err)
	}
	testenv.Eventually(e.t, 30*time.Second, "the signal heard", func() bool { return e.server.catalog.generation.Load() > before })
}

func TestCatalogFromMemory(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(2)
	b := e.browser()
	b.login()
	a := b.Get(productsPath)
	if !strings.Contains(a.Body, `{"products_data":{"abc1":{"title":"Thing 1",`) ||
		!strings.HasSuffix(a.Body, `}},"order-api-version":"0.0.1"}`) ||
		a.Header.Get("Content-Type") != "application/json" || len(a.Cookies()) != 0 ||
		a.Header.Get("Cache-Control") != "no-cache" || a.Header.Get("Etag") == "" {
		t.Fatalf("%s %v", a.Body, a.Header)
	}
	testenv.NewContract(t, "../order/openapi.yaml").CheckAnswer(a)
	if got := e.order.last().id; got.Member() || got.Cart != "" {
		t.Errorf("order was asked by %+v", got)
	}
	if again := b.Get(productsPath); again.Body != a.Body || again.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("%s %v", again.Body, again.Header)
	}
	r := e.browser().Body(http.MethodGet, productsPath, "")
	r.Header.Set("If-None-Match", `W/"x", `+a.Header.Get("Etag"))
	b.Do(r).Has(http.StatusNotModified, "")

	e.reprices(2, "9.99")
	changed := b.Get(productsPath) // at once, not only when the old list has aged
	changed.Has(http.StatusOK, `"price_low":"9.99"`)
	if changed.Header.Get("Etag") == a.Header.Get("Etag") {
		t.Error("another list has the same tag")
	}
	if got := e.order.last().URL.RawQuery; got != "since=1" {
		t.Errorf("order was asked for %q", got)
	}

	// Order is unavailable: the cached list stands in.
	e.order.Close()
	e.server.catalog.invalidate()
	b.Get(productsPath).Has(http.StatusOK, `"price_low":"9.99"`)
	b.Get(productPath+"unknown1").Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
}

// A change refetches the changed product and no other.
func TestProductsAreRefetchedAfterTheirChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(2)
	e.order.says("GET /order/product/other1", `{"error":"product-identifier-not-found"}`)

	for range 3 {
		e.browser().Get(productPath+"abc1").Has(http.StatusOK, `{"product":"abc1"}`)
		e.browser().Get(productPath+"abc2").Has(http.StatusOK, `{"product":"abc2"}`)
		e.browser().Get(productPath+"other1").Has(http.StatusOK, `product-identifier-not-found`)
	}

	if n := e.order.count("/order/product/abc1"); n != 1 {
		t.Errorf("order was asked %d times", n)
	}
	e.reprices(2, "8.00")

	for range 3 {
		e.browser().Get(productPath + "abc1")
		e.browser().Get(productPath + "abc2")
	}

	if one, two := e.order.count("/order/product/abc1"), e.order.count("/order/product/abc2"); one != 1 || two != 2 {
		t.Errorf("order was asked %d and %d times", one, two)
	}
	e.browser().Get(productPath+"a%00b").Has(http.StatusNotFound, "Not found")
	e.browser().Post(productPath+"abc1").Has(http.StatusMethodNotAllowed, "method-not-allowed")
	r := e.browser().Body(http.MethodHead, productPath+"abc1", "")
	if a := e.browser().Do(r); a.Status != http.StatusOK || a.Header.Get("Content-Length") != "18" || a.Body != "" {
		t.Errorf("HEAD: %d %v", a.Status, a.Header)
	}

	// A cached product stands in while order is unavailable, even if it has changed.
	e.order.Close()
	e.server.catalog.invalidate()
	e.browser().Get(productPath+"abc2").Has(http.StatusOK, `{"product":"abc2"}`)
}

// The list is sent in the smallest form that the client accepts, each form under an ETag of its
// own.
func TestTheListIsCompressed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(200)

	b := e.browser()
	whole := b.Get(productsPath)
	tags := map[string]bool{whole.Header.Get("Etag"): true}
	for accept, want := range map[string]string{
		"gzip": "gzip", "gzip, deflate, br, zstd": "zstd", "zstd;q=0, gzip": "gzip", "br": "", "identity": "", "zstd": "zstd",
		"gzip;q=0": "",
	} {
		r := b.Body(http.MethodGet, productsPath, "")
		r.Header.Set("Accept-Encoding", accept)
		a := b.Do(r)
		var body io.Reader = strings.NewReader(a.Body)
		var err error
		switch a.Header.Get("Content-Encoding") {
		case "gzip":
			body, err = gzip.NewReader(body)
		case "zstd":
			body, err = zstd.NewReader(body)
		}
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(body)
		if err != nil || a.Header.Get("Content-Encoding") != want || string(plain) != whole.Body ||
			a.Header.Get("Vary") != "Origin, Accept-Encoding" {
			t.Errorf("%s: %v, %d bytes, %v", accept, err, len(plain), a.Header)
		}
		if want != "" && len(a.Body) > len(whole.Body)/8 {
			t.Errorf("%s: %d bytes of %d", accept, len(a.Body), len(whole.Body))
		}
		tags[a.Header.Get("Etag")] = true
		r = b.Body(http.MethodGet, productsPath, "")
		r.Header.Set("Accept-Encoding", accept)
		r.Header.Set("If-None-Match", a.Header.Get("Etag"))
		b.Do(r).Has(http.StatusNotModified, "")
	}

	if len(tags) != 3 {
		t.Errorf("tags %v", tags)
	}
}

// The list accepts a page, a collection, an order and words, and is whole without them.
func TestPartsOfTheList(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sells(2*listing.PageSize + 1)

	e.order.on("GET /internal/catalog-search", func(rw http.ResponseWriter, r seen) {
		body := `{"found":["abc2","gone9","abc1"],"meant":""}`
		switch q := r.URL.Query().Get("q"); q {
		case "papper":
			body = `{"found":["abc3"],"meant":"paper"}`
		case "thing":
		default:
			t.Errorf("order is asked for %q", q)
		}
		io.WriteString(rw, body) //nolint:errcheck // a test's answer
	})

	contract := testenv.NewContract(t, "../order/openapi.yaml")
	b := e.browser()
	for query, want := range map[string]string{
		"?page=1":                             `{"products_data":{"abc1":`,
		"?page=3":                             `"page":3,"pages":3,"count":49,`,
		"?page=x&sort=price-desc":             `{"products_data":{"abc49":`,
		"?sort=new":                           `{"products_data":{"abc49":`,
		"?collection=desk":                    `{"products_data":{"abc49":`,
		"?collection=desk&page=2&sort=price":  `{"products_data":{"abc25":`,
		"?q=thing":                            `{"products_data":{"abc2":`,
		"?q=+THING%0A&page=1":                 `"page":1,"pages":1,"count":2,`,
		"?q=papper":                           `"meant":"paper"`,
		"?q=":                                 `{"products_data":{},`,
		"?q=%00%FF":                           `{"products_data":{},`,
		"?_=1&client=x":                       `"abc49":`,
		"?page=%00&sort=%FF&at=1":             `{"products_data":{"abc1":`,
		"?" + strings.Repeat("page=1&", 1000): `"page":1`,
	} {
		a := b.Get(productsPath + query)
		a.Has(http.StatusOK, want)
		contract.CheckAnswer(a)
	}

	for _, query := range []string{"?page=4", "?page=99999999999999999999", "?collection=none", "?collection=%00",
		"?collection=desk&page=4",
		"?q=thing&page=2"} {
		b.Get(productsPath+query).Has(http.StatusNotFound, `{"error":"not-found"}`)
	}

	if n := e.order.count("/internal/catalog-search"); n != 2 {
		t.Errorf("order was asked to search %d times for two words", n)
	}
	e.reprices(1, "7.00") // this is no reason to search again
	b.Get(productsPath+"?q=thing").Has(http.StatusOK, `"price_low":"7.00"`)
	if n := e.order.count("/internal/catalog-search"); n != 2 {
		t.Errorf("order was asked to search %d times", n)
	}

	e.order.Close()
	b.Get(productsPath+"?q=other").Has(http.StatusServiceUnavailable, `{"error":"unavailable"}`)
	if a := b.Get("/search?q=other"); a.Status != http.StatusServiceUnavailable {
		t.Errorf("%s", a)
	}
}

// A search accepts a collection and an order like any other list.
func TestASearchWithinACollection(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.order.on("GET /internal/catalog", func(rw http.ResponseWriter, r seen) {
		elsewhere := strings.Replace(listedAs(3, "", "Thing 3", "3.00"), `"desk":-3`, "", 1)
		io.WriteString(rw, fed(1, true, listedAs(1, "", "Thing 1", "1.00"), listedAs(2, "", "Thing 2", "2.00"),
			elsewhere)) //nolint:errcheck // a test's answer
	})
	e.order.says("GET /internal/catalog-search", `{"found":["abc3","abc1","abc2"],"meant":""}`)

	for query, want := range map[string]string{
		"":                              "abc3 abc1 abc2",
		"&sort=price":                   "abc1 abc2 abc3",
		"&sort=price-desc&page=1":       "abc3 abc2 abc1",
		"&collection=desk":              "abc1 abc2",
		"&collection=desk&sort=price":   "abc1 abc2",
		"&collection=desk&sort=nothing": "abc1 abc2",
	} {
		a := e.browser().Get(productsPath + "?q=thing" + query)
		a.Has(http.StatusOK, fmt.Sprintf(`"count":%d,`, len(strings.Fields(want))))
		var got []string
		for _, m := range regexp.MustCompile(`"(abc\d)":`).FindAllStringSubmatch(a.Body, -1) {
			got = append(got, m[1])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %v, want %s", query, got, want)
		}
	}

	for _, query := range []string{"?q=thing&collection=none", "?q=&collection=none", "?q=thing&collection=desk&page=2"} {
		e.browser().Get(productsPath+query).Has(http.StatusNotFound, `{"error":"not-found"}`)
	}
}

// follows is a catalog whose feed a test provides.
func follows(follow func(ctx context.Context, since string) (listing.Feed, error)) *catalog {
	return newCatalog(slog.New(slog.DiscardHandler), follow, func(_ context.Context, path string) (*page, error) {
		return newPage(http.StatusOK, "application/json", []byte(path)), nil
	}, nil)
}

func TestCatalogAsksOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, catalogAsksOnceForMany)
}

func catalogAsksOnceForMany(t *testing.T) {
	var asked atomic.Int64
	release := make(chan struct{})
	c := follows(func(context.Context, string) (listing.Feed, error) {
		n := asked.Add(1)
		<-release
		return readFeed(fed(1, true, listedAs(1, "", fmt.Sprint(n), "1.00"))), nil
	})

	var wg sync.WaitGroup
	ask := func(want string) {
		for range 50 {
			wg.Go(func() {
				if l, err := c.list(t.Context(), catalogFresh); err != nil || l.Product("abc1").Title != want {
					t.Errorf("list = %v, %v, want %s", l, err, want)
				}
			})
		}
		synctest.Wait()
	}
	ask("1")

	// An answer that was requested before a change is not given to callers who come after it.
	c.invalidate()
	ask("2")
	if n := asked.Load(); n != 1 {
		t.Errorf("%d requests at once", n)
	}

	close(release)
	wg.Wait()
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// The cache of products stays within its bounds, whatever is requested.
func TestProductsInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	body := bytes.Repeat([]byte("x"), 64<<10)
	const n = 2 * catalogMemory / (64 << 10)
	var products []string
	for id := 1; id <= n; id++ {
		products = append(products, listedAs(id, "", "Thing", "1.00"))
	}
	c := newCatalog(slog.New(slog.DiscardHandler),
		func(context.Context, string) (listing.Feed, error) { return readFeed(fed(1, true, products...)), nil },
		func(context.Context, string) (*page, error) { return newPage(http.StatusOK, "text/plain", body), nil }, nil)

	for id := 1; id <= n; id++ {
		for _, identifier := range []string{fmt.Sprint("abc", id), fmt.Sprint("guess", id)} {
			if _, err := c.product(t.Context(), identifier, catalogFresh); err != nil {
				t.Fatal(err)
			}
		}
	}

	c.products.CleanUp()
	total := 0
	for identifier, p := range c.products.All() {
		if total += len(p.body); strings.HasPrefix(identifier, "guess") {
			t.Fatalf("%s is kept", identifier)
		}
	}
	if total > catalogMemory || total == 0 {
		t.Errorf("%d bytes are kept", total)
	}
}

// While order hangs, no request waits for more than one failing request, however many there are.
func TestCatalogFailsOnceForMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, catalogFailsOnceForMany)
}

func catalogFailsOnceForMany(t *testing.T) {
	var asked atomic.Int64
	var away atomic.Bool
	c := follows(func(ctx context.Context, _ string) (listing.Feed, error) {
		asked.Add(1)
		if away.Load() {
			<-ctx.Done()
			return listing.Feed{}, ctx.Err()
		}
		return readFeed(fed(1, true)), nil
	})
	away.Store(true)

	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if l, err := c.list(t.Context(), catalogFresh); l != nil || !errors.Is(err, errAway) {
				t.Errorf("list = %v, %v", l, err)
			}
		})
	}

	all.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
	if _, err := c.list(t.Context(), catalogFresh); !errors.Is(err, errAway) || asked.Load() != 2 {
		t.Errorf("a later request: %v, asked %d times", err, asked.Load())
	}

	// A cached list stands in, and only one request every catalogRetryPause waits at all.
	away.Store(false)
	known, err := c.list(t.Context(), catalogFresh)
	if err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	c.invalidate()

	for i := range 3 {
		began := time.Now()
		if l, err := c.list(t.Context(), catalogFresh); err != nil || l != known {
			t.Errorf("list = %v, %v", l, err)
		}
		if waited := time.Since(began); waited > catalogTimeout || i > 0 && waited > 0 {
			t.Errorf("request %d waited %v", i, waited)
		}
	}

	if n := asked.Load(); n != 4 {
		t.Errorf("asked %d times", n)
	}
	<-time.After(catalogRetryPause)
	if l, err := c.list(t.Context(), catalogFresh); err != nil || l != known || asked.Load() != 5 {
		t.Errorf("after a while: %v, %v, asked %d times", l, err, asked.Load())
	}
}

// Pages are made from the cached list, however old, and it is refreshed in the background.
func TestPagesDoNotWaitForTheCatalog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, pagesDoNotWaitForTheCatalog)
}

func pagesDoNotWaitForTheCatalog(t *testing.T) {
	var asked atomic.Int64
	c := follows(func(_ context.Context, since string) (listing.Feed, error) {
		n := int(asked.Add(1))
		<-time.After(time.Second / 2)
		return readFeed(fed(n, since == "", listedAs(1, fmt.Sprint(n), fmt.Sprint(n), "1.00"))), nil
	})

	ask := func(want string, wait time.Duration) {
		t.Helper()
		began := time.Now()
		if l, err := c.list(t.Context(), catalogMaxAge); err != nil || l.Product("abc1").Title != want {
			t.Errorf("list = %+v, %v, want %s", l, err, want)
		}
		if waited := time.Since(began); waited != wait {
			t.Errorf("waited %v", waited)
		}
	}
	ask("1", time.Second/2)
	ask("1", 0)
	<-time.After(time.Minute)
	ask("1", 0) // and again in the background
	<-time.After(time.Second)
	ask("2", 0)
	c.invalidate() // prices have changed: the cached answer would be wrong
	ask("3", time.Second/2)
	<-time.After(catalogMaxAge + time.Second)
	ask("4", time.Second/2)
}

// A lost signal costs no more than catalogFresh.
func TestCatalogAges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		c := follows(func(context.Context, string) (listing.Feed, error) {
			asked.Add(1)
			return readFeed(fed(1, true)), nil
		})
		get := func(questions int64) {
			t.Helper()
			if _, err := c.list(t.Context(), catalogFresh); err != nil {
				t.Fatal(err)
			}
			if n := asked.Load(); n != questions {
				t.Errorf("asked %d times, want %d", n, questions)
			}
		}
		get(1)
		<-time.After(catalogRefresh + time.Millisecond)
		get(1) // served, and refreshed in the background
		synctest.Wait()
		get(2)
		<-time.After(catalogFresh + time.Millisecond)
		get(3)
	})
}
