package storefront

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/services/edge/listing"
)

// product is a product as the public API describes it, both in the list and in full.
type product struct {
	Title        string  `json:"title"`
	TitleURL     string  `json:"title_url"`
	Identifier   string  `json:"identifier"`
	Headline     string  `json:"headline"`
	Description1 string  `json:"description_part_1"`
	Description2 string  `json:"description_part_2"`
	PriceLow     *string `json:"price_low"`
	PriceHigh    *string `json:"price_high"`
	ImageURL     *string `json:"product_image_url"`

	Images ordered[image] `json:"product_images"`
	Videos ordered[video] `json:"product_videos"`
	SKUs   ordered[sku]   `json:"skus"`

	OptionNames struct {
		Color string `json:"color"`
		Size  string `json:"size"`
	} `json:"option_names"`
}

// Options are the names of what SKUs differ in; empty for color and size.
func (p product) Options() string {
	return strings.Join(slices.DeleteFunc([]string{p.OptionNames.Color, p.OptionNames.Size},
		func(name string) bool { return name == "" }), ", ")
}

type image struct {
	URL     string `json:"image_url"`
	Main    bool   `json:"main"`
	Caption string `json:"caption"`
	Text    string `json:"alternative_text"`
}

// Alt is the picture's text for screen readers; if empty, its caption and own text are used.
func (i image) Alt() string { return cmp.Or(i.Text, i.Caption) }

type video struct {
	URL       string `json:"video_url"`
	Thumbnail string `json:"video_thumbnail_url"`
	Caption   string `json:"caption"`
}

type sku struct {
	Color          string         `json:"color"`
	Size           string         `json:"size"`
	Description    string         `json:"description"`
	Price          string         `json:"price"`
	Regular        string         `json:"regular_price"` // the price without the current sale; "" without one
	Inventory      string         `json:"inventory_status_identifier"`
	InventoryTitle string         `json:"inventory_status_title"`
	InventoryNote  string         `json:"inventory_status_description"`
	Images         ordered[image] `json:"sku_images"`
}

// listedProduct is a product as a card of a list shows it.
func listedProduct(p *listing.Product) product {
	card := product{Title: p.Title, TitleURL: p.TitleURL, Identifier: p.Identifier, Headline: p.Headline}
	if p.PriceLow != "" {
		card.PriceLow, card.PriceHigh = &p.PriceLow, &p.PriceHigh
	}
	if p.Image != "" {
		card.ImageURL = &p.Image
	}
	return card
}

// entry is one key and value of a JSON object.
type entry[T any] struct {
	key   string
	value T
}

// ordered is a JSON object in the order in which it was sent, as scripts in a browser see it.
type ordered[T any] []entry[T]

// UnmarshalJSON reads the object key by key.
func (o *ordered[T]) UnmarshalJSON(body []byte) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	if tok, err := dec.Token(); err != nil {
		return err
	} else if tok != json.Delim('{') {
		return fmt.Errorf("expected an object, found %v", tok)
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		e := entry[T]{key: fmt.Sprint(key)}
		if err := dec.Decode(&e.value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// byNumber sorts an object whose keys are ids, as a browser would iterate over it.
func (o ordered[T]) byNumber() {
	slices.SortStableFunc(o, func(a, b entry[T]) int {
		x, errX := strconv.Atoi(a.key)
		y, errY := strconv.Atoi(b.key)
		if errX != nil || errY != nil {
			return cmp.Compare(a.key, b.key)
		}
		return cmp.Compare(x, y)
	})
}

// Key is the entry's key, for templates.
func (e entry[T]) Key() string { return e.key }

// Value is the entry's value.
func (e entry[T]) Value() T { return e.value }

// Path is the product's address in this shop.
func (p product) Path() string { return "/product/" + p.Identifier }

// MainImage is the product's main picture, or "".
func (p product) MainImage() string {
	if p.ImageURL != nil {
		return *p.ImageURL
	}
	if len(p.Images) > 0 {
		return p.Images[0].value.URL
	}
	return ""
}

// HasRange reports whether its SKUs differ in price.
func (p product) HasRange() bool {
	return p.PriceLow != nil && p.PriceHigh != nil && *p.PriceLow != *p.PriceHigh
}

// First is the SKU shown first: the first one that can be bought, otherwise the first.
func (p product) First() *entry[sku] {
	for i := range p.SKUs {
		if p.SKUs[i].value.Inventory == "in-stock" {
			return &p.SKUs[i]
		}
	}
	if len(p.SKUs) > 0 {
		return &p.SKUs[0]
	}
	return nil
}

// SoldOut are the SKUs that cannot be bought now.
func (p product) SoldOut() (list []entry[sku]) {
	for _, s := range p.SKUs {
		if !s.value.InStock() {
			list = append(list, s)
		}
	}
	return list
}

// Gallery lists all pictures of the product and of its SKUs, each once, the main one first.
func (p product) Gallery() []image {
	var all []image
	add := func(im image) {
		if im.URL != "" && !slices.ContainsFunc(all, func(seen image) bool { return seen.URL == im.URL }) {
			all = append(all, im)
		}
	}
	for _, e := range p.Images {
		add(e.value)
	}
	for _, s := range p.SKUs {
		for _, e := range s.value.Images {
			if e.value.Caption == "" {
				e.value.Caption = s.value.Label()
			}
			add(e.value)
		}
	}
	return all
}

// Label names a SKU by what tells it from the product's other SKUs.
func (s sku) Label() string {
	switch {
	case s.Color == "" || s.Color == s.Size:
		return s.Size
	case s.Size == "":
		return s.Color
	}
	return s.Color + ", " + s.Size
}

// MainImage is the SKU's own picture, or "" if the product's is shown.
func (s sku) MainImage() string {
	if len(s.Images) == 0 {
		return ""
	}
	return s.Images[0].value.URL
}

// InStock reports whether the SKU can be ordered now.
func (s sku) InStock() bool { return s.Inventory == "in-stock" }

// readProduct decodes one product; nil without an error means that there is no such product.
func readProduct(body []byte) (*product, error) {
	var answer struct {
		Outcome string   `json:"product"`
		Product *product `json:"product_data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("decode product: %w", err)
	}
	if answer.Outcome != "success" || answer.Product == nil {
		return nil, nil
	}
	found := answer.Product
	found.Images.byNumber()
	slices.SortStableFunc(found.Images, mainFirst)
	found.Videos.byNumber()
	found.SKUs.byNumber()
	for _, s := range found.SKUs {
		s.value.Images.byNumber()
		slices.SortStableFunc(s.value.Images, mainFirst)
	}
	return found, nil
}

func mainFirst(a, b entry[image]) int {
	switch {
	case a.value.Main == b.value.Main:
		return 0
	case a.value.Main:
		return -1
	}
	return 1
}

var identifierPattern = regexp.MustCompile(`^[a-zA-Z0-9]{1,64}$`)

// product serves /product/{identifier}.
func (p *Pages) product(w http.ResponseWriter, r *http.Request) {
	p.serveProduct(w, r, chi.URLParam(r, "identifier"))
}

// productByQuery serves the address of old links: /product?name=…&id=….
func (p *Pages) productByQuery(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	identifier := query.Get("id")
	if name := query.Get("name"); identifier == "" && name != "" {
		list, err := p.cfg.Catalog(r.Context())
		if err != nil {
			p.noCatalog(r, "product by name", "error", err)
			p.Error(w, r, http.StatusServiceUnavailable)
			return
		}
		if named := list.Addressed(name); named != nil {
			identifier = named.Identifier
		}
	}
	p.serveProduct(w, r, identifier)
}

// addressPattern matches addresses made from titles.
var addressPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,100}$`)

// previewProduct shows a product that is not on sale to a person with a preview link; false if the
// link is not valid.
func (p *Pages) previewProduct(w http.ResponseWriter, r *http.Request, identifier, token string) bool {
	if p.cfg.Preview == nil || !identifierPattern.MatchString(identifier) {
		return false
	}
	body, err := p.cfg.Preview(r.Context(), identifier, token)
	if err != nil || body == nil {
		p.noCatalog(r, "preview of a product", "error", err)
		return false
	}
	var doc *document
	found, err := readProduct(body)
	if err == nil && found != nil {
		doc, err = p.renderProduct(found, true)
	}
	if err != nil || doc == nil {
		p.noCatalog(r, "preview of a product", "error", err)
		return false
	}
	p.headers.set(w.Header(), true)
	doc.write(w, r, http.StatusOK)
	return true
}

func (p *Pages) serveProduct(w http.ResponseWriter, r *http.Request, identifier string) {
	if token := r.URL.Query().Get("preview"); token != "" && p.previewProduct(w, r, identifier, token) {
		return
	}
	if !addressPattern.MatchString(identifier) {
		p.NotFound(w, r)
		return
	}

	key := "product " + identifier
	list, err := p.cfg.Catalog(r.Context())
	if err != nil {
		p.serveLive(w, r, key, livePage{}, err)
		return
	}

	listed := list.Product(identifier)
	if listed == nil {
		if named := list.Addressed(identifier); named != nil {
			at := "/product/" + named.Identifier                 // from the catalog, not from the request
			http.Redirect(w, r, at, http.StatusMovedPermanently) //nolint:gosec // a path of ours
			return
		}
		p.NotFound(w, r)
		return
	}

	p.serveLive(w, r, key, livePage{key, strconv.FormatInt(listed.Changed, 10), func() (*document, error) {
		body, err := p.cfg.Product(context.WithoutCancel(r.Context()), identifier) // others may wait for it, too
		if err != nil {
			return nil, err
		}
		found, err := readProduct(body)
		if found == nil || err != nil {
			return nil, err
		}
		return p.renderProduct(found, false)
	}}, nil)
}

func (p *Pages) renderProduct(found *product, hidden bool) (*document, error) {
	v, err := p.newView(page{name: "product", path: found.Path(), live: true, hidden: hidden})
	if err != nil {
		return nil, err
	}
	v.Product = found
	v.Title = found.Title
	if found.Headline != "" {
		v.Description = found.Headline
	}
	if found.MainImage() != "" {
		v.Image = p.absolute(found.MainImage())
	}
	if v.Data, err = p.productData(found); err != nil {
		return nil, err
	}
	return p.render(v)
}
