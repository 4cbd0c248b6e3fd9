package order

import (
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

func (p *importPlan) readPrice(row productfile.Row, sku *importSKU, was *knownSKU) {
	text := row.Value(productfile.Price)
	if text == "" {
		if sku.known == nil {
			p.fault(row, productfile.Price, "A new SKU needs a price.")
		}
		return
	}
	price, err := productfile.ParseAmount(text)
	if err != nil || price < 1 || price > stripe.MaxTotal {
		p.fault(row, productfile.Price, "An amount such as 12.50, at most "+stripe.MaxTotal.String()+".")
		return
	}

	if text := row.Value(productfile.PriceWas); text != "" && sku.known != nil {
		before, err := productfile.ParseAmount(text)
		if err != nil {
			p.fault(row, productfile.PriceWas, "An amount, as it was when the file was made.")
		}
		if before == price {
			return
		}
	}

	price, sale := p.readSale(row, price)
	if cents := int64(price); was.Price == nil || *was.Price != cents {
		sku.Price = &cents
	}
	if cents := int64(sale); sale > 0 && (was.Sale == nil || *was.Sale != cents) {
		sku.Sale = &cents
	}
}

// readSale returns the regular price and the sale price, which is 0 without a sale, from a price
// and the higher one that Shopify compares it with. Such sales have no end. A file without the
// comparison does not end a sale: an empty value says nothing.
func (p *importPlan) readSale(row productfile.Row, price money.Cents) (regular, sale money.Cents) {
	text := row.Value(productfile.ComparePrice)
	if text == "" {
		return price, 0
	}
	compared, err := productfile.ParseAmount(text)
	switch {
	case err != nil || compared > stripe.MaxTotal:
		p.fault(row, productfile.ComparePrice, "An amount such as 12.50, at most "+stripe.MaxTotal.String()+".")
	case compared > price:
		return compared, price
	}
	return price, 0
}

func (p *importPlan) readCount(row productfile.Row, sku *importSKU, was *knownSKU) {
	text, back := row.Value(productfile.Stock), was.BackOrder
	if sku.BackOrder != nil {
		back = *sku.BackOrder
	}
	if text == "" {
		if !back && was.Stock != nil && *was.Stock < 0 {
			p.fault(row, productfile.BackOrders,
				"It is oversold: allow back orders, or count again.")
		}
		return
	}

	count, ok := readStockCount(text)
	before, hasBefore := readStockCount(row.Value(productfile.StockWas))
	switch {
	case !ok:
		p.fault(row, productfile.Stock, "A whole number.")
	case row.Value(productfile.StockWas) != "" && !hasBefore:
		p.fault(row, productfile.StockWas, "A whole number, as it was when the file was made.")
	case count < 0 && !back:
		p.fault(row, productfile.Stock, "Only SKUs on back order can be below zero.")
	case was.Stock == nil:
		sku.Stock = &count
	case hasBefore:
		if count != before {
			p.differs = append(p.differs, importCount{row: row, SKU: sku.ID, Was: before, Count: count})
		}
		p.countBy(row, sku, *was.Stock, int64(count)-int64(before), back)
	default:
		p.countBy(row, sku, *was.Stock, int64(count)-int64(*was.Stock), back)
	}
}

// countBy changes a count by some pieces. Pieces that were sold since the file was made cannot be
// taken away again: without back orders a count ends at 0.
func (p *importPlan) countBy(row productfile.Row, sku *importSKU, now int32, pieces int64, back bool) {
	after := int64(now) + pieces
	if !back {
		after = max(after, 0)
	}
	if after > maxStock || after < minStock && pieces < 0 {
		p.fault(row, productfile.Stock, "The count would be out of range.")
		return
	}
	//nolint:gosec // two counts that staff can give, and what is sold of them
	if count, change := int32(after), int32(after-int64(now)); change != 0 {
		sku.Stock, sku.Change = &count, &change
	}
}

// readWeight reads the weight of one piece. If the file has the weight that it was exported with,
// the current weight stays, so that a file does not undo later changes.
func (p *importPlan) readWeight(row productfile.Row, sku *importSKU, was *knownSKU) {
	text := row.Value(productfile.Grams)
	if text == "" {
		return
	}
	grams, ok := readGrams(text)
	if !ok {
		p.fault(row, productfile.Grams,
			"Grams, or a number with kg, oz or lb, at most "+strconv.Itoa(maxGrams)+" grams.")
		return
	}
	if text := row.Value(productfile.GramsWas); text != "" && sku.known != nil {
		before, ok := readGrams(text)
		if !ok {
			p.fault(row, productfile.GramsWas, "A weight, as it was when the file was made.")
		}
		if before == grams {
			return
		}
	}
	if was.Grams == nil || *was.Grams != grams {
		sku.Grams = &grams
	}
}

// readGrams reads a valid weight of one piece.
func readGrams(text string) (int32, bool) {
	grams, ok := productfile.ParseGrams(text)
	return int32(min(grams, maxGrams)), ok && grams <= maxGrams //nolint:gosec // bounded
}
