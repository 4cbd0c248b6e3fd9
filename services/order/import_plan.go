package order

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// importProduct is a product that a file changes or adds. Texts that are nil stay as they are.
type importProduct struct {
	ID          int64           `json:"id"`
	New         bool            `json:"new"`
	Identifier  string          `json:"identifier"`
	Title       *string         `json:"title"`
	TitleURL    *string         `json:"title_url"`
	Headline    *string         `json:"headline"`
	Part1       *string         `json:"part1"`
	Part2       *string         `json:"part2"`
	ColorName   *string         `json:"color_name"`
	SizeName    *string         `json:"size_name"`
	Published   *bool           `json:"published"`
	Collections []string        `json:"collections"` // nil if they stay
	Pictures    []importPicture `json:"pictures"`

	known     *knownProduct // nil for a new one
	line      int
	skus      int                                    // number of its SKUs in the file
	firstRows map[productfile.Column]productfile.Row // the first row with a value, by column
}

// importPicture is a picture that a file adds.
type importPicture struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// importSKU is a SKU that a file changes or adds.
type importSKU struct {
	ID        int64   `json:"id"`
	Product   int64   `json:"product"`
	Code      *string `json:"code"`
	Color     *string `json:"color"`
	Size      *string `json:"size"`
	Text      *string `json:"text"`
	State     *string `json:"state"`
	BackOrder *bool   `json:"back_order"`
	Price     *int64  `json:"price"`
	Sale      *int64  `json:"sale"`   // price of a sale that begins now
	Stock     *int32  `json:"stock"`  // the new count
	Change    *int32  `json:"change"` // difference to the count; nil if counting begins
	Grams     *int32  `json:"grams"`

	New   bool           `json:"new"`
	of    *importProduct // a new product, which has no id yet
	known *knownSKU      // nil for a new one
}

// ofNewProduct stands for the new product to which a file gives an address: no other may take it.
const ofNewProduct = -1

// importPlan is what a file would change.
type importPlan struct {
	products []*importProduct // products that are new or change
	skus     []*importSKU

	file  *productfile.File // with its faults
	index *catalogIndex
	byRow map[string]*importProduct // by the identifier or address with which rows name them
	given map[string]int            // addresses that the file gives to existing products, with the line
	seen  map[string]int            // SKUs that rows have named, with the line
	codes map[string]bool           // article numbers that the file gives
	// differs are counts that change by the difference to their exported values.
	differs []importCount
}

// importCount is a count that a file changes by the difference to its exported value.
type importCount struct {
	row        productfile.Row
	SKU        int64
	Was, Count int32
}

// importSummary is a plan in numbers.
type importSummary struct {
	Rows        int                 `json:"rows"`
	NewProducts int                 `json:"new_products"`
	Products    int                 `json:"changed_products"`
	NewSKUs     int                 `json:"new_skus"`
	SKUs        int                 `json:"changed_skus"`
	Prices      int                 `json:"prices"`
	Sales       int                 `json:"sale_prices"`
	Counts      int                 `json:"counts"`
	Weights     int                 `json:"weights"`
	Pictures    int                 `json:"pictures"`
	Shopify     bool                `json:"shopify"`
	Ignored     []string            `json:"ignored_columns,omitempty"`
	Faults      []productfile.Fault `json:"errors,omitempty"`
	MoreFaults  int                 `json:"more_errors"`
	Retired     *importKept         `json:"retired,omitempty"` // once the file is taken back
}

// importKept is what was added by a file and is retired instead of deleted when the file is taken
// back, because orders refer to it.
type importKept struct {
	Products int64 `json:"products"`
	SKUs     int64 `json:"skus" db:"skus"`
}

// maxQuoted is how many characters of a value an error repeats.
const maxQuoted = 100

// planImport compares a file with the catalog.
func planImport(file *productfile.File, index *catalogIndex) *importPlan {
	p := &importPlan{file: file, index: index, byRow: map[string]*importProduct{}, given: map[string]int{},
		seen: map[string]int{}, codes: map[string]bool{}}
	if len(file.Faults) > 0 {
		return p
	}
	for _, row := range file.Rows {
		p.row(row)
	}
	p.products = slices.DeleteFunc(p.products, func(product *importProduct) bool { return !product.changes() })
	p.skus = slices.DeleteFunc(p.skus, func(sku *importSKU) bool { return !sku.changes() })
	return p
}

func (p *importPlan) summary() importSummary {
	s := importSummary{Rows: len(p.file.Rows), Shopify: p.file.Shopify, Ignored: p.file.Ignored,
		Faults: p.file.Faults, MoreFaults: p.file.MoreFaults}
	for _, product := range p.products {
		if product.known == nil {
			s.NewProducts++
		} else {
			s.Products++
		}
		s.Pictures += len(product.Pictures)
	}

	for _, sku := range p.skus {
		if sku.known == nil {
			s.NewSKUs++
		} else {
			s.SKUs++
		}
		if sku.Price != nil {
			s.Prices++
		}
		if sku.Sale != nil {
			s.Sales++
		}
		if sku.Stock != nil {
			s.Counts++
		}
		if sku.Grams != nil {
			s.Weights++
		}
	}
	return s
}

// fault notes an error in a value of a row.
func (p *importPlan) fault(row productfile.Row, column productfile.Column, text string) {
	p.file.AddFault(row, column, text)
}

// faults is the number of errors.
func (p *importPlan) faults() int { return len(p.file.Faults) + p.file.MoreFaults }

// row adds the changes of a row to the plan.
func (p *importPlan) row(row productfile.Row) {
	before := p.faults()
	known := p.skuOf(row)
	product := p.productOf(row, known)
	if product == nil {
		if p.faults() == before {
			p.fault(row, "", "The shop has no such product or SKU; a new product needs a title.")
		}
		return
	}
	if !p.saysTwice(row, product) {
		p.readProduct(row, product)
	}
	if known != nil || row.HasSKU() {
		p.readSKU(row, product, known)
	}
}

// skuOf is the SKU that a row names by its id or its article number; nil if there is none.
func (p *importPlan) skuOf(row productfile.Row) *knownSKU {
	if text := row.Value(productfile.SKU); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if k := p.index.skus[id]; err == nil && k != nil {
			return k
		}
		p.fault(row, productfile.SKU, "The shop has no SKU "+pg.Clip(text, maxQuoted)+".")
		return nil
	}
	return p.index.byCode[row.Value(productfile.Code)]
}

// productOf is the product of a row; nil if it cannot be determined.
func (p *importPlan) productOf(row productfile.Row, sku *knownSKU) *importProduct {
	identifier, address := row.Value(productfile.Product), row.Value(productfile.Address)
	var known *knownProduct
	switch {
	case identifier != "":
		if known = p.index.byName[identifier]; known == nil {
			p.fault(row, productfile.Product, "The shop has no product "+pg.Clip(identifier, maxQuoted)+".")
			return nil
		}
	case p.given[address] != 0:
		p.fault(row, productfile.Address,
			"Line "+strconv.Itoa(p.given[address])+" gives this address to a product of the shop.")
		return nil
	case address != "" && p.index.byAddress[address] != 0:
		known = p.index.products[p.index.byAddress[address]]
	case address == "" && sku != nil:
		known = p.index.products[sku.Product]
	}

	if known != nil && sku != nil && sku.Product != known.ID {
		p.fault(row, productfile.Code, "This SKU belongs to another product.")
		return nil
	}

	key := address
	if known != nil {
		key = "=" + known.Identifier
	}
	if product := p.byRow[key]; product != nil {
		return product
	}

	product := &importProduct{known: known, line: row.Line}
	switch {
	case known != nil:
		product.ID, product.Identifier = known.ID, known.Identifier
	case key == "" || row.Value(productfile.Title) == "":
		return nil
	case !titleURLPattern.MatchString(address):
		p.fault(row, productfile.Address, "Letters, digits, - and _, at most 100.")
		return nil
	default:
		product.New, product.Identifier, product.TitleURL = true, random.Code(identifierLetters), &address
		p.index.byAddress[address] = ofNewProduct
		draft := false
		product.Published = &draft
	}
	p.byRow[key] = product
	p.products = append(p.products, product)
	return product
}

// text takes over a text that is not too long and differs from the current one. An empty value says
// nothing.
func (p *importPlan) text(row productfile.Row, column productfile.Column, maxLength int, was string, is **string) {
	value := row.Value(column)
	if value == "" || *is == nil && productfile.Same(value, was) {
		return
	}
	if utf8.RuneCountInString(value) > maxLength {
		p.fault(row, column, "At most "+strconv.Itoa(maxLength)+" characters.")
		return
	}
	*is = &value
}

// ofProducts are the columns about a row's product, for which a file must give one value only.
var ofProducts = []productfile.Column{productfile.Title, productfile.Headline, productfile.Text, productfile.MoreText,
	productfile.ColorName, productfile.SizeName, productfile.State, productfile.Collections}

// saysTwice reports an error if a row gives another value for its product than an earlier one:
// otherwise the last would silently win.
func (p *importPlan) saysTwice(row productfile.Row, product *importProduct) (twice bool) {
	columns := ofProducts
	if product.known != nil && row.Value(productfile.Product) != "" {
		columns = append(slices.Clone(columns), productfile.Address)
	}
	if product.firstRows == nil {
		product.firstRows = map[productfile.Column]productfile.Row{}
	}
	for _, column := range columns {
		value := row.Value(column)
		if value == "" {
			continue
		}
		first, there := product.firstRows[column]
		if !there {
			product.firstRows[column] = row
		} else if was := first.Value(column); was != value &&
			(column != productfile.State || !strings.EqualFold(was, value)) {
			p.fault(row, column, "Line "+strconv.Itoa(first.Line)+" says something different about this product.")
			twice = true
		}
	}
	return twice
}

// readProduct reads a row's values for its product.
func (p *importPlan) readProduct(row productfile.Row, product *importProduct) {
	was := product.known
	if was == nil {
		was = &knownProduct{}
	}
	p.text(row, productfile.Title, maxTitle, was.Title, &product.Title)
	p.text(row, productfile.Headline, maxText, was.Headline, &product.Headline)

	p.text(row, productfile.Text, maxText, was.Part1, &product.Part1)
	p.text(row, productfile.MoreText, maxText, was.Part2, &product.Part2)
	p.text(row, productfile.ColorName, maxOptionName, was.ColorName, &product.ColorName)
	p.text(row, productfile.SizeName, maxOptionName, was.SizeName, &product.SizeName)
	if state := strings.ToLower(row.Value(productfile.State)); state != "" {
		published := state == "published"
		if !published && state != "draft" {
			p.fault(row, productfile.State, "Draft or published.")
		} else if product.known == nil || published != was.Published {
			product.Published = &published
		}
	}

	if address := row.Value(productfile.Address); product.known != nil && row.Value(productfile.Product) != "" &&
		address != "" && address != was.TitleURL {
		if owner := p.index.byAddress[address]; owner != 0 && owner != product.ID {
			p.fault(row, productfile.Address, "Another product has or had this address.")
		} else if !titleURLPattern.MatchString(address) {
			p.fault(row, productfile.Address, "Letters, digits, - and _, at most 100.")
		} else {
			p.index.byAddress[address], p.given[address], product.TitleURL = product.ID, row.Line, &address
		}
	}
	p.readCollections(row, product, was)
	p.readPicture(row, product, was)
}

func (p *importPlan) readCollections(row productfile.Row, product *importProduct, was *knownProduct) {
	text := row.Value(productfile.Collections)
	if text == "" {
		return
	}
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' || r == ',' })
	for _, address := range list {
		if !p.index.collection[address] {
			p.fault(row, productfile.Collections, "The shop has no collection "+pg.Clip(address, maxQuoted)+".")
		}
	}
	if !sameSet(list, was.Collections) {
		product.Collections = append([]string{}, list...)
	}
}

// readPicture adds a picture that the product does not have.
func (p *importPlan) readPicture(row productfile.Row, product *importProduct, was *knownProduct) {
	address := row.Value(productfile.Picture)
	if address == "" || slices.Contains(was.Pictures, address) || slices.Contains(was.Fetched, address) ||
		slices.ContainsFunc(product.Pictures, func(have importPicture) bool { return have.URL == address }) {
		return
	}
	alt := row.Value(productfile.PictureText)
	switch {
	case !mediaAddress(address):
		p.fault(row, productfile.Picture, "An address such as /img/product/clip.jpg or https://…")
	case utf8.RuneCountInString(alt) > maxCaption:
		p.fault(row, productfile.PictureText, "At most "+strconv.Itoa(maxCaption)+" characters.")
	case len(was.Pictures)+len(product.Pictures) >= maxMedia:
		p.fault(row, productfile.Picture, "A product has at most "+strconv.Itoa(maxMedia)+" pictures.")
	default:
		product.Pictures = append(product.Pictures, importPicture{address, alt})
	}
}

// changes reports whether there is anything to store.
func (product *importProduct) changes() bool {
	return product.known == nil || product.Title != nil || product.TitleURL != nil || product.Headline != nil ||
		product.Part1 != nil || product.Part2 != nil || product.ColorName != nil || product.SizeName != nil ||
		product.Published != nil || product.Collections != nil || len(product.Pictures) > 0
}

// fileKindOptions are the kinds of files to choose from.
func fileKindOptions() (list []adminui.Option) {
	for _, kind := range productfile.Kinds {
		list = append(list, adminui.Option{Value: kind.Name, Text: kind.Title})
	}
	return list
}
