package edge

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

const (
	// searchMemory bounds the bytes of cached searches.
	searchMemory = 8 << 20
	// searchConcurrency bounds how many searches are in flight at order, so that searching leaves
	// its database to buyers.
	searchConcurrency = 4
	// searchTimeout bounds a search, including the wait for its turn.
	searchTimeout = 2 * time.Second
)

// found is order's answer to a search: identifiers, the best first.
type found struct {
	Found []string `json:"found"`
	Meant string   `json:"meant"`
	words int64    // version of the list's texts that was searched
}

func (f *found) size(q string) uint32 {
	n := 128 + len(q) + len(f.Meant)
	for _, identifier := range f.Found {
		n += 16 + len(identifier)
	}
	return uint32(n) //nolint:gosec // some kB
}

// search finds products by words. The result stays valid while prices change: order is asked again
// only after a text has changed.
func (c *catalog) search(ctx context.Context, list *listing.List, text string) (listing.Found, error) {
	q := listing.CleanWords(text)
	if q == "" {
		return listing.Found{}, nil
	}
	f, there := c.searches.GetIfPresent(q)
	if !there || f.words < list.Words {
		ask := func() (any, error) { return c.askSearch(context.WithoutCancel(ctx), q, list.Words) }
		select {
		case r := <-c.flights.DoChan("search "+strconv.FormatInt(list.Words, 10)+" "+q, ask):
			if r.Err != nil {
				return listing.Found{}, r.Err
			}
			f = r.Val.(*found) //nolint:forcetypeassert // askSearch returns no other type
		case <-ctx.Done():
			return listing.Found{}, ctx.Err()
		}
	}
	return listing.Found{Products: list.These(f.Found), Meant: f.Meant}, nil
}

func (c *catalog) askSearch(ctx context.Context, q string, words int64) (*found, error) {
	ctx, cancel := context.WithTimeout(ctx, searchTimeout)
	defer cancel()
	select {
	case c.searching <- struct{}{}:
		defer func() { <-c.searching }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	f, err := c.find(ctx, q)
	if err != nil {
		return nil, err
	}
	f.words = words
	c.searches.Set(q, f)
	return f, nil
}

// fetchFound lets order search for words.
func (s *server) fetchFound(ctx context.Context, q string) (*found, error) {
	f := new(found)
	return f, s.ask(ctx, s.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/catalog-search",
		Query: url.Values{"q": {q}}}, f)
}
