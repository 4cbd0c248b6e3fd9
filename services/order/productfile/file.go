// Package productfile reads and writes files of products: CSV as spreadsheets save it, the shop's own columns and those
// of Shopify's export, and what is wrong in which line. What a file changes in the catalog is package order's.
package productfile

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

// Row is a row of a file.
type Row struct {
	Line   int
	values map[Column]string // of the columns that the file has
}

// Value is what a row has in a column; "" for nothing.
func (r Row) Value(column Column) string { return r.values[column] }

// HasSKU reports whether a row says anything of a SKU.
func (r Row) HasSKU() bool {
	for _, column := range []Column{SKU, Code, Color, Size, SKUText, Price, Stock, Grams} {
		if r.values[column] != "" {
			return true
		}
	}
	return false
}

// Fault is what is wrong with a place of a file.
type Fault struct {
	Line   int    `json:"line"`
	Column string `json:"column"` // as the file calls it
	Text   string `json:"text"`
}

const (
	// MaxBytes is the largest file that is read, maxRows the longest.
	MaxBytes = 24 << 20
	maxRows  = 100_000
	// maxColumns bounds a row: a file of nothing but commas would take many times its size.
	maxColumns = 200
	// maxName is how many characters of a name an error, or the list of columns left out, repeats.
	maxName = 100
	// MaxFaults is how many errors of a file are kept.
	MaxFaults = 500
)

// File is a file as it was read.
type File struct {
	Shopify    bool // it is an export of Shopify
	Rows       []Row
	Ignored    []string // columns that the shop does not know
	Faults     []Fault  // the rows are whole where there are none
	MoreFaults int      // errors that are not kept

	columns []Column          // that the shop knows, in their order
	called  map[Column]string // what the file calls them
}

// AddFault notes what is wrong with a place, or with a whole row where the column is "".
func (f *File) AddFault(row Row, column Column, text string) {
	called := string(column)
	if name := f.called[column]; name != "" {
		called = name
	}
	f.fault(row.Line, called, "%s", text)
}

// fault notes what is wrong with a place. Columns are told as the file calls them.
func (f *File) fault(line int, called, format string, args ...any) {
	if len(f.Faults) == MaxFaults {
		f.MoreFaults++
		return
	}
	f.Faults = append(f.Faults, Fault{line, pg.Clip(called, maxName), fmt.Sprintf(format, args...)})
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
			if values++; values > maxColumns {
				return start
			}
		}
	}
	return 0
}

// Read reads a CSV file as spreadsheets write them (text.go).
func Read(body []byte) (f *File) {
	f = &File{called: map[Column]string{}}
	if len(body) > MaxBytes {
		f.fault(1, "", "The file has more than %d MB.", MaxBytes>>20)
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
		f.fault(line, "", "A row has at most %d values.", maxColumns)
		return f
	}
	head, err := reader.Read()
	if err != nil {
		f.fault(1, "", "The file has no columns.")
		return f
	}

	line, _ := reader.FieldPos(0)
	names := f.readHead(line, slices.Clone(head))
	if len(f.Faults) == 0 {
		f.readRows(reader, names)
	}
	return f
}

// readHead reads the names of columns; "" stands for one that is not known.
func (f *File) readHead(line int, head []string) (names []Column) {
	called := make([]string, len(head))
	for i := range head {
		called[i] = strings.TrimSpace(head[i])
		head[i] = strings.ToLower(called[i])
	}

	f.Shopify = slices.Contains(head, "handle") || slices.Contains(head, "url handle")
	known := map[Column]bool{}
	for _, kind := range Kinds {
		for _, column := range kind.Columns {
			known[column] = true
		}
	}

	for _, more := range []Column{Picture, PictureText, ColorName, SizeName} {
		known[more] = true
	}
	for i, name := range head {
		column := Column(name)
		if f.Shopify {
			column = shopifyColumns[name]
		}
		if !known[column] && !shopifyOnly[column] {
			column = ""
			if name != "" { // spreadsheets save empty columns, too
				f.Ignored = append(f.Ignored, pg.Clip(name, maxName))
			}
		}
		if column != "" && f.called[column] != "" {
			f.fault(line, called[i], "The column is there twice.")
		} else if column != "" {
			f.columns, f.called[column] = append(f.columns, column), called[i]
		}
		names = append(names, column)
	}

	if !slices.ContainsFunc(f.columns, func(c Column) bool {
		return c == Product || c == Address || c == SKU || c == Code
	}) {
		f.fault(line, "", "None of the columns says which product or SKU a row is about: %s, %s, %s or %s.", Product,
			Address, SKU, Code)
	}
	return names
}

// readRows reads the rows below the head.
func (f *File) readRows(reader *csv.Reader, names []Column) {
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
		if len(f.Rows) == maxRows {
			f.fault(line, "", "A file has at most %d rows.", maxRows)
			return
		}

		row := Row{Line: line, values: make(map[Column]string, len(f.columns))}
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
		if f.Shopify {
			row.fromShopify()
		}
		if !empty {
			f.Rows = append(f.Rows, row)
		}
	}
}
