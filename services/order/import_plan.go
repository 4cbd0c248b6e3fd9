package order

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// importProduct is what a file changes of a product, or the product that it adds. Texts that are nil stay.
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
	Collections []string        `json:"collections"` // nil: they stay
	Pictures    []importPicture `json:"pictures"`

	known *knownProduct // nil for a new one
	line  int
	skus  int                // of this product in the file
	said  map[string]fileRow // the first row that says something, by column
}

// importPicture is a picture that a file adds.
type importPicture struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

// importSKU is what a file changes of a SKU, or the SKU that it adds.
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
	Sale      *int64  `json:"sale"`   // of a sale that begins now
	Stock     *int32  `json:"stock"`  // the count that it gets
	Change    *int32  `json:"change"` // of the count; nil where counting begins
	Grams     *int32  `json:"grams"`

	New   bool           `json:"new"`
	of    *importProduct // a new one, which has no id yet
	known *knownSKU      // nil for a new one
}

// ofNewProduct stands for the product of an address that a file gives to one that it adds: no other may take it.
const ofNewProduct = -1

// importPlan is what a file would do.
type importPlan struct {
	products []*importProduct // that are new or change
	skus     []*importSKU
	faults   []fileFault
	more     int // errors that are not kept

	file  *productFile
	index *catalogIndex
	byRow map[string]*importProduct // by identifier or address, as rows name them
	given map[string]int            // addresses that the file gives to products of the shop, with the line
	seen  map[string]int            // SKUs that rows were about, with the line
	codes map[string]bool           // article numbers that the file gives
	// differs are counts that change by the difference to what they were.
	differs []importCount
}

// importCount is a count that a file changes by the difference to what it was when the file was made.
type importCount struct {
	row        fileRow
	SKU        int64
	Was, Count int32
}

// importSummary is a plan in numbers.
type importSummary struct {
	Rows        int         `json:"rows"`
	NewProducts int         `json:"new_products"`
	Products    int         `json:"changed_products"`
	NewSKUs     int         `json:"new_skus"`
	SKUs        int         `json:"changed_skus"`
	Prices      int         `json:"prices"`
	Sales       int         `json:"sale_prices"`
	Counts      int         `json:"counts"`
	Weights     int         `json:"weights"`
	Pictures    int         `json:"pictures"`
	Shopify     bool        `json:"shopify"`
	Ignored     []string    `json:"ignored_columns,omitempty"`
	Faults      []fileFault `json:"errors,omitempty"`
	MoreFaults  int         `json:"more_errors"`
	Retired     *importKept `json:"retired,omitempty"` // once it is taken back
}

// importKept is what a file added that is retired, not deleted, when the file is taken back: orders name it.
type importKept struct {
	Products int64 `json:"products"`
	SKUs     int64 `json:"skus" db:"skus"`
}

// maxFaults is how many errors of a file are kept and shown.
const maxFaults = 500

// planImport compares a file with the catalog.
func planImport(file *productFile, index *catalogIndex) *importPlan {
	p := &importPlan{file: file, index: index, faults: file.faults, more: file.more,
		byRow: map[string]*importProduct{}, given: map[string]int{}, seen: map[string]int{}, codes: map[string]bool{}}
	if len(file.faults) > 0 {
		return p
	}
	for _, row := range file.rows {
		p.row(row)
	}
	p.products = slices.DeleteFunc(p.products, func(product *importProduct) bool { return !product.changes() })
	p.skus = slices.DeleteFunc(p.skus, func(sku *importSKU) bool { return !sku.changes() })
	return p
}

func (p *importPlan) summary() importSummary {
	s := importSummary{Rows: len(p.file.rows), Shopify: p.file.shopify, Ignored: p.file.ignored, Faults: p.faults,
		MoreFaults: p.more}
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

// fault notes what is wrong with a place. Columns are told as the file calls them.
func (p *importPlan) fault(row fileRow, column, text string) {
	if len(p.faults) == maxFaults {
		p.more++
		return
	}
	if called := p.file.called[column]; called != "" {
		column = called
	}
	p.faults = append(p.faults, fileFault{row.line, column, text})
}

// row adds what a row says to the plan.
func (p *importPlan) row(row fileRow) {
	before := len(p.faults) + p.more
	known := p.skuOf(row)
	product := p.productOf(row, known)
	if product == nil {
		if len(p.faults)+p.more == before {
			p.fault(row, "", "No product or SKU of the shop is named like this; a new product needs a title.")
		}
		return
	}
	if !p.saysTwice(row, product) {
		p.readProduct(row, product)
	}
	if known != nil || row.hasSKU() {
		p.readSKU(row, product, known)
	}
}

// hasSKU reports whether a row says anything of a SKU.
func (r fileRow) hasSKU() bool {
	for _, column := range []string{colSKU, colCode, colColor, colSize, colSKUText, colPrice, colStock, colGrams} {
		if r.values[column] != "" {
			return true
		}
	}
	return false
}

// skuOf is the SKU that a row names by its id or its article number; nil for none.
func (p *importPlan) skuOf(row fileRow) *knownSKU {
	if text := row.values[colSKU]; text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if k := p.index.skus[id]; err == nil && k != nil {
			return k
		}
		p.fault(row, colSKU, "The shop has no SKU "+pg.Clip(text, maxQuoted)+".")
		return nil
	}
	return p.index.byCode[row.values[colCode]]
}

// productOf is the product that a row is about; nil when it cannot be told.
func (p *importPlan) productOf(row fileRow, sku *knownSKU) *importProduct {
	identifier, address := row.values[colProduct], row.values[colAddress]
	var known *knownProduct
	switch {
	case identifier != "":
		if known = p.index.byName[identifier]; known == nil {
			p.fault(row, colProduct, "The shop has no product "+pg.Clip(identifier, maxQuoted)+".")
			return nil
		}
	case p.given[address] != 0:
		p.fault(row, colAddress, "Line "+strconv.Itoa(p.given[address])+" gives this address to a product of the shop.")
		return nil
	case address != "" && p.index.byAddress[address] != 0:
		known = p.index.products[p.index.byAddress[address]]
	case address == "" && sku != nil:
		known = p.index.products[sku.Product]
	}
	if known != nil && sku != nil && sku.Product != known.ID {
		p.fault(row, colCode, "This SKU belongs to another product.")
		return nil
	}
	key := address
	if known != nil {
		key = "=" + known.Identifier
	}
	if product := p.byRow[key]; product != nil {
		return product
	}
	product := &importProduct{known: known, line: row.line}
	switch {
	case known != nil:
		product.ID, product.Identifier = known.ID, known.Identifier
	case key == "" || row.values[colTitle] == "":
		return nil
	case !titleURLPattern.MatchString(address):
		p.fault(row, colAddress, "Letters, digits, - and _, at most 100.")
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

// text takes over a text that is not too long and not what there is. An empty place says nothing.
func (p *importPlan) text(row fileRow, column string, most int, was string, is **string) {
	value := row.values[column]
	if value == "" || *is == nil && sameText(value, was) {
		return
	}
	if utf8.RuneCountInString(value) > most {
		p.fault(row, column, "At most "+strconv.Itoa(most)+" characters.")
		return
	}
	*is = &value
}

// ofProducts are the columns that are about the product of a row, of which a file says one thing.
var ofProducts = []string{colTitle, colHeadline, colText, colMoreText, colColorName, colSizeName, colState,
	colCollections}

// saysTwice notes that a row says something else of its product than an earlier one: the last would win without a word.
func (p *importPlan) saysTwice(row fileRow, product *importProduct) (twice bool) {
	columns := ofProducts
	if product.known != nil && row.values[colProduct] != "" {
		columns = append(slices.Clone(columns), colAddress)
	}
	if product.said == nil {
		product.said = map[string]fileRow{}
	}
	for _, column := range columns {
		value := row.values[column]
		if value == "" {
			continue
		}
		first, there := product.said[column]
		if !there {
			product.said[column] = row
		} else if was := first.values[column]; was != value && (column != colState || !strings.EqualFold(was, value)) {
			p.fault(row, column, "Line "+strconv.Itoa(first.line)+" says something else of this product.")
			twice = true
		}
	}
	return twice
}

// readProduct reads what a row says of its product.
func (p *importPlan) readProduct(row fileRow, product *importProduct) {
	was := product.known
	if was == nil {
		was = &knownProduct{}
	}
	p.text(row, colTitle, maxTitle, was.Title, &product.Title)
	p.text(row, colHeadline, maxText, was.Headline, &product.Headline)
	p.text(row, colText, maxText, was.Part1, &product.Part1)
	p.text(row, colMoreText, maxText, was.Part2, &product.Part2)
	p.text(row, colColorName, maxOptionName, was.ColorName, &product.ColorName)
	p.text(row, colSizeName, maxOptionName, was.SizeName, &product.SizeName)
	if state := strings.ToLower(row.values[colState]); state != "" {
		published := state == "published"
		if !published && state != "draft" {
			p.fault(row, colState, "Draft or published.")
		} else if product.known == nil || published != was.Published {
			product.Published = &published
		}
	}
	if address := row.values[colAddress]; product.known != nil && row.values[colProduct] != "" && address != "" &&
		address != was.TitleURL {
		if owner := p.index.byAddress[address]; owner != 0 && owner != product.ID {
			p.fault(row, colAddress, "Another product has this address, or had it.")
		} else if !titleURLPattern.MatchString(address) {
			p.fault(row, colAddress, "Letters, digits, - and _, at most 100.")
		} else {
			p.index.byAddress[address], p.given[address], product.TitleURL = product.ID, row.line, &address
		}
	}
	p.readCollections(row, product, was)
	p.readPicture(row, product, was)
}

func (p *importPlan) readCollections(row fileRow, product *importProduct, was *knownProduct) {
	text := row.values[colCollections]
	if text == "" {
		return
	}
	list := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ';' || r == ',' })
	for _, address := range list {
		if !p.index.collection[address] {
			p.fault(row, colCollections, "The shop has no collection "+pg.Clip(address, maxQuoted)+".")
		}
	}
	if !sameSet(list, was.Collections) {
		product.Collections = append([]string{}, list...)
	}
}

// readPicture adds a picture that the product does not have.
func (p *importPlan) readPicture(row fileRow, product *importProduct, was *knownProduct) {
	address := row.values[colPicture]
	if address == "" || slices.Contains(was.Pictures, address) || slices.Contains(was.Fetched, address) ||
		slices.ContainsFunc(product.Pictures, func(have importPicture) bool { return have.URL == address }) {
		return
	}
	alt := row.values[colAlt]
	switch {
	case !mediaAddress(address):
		p.fault(row, colPicture, "An address such as /img/product/clip.jpg or https://…")
	case utf8.RuneCountInString(alt) > maxCaption:
		p.fault(row, colAlt, "At most "+strconv.Itoa(maxCaption)+" characters.")
	case len(was.Pictures)+len(product.Pictures) >= maxMedia:
		p.fault(row, colPicture, "A product has at most "+strconv.Itoa(maxMedia)+" pictures.")
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

// fileKindOptions are the files to choose from.
func fileKindOptions() (list []adminui.Option) {
	for _, kind := range fileKinds {
		list = append(list, adminui.Option{Value: kind.Name, Text: kind.Title})
	}
	return list
}
