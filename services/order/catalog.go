package order

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// products is the contract's list, in shop order: pages walk the object as it is sent. Edge answers
// it from the feed; an edge older than the feed, which runs beside this service during an upgrade,
// requests it here.
func (s *server) products(w http.ResponseWriter, r *http.Request) error {
	list, err := listProducts(r.Context(), s.pool)
	if err != nil {
		return err
	}
	data := web.Object{}
	for _, p := range list {
		data = append(data, web.Field{Key: p.Identifier, Value: p.listedProduct})
	}
	return answer(w, struct {
		Products web.Object `json:"products_data"`
		versioned
	}{Products: data})
}

// product is one product with everything that its page shows.
func (s *server) product(w http.ResponseWriter, r *http.Request) error {
	identifier := chi.URLParam(r, "identifier")
	p, found, err := findProduct(r.Context(), s.pool, identifier, false)
	if err != nil {
		return err
	}
	if !found {
		return refuse(w, "product", codeProductNotFound, web.Field{Key: "product_identifier", Value: identifier})
	}
	return answer(w, struct {
		Outcome    web.Success   `json:"product"`
		Identifier string        `json:"product_identifier"`
		Product    productDetail `json:"product_data"`
		versioned
	}{Identifier: identifier, Product: p})
}

// productPreview is product for people who have a link of previewLink, whatever the product's
// state.
func (s *server) productPreview(w http.ResponseWriter, r *http.Request) error {
	identifier := chi.URLParam(r, "identifier")
	if !s.validPreview(identifier, r.URL.Query().Get("token"), time.Now()) {
		return web.NotFound()
	}
	p, found, err := findProduct(r.Context(), s.pool, identifier, true)
	if err != nil {
		return err
	}
	if !found {
		return web.NotFound()
	}
	return answer(w, struct {
		Outcome    web.Success   `json:"product"`
		Identifier string        `json:"product_identifier"`
		Product    productDetail `json:"product_data"`
		versioned
	}{Identifier: identifier, Product: p})
}

// productDetail is a product with its parts, each keyed by id.
type productDetail struct {
	ID               int64      `json:"-"`
	Title            string     `json:"title"`
	TitleURL         string     `json:"title_url"`
	Identifier       string     `json:"identifier"`
	Headline         *string    `json:"headline"`
	DescriptionPart1 *string    `json:"description_part_1"`
	DescriptionPart2 *string    `json:"description_part_2"`
	Images           web.Object `json:"product_images" db:"-"`
	Videos           web.Object `json:"product_videos" db:"-"`
	SKUs             web.Object `json:"skus" db:"-"`
	// OptionNames are this product's names for color and size, if it has any.
	OptionNames *optionNames `json:"option_names,omitempty" db:"-"`
}

// optionNames are the names of a SKU's two options; an empty name is the usual one.
type optionNames struct {
	Color string `json:"color"`
	Size  string `json:"size"`
}

type productPicture struct {
	ID       int64   `json:"-"`
	Owner    int64   `json:"-"`
	ImageURL string  `json:"image_url"`
	Main     bool    `json:"main" db:"main_image"`
	Caption  *string `json:"caption"`
	// AlternativeText is what screen readers read for it, if that is not the caption.
	AlternativeText string `json:"alternative_text,omitempty"`
}

type video struct {
	ID           int64   `json:"-"`
	URL          string  `json:"video_url" db:"video_url"`
	ThumbnailURL string  `json:"video_thumbnail_url" db:"video_thumbnail_url"`
	Caption      *string `json:"caption"`
}

type productSKU struct {
	ID          int64       `json:"-"`
	Color       *string     `json:"color"`
	Size        *string     `json:"size"`
	Description *string     `json:"description"`
	Price       money.Cents `json:"price" db:"price_cents"`
	// RegularPrice is the price without the sale that is running; nil if none is.
	RegularPrice         *money.Cents `json:"regular_price,omitempty" db:"regular_cents"`
	InventoryIdentifier  string       `json:"inventory_status_identifier"`
	InventoryTitle       string       `json:"inventory_status_title"`
	InventoryDescription *string      `json:"inventory_status_description"`
	Images               web.Object   `json:"sku_images" db:"-"`
}
