package listing

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// Feed is an answer of order about its catalog: all of it (Whole), or the changes since an earlier
// feed.
type Feed struct {
	// Position is where the next feed begins.
	Position    string        `json:"position"`
	Whole       bool          `json:"whole"`
	Products    []*Product    `json:"products"`
	Gone        []string      `json:"gone"`
	Collections []*Collection `json:"collections"` // only in a whole feed
	// Shop holds order's settings shop_name, shop_email, …; those that are not set are missing.
	Shop map[string]string `json:"shop"`
}

// Collection is a group of products with a page and an order of its own.
type Collection struct {
	Address string `json:"address"` // of its page, below /collections/
	Title   string `json:"title"`
	Text    string `json:"text"`
}

// Product is a product as it is listed.
type Product struct {
	ID         int64
	Identifier string
	Title      string
	TitleURL   string
	Headline   string
	Image      string // address of its main picture; "" without one
	// PriceLow and PriceHigh are the contract's texts ("3.50"); "" without SKUs.
	PriceLow, PriceHigh string
	// Body is the product's value in the contract's list.
	Body json.RawMessage
	// Changed is the version of the list that last changed the product.
	Changed int64

	name        string // for sorting
	cents       money.Cents
	collections map[string]int // position in each collection, by the collection's address
	former      []string       // addresses before TitleURL
	mark        string         // order's mark of the last change; "" in a whole feed
	words       uint64         // hash of the text that a search looks at
}

var seed = maphash.MakeSeed()

// UnmarshalJSON reads a product of a feed.
func (p *Product) UnmarshalJSON(body []byte) error {
	var fed struct {
		ID          int64           `json:"id"`
		Changed     string          `json:"changed"`
		Listed      json.RawMessage `json:"listed"`
		Collections map[string]int  `json:"collections"`
		Former      []string        `json:"former"`
	}
	if err := json.Unmarshal(body, &fed); err != nil {
		return err
	}

	var listed struct {
		Title            string       `json:"title"`
		TitleURL         string       `json:"title_url"`
		Identifier       string       `json:"identifier"`
		Headline         string       `json:"headline"`
		DescriptionPart1 string       `json:"description_part_1"`
		DescriptionPart2 string       `json:"description_part_2"`
		PriceLow         *money.Cents `json:"price_low"`
		PriceHigh        *money.Cents `json:"price_high"`
		ProductImageURL  string       `json:"product_image_url"`
	}
	if err := json.Unmarshal(fed.Listed, &listed); err != nil {
		return fmt.Errorf("read product %d: %w", fed.ID, err)
	}

	*p = Product{ID: fed.ID, Identifier: listed.Identifier, Title: listed.Title, TitleURL: listed.TitleURL,
		Headline: listed.Headline, Image: listed.ProductImageURL, Body: fed.Listed, name: strings.ToLower(listed.Title),
		collections: fed.Collections, former: fed.Former, mark: fed.Changed,
		words: maphash.Comparable(seed, [4]string{listed.Title, listed.Headline, listed.DescriptionPart1,
			listed.DescriptionPart2})}
	if listed.PriceLow != nil && listed.PriceHigh != nil {
		p.cents, p.PriceLow, p.PriceHigh = *listed.PriceLow, listed.PriceLow.String(), listed.PriceHigh.String()
	}

	return nil
}
