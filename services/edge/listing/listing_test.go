package listing

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// shelf is a catalog that changes as order's does.
type shelf struct {
	*List
	t    testing.TB
	now  time.Time
	rand *rand.Rand
	mark int
}

func fed(id, cents, mark int, title string) string {
	price := fmt.Sprintf(`"%d.%02d"`, cents/100, cents%100)
	if cents == 0 {
		price = "null"
	}
	return fmt.Sprintf(`{"id":%d,"changed":"%d","listed":{"title":%q,"title_url":"t","identifier":"p%d",
		"headline":null,"price_low":%s,"price_high":%s,"product_image_url":null},"collections":{"all":%d,"n%d":%d}}`,
		id, mark, title, id, price, price, -id, id%3, id*7%10)
}

func (s *shelf) feed(whole bool, products []string, gone ...string) {
	s.t.Helper()
	var f Feed
	list, err := json.Marshal(gone)
	if err != nil {
		s.t.Fatal(err)
	}
	body := fmt.Sprintf(`{"position":"1","whole":%v,"products":[`, whole)
	for i, p := range products {
		if i > 0 {
			body += ","
		}
		body += p
	}
	body += `],"gone":` + string(list) + `,"collections":[{"address":"all"},{"address":"n0"},{"address":"n1"},{"address":"n2"}]}`
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		s.t.Fatal(err)
	}
	s.now = s.now.Add(time.Second)
	s.List = s.Apply(f, s.now)
}

func newShelf(t testing.TB, n int) *shelf {
	s := &shelf{List: &List{}, t: t, now: time.Now(), rand: rand.New(rand.NewPCG(1, uint64(n)))} //nolint:gosec // random enough for a test
	var products []string
	for id := 1; id <= n; id++ {
		products = append(products, fed(id, s.rand.IntN(40)*50, 0, fmt.Sprintf("Thing %c", 'a'+s.rand.IntN(26))))
	}
	s.feed(true, products)
	return s
}

// reprice changes prices of some products; their titles stay.
func (s *shelf) reprice(some int) {
	s.t.Helper()
	var products []string
	for range some {
		p := s.shop[s.rand.IntN(len(s.shop))]
		s.mark++
		products = append(products, fed(int(p.ID), s.rand.IntN(40)*50, s.mark, p.Title))
	}
	s.feed(false, products)
}

// walk pages through a list from the first page to the last, and calls between after each.
func (s *shelf) walk(q Query, between func()) (seen []*Product) {
	s.t.Helper()
	for q.Page = 1; ; q.Page++ {
		page, ok := s.Page(q)
		if !ok {
			s.t.Fatalf("%+v: no page %d", q, q.Page)
		}
		seen = append(seen, page.Products...)
		if page.Number == page.Pages {
			return seen
		}
		q.At = page.At
		between()
	}
}

// Every product is on exactly one page, whatever the order, even while prices change.
func TestEveryProductIsOnOnePage(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, PageSize - 1, PageSize, PageSize + 1, 5*PageSize + 7} {
		for _, collection := range []string{"", "all", "n0", "n2"} {
			for _, sort := range Sorts {
				for name, between := range map[string]func(s *shelf){"still": func(*shelf) {},
					"prices change": func(s *shelf) { s.reprice(5) }} {
					s := newShelf(t, n)
					want := map[string]int{}
					for _, p := range members(s.shop, collection) {
						want[p.Identifier] = 1
					}
					got := map[string]int{}
					for _, p := range s.walk(Query{Collection: collection, Sort: sort}, func() { between(s) }) {
						got[p.Identifier]++
						if p != s.Product(p.Identifier) && name == "still" {
							t.Errorf("%s is shown as it was", p.Identifier)
						}
					}
					if !maps.Equal(got, want) {
						t.Errorf("%d products, collection %q, by %q, %s: seen %v", n, collection, sort, name, got)
					}
				}
			}
		}
	}
}

// Products that come and go while a shopper pages through a list by price do not move others to
// pages that the shopper has left or skips.
func TestProductsThatComeAndGo(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 10*PageSize)
	next := 10 * PageSize
	gone, came := map[string]bool{}, map[string]bool{}
	got := map[string]int{}
	for _, p := range s.walk(Query{Sort: PriceUp}, func() {
		next++
		s.mark++
		leaves := s.shop[s.rand.IntN(10*PageSize-len(gone))].Identifier
		gone[leaves], came[fmt.Sprintf("p%d", next)] = true, true
		s.feed(false, []string{fed(next, s.rand.IntN(40)*50+1, s.mark, "New")}, leaves)
	}) {
		got[p.Identifier]++
	}

	for id := 1; id <= 10*PageSize; id++ {
		identifier := fmt.Sprintf("p%d", id)
		if n := got[identifier]; n > 1 || n == 0 && !gone[identifier] {
			t.Errorf("%s was seen %d times", identifier, n)
		}
	}

	for identifier := range came {
		if got[identifier] > 0 {
			t.Errorf("%s was not there at the first page", identifier)
		}
	}
}

func TestSortOrders(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 100)
	for sort, want := range map[Sort]func(a, b *Product) bool{
		Shop:      func(a, b *Product) bool { return a.ID < b.ID },
		Newest:    func(a, b *Product) bool { return a.ID > b.ID },
		Name:      func(a, b *Product) bool { return a.name < b.name || a.name == b.name && a.ID < b.ID },
		PriceUp:   func(a, b *Product) bool { return b.PriceLow == "" || a.PriceLow != "" && a.cents <= b.cents },
		PriceDown: func(a, b *Product) bool { return b.PriceLow == "" || a.PriceLow != "" && a.cents >= b.cents },
	} {
		list := s.All("", sort)
		for i := range list[1:] {
			if !want(list[i], list[i+1]) {
				t.Errorf("by %q: %+v before %+v", sort, list[i], list[i+1])
			}
		}
	}
	list := s.All("n1", Shop)
	for i := range list[1:] {
		if list[i].collections["n1"] > list[i+1].collections["n1"] {
			t.Error("a collection has no order of its own")
		}
	}
}

func TestListsShareWhatStaysTheSame(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 50)
	before, words := s.List, s.Words
	s.feed(false, nil, "nothing")
	if s.List != before {
		t.Error("nothing new makes another list")
	}

	s.feed(false, []string{fed(7, 12345, 9, s.Product("p7").Title)})
	if s.Product("p7").PriceLow != "123.45" || s.Product("p8") != before.Product("p8") || s.Words != words || s.Version <= before.Version {
		t.Errorf("%+v", s.Product("p7"))
	}
	told := s.List
	s.feed(false, []string{fed(7, 12345, 9, "Told twice")})
	if s.List != told {
		t.Error("a change that is known already makes another list")
	}

	s.feed(false, []string{fed(7, 12345, 10, "Renamed")})
	if s.Words == words {
		t.Error("a search would not look again")
	}
	if before.Product("p7").PriceLow == "123.45" {
		t.Error("a list has changed")
	}

	s.feed(true, []string{fed(7, 1, 0, "Alone")})
	if len(s.Products()) != 1 {
		t.Error("a whole feed leaves others")
	}
}

// The log of changes stays bounded. For a version before the log the list is the newest one.
func TestChangesAreForgotten(t *testing.T) {
	t.Parallel()
	s := newShelf(t, 3*PageSize)
	first, _ := s.Page(Query{Sort: PriceUp, Page: 1})
	for range 5 {
		s.now = s.now.Add(keepChanges / 4)
		s.reprice(3)
	}
	if len(s.log) > 15 || s.logged < first.At {
		t.Errorf("%d changes are kept", len(s.log))
	}
	page, ok := s.Page(Query{Sort: PriceUp, Page: 2, At: first.At})
	if !ok || page.At != s.Version || !slices.Equal(page.Products, s.All("", PriceUp)[PageSize:2*PageSize]) {
		t.Errorf("page %+v", page)
	}
	for _, at := range []int64{-1, 0, s.Version + 1, 1 << 62} {
		if page, ok := s.Page(Query{Sort: PriceDown, Page: 1, At: at}); !ok || page.At != s.Version {
			t.Errorf("at %d: %+v", at, page)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	s := newShelf(b, 10_000)
	b.Run("apply", func(b *testing.B) {
		for b.Loop() {
			s.reprice(1)
		}
	})
	at := s.Version
	s.reprice(500)
	b.Run("sort", func(b *testing.B) {
		for b.Loop() {
			s.orders.Clear()
			s.Page(Query{Sort: PriceUp, Page: 3})
		}
	})
	b.Run("as it was", func(b *testing.B) {
		for b.Loop() {
			s.Page(Query{Sort: PriceUp, Page: 3, At: at})
		}
	})
}
