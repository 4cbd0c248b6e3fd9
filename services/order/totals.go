package order

import (
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// groundShipping is the only method that a free-shipping code pays for.
const groundShipping = "USPSRetailGround"

// pricedLine is what a line of a cart adds to the total.
type pricedLine struct {
	Price    money.Cents
	Quantity int
}

// codeTerms is what a discount code does.
type codeTerms struct {
	ID           int64
	AppliesTo    string      // item_total, shipping, subscription
	Action       string      // percent-off, dollar-amt-off, …
	Amount       money.Cents // hundredths of a per cent, or cents
	OrderMinimum money.Cents
	Combinable   bool
	// Counts says that the code is inside its time and its limits of uses now.
	Counts bool
}

// active says whether a code is inside its window at a moment, both ends included.
func active(start, end, now time.Time) bool { return !now.Before(start) && !now.After(end) }

// totals are the amounts of a cart, each rounded once; Total is their sum.
type totals struct {
	ItemSubtotal, ItemDiscount, ShippingSubtotal, ShippingDiscount, Total money.Cents
	// Applied says for each code whether it counted. It is the flag that is shown.
	Applied map[int64]bool
}

// computeTotals is the only place where amounts are made: cart, quote, Stripe's session, order and
// mail all use its result. Codes come in the order of their application. Rules (contract, section
// 10): the first code for items that is not combinable decides the discount, even when its minimum
// is not met; any code for shipping whose minimum is met takes the price of USPS Retail Ground off,
// once; a code that does not count any more is passed over. shipping is nil when none is chosen.
func computeTotals(lines []pricedLine, codes []codeTerms, shipping *shippingMethod) totals {
	t := totals{Applied: make(map[int64]bool, len(codes))}
	for _, l := range lines {
		t.ItemSubtotal += l.Price.Times(l.Quantity)
	}
	if shipping != nil {
		t.ShippingSubtotal = shipping.Cost
	}
	var itemDecided, shippingFree, exclusiveSeen bool
	for _, c := range codes {
		if !c.Counts {
			continue
		}
		met := t.ItemSubtotal >= c.OrderMinimum
		switch c.AppliesTo {
		case "item_total":
			if c.Combinable || itemDecided {
				break
			}
			itemDecided = true
			if met {
				t.ItemDiscount = itemDiscount(c, t.ItemSubtotal)
				t.Applied[c.ID] = true
			}
		case "shipping":
			if met && !shippingFree && shipping != nil && shipping.Identifier == groundShipping {
				shippingFree = true
				t.ShippingDiscount = t.ShippingSubtotal
				t.Applied[c.ID] = true
			}
		default: // subscriptions change no amount
			t.Applied[c.ID] = met && (c.Combinable || !exclusiveSeen)
		}
		exclusiveSeen = exclusiveSeen || !c.Combinable
	}
	t.Total = t.ItemSubtotal - t.ItemDiscount + t.ShippingSubtotal - t.ShippingDiscount
	return t
}

// itemDiscount never takes off more than there is.
func itemDiscount(c codeTerms, subtotal money.Cents) money.Cents {
	switch c.Action {
	case "percent-off":
		return min(subtotal.Percent(c.Amount), subtotal)
	case "dollar-amt-off":
		return min(c.Amount, subtotal)
	}
	return 0
}
