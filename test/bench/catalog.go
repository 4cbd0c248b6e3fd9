package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// The size of a large catalog, and the load on it.
const (
	catalogProducts = 10_000
	skusEach        = 3
	catalogRate     = 500 // requests a second
	catalogTime     = 30 * time.Second
	priceEvery      = time.Second
	catalogRest     = 30 * time.Second // how long an idle process has to give memory back
	// catalogWorkers is how many requests may be in flight before the next one is late.
	catalogWorkers = 256
	// The bounds that docs/performance.md promises.
	catalogSlowest = 20 * time.Millisecond // for 99 in 100 pages
	catalogSeen    = time.Second           // from the commit of a price to the page
)

var (
	catalogKinds = []string{"Lamp", "Notebook", "Pen", "Folder", "Stapler", "Tray", "Clip", "Ruler", "Scissors",
		"Envelope", "Stamp",
		"Marker"}
	catalogStuffs = []string{"Oak", "Steel", "Brass", "Linen", "Paper", "Cork", "Leather", "Glass", "Walnut", "Copper",
		"Felt", "Bamboo"}
	catalogWords = []string{"Small", "Large", "Folding", "Plain", "Ruled", "Quiet", "Sturdy", "Light", "Round", "Slim",
		"Tall", "Soft"}
)

// catalog measures pages of a large catalog while prices change: at a steady rate, each request
// timed from the moment at which it was due, so that one slow answer does not hide those that wait
// behind it.
func (w *backing) catalog(ctx context.Context) error {
	if err := w.fillCatalog(ctx); err != nil {
		return err
	}
	s, err := w.openShop(w.settings()...)
	if err != nil {
		return err
	}
	defer s.stop() //nolint:errcheck // measured by then, or failed for another reason

	w.say("catalog: %d products, %d SKUs", catalogProducts, catalogProducts*skusEach)
	client := &http.Client{Timeout: 10 * time.Second,
		Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: catalogWorkers}}
	defer client.CloseIdleConnections()
	if err := w.sizes(client, s); err != nil {
		return err
	}

	before := s.memory()
	for _, round := range []string{"cold", "warm"} {
		if err := w.browse(ctx, client, s, round); err != nil {
			return err
		}
	}
	after := s.memory()

	select {
	case <-time.After(catalogRest):
	case <-ctx.Done():
	}
	w.notes = append(w.notes,
		fmt.Sprintf("Memory of the shop: %.0f MiB with the catalog, %.0f MiB after these loads, %.0f MiB %v later.",
			before, after, s.memory(), catalogRest))
	return s.stop()
}

// fillCatalog puts the products into the database.
func (w *backing) fillCatalog(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same catalog in each run
	pick := func(list []string) string { return list[random.IntN(len(list))] }

	const first = 1_000
	copyRows := func(table string, columns []string, n int, row func(i int) []any) error {
		_, err := w.owner.CopyFrom(ctx, pgx.Identifier{"order", table}, columns,
			pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
		if err != nil {
			return fmt.Errorf("fill %s: %w", table, err)
		}
		return nil
	}

	text := strings.Repeat("Made in small numbers, and meant to be used every day for years. ", 2)
	return errors.Join(
		copyRows("product", []string{"id", "identifier", "title", "title_url", "headline", "description_part_1",
			"description_part_2"},
			catalogProducts, func(i int) []any {
				title := fmt.Sprintf("%s %s %s %d", pick(catalogWords), pick(catalogStuffs), pick(catalogKinds), i)
				number := strconv.Itoa(i)
				return []any{first + i, catalogIdentifier(i), title, "Thing" + number,
					"For the desk, number " + number + ".", text, ""}
			}),
		copyRows("product_image", []string{"product_id", "image_url", "main_image"}, catalogProducts,
			func(i int) []any {
				return []any{first + i, "/img/product/desk.jpg", true}
			}),
		copyRows("sku", []string{"id", "product_id", "inventory_id", "color", "size"}, catalogProducts*skusEach,
			func(i int) []any {
				return []any{catalogSKU(i/skusEach) + i%skusEach, first + i/skusEach, 1, pick(catalogStuffs),
					strconv.Itoa(i % skusEach)}
			}),
		copyRows("sku_price", []string{"sku_id", "price_cents"}, catalogProducts*skusEach, func(i int) []any {
			return []any{catalogSKU(i/skusEach) + i%skusEach, 100 + random.IntN(20_000)}
		}),
		copyRows("collection", []string{"id", "address", "title", "text"}, 20, func(i int) []any {
			return []any{100 + i, "shelf-" + strconv.Itoa(i), "Shelf " + strconv.Itoa(i), "A shelf."}
		}),
		copyRows("product_collection", []string{"collection_id", "product_id", "position"}, catalogProducts,
			func(i int) []any {
				return []any{100 + i%20, first + i, catalogProducts - i}
			}),
		w.checkpoint(ctx, `ANALYZE`),
	)
}

func catalogIdentifier(i int) string { return "bench" + strconv.Itoa(i) }

// catalogSKU is the first SKU of a product.
func catalogSKU(i int) int { return 10_000 + i*skusEach }

// sizes notes the size of the whole list in each coding.
func (w *backing) sizes(client *http.Client, s *shop) error {
	note, address := "GET /order/products:", "http://"+s.addr+"/order/products"
	for _, coding := range []string{"identity", "gzip", "zstd"} {
		began := time.Now()
		body, answer, err := read(client, address, "Accept-Encoding", coding) //nolint:bodyclose // read closes it
		if err != nil {
			return err
		}
		first := time.Since(began)
		began = time.Now()
		if _, answer, err = read(client, address, "Accept-Encoding", coding, "If-None-Match", //nolint:bodyclose // so here
			answer.Header.Get("Etag")); err != nil {
			return err
		}
		note += fmt.Sprintf(" %s %d kB (first %.0f ms; again %d in %.1f ms).", coding, len(body)/1000,
			milliseconds(first),
			answer.StatusCode, milliseconds(time.Since(began)))
	}
	w.notes = append(w.notes, note)
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// visit is a kind of page, how many in a hundred requests are for one, and an address of one.
type visit struct {
	kind    string
	share   int
	address func(random *rand.Rand) string
}

// visits are what shoppers look at. Most leaf through products, and a few search, some of them with
// a wrong letter.
var visits = []visit{
	{"a file", 5, func(*rand.Rand) string { return "/robots.txt" }}, // the baseline
	{"product", 35, func(c *rand.Rand) string { return "/product/" + catalogIdentifier(c.IntN(catalogProducts)) }},
	{"list", 20, func(c *rand.Rand) string { return listPage("/products?", c) }},
	{"list by price", 10, func(c *rand.Rand) string { return listPage("/products?sort=price&", c) }},
	{"list by name", 5, func(c *rand.Rand) string { return listPage("/products?sort=name&", c) }},
	{"collection", 10, func(c *rand.Rand) string {
		return fmt.Sprintf("/collections/shelf-%d?page=%d", c.IntN(20), 1+c.IntN(20))
	}},
	{"search", 9, func(c *rand.Rand) string { return "/search?q=" + url.QueryEscape(searchWord(c, false)) }},
	{"search, mistyped", 1, func(c *rand.Rand) string { return "/search?q=" + url.QueryEscape(searchWord(c, true)) }},
	{"home", 5, func(*rand.Rand) string { return "/" }},
}

func listPage(path string, c *rand.Rand) string {
	return path + "page=" + strconv.Itoa(1+c.IntN(catalogProducts/24))
}

func searchWord(c *rand.Rand, mistyped bool) string {
	word := catalogStuffs[c.IntN(len(catalogStuffs))] + " " + catalogKinds[c.IntN(len(catalogKinds))]
	if mistyped {
		at := 1 + c.IntN(3)
		word = word[:at] + "x" + word[at+1:]
	}
	return word
}

// timing holds the response times of one kind of page.
type timing struct {
	mu   sync.Mutex
	took map[string][]time.Duration
	errs []error
}

func (t *timing) add(kind string, took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.took[kind] = append(t.took[kind], took)
	if err != nil {
		t.errs = append(t.errs, err)
	}
}

// line describes the response times of a kind, or of all kinds together if it is empty.
func (t *timing) line(kind string) (text string, p99 time.Duration) {
	var all []time.Duration
	for name, list := range t.took {
		if kind == "" || name == kind {
			all = append(all, list...)
		}
	}
	if len(all) == 0 {
		return "none", 0
	}
	slices.Sort(all)
	at := func(share float64) time.Duration { return all[min(int(share*float64(len(all))), len(all)-1)] }
	return fmt.Sprintf("p50 %.1f, p99 %.1f, max %.0f ms of %d", milliseconds(at(0.5)), milliseconds(at(0.99)),
		milliseconds(all[len(all)-1]),
		len(all)), at(0.99)
}

// browse requests pages at a steady rate while a price changes each second. It notes the response
// times, and how soon each price was on its page.
func (w *backing) browse(ctx context.Context, client *http.Client, s *shop, round string) error {
	pages := timing{took: map[string][]time.Duration{}}
	var shoppers sync.WaitGroup
	due := make(chan time.Time, catalogRate) // a second's worth of late requests
	for i := range catalogWorkers {
		random := rand.New(rand.NewPCG(uint64(i), uint64(len(round)))) //nolint:gosec // the same shoppers in each run
		shoppers.Go(func() {
			for at := range due {
				v := choose(random)
				err := look(client, "http://"+s.addr+v.address(random))
				pages.add(v.kind, time.Since(at), err)
			}
		})
	}

	over := make(chan struct{})
	var seen timing
	seen.took = map[string][]time.Duration{}
	var staff sync.WaitGroup
	staff.Go(func() { w.reprice(ctx, client, s, over, &seen) })

	end := w.meter(s.part)
	began := time.Now()
	for i := 0; ; i++ {
		at := began.Add(time.Duration(i) * time.Second / catalogRate)
		if at.Sub(began) > catalogTime || ctx.Err() != nil {
			break
		}
		time.Sleep(time.Until(at))
		due <- at
	}

	close(due)
	shoppers.Wait()
	close(over)
	staff.Wait()
	cost := end(float64(len(due)) + catalogTime.Seconds()*catalogRate)
	return w.report(round, &pages, &seen, cost)
}

func (w *backing) report(round string, pages, seen *timing, cost spent) error {
	if len(pages.errs) > 0 { // on an overloaded machine some do
		w.notes = append(w.notes, fmt.Sprintf("%d requests failed, %s: %v", len(pages.errs), round, pages.errs[0]))
	}

	all, p99 := pages.line("")
	change, slowest := seen.line("")
	note := fmt.Sprintf("Pages at %d a second, a price each second, %s: %s.", catalogRate, round, all)
	for _, v := range visits {
		text, _ := pages.line(v.kind)
		note += fmt.Sprintf("\n    %-17s %s", v.kind, text)
	}
	note += fmt.Sprintf("\n    A price is on its page after %s (want %v). Processor time of a page: %s.", change,
		catalogSeen, cost)
	w.notes = append(w.notes, note)
	w.say("%s", note)

	// The result is a ratio so that -check can judge it: the allowed time by the measured one.
	r := result{what: "pages of a large catalog, " + round, against: fmt.Sprintf("p99 of %v", catalogSlowest),
		how: fmt.Sprintf("%d/s", catalogRate), limit: []float64{1 / catalogSlowest.Seconds()},
		ours: []float64{1 / max(p99, time.Microsecond).Seconds()}}
	if round == "warm" {
		r.want = 1
	}
	w.results = append(w.results, r)

	if slowest > catalogSeen {
		w.notes = append(w.notes, fmt.Sprintf("A price was seen late: %v.", slowest))
	}
	return nil
}

func choose(random *rand.Rand) visit {
	n := random.IntN(100)
	for _, v := range visits {
		if n -= v.share; n < 0 {
			return v
		}
	}
	return visits[0]
}

// look reads a page. A page number beyond the end of a collection is not an error.
func look(client *http.Client, address string) error {
	body, answer, err := read(client, address) //nolint:bodyclose // read closes it
	if err == nil && answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNotFound {
		return fmt.Errorf("%s: status %d: %.100s", address, answer.StatusCode, body)
	}
	return err
}

// read requests an address and reads the whole answer. header are names and values; the compression
// is gzip unless they say otherwise.
func read(client *http.Client, address string, header ...string) (body []byte, answer *http.Response, err error) {
	r, err := http.NewRequest(http.MethodGet, address, nil) //nolint:noctx // bounded by the client's timeout
	if err != nil {
		return nil, nil, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	if answer, err = client.Do(r); err != nil {
		return nil, nil, fmt.Errorf("look at %s: %w", address, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	if body, err = io.ReadAll(answer.Body); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", address, err)
	}
	return body, answer, nil
}

// reprice changes one price each second and reads the product's page until it shows the price.
func (w *backing) reprice(ctx context.Context, client *http.Client, s *shop, over <-chan struct{}, seen *timing) {
	for n := 0; ; n++ {
		select {
		case <-over:
			return
		case <-ctx.Done():
			return
		case <-time.After(priceEvery):
		}

		product, cents := n*37%catalogProducts, 1_000_001+n
		_, err := w.owner.Exec(ctx, `INSERT INTO "order".sku_price (sku_id, price_cents) VALUES ($1, $2)`,
			catalogSKU(product), cents)
		if err != nil {
			seen.add("price", 0, err)
			return
		}

		began := time.Now()
		want := fmt.Sprintf("%d.%02d", cents/100, cents%100)
		for time.Since(began) < 10*time.Second {
			page := "http://" + s.addr + "/product/" + catalogIdentifier(product)
			body, _, err := read(client, page, "Accept-Encoding", "identity") //nolint:bodyclose // read closes it
			if err != nil || strings.Contains(string(body), want) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		seen.add("price", time.Since(began), nil)
	}
}
