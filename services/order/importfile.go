package order

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/microcosm-cc/bluemonday"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
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
)

// fileKinds are the files that go out and come in, each with its columns. The first columns find the row.
var fileKinds = []struct {
	Name, Title string
	Columns     []string
}{
	{"products", "Products", []string{colProduct, colAddress, colTitle, colHeadline, colText, colMoreText, colState,
		colCollections}},
	{"skus", "SKUs", []string{colProduct, colSKU, colCode, colColor, colSize, colSKUText, colPrice,
		colPriceWas, colStock, colStockWas, colStockState, colBackOrders}},
	{"prices", "Prices", []string{colSKU, colCode, colProduct, colColor, colSize, colPrice, colPriceWas}},
	{"stock", "Stock", []string{colSKU, colCode, colProduct, colColor, colSize, colStock, colStockWas}},
}

// shopifyColumns are the columns of Shopify's product CSV that the shop has a place for
// (https://help.shopify.com/en/manual/products/import-export/using-csv); the others are left out.
var shopifyColumns = map[string]string{
	"handle": colAddress, "url handle": colAddress, "title": colTitle, "body (html)": colText, "description": colText,
	"status": colState, "published": "published", "option1 name": colColorName, "option1 value": colColor,
	"option2 name": colSizeName, "option2 value": colSize, "option3 value": colSKUText, "variant sku": colCode,
	"sku": colCode, "variant price": colPrice, "price": colPrice, "variant inventory qty": colStock,
	"inventory quantity": colStock, "variant inventory policy": colBackOrders,
	"continue selling when out of stock": colBackOrders, "image src": colPicture, "product image url": colPicture,
	"image alt text": colAlt,
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
	// mostImportBytes is the largest file that is read, mostImportRows the longest.
	mostImportBytes = 24 << 20
	mostImportRows  = 100_000
	// mostImportColumns bounds a row: a file of nothing but commas would take many times its size.
	mostImportColumns = 200
	// mostQuoted is how many characters of a value or a name an error, or the list of columns left out, repeats.
	mostQuoted = 100
)

// productFile is a file as it was read.
type productFile struct {
	shopify bool
	columns []string // that the shop knows, in their order
	ignored []string // that it does not
	rows    []fileRow
	faults  []fileFault
	more    int // errors that are not kept
}

func (f *productFile) fault(line int, column, format string, args ...any) {
	if len(f.faults) == mostFaults {
		f.more++
		return
	}
	f.faults = append(f.faults, fileFault{line, pg.Clip(column, mostQuoted), fmt.Sprintf(format, args...)})
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
			if values++; values > mostImportColumns {
				return start
			}
		}
	}
	return 0
}

// readProductFile reads a CSV file: commas, semicolons or tabs between its values, as spreadsheets write them.
func readProductFile(body []byte) (f *productFile) {
	f = &productFile{}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	switch {
	case len(body) > mostImportBytes:
		f.fault(1, "", "The file has more than %d MB.", mostImportBytes>>20)
		return f
	case !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0:
		f.fault(1, "", "The file is not UTF-8 text. Save it as “CSV UTF-8”.")
		return f
	}
	first, _, _ := bytes.Cut(body, []byte("\n"))
	reader := csv.NewReader(bytes.NewReader(body))
	reader.FieldsPerRecord, reader.ReuseRecord = -1, true
	for _, comma := range ";\t" {
		if bytes.Count(first, []byte(string(comma))) > bytes.Count(first, []byte(string(reader.Comma))) {
			reader.Comma = comma
		}
	}
	if line := tooWide(body, reader.Comma); line > 0 {
		f.fault(line, "", "A row has at most %d values.", mostImportColumns)
		return f
	}
	head, err := reader.Read()
	if err != nil {
		f.fault(1, "", "The file has no columns.")
		return f
	}
	names := f.readHead(slices.Clone(head))
	if len(f.faults) == 0 {
		f.readRows(reader, names)
	}
	return f
}

// readHead reads the names of columns; "" stands for one that is not known.
func (f *productFile) readHead(head []string) (names []string) {
	for i := range head {
		head[i] = strings.ToLower(strings.TrimSpace(head[i]))
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
	for _, name := range head {
		column := name
		if f.shopify {
			column = shopifyColumns[name]
		}
		if !known[column] && column != "published" {
			f.ignored, column = append(f.ignored, pg.Clip(name, mostQuoted)), ""
		}
		if column != "" && slices.Contains(f.columns, column) {
			f.fault(1, name, "The column is there twice.")
		} else if column != "" {
			f.columns = append(f.columns, column)
		}
		names = append(names, column)
	}
	if !slices.ContainsFunc(f.columns, func(c string) bool {
		return c == colProduct || c == colAddress || c == colSKU || c == colCode
	}) {
		f.fault(1, "", "None of the columns says which product or SKU a row is about: %s, %s, %s or %s.", colProduct,
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
		if len(f.rows) == mostImportRows {
			f.fault(line, "", "A file has at most %d rows.", mostImportRows)
			return
		}
		row := fileRow{line: line, values: make(map[string]string, len(f.columns))}
		empty, surplus := true, false
		for i, value := range record {
			value = strings.TrimSpace(value)
			empty = empty && value == ""
			if i < len(names) && names[i] != "" {
				row.values[names[i]] = armed(value)
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

// armed takes away the mark with which files of the shop keep values from acting in a spreadsheet (pkg/printout).
func armed(value string) string {
	if len(value) > 1 && value[0] == '\'' && strings.ContainsRune("=+-@\t\r", rune(value[1])) {
		return value[1:]
	}
	return value
}

// fromShopify puts values in this shop's words.
func (r *fileRow) fromShopify() {
	if state, there := r.values[colState]; there && state != "" {
		r.values[colState] = map[string]string{"active": "published"}[strings.ToLower(state)]
		if r.values[colState] == "" {
			r.values[colState] = "draft"
		}
	} else if published := r.values["published"]; published != "" {
		r.values[colState] = map[bool]string{true: "published", false: "draft"}[strings.EqualFold(published, "true")]
	}
	switch strings.ToLower(r.values[colBackOrders]) {
	case "continue", "true":
		r.values[colBackOrders] = "yes"
	case "deny", "false":
		r.values[colBackOrders] = "no"
	}
	if r.values[colColor] == "Default Title" { // a product without options
		r.values[colColor] = ""
	}
	if r.values[colColorName] == "Title" {
		r.values[colColorName] = ""
	}
	if text := r.values[colText]; text != "" {
		r.values[colText] = fromHTML(text)
	}
	if r.values[colTitle] == "" { // said in the first row of a product alone
		delete(r.values, colState)
	}
}

var (
	strict     = bluemonday.StrictPolicy()
	paragraph  = regexp.MustCompile(`(?i)</(p|div|h[1-6]|ul|ol|table)>|<br\s*/?>\s*<br\s*/?>`)
	item       = regexp.MustCompile(`(?i)<li[^>]*>`)
	lineBreak  = regexp.MustCompile(`(?i)<br\s*/?>`)
	manyBreaks = regexp.MustCompile(`\n{3,}`)
)

// fromHTML makes Markdown of HTML: its words, paragraphs and lists.
func fromHTML(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = paragraph.ReplaceAllString(text, "\n\n")
	text = item.ReplaceAllString(text, "\n- ")
	text = lineBreak.ReplaceAllString(text, "\n")
	lines := strings.Split(html.UnescapeString(strict.Sanitize(text)), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.TrimSpace(manyBreaks.ReplaceAllString(strings.Join(lines, "\n"), "\n\n"))
}
