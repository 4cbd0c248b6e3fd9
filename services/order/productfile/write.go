package productfile

import (
	"io"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Item is a SKU with its product, or a product alone, to be written into a file. Numbers that are
// nil are left empty.
type Item struct {
	Product, Title, Address, Headline, Text, MoreText, State, Collections string
	SKU                                                                   *int64 // nil for a product alone
	Code, Color, Size, SKUText, StockState                                string
	Price                                                                 *int64 // in cents
	Stock                                                                 *int32
	BackOrder                                                             bool
	Grams                                                                 *int32
}

// Write writes items as a file of a kind.
func Write(w io.Writer, kind Kind, items []Item) error {
	head := make([]string, len(kind.Columns))
	for i, column := range kind.Columns {
		head[i] = string(column)
	}
	lines := [][]string{head}
	for _, item := range items {
		line := make([]string, len(kind.Columns))
		for i, column := range kind.Columns {
			line[i] = item.value(column)
		}
		lines = append(lines, line)
	}
	return printout.CSV(w, lines) //nolint:wrapcheck // the caller names the file
}

func centsText(cents *int64) string {
	if cents == nil {
		return ""
	}
	return money.Cents(*cents).String()
}

func countText(count *int32) string {
	if count == nil {
		return ""
	}
	return strconv.Itoa(int(*count))
}

// value is the value of an item in a column. Only SKUs of the shop have the values at the time of
// the export.
func (i Item) value(column Column) string {
	if i.SKU == nil && (column == PriceWas || column == StockWas || column == GramsWas) {
		return ""
	}
	switch column {
	case Price, PriceWas:
		return centsText(i.Price)
	case Stock, StockWas:
		return countText(i.Stock)
	case Grams, GramsWas:
		return countText(i.Grams)
	case SKU:
		if i.SKU == nil {
			return ""
		}
		return web.ID(*i.SKU)
	case BackOrders:
		if i.BackOrder {
			return "yes"
		}
		return "no"
	}

	return map[Column]string{Product: i.Product, Title: i.Title, Address: i.Address, Headline: i.Headline, Text: i.Text,
		MoreText: i.MoreText, State: i.State, Collections: i.Collections, Code: i.Code, Color: i.Color, Size: i.Size,
		SKUText: i.SKUText, StockState: i.StockState}[column]
}
