package order

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// catalogFeed is what edge needs to list products itself: all of them, or those that changed since the position
// that an earlier feed ended with.
type catalogFeed struct {
	// Position is where the next feed begins. What is committed after this one was read counts as later, so a
	// change may be told twice, and never not at all.
	Position string `json:"position"`
	// Whole says that Products and Collections are all that there are; else Products are the changed ones, and
	// Gone are identifiers under which there is nothing any more.
	Whole       bool         `json:"whole"`
	Products    []fedProduct `json:"products"`
	Gone        []string     `json:"gone"`
	Collections []collection `json:"collections"`
	// Shop is who the shop is, by the keys of the settings; without those that are not set.
	Shop map[string]string `json:"shop"`
}

// fedProduct is a product of the feed. Changed is a mark of what changed it: one that was told already is the same.
// It is empty where all are read.
type fedProduct struct {
	ID            int64  `json:"id"`
	Changed       string `json:"changed" db:"-"`
	listedProduct `json:"listed"`
	// Collections are the addresses of its collections with its position in each.
	Collections map[string]int `json:"collections"`
	// Former are addresses that it had (title_url): old links lead on.
	Former []string `json:"former,omitempty"`
}

// listedProduct is a product in the contract's list; prices are null without SKUs.
type listedProduct struct {
	Title            string       `json:"title"`
	TitleURL         string       `json:"title_url"`
	Identifier       string       `json:"identifier"`
	Headline         *string      `json:"headline"`
	DescriptionPart1 *string      `json:"description_part_1"`
	DescriptionPart2 *string      `json:"description_part_2"`
	PriceLow         *money.Cents `json:"price_low"`
	PriceHigh        *money.Cents `json:"price_high"`
	ProductImageURL  *string      `json:"product_image_url"`
}

// collection is a group of products with a page of its own.
type collection struct {
	Address string `json:"address"`
	Title   string `json:"title"`
	Text    string `json:"text"`
}

// catalog is the feed after the position "since"; without one, all products.
func (s *server) catalog(w http.ResponseWriter, r *http.Request) error {
	since := uint64(0)
	if text := r.URL.Query().Get("since"); text != "" {
		var err error
		if since, err = strconv.ParseUint(text, 10, 64); err != nil {
			return web.BadRequest("since")
		}
	}
	position, shop, changes, err := readCatalogChanges(r.Context(), s.pool, since)
	if err != nil {
		return err
	}
	feed := catalogFeed{Position: strconv.FormatUint(position, 10), Gone: []string{}, Collections: []collection{},
		Shop: shop}
	_, everything := changes[""]
	// A position ahead of ours is of another database: this one was restored.
	if feed.Whole = everything || since == 0 || since > position; feed.Whole {
		if feed.Products, err = listProducts(r.Context(), s.pool); err != nil {
			return err
		}
		if feed.Collections, err = listCollections(r.Context(), s.pool); err != nil {
			return err
		}
		return answer(w, feed)
	}
	if feed.Products, err = listChangedProducts(r.Context(), s.pool, changes); err != nil {
		return err
	}
	for i, p := range feed.Products {
		feed.Products[i].Changed = changes[p.Identifier]
		delete(changes, p.Identifier)
	}
	for identifier := range changes {
		feed.Gone = append(feed.Gone, identifier)
	}
	return answer(w, feed)
}
