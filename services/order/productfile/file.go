// Package productfile reads and writes files of products: CSV as spreadsheets save it, with the
// shop's own columns or those of Shopify's export, and reports errors with their lines. The effect
// of a file on the catalog is up to package order.
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
	values map[Column]string // for the columns that the file has
}

// Value is the value of a row in a column; "" if there is none.
func (r Row) Value(column Column) string { return r.values[column] }

// HasSKU reports whether a row has a value about a SKU.
func (r Row) HasSKU() bool {
	for _, column := range []Column{SKU, Code, Color, Size, SKUText, Price, Stock, Grams} {
		if r.values[column] != "" {
			return true
		}
	}
	return false
}

// Fault is an error in a file.
type Fault struct {
	Line   int    `json:"line"`
	Column string `json:"column"` // as the file names it
	Text   string `json:"text"`
}

const (
	// MaxBytes is the size of the largest file that is read, maxRows the number of rows of the
	// longest.
	MaxBytes = 24 << 20
	maxRows  = 100_000
	// maxColumns bounds a row: a file of nothing but commas would take many times its size.
	maxColumns = 200
	// maxName is how many characters of a name are shown in errors and in the list of ignored
	// columns.
	maxName = 100
	// MaxFaults is how many errors of a file are reported.
	MaxFaults = 500
)

// File is the content of a file.
type File struct {
	Shopify    bool // it is an export from Shopify
	Rows       []Row
	Ignored    []string // columns that the shop does not know
	Faults     []Fault  // if there are none the rows are complete
	MoreFaults int      // number of errors that are not in Faults

	columns []Column          // the known columns, in their order
	called  map[Column]string // their names in the file
}

// AddFault adds an error about a value, or about a whole row if column is "".
func (f *File) AddFault(row Row, column Column, text string) {
	called := string(column)
	if name := f.called[column]; name != "" {
		called = name
	}
	f.fault(row.Line, called, "%s", text)
}

// fault adds an error about a value. Columns are named as in the file.
func (f *File) fault(line int, called, format string, args ...any) {
	if len(f.Faults) == MaxFaults {
		f.MoreFaults++
		return
	}
	f.Faults = append(f.Faults, Fault{line, pg.Clip(called, maxName), fmt.Sprintf(format, args...)})
}

// tooWide is the line of the first row with too many values; 0 if there is none. It is checked
// before rows are read, because the reader reads a whole row into memory.
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
		f.fault(1, "", "The file is larger than %d MB.", MaxBytes>>20)
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

// readHead reads the names of the columns; "" stands for an unknown one.
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
			f.fault(line, called[i], "The column appears twice.")
		} else if column != "" {
			f.columns, f.called[column] = append(f.columns, column), called[i]
		}
		names = append(names, column)
	}

	if !slices.ContainsFunc(f.columns, func(c Column) bool {
		return c == Product || c == Address || c == SKU || c == Code
	}) {
		f.fault(line, "", "No column says which product or SKU a row is about: %s, %s, %s or %s.", Product,
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
