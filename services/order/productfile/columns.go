package productfile

// Column is a column of a file, by the name that the shop's own files have for it.
type Column string

// Columns of a file of products. A row is a SKU with its product, or a product alone; what a file has no column for,
// or leaves empty, stays as it is.
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
	SKU         Column = "sku" // its id
	Code        Column = "article_number"
	Color       Column = "option_1"
	Size        Column = "option_2"
	SKUText     Column = "sku_text"
	Price       Column = "price"
	PriceWas    Column = "price_was" // when the file was made: a price that is the same in both stays as it is now
	Stock       Column = "pieces"
	StockWas    Column = "pieces_was" // when the file was made: the count is changed by the difference
	StockState  Column = "stock_state"
	BackOrders  Column = "back_orders"
	Grams       Column = "grams"     // what a piece weighs
	GramsWas    Column = "grams_was" // when the file was made, as for prices
	// ComparePrice is Shopify's alone: the regular price where it is above the price, which is a sale's then.
	ComparePrice Column = "compare at price"
)

// Kind is a kind of file that goes out and comes in, with its columns. The first columns find the row.
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
