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
	// searchMemory bounds the bytes of the searches whose answers are kept.
	searchMemory = 8 << 20
	// searchesAtOnce bounds how many searches order is asked for at a time, so that searching leaves its database to
	// those who buy.
	searchesAtOnce = 4
	// searchWait is how long a search may wait for its turn.
	searchWait = 2 * time.Second
)

// found is what order found for a search: identifiers, the best first.
type found struct {
	Found []string `json:"found"`
	Meant string   `json:"meant"`
	words int64    // the version of the list's texts that were searched
}

func (f *found) size(q string) uint32 {
	n := 128 + len(q) + len(f.Meant)
	for _, identifier := range f.Found {
		n += 16 + len(identifier)
	}
	return uint32(n) //nolint:gosec // some kB
}

// search finds products by words. What was found stays good while prices change: order is only asked again when a text
// has changed.
func (c *catalog) search(ctx context.Context, list *listing.List, text string) (listing.Found, error) {
	q := listing.CleanWords(text)
	if q == "" {
		return listing.Found{}, nil
	}
	f, there := c.searches.GetIfPresent(q)
	if !there || f.words < list.Words {
		ask := func() (any, error) { return c.askSearch(context.WithoutCancel(ctx), q, list.Words) }
		select {
		case r := <-c.questions.DoChan("search "+strconv.FormatInt(list.Words, 10)+" "+q, ask):
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
	ctx, cancel := context.WithTimeout(ctx, searchWait)
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

// fetchFound has order search for words.
func (e *server) fetchFound(ctx context.Context, q string) (*found, error) {
	f := new(found)
	return f, e.ask(ctx, e.owners.order, web.Call{Method: http.MethodGet, Path: "/internal/catalog-search",
		Query: url.Values{"q": {q}}}, f)
}
