package order

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Columns of a file of products. A row is a SKU with its product, or a product alone; what a file has no column for,
// or leaves empty, stays as it is.
const (
	colProduct     = "product" // identifier
	colTitle       = "title"
	colAddress     = "address" // title_url
	colHeadline    = "headline"
	colText        = "text"
	colMoreText    = "more_text"
	colState       = "state" // draft or published
	colCollections = "collections"
	colPicture     = "picture"
	colAlt         = "picture_text"
	colColorName   = "option_1_name"
	colSizeName    = "option_2_name"
	colSKU         = "sku" // its id
	colCode        = "article_number"
	colColor       = "option_1"
	colSize        = "option_2"
	colSKUText     = "sku_text"
	colPrice       = "price"
	colPriceWas    = "price_was" // when the file was made: a price that is the same in both stays as it is now
	colStock       = "pieces"
	colStockWas    = "pieces_was" // when the file was made: the count is changed by the difference
	colStockState  = "stock_state"
	colBackOrders  = "back_orders"
	colGrams       = "grams"     // what a piece weighs
	colGramsWas    = "grams_was" // when the file was made, as for prices
)

// fileKinds are the files that go out and come in, each with its columns. The first columns find the row.
var fileKinds = []struct {
	Name, Title string
	Columns     []string
}{
	{"products", "Products", []string{colProduct, colAddress, colTitle, colHeadline, colText, colMoreText, colState,
		colCollections}},
	{"skus", "SKUs", []string{colProduct, colSKU, colCode, colColor, colSize, colSKUText, colPrice,
		colPriceWas, colStock, colStockWas, colStockState, colBackOrders, colGrams, colGramsWas}},
	{"prices", "Prices", []string{colSKU, colCode, colProduct, colColor, colSize, colPrice, colPriceWas}},
	{"stock", "Stock", []string{colSKU, colCode, colProduct, colColor, colSize, colStock, colStockWas}},
}

// fileRow is a row of a file.
type fileRow struct {
	line   int
	values map[string]string // by column, of those that the file has
}

// fileFault is what is wrong with a place of a file.
type fileFault struct {
	Line   int    `json:"line"`
	Column string `json:"column"`
	Text   string `json:"text"`
}

const (
	// maxImportBytes is the largest file that is read, maxImportRows the longest.
	maxImportBytes = 24 << 20
	maxImportRows  = 100_000
	// maxImportColumns bounds a row: a file of nothing but commas would take many times its size.
	maxImportColumns = 200
	// maxQuoted is how many characters of a value or a name an error, or the list of columns left out, repeats.
	maxQuoted = 100
)

// productFile is a file as it was read.
type productFile struct {
	shopify bool
	columns []string          // that the shop knows, in their order
	called  map[string]string // what the file calls them
	ignored []string          // that it does not
	rows    []fileRow
	faults  []fileFault
	more    int // errors that are not kept
}

// fault notes what is wrong with a place. Columns are told as the file calls them.
func (f *productFile) fault(line int, column, format string, args ...any) {
	if len(f.faults) == maxFaults {
		f.more++
		return
	}
	f.faults = append(f.faults, fileFault{line, pg.Clip(column, maxQuoted), fmt.Sprintf(format, args...)})
}

// tooWide is the line of the first row with too many values; 0 for none. It is looked for before rows are read, as the
// reader takes a whole row at once.
func tooWide(body []byte, comma rune) int {
	line, start, values, quoted := 1, 1, 1, false
	for _, c := range body {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n':
			if line++; !quoted {
				start, values = line, 1
			}
		case rune(c) == comma && !quoted:
			if values++; values > maxImportColumns {
				return start
			}
		}
	}
	return 0
}

// readProductFile reads a CSV file as spreadsheets write them (import_text.go).
func readProductFile(body []byte) (f *productFile) {
	f = &productFile{called: map[string]string{}}
	if len(body) > maxImportBytes {
		f.fault(1, "", "The file has more than %d MB.", maxImportBytes>>20)
		return f
	}
	text, ok := plainText(body)
	if !ok {
		line, column := brokenPlace(text)
		f.fault(line, column, "This is not UTF-8 text. Save the file as “CSV UTF-8”.")
		return f
	}
	text, comma := separator(text)
	reader := csv.NewReader(bytes.NewReader(text))
	reader.FieldsPerRecord, reader.ReuseRecord, reader.Comma = -1, true, comma
	if line := tooWide(text, comma); line > 0 {
		f.fault(line, "", "A row has at most %d values.", maxImportColumns)
		return f
	}
	head, err := reader.Read()
	if err != nil {
		f.fault(1, "", "The file has no columns.")
		return f
	}
	line, _ := reader.FieldPos(0)
	names := f.readHead(line, slices.Clone(head))
	if len(f.faults) == 0 {
		f.readRows(reader, names)
	}
	return f
}

// readHead reads the names of columns; "" stands for one that is not known.
func (f *productFile) readHead(line int, head []string) (names []string) {
	called := make([]string, len(head))
	for i := range head {
		called[i] = strings.TrimSpace(head[i])
		head[i] = strings.ToLower(called[i])
	}
	f.shopify = slices.Contains(head, "handle") || slices.Contains(head, "url handle")
	known := map[string]bool{}
	for _, kind := range fileKinds {
		for _, column := range kind.Columns {
			known[column] = true
		}
	}
	for _, more := range []string{colPicture, colAlt, colColorName, colSizeName} {
		known[more] = true
	}
	for i, name := range head {
		column := name
		if f.shopify {
			column = shopifyColumns[name]
		}
		if !known[column] && !shopifyOnly[column] {
			column = ""
			if name != "" { // spreadsheets save empty columns, too
				f.ignored = append(f.ignored, pg.Clip(name, maxQuoted))
			}
		}
		if column != "" && f.called[column] != "" {
			f.fault(line, called[i], "The column is there twice.")
		} else if column != "" {
			f.columns, f.called[column] = append(f.columns, column), called[i]
		}
		names = append(names, column)
	}
	if !slices.ContainsFunc(f.columns, func(c string) bool {
		return c == colProduct || c == colAddress || c == colSKU || c == colCode
	}) {
		f.fault(line, "", "None of the columns says which product or SKU a row is about: %s, %s, %s or %s.", colProduct,
			colAddress, colSKU, colCode)
	}
	return names
}

// readRows reads the rows below the head.
func (f *productFile) readRows(reader *csv.Reader, names []string) {
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if wrong, ok := errors.AsType[*csv.ParseError](err); ok {
			f.fault(wrong.Line, "", "This is not CSV: %s.", strings.TrimPrefix(wrong.Err.Error(), "csv: "))
			return
		} else if err != nil {
			f.fault(0, "", "The file cannot be read.")
			return
		}
		line, _ := reader.FieldPos(0)
		if len(f.rows) == maxImportRows {
			f.fault(line, "", "A file has at most %d rows.", maxImportRows)
			return
		}
		row := fileRow{line: line, values: make(map[string]string, len(f.columns))}
		empty, surplus := true, false
		for i, value := range record {
			value = strings.TrimSpace(adminui.WithoutTurns(value))
			empty = empty && value == ""
			if i < len(names) && names[i] != "" {
				row.values[names[i]] = printout.FromCell(value)
			}
			surplus = surplus || i >= len(names) && value != ""
		}
		if surplus {
			f.fault(line, "", "The row has more values than the file has columns.")
		}
		if f.shopify {
			row.fromShopify()
		}
		if !empty {
			f.rows = append(f.rows, row)
		}
	}
}
