package order

import (
	"strconv"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/productfile"
)

// readSKU reads a row's values for a SKU.
func (p *importPlan) readSKU(row productfile.Row, product *importProduct, known *knownSKU) {
	color, size, text := row.Value(productfile.Color), row.Value(productfile.Size), row.Value(productfile.SKUText)
	if known == nil && product.known != nil {
		for _, k := range p.index.ofProduct[product.ID] {
			if k.Color == color && k.Size == size && (k.Text == text || row.Value(productfile.SKUText) == "") {
				known = k
				break
			}
		}
	}

	key := product.Identifier + "\x00" + color + "\x00" + size + "\x00" + text
	if known != nil {
		key = web.ID(known.ID)
	}
	if line := p.seen[key]; line != 0 {
		p.fault(row, "", "This SKU is in line "+strconv.Itoa(line)+" already.")
		return
	}

	p.seen[key] = row.Line
	product.skus++
	sku := &importSKU{Product: product.ID, of: product, known: known}
	was := known
	if was == nil {
		was = &knownSKU{State: "in-stock"}
		if len(p.index.ofProduct[product.ID])+product.skus > maxSKUs {
			p.fault(row, "", "A product has at most "+strconv.Itoa(maxSKUs)+" SKUs.")
		}
	} else {
		sku.ID = known.ID
	}

	p.text(row, productfile.Color, 500, was.Color, &sku.Color)
	p.text(row, productfile.Size, 500, was.Size, &sku.Size)
	p.text(row, productfile.SKUText, 1000, was.Text, &sku.Text)
	p.readCode(row, sku, was)
	p.readSKUState(row, sku, was)
	p.readPrice(row, sku, was)
	p.readCount(row, sku, was)
	p.readWeight(row, sku, was)
	p.skus = append(p.skus, sku)
}

func (p *importPlan) readCode(row productfile.Row, sku *importSKU, was *knownSKU) {
	code := row.Value(productfile.Code)
	switch {
	case productfile.Shortened(code):
		p.fault(row, productfile.Code, "A spreadsheet has shortened this number. Set the column to text there.")
		return
	case sku.known != nil && code != was.Code && code != "" && code == strings.TrimLeft(was.Code, "0"):
		return // a spreadsheet has changed it into a number
	}
	p.text(row, productfile.Code, 100, was.Code, &sku.Code)
	if sku.Code == nil || *sku.Code == "" {
		return
	}
	if p.index.byCode[*sku.Code] != nil || p.codes[*sku.Code] {
		p.fault(row, productfile.Code, "Another SKU has this article number.")
	}
	p.codes[*sku.Code] = true
}

func (p *importPlan) readSKUState(row productfile.Row, sku *importSKU, was *knownSKU) {
	if state := row.Value(productfile.StockState); state != "" && state != was.State {
		if sku.State = &state; !p.index.states[state] {
			p.fault(row, productfile.StockState, "The shop has no such stock state.")
		}
	}
	if text := strings.ToLower(row.Value(productfile.BackOrders)); text != "" {
		yes := text == "yes"
		if !yes && text != "no" {
			p.fault(row, productfile.BackOrders, "Yes or no.")
		} else if yes != was.BackOrder {
			sku.BackOrder = &yes
		}
	}
}

// changes reports whether there is anything to store.
func (sku *importSKU) changes() bool {
	return sku.known == nil || sku.Code != nil || sku.Color != nil || sku.Size != nil || sku.Text != nil ||
		sku.State != nil || sku.BackOrder != nil || sku.Price != nil || sku.Sale != nil || sku.Stock != nil ||
		sku.Grams != nil
}
