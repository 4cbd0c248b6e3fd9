package order

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// catalogFeed is what edge needs to list products itself: all of them, or the changes since the
// position at which an earlier feed ended.
type catalogFeed struct {
	// Position is where the next feed begins. Transactions that commit after it was read count as
	// later, so a change may be fed twice, but is never missed.
	Position string `json:"position"`
	// Whole says that Products and Collections are complete. Otherwise Products are the changed
	// ones, and Gone are identifiers that no longer have a product.
	Whole       bool         `json:"whole"`
	Products    []fedProduct `json:"products"`
	Gone        []string     `json:"gone"`
	Collections []collection `json:"collections"`
	// Shop is the shop's name and address by the keys of the settings; keys that are not set are
	// left out.
	Shop map[string]string `json:"shop"`
}

// fedProduct is a product of the feed. Changed identifies the change: a feed with the same mark
// repeats a change. It is empty if all products are read.
type fedProduct struct {
	ID            int64  `json:"id"`
	Changed       string `json:"changed" db:"-"`
	listedProduct `json:"listed"`
	// Collections are the addresses of its collections, with its position in each.
	Collections map[string]int `json:"collections"`
	// Former are its earlier addresses (title_url), from which old links are redirected.
	Former []string `json:"former,omitempty"`
}

// listedProduct is a product in the contract's list; prices are null if it has no SKUs.
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

	// A position ahead of ours belongs to another database: this one was restored.
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
