package order

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The states of a product, which follow from its times and switches.
const (
	productOnSale  = "on-sale"
	productDraft   = "draft"
	productPlanned = "planned" // comes on sale later
	productEnded   = "ended"   // went off sale
	productRetired = "retired"
)

// productStates are the names of the states, in the order in which pages show them.
var productStates = []adminui.Option{{Value: productOnSale, Text: "On sale"}, {Value: productDraft, Text: "Draft"},
	{Value: productPlanned, Text: "Planned"}, {Value: productEnded, Text: "Ended"},
	{Value: productRetired, Text: "Retired"}}

func productBadge(state string) adminui.Badge {
	tone := map[string]string{productOnSale: "good", productPlanned: "warn"}
	for _, s := range productStates {
		if s.Value == state {
			return adminui.Badge{Text: s.Text, Tone: tone[state]}
		}
	}
	return adminui.Badge{Text: state}
}

// shownBadge is the state of a product with that many SKUs. A product without SKUs is in no list of
// the shop.
func shownBadge(state string, skus int64) adminui.Badge {
	if state == productOnSale && skus == 0 {
		return adminui.Badge{Text: "Not for sale: no SKU", Tone: "warn"}
	}
	return productBadge(state)
}

// staffListed is a product in the list for staff.
type staffListed struct {
	ID         int64        `json:"-"`
	Identifier string       `json:"identifier"`
	Title      string       `json:"title"`
	TitleURL   string       `json:"title_url"`
	State      string       `json:"state"`
	SKUs       int64        `json:"skus" db:"skus"`
	PriceLow   *money.Cents `json:"price_low"`
	PriceHigh  *money.Cents `json:"price_high"`
	// Out is how many SKUs cannot be bought because of their stock or state; Pieces is what is left
	// of counted SKUs, nil if none is counted.
	Out    int64  `json:"out_of_stock"`
	Pieces *int64 `json:"pieces"`
}

// productPlace is a product's place in the list.
type productPlace struct {
	Title string `json:"t,omitempty"`
	ID    int64  `json:"i"`
}

var staffListedColumns = []adminui.Column[staffListed]{
	{Title: "Product", Sort: "title", Value: func(p staffListed) any {
		return adminui.Link{Text: p.Title, To: productPath(p.Identifier)}
	}},
	{Title: "State", Value: func(p staffListed) any { return shownBadge(p.State, p.SKUs) }},
	{Title: "Price", Value: func(p staffListed) any { return priceRange(p.PriceLow, p.PriceHigh) }},
	{Title: "SKUs", Minor: true, Value: func(p staffListed) any { return p.SKUs }},
	{Title: "Not available", Minor: true, Value: func(p staffListed) any { return p.Out }},
	{Title: "Pieces", Minor: true, Value: func(p staffListed) any {
		if p.Pieces == nil {
			return "not counted"
		}
		return *p.Pieces
	}},
	{Title: "Identifier", Minor: true, Value: func(p staffListed) any { return p.Identifier }},
}

func productPath(identifier string) string { return "/catalog/products/" + identifier }

// priceRange is what a product costs, in words.
func priceRange(low, high *money.Cents) string {
	switch {
	case low == nil || high == nil:
		return ""
	case *low == *high:
		return low.String()
	}
	return low.String() + " – " + high.String()
}

// stockFilters narrow the list by remaining stock.
var stockFilters = []adminui.Option{{Value: "", Text: "any"}, {Value: "available", Text: "all available"},
	{Value: "out", Text: "something out"}, {Value: "low", Text: "few left"}}

// staffProductsPage is the list of products.
type staffProductsPage struct {
	Products []staffListed `json:"products"`
	Next     string        `json:"next,omitempty"`
}

// staffProducts lists products, the newest first unless they are sorted by title.
func (s *server) staffProducts(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"state", "collection", "stock"},
		Sorts: []string{"new", "title"}})
	if err != nil {
		return nil, err
	}

	want := productsWanted{State: listing.Chosen["state"], Collection: listing.Chosen["collection"],
		Stock: listing.Chosen["stock"], Search: listing.Search, ByTitle: listing.Sort == "title", Down: listing.Down,
		Rows: listing.Rows + 1}
	after, some, err := adminui.ReadCursor[productPlace](listing)
	if err != nil || !known(want.Stock, stockFilters) || want.State != "" && !known(want.State, productStates) {
		return nil, web.BadRequest("after")
	}

	if some {
		want.After = &after
	}
	products, err := listStaffProducts(r.Context(), s.pool, want)
	if err != nil {
		return nil, err
	}
	collections, err := listStaffCollections(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "products", staffListedColumns, products, func(p staffListed) any {
		if want.ByTitle {
			return productPlace{Title: p.Title, ID: p.ID}
		}
		return productPlace{ID: p.ID}
	})

	table.Tabs = []adminui.Tab{{Title: "All", To: listing.With("state", ""), Count: -1, Active: want.State == ""}}
	for _, state := range productStates {
		table.Tabs = append(table.Tabs, adminui.Tab{
			Title:  state.Text,
			To:     listing.With("state", state.Value),
			Count:  -1,
			Active: want.State == state.Value,
		})
	}

	choice := adminui.Choice{Name: "collection", Label: "Collection", Value: want.Collection,
		Options: []adminui.Option{{Value: "", Text: "any"}}}
	for _, c := range collections {
		choice.Options = append(choice.Options, adminui.Option{Value: c.Address, Text: c.Title})
	}

	table.Choices = []adminui.Choice{choice,
		{Name: "stock", Label: "Stock", Value: want.Stock, Options: stockFilters}}
	table.WithSearch(listing, "Title, address or identifier")
	if table.Empty = "No products yet."; len(listing.Chosen) > 0 || listing.Search != "" {
		table.Empty = "No matching products."
	}
	return adminui.Page{Title: "Products", Template: "products.html", Table: table, Live: "catalog",
		Data: staffProductsPage{Products: products[:len(table.Rows)], Next: table.Next}}, nil
}

// known reports whether a value is one of those offered.
func known(value string, options []adminui.Option) bool {
	for _, o := range options {
		if o.Value == value {
			return true
		}
	}
	return false
}
