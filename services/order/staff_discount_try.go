package order

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// discountPreview is the result of a cart with a code, computed by the function that computes all
// amounts.
type discountPreview struct {
	Problem          string        `json:"problem,omitempty"` // with the typed cart
	Lines            []previewLine `json:"lines"`
	Shipping         string        `json:"shipping,omitempty"`
	ItemSubtotal     money.Cents   `json:"item_subtotal"`
	ItemDiscount     money.Cents   `json:"item_discount"`
	ShippingSubtotal money.Cents   `json:"shipping_subtotal"`
	ShippingDiscount money.Cents   `json:"shipping_discount"`
	Total            money.Cents   `json:"total"`
	Applied          bool          `json:"applied"`
	Why              string        `json:"why,omitempty"` // the code was not applied, or would not be today
}

// previewDiscount computes the typed cart. A code that is not valid today is treated as if it were.
func (s *server) previewDiscount(ctx context.Context, p discountPage) (*discountPreview, error) {
	pieces, ok := readPreviewCart(p.Cart)
	if !ok {
		return &discountPreview{Problem: "Enter SKUs and pieces, such as 6 x 2, 7 x 1.", Lines: []previewLine{}}, nil
	}

	skus := make([]int64, 0, len(pieces))
	for sku := range pieces {
		skus = append(skus, sku)
	}
	d := p.Discount.discount
	lines, err := previewLines(ctx, s.pool, d.ID, skus)
	if err != nil {
		return nil, err
	}

	out := &discountPreview{Lines: lines}
	if len(lines) < len(pieces) {
		out.Problem = "Some of these SKUs are not for sale."
	}
	var priced []pricedLine
	var only []int64
	if d.Restricted {
		only = []int64{}
	}

	for i, l := range lines {
		out.Lines[i].Pieces = pieces[l.SKU]
		priced = append(priced, pricedLine{SKU: l.SKU, Price: l.Price, Quantity: pieces[l.SKU], Grams: l.Grams})
		if d.Restricted && l.InScope {
			only = append(only, l.SKU)
		}
	}

	var shipping *shippingMethod
	for _, m := range p.Methods {
		if m.Identifier == p.Shipping {
			shipping, out.Shipping = &m, m.Carrier
		}
	}

	code := d.applied(only)
	terms := code.terms(time.Now())
	terms.Counts = true
	t := computeTotals(priced, []codeTerms{terms}, shipping)
	out.ItemSubtotal, out.ItemDiscount, out.Total = t.ItemSubtotal, t.ItemDiscount, t.Total
	out.ShippingSubtotal, out.ShippingDiscount, out.Applied = t.ShippingSubtotal, t.ShippingDiscount, t.Applied[d.ID]
	out.Why = d.whyNot(t, only, shipping)
	return out, nil
}

// whyNot explains why a code takes nothing off, or would not today.
func (d discount) whyNot(t totals, only []int64, shipping *shippingMethod) string {
	switch {
	case d.state(time.Now()) == discountEnded:
		return "The code has ended; this is what it would have given."
	case d.state(time.Now()) == discountScheduled:
		return "The code is not valid yet; this is what it will give."
	case d.state(time.Now()) == discountUsedUp:
		return "The code is used up; this is what it would have given."
	case t.Applied[d.ID]:
		return ""
	case t.ItemSubtotal < d.OrderMinimum:
		return "The order minimum of " + d.OrderMinimum.String() + " is not met."
	case d.Restricted && len(only) == 0:
		return "None of these SKUs is one that the code is for."
	case d.AppliesTo == "shipping" && (shipping == nil || shipping.Identifier != groundShipping):
		return "The code covers USPS Retail Ground only."
	case d.void():
		return "Under the shop's rules a combinable code for items takes nothing off. Make it not combinable."
	}
	return ""
}

// maxPreview is how many lines a cart for trying out may have.
const maxPreview = 50

// readPreviewCart reads SKUs with pieces: "6 x 2, 7".
func readPreviewCart(text string) (map[int64]int, bool) {
	pieces := map[int64]int{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
		sku, many, counted := strings.Cut(strings.NewReplacer("×", "x", "*", "x").Replace(part), "x")
		number, ok := rowID(strings.TrimSpace(sku))
		n := 1
		if counted {
			var err error
			n, err = strconv.Atoi(strings.TrimSpace(many))
			ok = ok && err == nil
		}
		if !ok || n < 1 || pieces[number]+n > maxPieces || len(pieces) > maxPreview {
			return nil, false
		}
		pieces[number] += n
	}
	return pieces, len(pieces) > 0
}
