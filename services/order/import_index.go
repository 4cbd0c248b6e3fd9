package order

// knownProduct is the part of a product that a file is compared with.
type knownProduct struct {
	ID                                          int64
	Identifier, Title, TitleURL                 string
	Headline, Part1, Part2, ColorName, SizeName string
	Published                                   bool
	Collections                                 []string `db:"-"`
	Pictures                                    []string `db:"-"`
	Fetched                                     []string `db:"-"` // the addresses from which our pictures were fetched
}

// knownSKU is the part of a SKU that a file is compared with.
type knownSKU struct {
	ID, Product                    int64
	Code, Color, Size, Text, State string
	Price                          *int64 `db:"-"`
	Sale                           *int64 `db:"-"` // price of the running sale
	Stock                          *int32
	Grams                          *int32
	BackOrder                      bool
}

// catalogIndex finds the products and SKUs that rows name.
type catalogIndex struct {
	products   map[int64]*knownProduct
	byName     map[string]*knownProduct // by identifier
	byAddress  map[string]int64         // id of the product, by each address that is taken
	skus       map[int64]*knownSKU
	byCode     map[string]*knownSKU
	ofProduct  map[int64][]*knownSKU
	collection map[string]bool
	states     map[string]bool
}
