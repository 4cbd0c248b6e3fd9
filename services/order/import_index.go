package order

// knownProduct is a product as a file is compared with it.
type knownProduct struct {
	ID                                          int64
	Identifier, Title, TitleURL                 string
	Headline, Part1, Part2, ColorName, SizeName string
	Published                                   bool
	Collections                                 []string `db:"-"`
	Pictures                                    []string `db:"-"`
	Fetched                                     []string `db:"-"` // where pictures of ours came from
}

// knownSKU is a SKU as a file is compared with it.
type knownSKU struct {
	ID, Product                    int64
	Code, Color, Size, Text, State string
	Price                          *int64 `db:"-"`
	Sale                           *int64 `db:"-"` // the price of a sale that runs
	Stock                          *int32
	Grams                          *int32
	BackOrder                      bool
}

// catalogIndex finds what a row names.
type catalogIndex struct {
	products   map[int64]*knownProduct
	byName     map[string]*knownProduct // identifier
	byAddress  map[string]int64         // product, for each address that is taken
	skus       map[int64]*knownSKU
	byCode     map[string]*knownSKU
	ofProduct  map[int64][]*knownSKU
	collection map[string]bool
	states     map[string]bool
}
