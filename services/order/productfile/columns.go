package productfile

// Column is a column of a file, by its name in the shop's own files.
type Column string

// Columns of a file of products. A row is a SKU with its product, or a product alone. Missing
// columns and empty values change nothing.
const (
	Product     Column = "product" // identifier
	Title       Column = "title"
	Address     Column = "address" // title_url
	Headline    Column = "headline"
	Text        Column = "text"
	MoreText    Column = "more_text"
	State       Column = "state" // draft or published
	Collections Column = "collections"
	Picture     Column = "picture"
	PictureText Column = "picture_text"
	ColorName   Column = "option_1_name"
	SizeName    Column = "option_2_name"
	SKU         Column = "sku" // id of the SKU
	Code        Column = "article_number"
	Color       Column = "option_1"
	Size        Column = "option_2"
	SKUText     Column = "sku_text"
	Price       Column = "price"
	PriceWas    Column = "price_was" // price at the time of the export: if both are equal the current price stays
	Stock       Column = "pieces"
	StockWas    Column = "pieces_was" // count at the time of the export: the count is changed by the difference
	StockState  Column = "stock_state"
	BackOrders  Column = "back_orders"
	Grams       Column = "grams"     // weight of one piece
	GramsWas    Column = "grams_was" // weight at the time of the export, as for prices
	// ComparePrice is Shopify's only: the regular price, if it is above the price, which is then a
	// sale's.
	ComparePrice Column = "compare at price"
)

// Kind is a kind of file that can be exported and imported, with its columns. The first columns
// identify the row.
type Kind struct {
	Name, Title string
	Columns     []Column
}

// Kinds are all of them.
var Kinds = []Kind{
	{"products", "Products", []Column{Product, Address, Title, Headline, Text, MoreText, State, Collections}},
	{"skus", "SKUs", []Column{Product, SKU, Code, Color, Size, SKUText, Price, PriceWas, Stock, StockWas, StockState,
		BackOrders, Grams, GramsWas}},
	{"prices", "Prices", []Column{SKU, Code, Product, Color, Size, Price, PriceWas}},
	{"stock", "Stock", []Column{SKU, Code, Product, Color, Size, Stock, StockWas}},
}
